"""How the store grows: the same calls with a hundred items and with a hundred thousand.

Owns the curve: what is kept, at which sizes the calls are measured, and how much dearer they may be at the end. Everything is done from outside, over gRPC, on a server of its
own. The items are those of a hundred users.
"""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc.aio

from bench.curve import Curve, Point
from bench.server import server
from graphwire.v1 import store_service_pb2 as pb
from graphwire.v1.json_pb2 import Json
from graphwire.v1.store_service_pb2_grpc import StoreServiceStub

SIZES = (100, 1_000, 10_000, 100_000)
"""Items of the store."""
MOST = 4.0
"""How many times dearer a call may be at the largest size than at the smallest: each is a millisecond, of which most is the way there and back."""
CALLS = 50
"""How often each call is made at a size; the median is shown."""
_AT_ONCE = 64
_USERS = 100
_KINDS = ("fact", "preference", "event")


class _Store:
    """A store on a server, and what is asked of it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._calls: Any = StoreServiceStub(channel)
        self._size = 0

    async def fill(self, size: int) -> None:
        """Lets the store have as many items."""
        left = iter(range(self._size, size))

        async def put() -> None:
            for number in left:
                await self._calls.PutItem(_item(number))

        await asyncio.gather(*(put() for _ in range(_AT_ONCE)))
        self._size = size

    async def point(self) -> Point:
        """What the calls cost now."""
        calls = {
            "search: one user, a filter": lambda: self._search(["users", "7"], '{"kind":"fact"}'),
            "search: all, a rare value": lambda: self._search(["users"], f'{{"n":{self._size - 1}}}'),
            "search: all, a common value": lambda: self._search(["users"], '{"kind":"fact"}'),
            "get": self._get,
            "put over an item": lambda: self._calls.PutItem(_item(7)),
        }
        return Point(size=self._size, values={name: await _median(call) for name, call in calls.items()})

    async def _search(self, prefix: list[str], wanted: str) -> None:
        await self._calls.SearchItems(pb.SearchItemsRequest(namespace_prefix=prefix, filter=Json(text=wanted)))

    async def _get(self) -> None:
        await self._calls.GetItem(pb.GetItemRequest(namespace=["users", "7", "notes"], key="k7"))


def _item(number: int) -> pb.PutItemRequest:
    text = f'{{"kind":"{_KINDS[number % 3]}","n":{number},"text":"{"what somebody said " * 8}"}}'
    namespace = ["users", str(number % _USERS), "notes"]
    return pb.PutItemRequest(namespace=namespace, key=f"k{number}", value=Json(text=text))


async def _median(call: Callable[[], Awaitable[object]]) -> float:
    await call()
    found = []
    for _ in range(CALLS):
        begun = time.perf_counter()
        await call()
        found.append(time.perf_counter() - begun)
    return statistics.median(found) * 1e3


async def measure() -> AsyncIterator[Curve]:
    """The curve."""
    points = []
    async with server() as target, grpc.aio.insecure_channel(target.address) as channel:
        store = _Store(channel)
        for size in SIZES:
            await store.fill(size)
            points.append(await store.point())
    yield Curve(
        name="items", title="calls as the store fills", size="items", unit="ms", points=tuple(points), most=MOST
    )
