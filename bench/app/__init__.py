"""The graphs that are measured, by the server and bare."""
