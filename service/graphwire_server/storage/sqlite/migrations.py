"""The schema, as the numbered steps that lead to it.

Owns the tables of threads, runs, kept events and deliveries; those of checkpoints are made by the library that owns them. A step that was released never
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
    (
        "the whole life of a run",
        (
            "ALTER TABLE threads ADD COLUMN standing TEXT NOT NULL DEFAULT 'idle'",
            "UPDATE threads SET standing = status WHERE status <> 'busy'",
            "ALTER TABLE runs ADD COLUMN due_at INTEGER",
            "ALTER TABLE runs ADD COLUMN started_at INTEGER",
            "ALTER TABLE runs ADD COLUMN cancel TEXT",
            "ALTER TABLE runs ADD COLUMN losses INTEGER NOT NULL DEFAULT 0",
            "UPDATE runs SET started_at = created_at WHERE first_seq > 0",
            """
            CREATE INDEX runs_unnumbered ON runs (thread_id)
            WHERE last_seq = 0 AND status NOT IN ('pending', 'running')
            """,
            # The rows of stateless runs are many and live for moments: as few trees to write to as can be.
            """
            CREATE TABLE stateless_threads (
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
                reserved_seq INTEGER NOT NULL,
                standing TEXT NOT NULL
            ) WITHOUT ROWID
            """,
            """
            CREATE TABLE stateless_runs (
                run_id TEXT NOT NULL PRIMARY KEY,
                thread_id TEXT NOT NULL REFERENCES stateless_threads (thread_id) ON DELETE CASCADE,
                assistant_id TEXT NOT NULL,
                graph_id TEXT NOT NULL,
                status TEXT NOT NULL,
                created_at INTEGER NOT NULL,
                updated_at INTEGER NOT NULL,
                spec TEXT NOT NULL,
                attempt INTEGER NOT NULL,
                outcome TEXT,
                first_seq INTEGER NOT NULL,
                last_seq INTEGER NOT NULL,
                due_at INTEGER,
                started_at INTEGER,
                cancel TEXT,
                losses INTEGER NOT NULL
            ) WITHOUT ROWID
            """,
            "CREATE INDEX stateless_runs_of_thread ON stateless_runs (thread_id)",
            """
            CREATE TABLE events (
                thread_id TEXT NOT NULL,
                first_seq INTEGER NOT NULL,
                last_seq INTEGER NOT NULL,
                bytes INTEGER NOT NULL,
                batch BLOB NOT NULL
            )
            """,
            # It has all but the batches, which are long: who looks for a row, or for what to delete, reads no page of those.
            "CREATE UNIQUE INDEX events_of_thread ON events (thread_id, last_seq, first_seq, bytes)",
            """
            CREATE TABLE kept_runs (
                run_id TEXT NOT NULL PRIMARY KEY,
                thread_id TEXT NOT NULL,
                first_seq INTEGER NOT NULL,
                last_seq INTEGER NOT NULL,
                expires_at INTEGER NOT NULL
            ) WITHOUT ROWID
            """,
            "CREATE INDEX kept_runs_of_thread ON kept_runs (thread_id, last_seq)",
            "CREATE INDEX kept_runs_by_time ON kept_runs (expires_at)",
            """
            CREATE TABLE requests (
                request_id TEXT NOT NULL PRIMARY KEY,
                fingerprint TEXT NOT NULL,
                run_id TEXT NOT NULL,
                expires_at INTEGER NOT NULL
            ) WITHOUT ROWID
            """,
            "CREATE INDEX requests_by_time ON requests (expires_at)",
            """
            CREATE TABLE preserved_writes (
                run_id TEXT NOT NULL,
                thread_id TEXT NOT NULL,
                checkpoint_ns TEXT NOT NULL,
                checkpoint_id TEXT NOT NULL,
                task_id TEXT NOT NULL,
                task_path TEXT NOT NULL,
                idx INTEGER NOT NULL,
                channel TEXT NOT NULL,
                type TEXT,
                value BLOB,
                PRIMARY KEY (run_id, thread_id, checkpoint_ns, checkpoint_id, task_id, idx)
            )
            """,
        ),
    ),
    (
        "deliveries of webhooks",
        (
            """
            CREATE TABLE deliveries (
                run_id TEXT NOT NULL PRIMARY KEY,
                thread_id TEXT NOT NULL,
                host TEXT NOT NULL,
                url TEXT NOT NULL,
                state TEXT NOT NULL,
                attempts INTEGER NOT NULL,
                next_at INTEGER,
                attempted_at INTEGER,
                settled_at INTEGER,
                status INTEGER,
                error TEXT NOT NULL,
                run TEXT
            )
            """,
            "CREATE INDEX deliveries_pending ON deliveries (next_at) WHERE state = 'pending'",
            "CREATE INDEX deliveries_of_thread ON deliveries (thread_id)",
        ),
    ),
    (
        "assistants",
        (
            # `version` is the one that runs, `newest` the highest that was ever made.
            """
            CREATE TABLE assistants (
                assistant_id TEXT NOT NULL PRIMARY KEY,
                created_at INTEGER NOT NULL,
                version INTEGER NOT NULL,
                newest INTEGER NOT NULL
            ) WITHOUT ROWID
            """,
            """
            CREATE TABLE assistant_versions (
                assistant_id TEXT NOT NULL REFERENCES assistants (assistant_id) ON DELETE CASCADE,
                version INTEGER NOT NULL,
                updated_at INTEGER NOT NULL,
                graph_id TEXT NOT NULL,
                name TEXT NOT NULL,
                folded TEXT NOT NULL,
                description TEXT NOT NULL,
                config TEXT NOT NULL,
                context TEXT,
                metadata TEXT NOT NULL,
                PRIMARY KEY (assistant_id, version)
            ) WITHOUT ROWID
            """,
        ),
    ),
    (
        "the life of threads",
        (
            *(
                f"ALTER TABLE {threads} ADD COLUMN {column}"
                for threads in ("threads", "stateless_threads")
                for column in ("ttl TEXT", "expires_at INTEGER", "state_updated_at INTEGER", "config TEXT")
            ),
            "UPDATE threads SET state_updated_at = updated_at WHERE graph_id IS NOT NULL",
            "CREATE INDEX threads_expiring ON threads (expires_at) WHERE ttl IS NOT NULL",
        ),
    ),
    (
        "crons",
        (
            # The crons of a thread go with it.
            """
            CREATE TABLE crons (
                cron_id TEXT NOT NULL PRIMARY KEY,
                assistant_id TEXT NOT NULL,
                thread_id TEXT REFERENCES threads (thread_id) ON DELETE CASCADE,
                schedule TEXT NOT NULL,
                timezone TEXT,
                end_time INTEGER,
                enabled INTEGER NOT NULL,
                next_at INTEGER,
                created_at INTEGER NOT NULL,
                updated_at INTEGER NOT NULL,
                metadata TEXT NOT NULL,
                spec TEXT NOT NULL,
                fired_at INTEGER,
                last_run_id TEXT,
                problem TEXT
            )
            """,
            "CREATE INDEX crons_by_time ON crons (next_at)",
            "CREATE INDEX crons_of_thread ON crons (thread_id)",
        ),
    ),
    (
        "values that are searched",
        (
            """
            CREATE TABLE searched_values (
                thread_id TEXT NOT NULL PRIMARY KEY REFERENCES threads (thread_id) ON DELETE CASCADE,
                checkpoint_id TEXT NOT NULL,
                text TEXT
            )
            """,
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
