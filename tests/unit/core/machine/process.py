"""One process of the machine: a core from its start to its stop, or to its death.

Owns its life, in the order in which a server starts and stops, and the calls that callers have open. The invariant: once it is dead or has stopped, none of its tasks
is left, and nobody hears of it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from functools import partial
from typing import Any, TypeVar

from graphwire_server.core.errors import (
    CapacityReached,
    Draining,
    GraphwireError,
    RequestReused,
    RunNotFound,
    StoreUnavailable,
    ThreadBusy,
    ThreadNotFound,
)
from graphwire_server.core.events import Event
from graphwire_server.core.lull import Lull
from graphwire_server.core.model import Retention
from graphwire_server.storage.memory.log import MemoryLog, MemoryThreadLog
from tests.unit.core.fakes import House, house
from tests.unit.core.machine import judges
from tests.unit.core.machine.line import Line, Order, Weather
from tests.unit.core.machine.loop import StillLoop
from tests.unit.core.machine.troupe import Edits, Troupe
from tests.unit.core.machine.world import World

T = TypeVar("T")

REFUSALS = (ThreadNotFound, ThreadBusy, RequestReused, RunNotFound, CapacityReached)
"""What a request for a run may be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a server is set.

    Attributes:
        slots: How many runs execute at once.
        grace: How long they may go on when it stops.
        time_limit: How long a run may take that does not say.
        retention: What is held.
        tight: Whether the retention is so small that readers may come too late.
        slowness: How many turns of the loop a call of the store waits.
        tick: By how much the clock moves when it is read.
        most_losses: How often a run may lose its process.
        unreadable: Whether what a run has left cannot be read.
        seed: What happens in which order where nothing says.
    """

    slots: int = 2
    grace: timedelta = timedelta(0)
    time_limit: timedelta = timedelta(hours=2)
    retention: Retention = field(default_factory=Retention)
    tight: bool = False
    slowness: int = 0
    tick: timedelta = timedelta(0)
    most_losses: int = 1
    unreadable: bool = False
    seed: int = 0


class State(Enum):
    """Where a process is in its life."""

    STARTS = "recovers what another left"
    OPEN = "takes calls"
    STOPS = "lets runs end"
    DOWN = "is no more"


class NotedLog(MemoryLog):
    """A log that tells what is appended.

    Args:
        retention: What is held.
        clock: Seconds since 1970.
        note: Who is told.
    """

    def __init__(self, retention: Retention, clock: Callable[[], float], note: Callable[[Event], None]) -> None:
        super().__init__(retention, clock, Lull(0))  # no time passes by itself
        self._note = note

    def newest(self, thread_id: str) -> int | None:
        """The newest number of a thread that readers see; None where nobody holds its log."""
        held = self._live.get(thread_id)
        return None if held is None else held[0].newest_seq

    @property
    def holders(self) -> int:
        """How many logs somebody holds open."""
        return len(self._live)

    def _hold(self, thread_id: str, newest_seq: int) -> MemoryThreadLog:
        log = super()._hold(thread_id, newest_seq)
        if "append" not in vars(log):
            append = log.append

            def noted(*args: Any) -> Event:
                event = append(*args)
                self._note(event)
                return event

            log.append = noted  # type: ignore[assignment, method-assign]  # what the log does is what is noted
        return log


class Process:
    """A process.

    Args:
        world: What is shared.
        number: Which it is, from 1.
        options: How it is set.
        loop: Where it lives.
    """

    def __init__(self, world: World, number: int, options: Options, loop: StillLoop) -> None:
        self.world = world
        self.number = number
        self.options = options
        self.state = State.STARTS
        self.killed = False
        self.weather = Weather(world.random, options.slowness)
        self.troupe = Troupe(world, self.weather, options.slots, unreadable=options.unreadable)
        self.calls: dict[asyncio.Task[Any], None] = {}  # in the order in which they came
        self._loop = loop
        self._stop = asyncio.Event()
        order = Order()
        self._lines = [Line(books, self.weather, number, order) for books in (world.store, world.stateless)]
        self.logs = NotedLog(options.retention, self._seconds, self.appended.append)
        self.house = self._house()
        self.life = loop.create_task(self._live())
        self.life.add_done_callback(lambda _: self._is_down())

    def _seconds(self) -> float:
        return self.world.clock.now.timestamp()

    def _house(self) -> House:
        options = self.options
        return house(
            self.troupe,
            store=self._lines[0],
            ephemeral=self._lines[1],
            retention=options.retention,
            grace=options.grace,
            slots=options.slots,
            time_limit=options.time_limit,
            most_losses=options.most_losses,
            clock=self.world.clock,
            first_id=1 + 10_000 * self.number,
            states=Edits(self.world),
            logs=self.logs,
        )

    @property
    def alive(self) -> bool:
        """Whether callers hear of it."""
        return not self.killed and self.state is not State.DOWN

    @property
    def appended(self) -> list[Event]:
        """What was appended in it."""
        return self.world.appended[self.number]

    @property
    def jobs(self) -> set[str]:
        """The runs in its hands."""
        return {job.run.run_id for job in self.house.worker.jobs}

    @property
    def calm(self) -> bool:
        """Whether it is open and the store is there, so that what is due is done."""
        return self.state is State.OPEN and not self.weather.away

    async def _live(self) -> None:
        """As `app.serving` does it."""
        try:
            async with self.house.expiry:
                try:
                    async with self.house.worker:
                        await self.house.recovery.recover()
                        self.state = State.OPEN
                        await self._stop.wait()
                        self.state = State.STOPS
                finally:
                    self.logs.close()
                    while self.calls:
                        await asyncio.wait(self.calls)
        finally:
            for line in self._lines:
                line.cut = True

    def _is_down(self) -> None:
        self.state = State.DOWN
        self.troupe.closed = True
        error = None if self.life.cancelled() else self.life.exception()
        if self.killed:
            return
        fits = error is None or isinstance(error, StoreUnavailable)
        self.world.judge(partial(judges.require, fits, f"the process ended with {error!r}"))

    def left(self) -> dict[str, object]:
        """What is left of it, by name."""
        worker = self.house.worker
        return {
            "jobs": self.jobs,
            "tasks": worker._tasks,
            "graphs": list(self.troupe.parts),
            "slots": worker._turns._taken,
            "alarms": [alarm.at for alarm in self.house.alarms.waiting],
            "logs": self.logs.holders,
            "writes": sum(line.writing for line in self._lines),
        }

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Does something on its loop."""
        return self._loop.create_task(work)

    def stop(self) -> None:
        """Asks it to stop."""
        self._stop.set()

    def die(self) -> None:
        """It is no more, at once: from now on it writes nothing, and nobody hears anything of it."""
        self.killed = True
        worker = self.house.worker
        worker._stopping = worker._killing = True
        for line in self._lines:
            line.cut = True
        while tasks := asyncio.all_tasks(self._loop):
            for part in self.troupe.parts.values():
                part.swallows = 0
            for task in sorted(tasks, key=_age):
                task.cancel()
            self._loop.rest()
        self._loop.failures.clear()

    def call(
        self, work: Coroutine[Any, Any, T], told: Callable[[T], None], *errors: type[GraphwireError]
    ) -> asyncio.Task[T]:
        """A caller calls. Returns what ends when it is answered.

        Args:
            work: What the call does.
            told: Takes the answer, should the caller hear it.
            errors: Which errors it may be told of, beside those that say that the server stops or the store is away.
        """
        task = self.spawn(work)
        outages = self.weather.outages
        self.calls[task] = None
        task.add_done_callback(self.calls.pop)
        task.add_done_callback(lambda done: self._answered(done, told, errors, outages))
        return task

    def _answered(
        self, done: asyncio.Task[T], told: Callable[[T], None], errors: tuple[type[GraphwireError], ...], outages: int
    ) -> None:
        if self.killed or done.cancelled():
            return
        error = done.exception()
        if error is None:
            told(done.result())
            return
        fits = isinstance(error, errors)
        away = self.weather.failed_since(outages) or self.state is State.DOWN
        fits |= isinstance(error, StoreUnavailable) and away
        fits |= isinstance(error, Draining) and self.state in (State.STOPS, State.DOWN)
        self.world.judge(partial(judges.require, fits, f"a call failed with {error!r}"))

    def hang_up(self, which: int) -> None:
        """The caller of one of the open calls leaves."""
        calls = list(self.calls)
        if calls:
            calls[which % len(calls)].cancel()


def _age(task: asyncio.Task[Any]) -> int:
    return int(task.get_name().rpartition("-")[2])
