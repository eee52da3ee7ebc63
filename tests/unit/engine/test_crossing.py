"""Events on their way from a graph's loop to the server's: order, bound, room, and what is dropped."""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from graphwire_server.core.events import Custom, Payload
from graphwire_server.engine.crossing import HELD_BYTES, MOST_BYTES, Crossing


def custom(number: int) -> Custom:
    return Custom(node="n", data=b"%d" % number)


class Log:
    """Takes events, or refuses them."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.error: Exception | None = None

    def append(self, namespace: tuple[str, ...], payload: Payload, weight: int) -> None:
        if self.error is not None:
            raise self.error
        assert isinstance(payload, Custom)
        self.numbers.append(int(payload.data))


class Shelf:
    """Room that the test gives and takes (port `Room`)."""

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.asked = asyncio.Event()

    @property
    def full(self) -> bool:
        return not self.free.is_set()

    async def wait(self) -> None:
        self.asked.set()
        await self.free.wait()


class Elsewhere:
    """A loop in another thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    async def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Does something there."""
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))


@asynccontextmanager
async def elsewhere() -> AsyncIterator[Elsewhere]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield Elsewhere(loop)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def test_events_come_over_in_order() -> None:
    log, there = Log(), 20_000
    crossing = Crossing(log.append, None)

    async def put() -> None:
        for number in range(there):
            crossing.put((), custom(number), 1)
            if number % 7 == 0:
                await asyncio.sleep(0)

    async with elsewhere() as other:
        await other.do(put())

    await asyncio.sleep(0)
    assert log.numbers == list(range(there))


async def test_one_wake_up_takes_all_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    log, home, woken = Log(), asyncio.get_running_loop(), list[Any]()
    crossing = Crossing(log.append, None)
    wake = home.call_soon_threadsafe
    monkeypatch.setattr(home, "call_soon_threadsafe", lambda *act: woken.append(wake(*act)))
    for number in range(100):
        crossing.put((), custom(number), 1)

    assert (log.numbers, len(woken)) == ([], 1)
    await asyncio.sleep(0)
    assert log.numbers == list(range(100))
    crossing.put((), custom(100), 1)
    assert len(woken) == 2


async def test_what_is_on_the_way_has_a_bound() -> None:
    log = Log()
    crossing = Crossing(log.append, None)

    async def put() -> None:
        for number in range(4):
            crossing.put((), custom(number), HELD_BYTES)
        await crossing.wait()
        assert log.numbers[:3] == [0, 1, 2]
        assert not crossing.full

    async with elsewhere() as other:
        await other.do(put())


async def test_a_node_that_writes_without_a_pause_is_held_up() -> None:
    log, most, big = Log(), list[int](), HELD_BYTES // 4
    crossing = Crossing(log.append, None)
    done = threading.Event()

    def put() -> None:
        for number in range(200):
            crossing.put((), custom(number), big)
            most.append(crossing._given - crossing._taken)
        done.set()

    thread = threading.Thread(target=put, daemon=True)
    thread.start()
    held = not done.wait(0.3)  # this loop takes nothing meanwhile
    async with asyncio.timeout(15):
        await asyncio.to_thread(thread.join)
        await crossing.delivered()

    assert held
    assert max(most) <= MOST_BYTES + big
    assert log.numbers == list(range(200))


async def test_a_node_that_is_held_up_goes_on_when_the_run_is_over() -> None:
    crossing = Crossing(Log().append, None)

    def put() -> None:
        for number in range(3):
            crossing.put((), custom(number), MOST_BYTES)

    thread = threading.Thread(target=put, daemon=True)
    thread.start()
    thread.join(0.2)
    held = thread.is_alive()
    crossing.close()
    thread.join(15)

    assert (held, thread.is_alive()) == (True, False)


async def test_others_have_the_loop_while_much_is_taken() -> None:
    log, seen = Log(), list[int]()
    crossing = Crossing(log.append, None)
    for number in range(8):
        crossing.put((), custom(number), HELD_BYTES // 2)
    for _ in range(4):
        await asyncio.sleep(0)
        seen.append(len(log.numbers))

    assert seen == [2, 4, 6, 8]


async def test_it_is_full_until_the_other_side_has_taken_it() -> None:
    log = Log()
    crossing = Crossing(log.append, None)
    crossing.put((), custom(1), HELD_BYTES + 1)

    full = crossing.full
    await asyncio.sleep(0)

    assert (full, crossing.full) == (True, False)


async def test_the_room_behind_it_is_waited_for() -> None:
    log, shelf = Log(), Shelf()
    crossing = Crossing(log.append, shelf)

    async def put() -> None:
        crossing.put((), custom(1), 1)
        while not crossing.full:  # noqa: ASYNC110  the other side looks at its room when it takes the event
            await asyncio.sleep(0.001)
        await crossing.wait()
        assert not crossing.full

    async with elsewhere() as other:
        putting = asyncio.create_task(other.do(put()))
        await asyncio.wait_for(shelf.asked.wait(), 15)
        assert not putting.done()
        shelf.free.set()
        await asyncio.wait_for(putting, 15)


async def test_what_comes_after_the_end_is_dropped() -> None:
    log = Log()
    crossing = Crossing(log.append, None)
    crossing.put((), custom(1), HELD_BYTES + 1)
    crossing.close()
    crossing.put((), custom(2), 1)
    await asyncio.sleep(0)

    assert (log.numbers, crossing.full) == ([], False)


async def test_what_appending_raises_comes_back() -> None:
    log = Log()
    log.error = LookupError("no log")
    crossing = Crossing(log.append, None)
    crossing.put((), custom(1), 1)
    await asyncio.sleep(0)

    with pytest.raises(LookupError):
        crossing.put((), custom(2), 1)
    with pytest.raises(LookupError):
        await crossing.delivered()
