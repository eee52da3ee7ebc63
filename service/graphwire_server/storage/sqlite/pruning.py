"""Removing threads and old checkpoints in SQLite.

Owns the `Pruner` port: what is due, and the parts in which a long thread loses its old checkpoints. Each part is a transaction that first looks whether it may
still be done.
"""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from graphwire_server.core.model import Thread, ThreadStatus
from graphwire_server.core.pruning import Outlook, Swept
from graphwire_server.core.ttl import TtlStrategy
from graphwire_server.storage.latest import Stays, stays
from graphwire_server.storage.sqlite import checkpoint_rows
from graphwire_server.storage.sqlite.database import Database
from graphwire_server.storage.sqlite.rows import ticks, time_of
from graphwire_server.storage.sqlite.tables import Tables
from graphwire_server.storage.sqlite.turns import Turns
from graphwire_server.storage.sqlite.undo import NAMESPACES

PART_ROWS = 200
"""The most checkpoints that go in one transaction, so that the event loop is not held for long."""

PART_BYTES = 1 << 20
"""About how much they weigh at most, but for the last. Their pages are freed one by one."""

# `ttl IS NOT NULL` is the condition of the index `threads_expiring`; without it that is not used.
ANY = "SELECT 1 FROM threads WHERE ttl IS NOT NULL LIMIT 1"
NEXT = "SELECT min(expires_at) FROM threads WHERE ttl IS NOT NULL"
DUE = """
SELECT thread_id FROM threads WHERE ttl IS NOT NULL AND expires_at <= ? AND status <> 'busy' ORDER BY expires_at LIMIT ?
"""
EXPIRES_AT = "SELECT expires_at FROM threads WHERE thread_id = ?"
TRIMMED = "UPDATE threads SET expires_at = NULL WHERE thread_id = ?"
NEWEST = """
SELECT checkpoint_id, metadata FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ? ORDER BY checkpoint_id DESC LIMIT 1
"""
OLD = """
SELECT checkpoint_id, length(checkpoint) + (
    SELECT total(length(value)) FROM writes
    WHERE writes.thread_id = checkpoints.thread_id AND writes.checkpoint_ns = checkpoints.checkpoint_ns
      AND writes.checkpoint_id = checkpoints.checkpoint_id
)
FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id < ? ORDER BY checkpoint_id LIMIT ?
"""
DROP_CHECKPOINTS = "DELETE FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id <= ?"
DROP_WRITES = "DELETE FROM writes WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id <= ?"
UNTIE = """
UPDATE checkpoints SET parent_checkpoint_id = NULL
WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ? AND parent_checkpoint_id IS NOT NULL
"""
_LAST = "~"
"""Behind every id: these are hexadecimal."""


class SqlitePruner:
    """The `Pruner` port on a database.

    Args:
        database: Where the rows are; it stays its opener's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tables = Tables(stateless=False)
        self._turns = Turns(self._tables)

    async def outlook(self) -> Outlook:
        """What will pass its time (port `Pruner`)."""

        def look(connection: sqlite3.Connection) -> Outlook:
            found = connection.execute(NEXT).fetchone()[0]
            known = found is not None or connection.execute(ANY).fetchone() is not None
            return Outlook(any=known, next=None if found is None else time_of(found))

        return await self._database.query(look)

    async def due_threads(self, now: datetime, limit: int) -> Sequence[str]:
        """The threads whose time has passed and on which no run is (port `Pruner`)."""
        return await self._database.query(
            lambda connection: [str(row[0]) for row in connection.execute(DUE, (ticks(now), limit))]
        )

    async def expire_thread(self, thread_id: str, now: datetime) -> Swept | None:
        """Removes what goes of a thread whose time has passed, or a part of it (port `Pruner`)."""
        return await self._database.write(lambda connection: self._expire(connection, thread_id, now), PART_BYTES)

    async def trim_thread(self, thread_id: str) -> bool:
        """Removes a part of a thread's states that are not its latest (port `Pruner`)."""

        def trim(connection: sqlite3.Connection) -> bool:
            self._tables.free(connection, thread_id, "the removal of its states")
            return trim_part(connection, thread_id)

        return await self._database.write(trim, PART_BYTES)

    def _expire(self, connection: sqlite3.Connection, thread_id: str, now: datetime) -> Swept | None:
        thread = self._due(connection, thread_id, now)
        if thread is None or thread.ttl is None:
            return None
        if thread.ttl.strategy is TtlStrategy.DELETE:
            self._turns.delete_thread(connection, thread_id)
            return Swept(deleted=True)
        if trim_part(connection, thread_id):
            return Swept(deleted=False, more=True)
        connection.execute(TRIMMED, (thread_id,))
        return Swept(deleted=False)

    def _due(self, connection: sqlite3.Connection, thread_id: str, now: datetime) -> Thread | None:
        row = connection.execute(EXPIRES_AT, (thread_id,)).fetchone()
        if row is None or row[0] is None or row[0] > ticks(now):
            return None
        thread = self._tables.known(connection, thread_id)
        return None if thread.status is ThreadStatus.BUSY else thread


def trim_part(connection: sqlite3.Connection, thread_id: str) -> bool:
    """Removes a part of a thread's checkpoints that nobody needs to go on from its latest state. Returns whether there may be more."""
    root_id, room = checkpoint_rows.last_id(connection, thread_id), _Room(PART_ROWS, PART_BYTES)
    for (ns,) in connection.execute(NAMESPACES, {"thread_id": thread_id}).fetchall():
        newest, metadata = connection.execute(NEWEST, (thread_id, ns)).fetchone()
        kept = stays(ns, json.loads(metadata or b"{}"), root_id)
        if kept is Stays.ALL:
            continue
        if not _drop_below(connection, thread_id, ns, newest if kept is Stays.NEWEST else _LAST, room):
            return True
        if kept is Stays.NEWEST:
            connection.execute(UNTIE, (thread_id, ns, newest))
    return False


@dataclass(slots=True)
class _Room:
    """How much more may go in this transaction."""

    rows: int
    weight: int


def _drop_below(connection: sqlite3.Connection, thread_id: str, ns: str, bound: str, room: _Room) -> bool:
    """Removes the checkpoints of a namespace that are older than one, the oldest first, as far as there is room. Returns whether all went."""
    through, whole = None, True
    with closing(connection.execute(OLD, (thread_id, ns, bound, room.rows + 1))) as found:
        for checkpoint_id, size in found:
            if room.rows <= 0 or room.weight <= 0:
                whole = False
                break
            through, room.rows, room.weight = checkpoint_id, room.rows - 1, room.weight - int(size)
    if through is not None:
        connection.execute(DROP_WRITES, (thread_id, ns, through))
        connection.execute(DROP_CHECKPOINTS, (thread_id, ns, through))
    return whole
