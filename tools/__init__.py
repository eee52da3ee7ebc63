"""Programs of the house: what `make` runs, and nothing that is installed."""
