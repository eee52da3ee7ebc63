"""The tables of items.

Owns the file's schema and how a connection to it is made. The driver is apsw, since most Pythons from python.org cannot load what searches vectors, and since the
SQLite that comes with it is new whatever the machine has. The file is read and written through it alone: two SQLites in one process must not share a file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from graphwire_server.core.errors import StoreUnavailable
from graphwire_server.storage.sqlite.directory import DatabaseTooNew, DataDirUnusable

FILE = "store.sqlite"
"""The name of the file in the data directory."""

LONGEST_INDEXED = 256
"""The most characters of a text, and of a key, by which items are found without looking at each."""

PATIENCE = 5000
"""For how many milliseconds a connection waits for a lock of another program."""

MOST_FIELDS = 200
"""An object with more fields is in no index of values."""

_ADD = f"""
    INSERT INTO fields
    SELECT key, CASE type WHEN 'true' THEN x'01' WHEN 'false' THEN x'00' ELSE atom END, new.updated_at, new.id
    FROM json_each(new.value)
    WHERE NOT new.wide AND type IN ('text', 'integer', 'real', 'true', 'false')
        AND length(key) <= {LONGEST_INDEXED} AND length(atom) <= {LONGEST_INDEXED};
"""  # noqa: S608  no part of it is a caller's text
_REMOVE = "DELETE FROM fields WHERE item = old.id;"

MIGRATIONS: tuple[tuple[str, str], ...] = (
    (
        "items, their values by field, their vectors, and the namespaces that have some",
        f"""
        CREATE TABLE items (
            id INTEGER PRIMARY KEY,
            namespace TEXT NOT NULL,
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            ttl INTEGER,
            expires_at INTEGER,
            wide INTEGER NOT NULL,
            UNIQUE (namespace, key)
        ) STRICT;
        CREATE INDEX items_by_namespace ON items (namespace, updated_at, expires_at);
        CREATE INDEX items_by_time ON items (updated_at, namespace);
        CREATE INDEX items_by_end ON items (expires_at) WHERE expires_at IS NOT NULL;
        CREATE INDEX items_wide ON items (id) WHERE wide;
        CREATE TABLE fields (field TEXT, value, updated_at INTEGER, item INTEGER, PRIMARY KEY (field, value, updated_at, item)) WITHOUT ROWID;
        CREATE INDEX fields_by_item ON fields (item);
        CREATE TABLE namespaces (name TEXT NOT NULL PRIMARY KEY, items INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE vectors (item INTEGER NOT NULL, path TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (item, path)) STRICT, WITHOUT ROWID;
        CREATE TRIGGER item_added AFTER INSERT ON items BEGIN
            {_ADD}
            INSERT INTO namespaces VALUES (new.namespace, 1) ON CONFLICT (name) DO UPDATE SET items = items + 1;
        END;
        CREATE TRIGGER item_changed AFTER UPDATE OF value, updated_at, wide ON items BEGIN
            {_REMOVE}
            {_ADD}
        END;
        CREATE TRIGGER item_removed AFTER DELETE ON items BEGIN
            {_REMOVE}
            DELETE FROM vectors WHERE item = old.id;
            UPDATE namespaces SET items = items - 1 WHERE name = old.namespace;
            DELETE FROM namespaces WHERE name = old.namespace AND items = 0;
        END;
        """,  # noqa: S608  as above
    ),
)
"""Name and statements of each step. `PRAGMA user_version` is the number of steps that a file has had. Times, and lengths of time, are microseconds."""

_DEFECTS = (apsw.ConstraintError, apsw.SQLError, apsw.MisuseError, apsw.RangeError, apsw.BindingsError)


@contextmanager
def converting() -> Iterator[None]:
    """Raises StoreUnavailable in place of the driver's errors. A misuse of the driver is a defect of the server, and stays what it is."""
    try:
        yield
    except apsw.Error as error:
        if isinstance(error, _DEFECTS):
            raise
        raise StoreUnavailable("the data store does not answer; try again") from error


def prepare(directory: Path) -> Path:
    """Makes the file ready for this version, and returns its path.

    Raises:
        DatabaseTooNew: A newer version has written it.
        DataDirUnusable: It is not a database, or cannot be written.
    """
    path = directory / FILE
    try:
        connection = connect(path)
        try:
            (found,) = next(connection.execute("PRAGMA user_version"))
            if found > len(MIGRATIONS):
                raise DatabaseTooNew(directory, found, len(MIGRATIONS))
            for number, (_, statements) in enumerate(MIGRATIONS[found:], start=found + 1):
                with connection:
                    connection.execute(f"{statements} PRAGMA user_version = {number}")
        finally:
            connection.close()
    except apsw.Error as error:
        raise DataDirUnusable(directory, error) from error
    return path


def connect(path: Path, *, read_only: bool = False) -> apsw.Connection:
    """A connection that waits for a while for a lock of another program."""
    flags = apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    connection = apsw.Connection(str(path), flags=flags)
    connection.set_busy_timeout(PATIENCE)
    if not read_only:
        # One by one: the driver stops at the first row of several statements until somebody reads on.
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL"):
            connection.execute(f"PRAGMA {pragma}")
    return connection


def with_vectors(connection: apsw.Connection) -> apsw.Connection:
    """The connection, with the functions on vectors."""
    import sqlite_vec  # noqa: PLC0415  it imports numpy where that is there, and most servers search no vectors

    connection.enable_load_extension(True)
    connection.load_extension(sqlite_vec.loadable_path())
    connection.enable_load_extension(False)
    return connection
