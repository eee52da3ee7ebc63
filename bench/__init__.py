"""Measures of graphwire beside the bare graph. `python -m bench` runs them all and prints one table."""
