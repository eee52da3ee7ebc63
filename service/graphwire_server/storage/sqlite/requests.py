"""Request keys in SQLite (design, promise 9).

Owns the rows of keys, which runs of both kinds share. Each function is part of a transaction. The invariant: a key whose time has passed is as if it were not
there, whether its row is or not.
"""

import sqlite3
from datetime import datetime

from graphwire_server.core.errors import RequestReused
from graphwire_server.core.model import RequestKey
from graphwire_server.storage.sqlite.rows import ticks

EXPIRE_ROWS = 2000
"""The most keys that `expire` deletes at a time."""

KNOWN = "SELECT fingerprint, run_id FROM requests WHERE request_id = ? AND expires_at > ?"
ADD = "INSERT OR REPLACE INTO requests (request_id, fingerprint, run_id, expires_at) VALUES (?, ?, ?, ?)"
EXPIRE = """
DELETE FROM requests WHERE request_id IN (SELECT request_id FROM requests WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)
"""
NEXT_EXPIRY = "SELECT min(expires_at) FROM requests"


def known(connection: sqlite3.Connection, key: RequestKey) -> str | None:
    """The run of an earlier request with the key, or None. Raises RequestReused where that was another request."""
    row = connection.execute(KNOWN, (key.request_id, ticks(key.now))).fetchone()
    if row is None:
        return None
    fingerprint, run_id = row
    if fingerprint != key.fingerprint:
        raise RequestReused(key.request_id, run_id)
    return str(run_id)


def add(connection: sqlite3.Connection, key: RequestKey, run_id: str) -> None:
    """Remembers a key, in place of one whose time has passed."""
    connection.execute(ADD, (key.request_id, key.fingerprint, run_id, ticks(key.expires_at)))


def expire(connection: sqlite3.Connection, now: datetime) -> bool:
    """Deletes keys whose time has passed, up to a bound. Returns whether there may be more."""
    return connection.execute(EXPIRE, (ticks(now), EXPIRE_ROWS)).rowcount == EXPIRE_ROWS


def next_expiry(connection: sqlite3.Connection) -> int | None:
    """When the next key passes its time, in the ticks of a column; None where none will."""
    found: int | None = connection.execute(NEXT_EXPIRY).fetchone()[0]
    return found
