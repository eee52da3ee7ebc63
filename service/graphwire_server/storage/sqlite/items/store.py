"""Items in SQLite.

Owns the step from what is asked of the store to statements, and from rows to items (port `ItemStore`). The invariant: an item whose time has passed is in no answer,
whether it has been removed or not.
"""

from array import array
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import apsw

from graphwire_server.core.item_filters import Condition
from graphwire_server.core.items import ANY_LABEL, Item, ItemSearch, ItemWrite, Namespace, NamespaceSearch
from graphwire_server.storage.item_namespaces import begins, ends
from graphwire_server.storage.item_values import holds
from graphwire_server.storage.sqlite.codec import encode, parse
from graphwire_server.storage.sqlite.items.queries import (
    COLUMNS,
    TIMELY,
    Statement,
    below,
    found_by,
    nearest_to,
    text_of,
)
from graphwire_server.storage.sqlite.items.schema import MOST_FIELDS, prepare
from graphwire_server.storage.sqlite.items.threads import Readers, Writer

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_PART = 200
"""How many items are removed at a time."""

_PUT = """
    INSERT INTO items (namespace, key, value, created_at, updated_at, ttl, expires_at, wide)
    VALUES (:namespace, :key, :value, :now, :now, :ttl, :now + :ttl, :wide)
    ON CONFLICT (namespace, key) DO UPDATE SET
        value = excluded.value, updated_at = excluded.updated_at, ttl = excluded.ttl, expires_at = excluded.expires_at,
        wide = excluded.wide, created_at = iif(expires_at <= excluded.updated_at, excluded.created_at, created_at)
    RETURNING id
"""
_GET = f"SELECT {COLUMNS} FROM items WHERE namespace = ? AND key = ? AND (expires_at IS NULL OR expires_at > ?)"  # noqa: S608  no part of it is a caller's text
_DELETE = "DELETE FROM items WHERE namespace = ? AND key = ?"
_REFRESH = (
    "UPDATE items SET expires_at = ? + ttl WHERE id = ? AND ttl IS NOT NULL AND expires_at > ? AND expires_at < ? + ttl"
)
_FORGET_VECTORS = "DELETE FROM vectors WHERE item = ?"
_ADD_VECTOR = "INSERT OR REPLACE INTO vectors (item, path, vector) VALUES (?, ?, ?)"
_EXPIRE = "DELETE FROM items WHERE id IN (SELECT id FROM items WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"
_NEXT = "SELECT min(expires_at) FROM items WHERE expires_at IS NOT NULL"


class SqliteItems:
    """The items of a data directory (port `ItemStore`); `open` makes it.

    Args:
        path: The file.
        vectors: Whether items may be searched by vectors.
    """

    def __init__(self, path: Path, *, vectors: bool) -> None:
        self._writer = Writer(path)
        self._readers = Readers(path, vectors=vectors, functions={"matches": _matches, "shaped": _shaped, "cut": _cut})

    @classmethod
    @contextmanager
    def open(cls, directory: Path, *, vectors: bool = False) -> "Iterator[Self]":
        """Opens the store of a data directory whose lock the caller holds, making it where it is missing, and closes it at the end.

        Args:
            directory: The data directory.
            vectors: Whether items may be searched by vectors.

        Raises:
            DataDirError: It cannot be used, or holds the data of a newer version.
        """
        opened = cls(prepare(directory), vectors=vectors)
        try:
            yield opened
        finally:
            opened._readers.close()
            opened._writer.close()

    def put(self, write: ItemWrite) -> "Future[None]":
        """Keeps an item (port `ItemStore`)."""
        row = {
            "namespace": text_of(write.namespace),
            "key": write.key,
            "value": encode(write.value),
            "now": _ticks(write.now),
            "ttl": None if write.ttl is None else write.ttl // _TICK,
            "wide": int(len(write.value) > MOST_FIELDS),
        }
        vectors = [(each.path, _blob(each.numbers)) for each in write.vectors]

        def put(connection: apsw.Connection) -> None:
            (item,) = next(connection.execute(_PUT, row))
            connection.execute(_FORGET_VECTORS, (item,))
            connection.executemany(_ADD_VECTOR, [(item, *each) for each in vectors])

        return self._writer.do(put)

    def get(self, namespace: Namespace, key: str, now: datetime, *, refresh: bool) -> "Future[Item | None]":
        """The item, or None (port `ItemStore`)."""
        statement = Statement(_GET, [text_of(namespace), key, _ticks(now)])

        def get(connection: apsw.Connection) -> Item | None:
            found = self._items(list(connection.execute(*statement)), now, refresh=refresh)
            return found[0] if found else None

        return self._readers.do(get)

    def delete(self, namespace: Namespace, key: str) -> "Future[None]":
        """Removes the item, where there is one (port `ItemStore`)."""

        def delete(connection: apsw.Connection) -> None:
            connection.execute(_DELETE, (text_of(namespace), key))

        return self._writer.do(delete)

    def search(self, search: ItemSearch) -> "Future[list[Item]]":
        """A page of the items that match (port `ItemStore`)."""
        now = _ticks(search.now)

        def find(connection: apsw.Connection) -> list[Item]:
            if search.vector is None:
                statement = found_by(connection, search, now)
            else:
                statement = nearest_to(search, _blob(search.vector), now)
            return self._items(list(connection.execute(*statement)), search.now, refresh=search.refresh)

        return self._readers.do(find)

    def namespaces(self, search: NamespaceSearch) -> "Future[list[Namespace]]":
        """A page of the namespaces that match (port `ItemStore`)."""
        statement = _namespaces(search)

        def find(connection: apsw.Connection) -> list[Namespace]:
            return [tuple(text.split(".")) for (text,) in connection.execute(*statement)]

        return self._readers.do(find)

    def expire(self, now: datetime) -> "Future[datetime | None]":
        """Removes items whose time has passed (port `ItemStore`)."""

        def expire(connection: apsw.Connection) -> datetime | None:
            connection.execute(_EXPIRE, (_ticks(now), _PART))
            (due,) = next(connection.execute(_NEXT))
            return None if due is None else _moment(due)

        return self._writer.do(expire)

    def _items(self, rows: list[tuple[Any, ...]], now: datetime, *, refresh: bool) -> list[Item]:
        """The items of rows. Where some are kept for a time that begins anew, that is written before anybody is told of them."""
        timed = [row[6] for row in rows if row[5] is not None] if refresh else []
        if timed:
            self._writer.do(lambda connection: _refreshed(connection, timed, _ticks(now))).result()
        return [_item(row) for row in rows]


def _refreshed(connection: apsw.Connection, items: list[int], now: int) -> None:
    connection.executemany(_REFRESH, [(now, item, now, now) for item in items])


def _item(row: tuple[Any, ...]) -> Item:
    return Item(
        namespace=tuple(row[0].split(".")),
        key=row[1],
        value=row[2].encode(),
        created_at=_moment(row[3]),
        updated_at=_moment(row[4]),
        score=row[7] if len(row) > 7 else None,
    )


def _namespaces(search: NamespaceSearch) -> Statement:
    """The statement of a list of namespaces. A label that stands for any other ends what an index can find."""
    known = search.prefix[: search.prefix.index(ANY_LABEL)] if ANY_LABEL in search.prefix else search.prefix
    inside = below(known, "name")
    shaped = known != search.prefix or bool(search.suffix)
    shape = [encode([search.prefix, search.suffix])] if shaped else []
    cut = [] if search.max_depth is None else [search.max_depth]
    text = f"""
        SELECT {"DISTINCT cut(name, ?)" if cut else "name"} AS shown FROM namespaces
        WHERE {inside.text} AND {"shaped(name, ?)" if shaped else "TRUE"}
            AND EXISTS (SELECT 1 FROM items WHERE items.namespace = name AND {TIMELY})
        ORDER BY shown LIMIT ? OFFSET ?
    """  # noqa: S608  no part of it is a caller's text
    return Statement(
        text, [*cut, *inside.parameters, *shape, _ticks(search.now), search.page.limit, search.page.offset]
    )


def _matches(value: str, condition: str) -> bool:
    path, operator, operand = parse(condition)
    return holds(Condition(path=tuple(path), operator=operator, operand=operand), parse(value))


def _shaped(namespace: str, shape: str) -> bool:
    labels, (prefix, suffix) = namespace.split("."), parse(shape)
    return begins(labels, prefix) and ends(labels, suffix)


def _cut(namespace: str, depth: int) -> str:
    return ".".join(namespace.split(".", depth)[:depth])


def _blob(numbers: Any) -> bytes:
    return array("f", numbers).tobytes()


def _ticks(moment: datetime) -> int:
    return (moment - _EPOCH) // _TICK


def _moment(ticks: int) -> datetime:
    return _EPOCH + ticks * _TICK
