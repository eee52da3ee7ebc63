"""The memory engine: rows and checkpoints in dictionaries, for stateless runs and for tests. Nothing outlives the process."""
