"""What a server's database holds, as a program beside it sees it.

Owns looking at the file alone; it never writes.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from graphwire_server.storage.sqlite.database import DATABASE_FILE


def rows(data_dir: Path, thread_id: str) -> set[tuple[str, ...]]:
    """All that is kept of a thread's checkpoints."""
    found = set()
    with closing(sqlite3.connect(data_dir / DATABASE_FILE)) as connection:
        for table in ("checkpoints", "writes"):
            kept = connection.execute(f"SELECT '{table}', * FROM {table} WHERE thread_id = ?", (thread_id,))  # noqa: S608  the name is one of ours
            found |= {tuple(str(value) for value in row) for row in kept}
    return found
