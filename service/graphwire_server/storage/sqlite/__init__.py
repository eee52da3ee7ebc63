"""The embedded engine: rows and checkpoints in one SQLite file. Its README has what it promises and what it does not."""
