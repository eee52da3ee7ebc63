"""A store under test: the rules of the core on one engine, with a clock that is moved by hand."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from graphwire_server.core.items import Item, Items, ItemStore, Keeping
from graphwire_server.core.work import done

USERS = ("users",)


class HandClock:
    """Every look at it is a moment later, so that what is written in turn has its order."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now

    def forward(self, time: timedelta) -> None:
        self.now += time


class Letters:
    """Turns a text into how often it has an a, a b, a c."""

    def texts(self, value: Mapping[str, Any], fields: Sequence[str] | None) -> Sequence[tuple[str, str]]:
        names = ["text"] if fields is None else fields
        return [(name, value[name]) for name in names if name in value]

    def embed(self, texts: Sequence[str]) -> Future[Sequence[Sequence[float]]]:
        return done([[float(text.count(letter)) for letter in "abc"] for text in texts])


@dataclass(frozen=True, kw_only=True)
class Shelf:
    store: ItemStore
    items: Items
    clock: HandClock
    expected: list[datetime] = field(default_factory=list)

    async def fill(self, namespace: tuple[str, ...], **values: Mapping[str, Any]) -> None:
        for key, value in values.items():
            await self.items.put(namespace, key, value)

    async def found(self, prefix: tuple[str, ...] = (), **query: Any) -> list[str]:
        return [item.key for item in await self.items.search(prefix, **query)]


def shelf(store: ItemStore, keeping: Keeping | None = None) -> Shelf:
    clock, expected = HandClock(), list[datetime]()
    items = Items(store, clock, keeping or Keeping(), Letters(), expected.append)
    return Shelf(store=store, items=items, clock=clock, expected=expected)


def value_of(item: Item) -> Any:
    return orjson.loads(item.value)
