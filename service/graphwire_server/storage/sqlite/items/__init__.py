"""The store of the embedded engine: items in a file of their own, in the data directory."""
