"""Ways in which a server's store goes away for a while: locked by another program, on a disk that is full, or unable to take checkpoints.

Owns the doing and the undoing; each is for a block.
"""

import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psutil

from graphwire_server.storage.sqlite.database import DATABASE_FILE
from tests.faults.process import ServerProcess
from tests.storage.sqlite.locked import locked as locked_directory
from tests.storage.sqlite.locked import other_program

Away = Callable[[ServerProcess], AbstractContextManager[None]]
"""Takes the store of a server away for a block."""

LOCKED = "locked"
FULL = "full"


def locked(process: ServerProcess) -> AbstractContextManager[None]:
    """Another program holds the database's lock."""
    return locked_directory(process.data_dir)


@contextmanager
def full(process: ServerProcess) -> Iterator[None]:
    """The server's files can grow no more. What the kernel answers is not `no space` but `too large`; SQLite fails at the same places."""
    server = psutil.Process(process.pid)
    before = server.rlimit(psutil.RLIMIT_FSIZE)
    size = Path(f"{process.data_dir / DATABASE_FILE}-wal").stat().st_size  # all that is written goes to its end
    server.rlimit(psutil.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        server.rlimit(psutil.RLIMIT_FSIZE, before)


@contextmanager
def without_numbers(process: ServerProcess) -> Iterator[None]:
    """The numbers of terminal events of runs that never started are not written; all else is. The server may die meanwhile."""
    with other_program(process.data_dir) as connection:
        connection.execute(
            """
            CREATE TRIGGER refuse BEFORE UPDATE OF last_seq ON runs WHEN OLD.status = 'interrupted'
            BEGIN SELECT RAISE(ABORT, 'no'); END
            """
        )
        yield
        _insisting(connection, "DROP TRIGGER refuse")


@contextmanager
def without_checkpoints(process: ServerProcess) -> Iterator[None]:
    """Rows are written, checkpoints are not."""
    with other_program(process.data_dir) as connection:
        connection.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON checkpoints BEGIN INSERT INTO nowhere VALUES (1); END"
        )
        yield
        _insisting(connection, "DROP TRIGGER refuse")


def _insisting(connection: sqlite3.Connection, statement: str) -> None:
    connection.execute("PRAGMA busy_timeout = 30000")
    connection.execute(statement)


AWAY: dict[str, Away] = {LOCKED: locked, FULL: full}
