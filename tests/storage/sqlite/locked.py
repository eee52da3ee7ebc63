"""Another program that has the database locked, and settings that make waiting for it short."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

from graphwire_server.storage.sqlite.database import DATABASE_FILE, Settings
from graphwire_server.storage.sqlite.group import Patience

FIRST = timedelta(milliseconds=1)
IMPATIENT = Settings(patience=Patience(first=FIRST, longest=FIRST, total=timedelta(milliseconds=20), held=3))
PATIENT = Settings(patience=Patience(first=FIRST, longest=FIRST, total=timedelta(seconds=15)))


@contextmanager
def other_program(directory: Path) -> Iterator[sqlite3.Connection]:
    """A connection of another program, without implicit transactions."""
    with closing(sqlite3.connect(directory / DATABASE_FILE, timeout=30, isolation_level=None)) as connection:
        yield connection


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    with other_program(directory) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")
