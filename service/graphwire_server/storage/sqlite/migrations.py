"""The schema, as the numbered steps that lead to it.

Owns the tables of threads and runs; those of checkpoints are made by the library that owns them. A step that was released never
changes: what comes next is a new step. Each runs in a transaction together with its number, so a crash between two leaves neither half.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from langgraph.checkpoint.sqlite import SqliteSaver

from graphwire_server.storage.sqlite.directory import DatabaseTooNew, DataDirUnusable

MIGRATIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "threads and runs",
        (
            """
            CREATE TABLE threads (
                thread_id TEXT NOT NULL PRIMARY KEY,
                created_at INTEGER NOT NULL,
                updated_at INTEGER NOT NULL,
                status TEXT NOT NULL,
                metadata TEXT NOT NULL,
                graph_id TEXT,
                assistant_id TEXT,
                interrupts TEXT NOT NULL,
                error TEXT,
                last_seq INTEGER NOT NULL,
                reserved_seq INTEGER NOT NULL
            )
            """,
            "CREATE INDEX threads_created ON threads (created_at, thread_id)",
            "CREATE INDEX threads_updated ON threads (updated_at, thread_id)",
            """
            CREATE TABLE runs (
                run_id TEXT NOT NULL PRIMARY KEY,
                thread_id TEXT NOT NULL REFERENCES threads (thread_id) ON DELETE CASCADE,
                assistant_id TEXT NOT NULL,
                graph_id TEXT NOT NULL,
                status TEXT NOT NULL,
                created_at INTEGER NOT NULL,
                updated_at INTEGER NOT NULL,
                spec TEXT NOT NULL,
                attempt INTEGER NOT NULL,
                outcome TEXT,
                first_seq INTEGER NOT NULL,
                last_seq INTEGER NOT NULL
            )
            """,
            "CREATE INDEX runs_of_thread ON runs (thread_id, created_at, run_id)",
            "CREATE INDEX runs_active ON runs (thread_id, created_at, run_id) WHERE status IN ('pending', 'running')",
        ),
    ),
)
"""Name and statements of each step. `PRAGMA user_version` is the number of steps that a database has had. Times are microseconds
since 1970 in UTC."""


def prepare(directory: Path, path: Path, migrations: Sequence[tuple[str, Sequence[str]]] = MIGRATIONS) -> None:
    """Makes a database ready for this version, on a connection of its own.

    Raises:
        DatabaseTooNew: A newer version has written it.
        DataDirUnusable: It is not a database, or cannot be written.
    """
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            found = version(connection)
            if found > len(migrations):
                raise DatabaseTooNew(directory, found, len(migrations))
            # The library's own tables, made here because its setup commits, which must not happen inside a group.
            SqliteSaver(connection).setup()
            for number, (_, statements) in enumerate(migrations[found:], start=found + 1):
                _apply(connection, number, statements)
    except sqlite3.Error as error:
        raise DataDirUnusable(directory, error) from error


def version(connection: sqlite3.Connection) -> int:
    """How many steps a database has had."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _apply(connection: sqlite3.Connection, number: int, statements: Sequence[str]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
    except sqlite3.Error:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
