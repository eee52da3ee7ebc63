"""The Python client of graphwire."""
