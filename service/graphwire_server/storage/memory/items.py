"""Items in memory, for tests and for servers that keep nothing.

Owns a map of them (port `ItemStore`). All is done when a call returns, under one lock. It searches as the other engines do, by looking at each.
"""

import math
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime

from graphwire_server.core.items import Item, ItemSearch, ItemWrite, Namespace, NamespaceSearch
from graphwire_server.core.work import done
from graphwire_server.storage.item_namespaces import begins, ends
from graphwire_server.storage.item_values import holds
from graphwire_server.storage.sqlite.codec import encode


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """An item, how it was written, its place in the order of writing, and until when it is kept."""

    item: Item
    write: ItemWrite
    number: int
    expires_at: datetime | None

    def timely(self, now: datetime) -> bool:
        return self.expires_at is None or self.expires_at > now


class MemoryItems:
    """The items of a process (port `ItemStore`)."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Namespace, str], _Kept] = {}
        self._lock = threading.Lock()
        self._number = 0

    def put(self, write: ItemWrite) -> "Future[None]":
        """Keeps an item (port `ItemStore`)."""
        place = (write.namespace, write.key)
        with self._lock:
            before = self._kept.get(place)
            created = before.item.created_at if before and before.timely(write.now) else write.now
            item = Item(
                namespace=write.namespace,
                key=write.key,
                value=encode(write.value).encode(),
                created_at=created,
                updated_at=write.now,
            )
            self._number += 1
            ends_at = None if write.ttl is None else write.now + write.ttl
            self._kept[place] = _Kept(item=item, write=write, number=self._number, expires_at=ends_at)
        return done(None)

    def get(self, namespace: Namespace, key: str, now: datetime, *, refresh: bool) -> "Future[Item | None]":
        """The item, or None (port `ItemStore`)."""
        with self._lock:
            kept = self._kept.get((namespace, key))
            if kept is None or not kept.timely(now):
                return done(None)
            self._refresh([kept] if refresh else [], now)
            return done(kept.item)

    def delete(self, namespace: Namespace, key: str) -> "Future[None]":
        """Removes the item, where there is one (port `ItemStore`)."""
        with self._lock:
            self._kept.pop((namespace, key), None)
        return done(None)

    def search(self, search: ItemSearch) -> "Future[list[Item]]":
        """A page of the items that match (port `ItemStore`)."""
        with self._lock:
            found = sorted(self._matching(search), key=lambda kept: (kept.item.updated_at, kept.number), reverse=True)
            scores = {kept.number: _nearest(kept, search.vector) for kept in found} if search.vector else {}
            if search.vector:
                found = [kept for kept in found if scores[kept.number] is not None]
                found.sort(key=lambda kept: scores[kept.number] or 0.0, reverse=True)
            page = found[search.page.offset : search.page.offset + search.page.limit]
            self._refresh(page if search.refresh else [], search.now)
            return done([replace(kept.item, score=scores.get(kept.number)) for kept in page])

    def namespaces(self, search: NamespaceSearch) -> "Future[list[Namespace]]":
        """A page of the namespaces that match (port `ItemStore`)."""
        with self._lock:
            shown = {
                namespace[: search.max_depth]
                for (namespace, _), kept in self._kept.items()
                if kept.timely(search.now) and begins(namespace, search.prefix) and ends(namespace, search.suffix)
            }
        page = search.page
        return done(sorted(shown, key=".".join)[page.offset : page.offset + page.limit])

    def expire(self, now: datetime) -> "Future[datetime | None]":
        """Removes items whose time has passed (port `ItemStore`)."""
        with self._lock:
            self._kept = {place: kept for place, kept in self._kept.items() if kept.timely(now)}
            return done(min((kept.expires_at for kept in self._kept.values() if kept.expires_at), default=None))

    def _matching(self, search: ItemSearch) -> Iterator[_Kept]:
        for (namespace, _), kept in self._kept.items():
            inside = namespace[: len(search.prefix)] == search.prefix and kept.timely(search.now)
            if inside and all(holds(each, kept.write.value) for each in search.conditions):
                yield kept

    def _refresh(self, items: Sequence[_Kept], now: datetime) -> None:
        for kept in items:
            if kept.write.ttl is not None:
                place = (kept.item.namespace, kept.item.key)
                self._kept[place] = replace(kept, expires_at=now + kept.write.ttl)


def _nearest(kept: _Kept, vector: Sequence[float] | None) -> float | None:
    scores = [_cosine(each.numbers, vector or ()) for each in kept.write.vectors]
    return max((score for score in scores if score is not None), default=None)


def _cosine(one: Sequence[float], other: Sequence[float]) -> float | None:
    if len(one) != len(other):
        return None
    lengths = math.hypot(*one) * math.hypot(*other)
    return math.fsum(a * b for a, b in zip(one, other, strict=True)) / lengths if lengths else None
