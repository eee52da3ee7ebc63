"""The values of threads' latest states, as searches compare them.

Owns a copy of them as JSON text, which is brought up to date when somebody searches: no run pays for it. Which checkpoint a text was made of is beside it, so an old one is
never taken for the latest, whatever has become of the thread since: another run, an edit, a rollback. The invariant: a search finds what is stored when it begins;
the copy decides only what that costs.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any

from langgraph.checkpoint.serde.base import SerializerProtocol

from graphwire_server.core.model import JsonObject
from graphwire_server.storage.containment import contains
from graphwire_server.storage.sqlite.codec import encode, parse
from graphwire_server.storage.sqlite.database import Database

MOST_BYTES = 64 << 10
"""The longest text that is kept. A longer one is made anew for each search."""

PART_ROWS = 100
"""The most states that are read at a time, so that other reads get between."""

PART_BYTES = 1 << 20
"""About how much of text is written at a time, on the event loop."""

_PLAIN = 10**15
"""Below it, numbers are written without an exponent."""

LATEST_ID = "(SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = threads.thread_id AND checkpoint_ns = '')"
LATEST = f"latest.thread_id = threads.thread_id AND latest.checkpoint_ns = '' AND latest.checkpoint_id = {LATEST_ID}"
# A state is parsed where it may match alone: SQLite evaluates both sides of an AND, but not all branches of a CASE (ten times as fast).
HAVING = f"""
coalesce(
    (
        SELECT CASE WHEN text IS NULL THEN NULL WHEN instr(text, :needle) = 0 THEN 0 ELSE contains(text, :values) END
        FROM searched_values AS kept WHERE kept.thread_id = threads.thread_id AND kept.checkpoint_id = {LATEST_ID}
    ),
    (SELECT state_contains(latest.type, latest.checkpoint, :values) FROM checkpoints AS latest WHERE {LATEST}),
    0
)
"""  # noqa: S608  its pieces are constants of this module
"""The condition on a thread: its latest state has what is asked for."""

STALE = f"""
SELECT threads.thread_id, latest.checkpoint_id, latest.type, latest.checkpoint
FROM threads JOIN checkpoints AS latest ON {LATEST} LEFT JOIN searched_values AS kept
    ON kept.thread_id = latest.thread_id AND kept.checkpoint_id = latest.checkpoint_id
WHERE threads.thread_id > :after AND kept.thread_id IS NULL
  AND (:status IS NULL OR threads.status = :status)
  AND (:ids IS NULL OR threads.thread_id IN (SELECT value FROM json_each(:ids)))
  AND (:metadata IS NULL OR contains(threads.metadata, :metadata))
ORDER BY threads.thread_id LIMIT :limit
"""  # noqa: S608  as above
KEEP = """
INSERT OR REPLACE INTO searched_values (thread_id, checkpoint_id, text)
SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM threads WHERE thread_id = ?1)
"""

ValuesText = Callable[[Mapping[str, Any]], bytes]
"""Makes JSON text of the values of a checkpoint's channels."""


class SearchedValues:
    """The values of the latest states of a database's threads.

    Args:
        database: Where they are; it stays its opener's.
        serde: How checkpoints are stored.
        text: How their values become text.
    """

    def __init__(self, database: Database, serde: SerializerProtocol, text: ValuesText) -> None:
        self._database = database
        self._serde = serde
        self._text = text
        database.define("state_contains", 3, self._contains)

    async def refresh(self, filters: Mapping[str, object]) -> None:
        """Brings the copy up to date for the threads that a query is about: part by part, each read on the reader's thread and written in a transaction.

        Args:
            filters: The query's parameters: status, ids, metadata.
        """
        after: str | None = ""
        while after is not None:
            rows, after = await self._database.query(self._reading({**filters, "after": after, "limit": PART_ROWS}))
            if rows:
                size = sum(len(text or "") for _, _, text in rows)
                await self._database.write(_keeping(rows), size)

    def _reading(
        self, parameters: Mapping[str, object]
    ) -> Callable[[sqlite3.Connection], tuple[list[tuple[str, str, str | None]], str | None]]:
        def read(connection: sqlite3.Connection) -> tuple[list[tuple[str, str, str | None]], str | None]:
            rows: list[tuple[str, str, str | None]] = []
            weight = 0
            with closing(connection.execute(STALE, parameters)) as found:
                for thread_id, checkpoint_id, kind, checkpoint in found:
                    text = self._made(kind, checkpoint)
                    rows.append((thread_id, checkpoint_id, text if len(text) <= MOST_BYTES else None))
                    weight += len(rows[-1][2] or "")
                    if weight >= PART_BYTES or len(rows) == PART_ROWS:
                        return rows, thread_id
            return rows, None

        return read

    def _made(self, kind: str, checkpoint: bytes) -> str:
        return self._text(self._serde.loads_typed((kind, checkpoint))["channel_values"]).decode()

    def _contains(self, kind: str, checkpoint: bytes, query: str) -> bool:
        found = parse(self._made(kind, checkpoint))
        return isinstance(found, Mapping) and contains(found, parse(query))


def _keeping(rows: Sequence[tuple[str, str, str | None]]) -> Callable[[sqlite3.Connection], None]:
    def keep(connection: sqlite3.Connection) -> None:
        connection.executemany(KEEP, rows)

    return keep


def needle(query: JsonObject) -> str:
    """A piece of text that a state must have in it, whose values have what is asked for; empty where none is certain. It spares most states their parsing."""
    pieces = (_piece(key, value) for key, value in query.items())
    # What is escaped may be escaped in more than one way.
    return max((piece for piece in pieces if "\\" not in piece), key=len, default="")


def _piece(key: str, value: object) -> str:
    """A key and, where it is written in one way alone, what begins its value: 2 and 2.0 are equal, and both begin with 2."""
    if isinstance(value, str | bool) or value is None:
        return encode({key: value})[1:-1]
    if isinstance(value, int | float) and 0 < abs(value) < _PLAIN:
        return encode(key) + ":" + encode(int(value) if value == int(value) else value)
    return encode(key) + ":"
