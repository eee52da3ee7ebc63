"""When readers are woken."""

import asyncio
import itertools

from graphwire_server.core.lull import Lull
from graphwire_server.storage.memory.log import MemoryThreadLog
from tests.unit.storage.memory.test_log import Clock, fill


def busy() -> Lull:
    """The lull of a loop whose turns take a second each."""
    return Lull(patience=3600, clock=itertools.count(0, 1.0).__next__)


def log(lull: Lull) -> MemoryThreadLog:
    return MemoryThreadLog("t", 0, 1 << 30, Clock(), lull)


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_stream_begins_at_once_also_on_a_busy_loop() -> None:
    made = log(busy())
    fill(made, 1)

    async with asyncio.timeout(1):
        await made.wait(0, at_once=True)


async def test_it_begins_with_others_where_they_wait_already() -> None:
    lull = busy()
    made = log(lull)
    fill(made, 1)
    lull.call(lambda: None)

    begins = asyncio.create_task(made.wait(0, at_once=True))
    await turns()

    assert not begins.done()
    begins.cancel()


async def test_what_is_there_waits_for_more_on_a_busy_loop() -> None:
    made = log(busy())
    fill(made, 1)

    reads = asyncio.create_task(made.wait(0))
    await turns()

    assert not reads.done()
    reads.cancel()


async def test_a_heavy_event_wakes_readers_at_once() -> None:
    made = log(busy())
    light, heavy = asyncio.create_task(made.wait(0)), asyncio.create_task(made.wait(1))
    await turns(1)

    fill(made, 1)
    await turns()
    assert not light.done()
    fill(made, 1, weight=1 << 20)
    await turns()

    assert light.done()
    assert heavy.done()
    async with asyncio.timeout(1):
        await made.wait(0)
