"""Items that expire: removed when they are due, by one alarm."""

import asyncio
from datetime import timedelta

from graphwire_server.core.expiry import Expiry
from graphwire_server.core.items import Items, Keeping
from graphwire_server.storage.memory.items import MemoryItems
from tests.unit.core.fakes import Alarms, Clock

MINUTE = timedelta(minutes=1)


async def test_items_are_removed_when_they_are_due() -> None:
    clock, store = Clock(), MemoryItems()
    alarms = Alarms(clock)
    items = Items(store, clock, Keeping(sweep_interval=10 * MINUTE), expect=lambda at: expiry.expect(at))  # noqa: PLW0108  it is made below
    expiry = Expiry(items, clock, alarms)
    async with expiry:
        await _settled()
        await items.put(("a",), "soon", {}, ttl=15 * MINUTE)
        await items.put(("a",), "later", {}, ttl=40 * MINUTE)
        (first,) = alarms.waiting
        alarms.move(16 * MINUTE)
        await _settled()
        left = len(store._kept)
        (second,) = alarms.waiting
        alarms.move(30 * MINUTE)
        await _settled()

    assert left == 1
    assert second.at - first.at >= 10 * MINUTE
    assert (len(store._kept), alarms.waiting) == (0, [])


async def _settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)
