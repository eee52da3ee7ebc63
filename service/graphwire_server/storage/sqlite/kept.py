"""Kept events in SQLite.

Owns the rows of batches and of the runs whose events are kept until a time. Each function is part of a transaction. The invariant: what a row says of its
first and last number is true, and rows may overlap, as a write that was cut off and is repeated makes them; a reader sees each number once.
"""

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from graphwire_server.core.events import Event
from graphwire_server.core.model import Run
from graphwire_server.storage.batches import UnknownBatch, pack, unpack
from graphwire_server.storage.sqlite.rows import ticks

_log = logging.getLogger(__name__)

ROW_EVENTS = 256
"""The most events of one row: who reads from the middle of it reads all of it."""

ROW_BYTES = 64 << 10
"""How much the events of one row weigh at most, but for a single one that is heavier."""

READ_ROWS = 200
"""The most rows that are read at a time, on the event loop: those of a slow run have an event each, and cost as much as many events of one row (some 15 us)."""

EXPIRE_ROWS = 500
"""The most rows that `expire` deletes at a time, so that the event loop is not held for long."""

EXPIRE_BYTES = 1 << 20
"""About how much those rows weigh at most; one always goes. Their pages are freed one by one (some 6 ms)."""

ADD = "INSERT OR REPLACE INTO events (thread_id, first_seq, last_seq, bytes, batch) VALUES (?, ?, ?, ?, ?)"
DROP_THROUGH = "DELETE FROM events WHERE thread_id = :thread_id AND last_seq <= :last_seq"
CUT = """
UPDATE events SET first_seq = :last_seq + 1
WHERE thread_id = :thread_id AND first_seq <= :last_seq
  AND last_seq = (SELECT min(last_seq) FROM events WHERE thread_id = :thread_id AND last_seq > :last_seq)
"""
READ = "SELECT first_seq, batch FROM events WHERE thread_id = ? AND last_seq > ? ORDER BY last_seq, first_seq LIMIT ?"
NEWEST = "SELECT last_seq FROM events WHERE thread_id = ? ORDER BY last_seq DESC LIMIT 1"
BATCHES_BACK = "SELECT batch FROM events WHERE thread_id = ? ORDER BY last_seq DESC"
DROP_RUN = """
DELETE FROM events WHERE thread_id = :thread_id AND first_seq >= :first_seq AND last_seq BETWEEN :first_seq AND :last_seq
"""
DROP_THREAD = "DELETE FROM events WHERE thread_id = ?"
RETAIN = "INSERT OR REPLACE INTO kept_runs (run_id, thread_id, first_seq, last_seq, expires_at) VALUES (?, ?, ?, ?, ?)"
RELEASE_RUN = "DELETE FROM kept_runs WHERE run_id = ?"
RELEASE_THREAD = "DELETE FROM kept_runs WHERE thread_id = ?"
EXPIRED = """
SELECT run_id, thread_id, first_seq, last_seq FROM kept_runs WHERE expires_at <= ? ORDER BY expires_at, last_seq LIMIT ?
"""
NEXT_EXPIRY = "SELECT min(expires_at) FROM kept_runs"
# What is older than a run and belongs to no run that is still kept goes with it: events that nobody's end tells an expiry of.
KEPT_BELOW = "SELECT max(last_seq) FROM kept_runs WHERE thread_id = ? AND last_seq < ? AND expires_at > ?"
BATCHES = """
SELECT last_seq, bytes FROM events WHERE thread_id = ? AND last_seq > ? AND last_seq <= ? ORDER BY last_seq LIMIT ?
"""
DROP_BETWEEN = "DELETE FROM events WHERE thread_id = ? AND last_seq > ? AND last_seq <= ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """Events as rows, made before the transaction. `size` is how many bytes they have."""

    rows: Sequence[tuple[str, int, int, int, bytes]]
    size: int


def batches(thread_id: str, events: Sequence[Event]) -> Batches:
    """The rows of consecutive events of a thread."""
    rows = []
    for part in _parts(events):
        weight = sum(event.weight for event in part)
        rows.append((thread_id, part[0].seq, part[-1].seq, weight, pack(part)))
    return Batches(rows=rows, size=sum(len(row[-1]) for row in rows))


def _parts(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    start, weight = 0, 0
    for index, event in enumerate(events):
        if index > start and (index - start == ROW_EVENTS or weight + event.weight > ROW_BYTES):
            yield events[start:index]
            start, weight = index, 0
        weight += event.weight
    if events:
        yield events[start:]


def add(connection: sqlite3.Connection, made: Batches) -> None:
    """Adds rows."""
    for row in made.rows:
        connection.execute(ADD, row)


def drop_through(connection: sqlite3.Connection, thread_id: str, last_seq: int) -> None:
    """Drops a thread's events up to a number, that one included."""
    bounds = {"thread_id": thread_id, "last_seq": last_seq}
    connection.execute(DROP_THROUGH, bounds)
    connection.execute(CUT, bounds)


def read(connection: sqlite3.Connection, thread_id: str, after_seq: int, max_bytes: int) -> Sequence[Event]:
    """Events that are consecutive from `after_seq` + 1: as many as weigh `max_bytes`, or fewer, and at least one where that one is kept."""
    found: list[Event] = []
    seq, room = after_seq, max_bytes
    with closing(connection.execute(READ, (thread_id, after_seq, READ_ROWS))) as rows:
        for first_seq, batch in rows:
            if first_seq > seq + 1:
                break
            for event in _unpacked(batch, thread_id):
                if event.seq <= seq:
                    continue
                room -= event.weight
                if event.seq != seq + 1 or (room < 0 and found):
                    return found
                found.append(event)
                seq = event.seq
    return found


def _unpacked(batch: bytes, thread_id: str) -> Sequence[Event]:
    try:
        return unpack(batch, thread_id)
    except UnknownBatch:
        _log.warning("kept events were written by a newer version", extra={"thread_id": thread_id})
        return ()


def newest(connection: sqlite3.Connection, thread_id: str) -> int:
    """The highest number of a thread's kept events; 0 where none are."""
    row = connection.execute(NEWEST, (thread_id,)).fetchone()
    return 0 if row is None else int(row[0])


def end_of(connection: sqlite3.Connection, run: Run) -> int:
    """The number of a run's terminal event; 0 where it is not kept. It reads what the thread has, the newest first."""
    with closing(connection.execute(BATCHES_BACK, (run.thread_id,))) as rows:
        for (batch,) in rows:
            for event in _unpacked(batch, run.thread_id):
                if event.run_id == run.run_id and event.payload.mode == "end":
                    return event.seq
    return 0


def retain(connection: sqlite3.Connection, run: Run, until: datetime) -> None:
    """Says until when the events of a run that has ended are kept."""
    first_seq, last_seq = _range(connection, run)
    if first_seq:
        connection.execute(RETAIN, (run.run_id, run.thread_id, first_seq, last_seq, ticks(until)))


def drop_run(connection: sqlite3.Connection, run: Run) -> None:
    """Drops the events of a run that has ended."""
    first_seq, last_seq = _range(connection, run)
    if first_seq:
        connection.execute(DROP_RUN, {"thread_id": run.thread_id, "first_seq": first_seq, "last_seq": last_seq})
        connection.execute(RELEASE_RUN, (run.run_id,))


def _range(connection: sqlite3.Connection, run: Run) -> tuple[int, int]:
    """The numbers of a run's events; the first is 0 where it has none. One that never started has its terminal event alone, once that is numbered."""
    return run.first_seq or run.last_seq, run.last_seq or newest(connection, run.thread_id)


def drop_thread(connection: sqlite3.Connection, thread_id: str) -> None:
    """Drops all events of a thread."""
    connection.execute(DROP_THREAD, (thread_id,))
    connection.execute(RELEASE_THREAD, (thread_id,))


def expire(connection: sqlite3.Connection, now: datetime) -> bool:
    """Drops events whose time has passed, up to a bound. Returns whether there may be more."""
    rows, room = EXPIRE_ROWS, EXPIRE_BYTES
    due = connection.execute(EXPIRED, (ticks(now), rows)).fetchall()
    for run_id, thread_id, first_seq, last_seq in due:
        below = connection.execute(KEPT_BELOW, (thread_id, first_seq, ticks(now))).fetchone()[0] or 0
        found = connection.execute(BATCHES, (thread_id, below, last_seq, rows + 1)).fetchall()
        through, taken, weight = _within(found, rows, room)
        if taken:
            connection.execute(DROP_BETWEEN, (thread_id, below, through))
        if taken < len(found):
            return True
        connection.execute(RELEASE_RUN, (run_id,))
        rows, room = rows - taken - 1, room - weight
        if rows <= 0 or room <= 0:
            return True
    return len(due) == EXPIRE_ROWS


def _within(found: Sequence[tuple[int, int]], rows: int, room: int) -> tuple[int, int, int]:
    """Up to which number rows may go, how many they are, and how much they weigh."""
    through = taken = weight = 0
    for last_seq, heavy in found[:rows]:
        if taken and weight + heavy > room:
            break
        through, taken, weight = last_seq, taken + 1, weight + heavy
    return through, taken, weight


def next_expiry(connection: sqlite3.Connection) -> int | None:
    """When the next events pass their time, in the ticks of a column; None where none will."""
    found: int | None = connection.execute(NEXT_EXPIRY).fetchone()[0]
    return found
