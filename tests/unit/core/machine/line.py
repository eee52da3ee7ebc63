"""The way of one process to a store.

Owns what may happen on it: a call takes its time, the store is away, the process dies. As in the embedded engine writes are done one behind the other, also those whose
caller is gone, and a read may be old when it arrives. The invariant: a call is done or not done; once the line is cut, nothing is.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from random import Random

from graphwire_server.core.errors import StoreUnavailable
from tests.unit.core.fakes import Link, Store
from tests.unit.core.machine.world import Books

_READS = frozenset(
    {
        "get_thread",
        "get_run",
        "list_runs",
        "find_request",
        "kept_events",
        "newest_kept",
        "unfinished_runs",
        "ended_runs",
        "unnumbered_runs",
        "kept_end",
    }
)


@dataclass(slots=True)
class Weather:
    """How the store is doing.

    Attributes:
        random: How long a call takes.
        slowness: The most turns of the loop that a call waits before and after it is done.
        away: Whether writes fail.
        reads_fail: Whether reads fail too, while it is away.
        outages: How often it went away, and came back, until now.
    """

    random: Random
    slowness: int
    away: bool = False
    reads_fail: bool = False
    outages: int = 0

    def change(self, *, away: bool, reads_fail: bool = False) -> None:
        """The store goes away, or is back."""
        self.outages += away is not self.away
        self.away, self.reads_fail = away, reads_fail

    def failed_since(self, outages: int) -> bool:
        """Whether a call may have failed that began after so many outages."""
        return self.away or self.outages > outages

    async def pass_by(self) -> None:
        for _ in range(self.random.randint(0, self.slowness) if self.slowness else 0):
            await asyncio.sleep(0)


class Order:
    """The order of the writes of one process: done one behind the other, and answered in the same order, though not at once. The core relies on that."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self._last = asyncio.Event()
        self._last.set()

    @asynccontextmanager
    async def answer(self) -> AsyncIterator[None]:
        """Entered when a write was done; left when all before it were answered."""
        before, mine = self._last, asyncio.Event()
        self._last = mine
        try:
            yield
            await before.wait()
        finally:
            mine.set()


class Line(Link):
    """The way of one process to a store.

    Args:
        books: The store.
        weather: How it is doing.
        process: The process.
        order: The order of its writes, to whichever store.
    """

    def __init__(self, books: Books, weather: Weather, process: int, order: Order) -> None:
        super().__init__(_as_store(books))
        self._books = books
        self._weather = weather
        self._process = process
        self._order = order
        self._writes: set[asyncio.Task[object]] = set()

    @property
    def writing(self) -> int:
        """How many writes are under way."""
        return len(self._writes)

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        call = getattr(self.store, name)

        async def read(*args: object, **named: object) -> object:
            self._check(reads=True)
            found = await call(*args, **named)
            await self._weather.pass_by()
            self._check_alive()
            return found

        async def write(*args: object, **named: object) -> object:
            task = asyncio.create_task(self._write(call, *args, **named))
            self._writes.add(task)
            task.add_done_callback(self._done)
            return await asyncio.shield(task)

        return read if name in _READS else write

    def _done(self, task: asyncio.Task[object]) -> None:
        self._writes.discard(task)
        if not task.cancelled():
            task.exception()  # its caller may be gone

    async def _write(self, call: Callable[..., Awaitable[object]], *args: object, **named: object) -> object:
        async with AsyncExitStack() as stack:
            async with self._order.turn:
                await self._weather.pass_by()
                self._check(reads=False)
                self._books.process = self._process
                await stack.enter_async_context(self._order.answer())
                done = await call(*args, **named)
            await self._weather.pass_by()
        self._check_alive()
        return done

    def _check(self, *, reads: bool) -> None:
        self._check_alive()
        if self._weather.away and (self._weather.reads_fail or not reads):
            raise StoreUnavailable("away")

    def _check_alive(self) -> None:
        if self.cut:
            raise StoreUnavailable("the process is dead")


def _as_store(books: Books) -> Store:
    return books  # type: ignore[return-value]  # tests of one process look into theirs; here nobody does
