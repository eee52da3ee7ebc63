"""Drives the deliveries of webhooks.

Owns which delivery is tried when, in tasks of its own beside those of runs: the end of a run notes a delivery and goes on. The invariant: a delivery that is
pending in the store is in the hands of this process, or will be when there is room; it is recorded after each attempt, so the next process goes on
where this one stops, and what was under way is tried once more (at least once).
"""

import asyncio
import logging
import random
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Any, Protocol, Self

from graphwire_server.core.delivery import Delivery, DeliveryState
from graphwire_server.core.errors import StoreUnavailable
from graphwire_server.core.model import Run
from graphwire_server.core.ports import Alarm, Clock, Later
from graphwire_server.core.tally import Tally
from graphwire_server.core.webhooks import Answer, Schedule, judged

_log = logging.getLogger("graphwire.webhooks")

_RETRY = timedelta(seconds=5)
"""How long to wait for a store that is away."""

_NOT_HELD: Any = object()

_DEFECT = Answer(error="the server could not make the request")

Body = Callable[[Run], Awaitable[bytes]]
"""Makes what is sent of a run that has ended: JSON text."""


class DeliveryStore(Protocol):
    """Rows of deliveries. They are added by the `Store` that writes the end of a run, in the same transaction. All raise StoreUnavailable."""

    async def pending(self, limit: int, without: Collection[str] = ()) -> Sequence[Delivery]:
        """Deliveries that are pending, those that are tried next first; those to some hosts left out."""
        ...

    async def run_of(self, run_id: str) -> Run | None:
        """The run of a pending delivery, as it ended, whatever has become of its own row; None where no delivery of it is pending."""
        ...

    async def record(self, delivery: Delivery) -> None:
        """Writes a delivery after an attempt. What is settled goes where its run is gone: nobody could see it."""
        ...


class Sender(Protocol):
    """Makes one attempt."""

    async def send(self, delivery: Delivery, body: bytes) -> Answer:
        """Sends a body, and returns in bounded time what came of it. Cancelling it closes the connection."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much is under way.

    Attributes:
        schedule: When a delivery is tried again.
        at_once: The most attempts at once.
        per_host: The most attempts at once at one host: one that is slow takes no room from others.
        held: The most pending deliveries that are held in memory. More wait in the store.
        held_per_host: The most of them that go to one host: one that is away for long keeps no others out.
        grace: How long attempts may go on when the server stops.
    """

    schedule: Schedule = field(default_factory=Schedule)
    at_once: int = 32
    per_host: int = 4
    held: int = 10_000
    held_per_host: int = 1_000
    grace: timedelta = timedelta(seconds=5)


class Deliveries:
    """The pending deliveries of this process. Entered when the server starts, which takes up those that an earlier process has left.

    Args:
        store: Where they are.
        sender: Makes an attempt.
        body: Makes what is sent.
        clock: The time.
        later: Does something at its time.
        pace: How much is under way.
        tally: Counts the attempts; None does not.
        chance: A random number from 0 to 1.
    """

    def __init__(
        self,
        *,
        store: DeliveryStore,
        sender: Sender,
        body: Body,
        clock: Clock,
        later: Later,
        pace: Pace | None = None,
        tally: Tally | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._sender = sender
        self._body = body
        self._clock = clock
        self._later = later
        self._pace = pace or Pace()
        self._tally = tally or Tally()
        self._chance = chance
        self._held: dict[str, Alarm | None] = {}
        self._held_of: Counter[str] = Counter()
        self._left_out: set[str] = set()
        self._ready: OrderedDict[str, deque[Delivery]] = OrderedDict()
        self._busy: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._more = False
        self._closed = False

    async def __aenter__(self) -> Self:
        await self._load()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Begins no more attempts, and lets those that are under way end for the grace period. What is left is the next process's."""
        self._closed = True
        for alarm in self._held.values():
            if alarm is not None:
                alarm.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._pace.grace.total_seconds())
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def expect(self, delivery: Delivery) -> None:
        """A delivery is written that is to be made. Where too many are held it stays in the store until there is room."""
        if self._closed or delivery.run_id in self._held:
            return
        self._take(delivery)
        self._dispatch()

    async def _load(self) -> None:
        """Takes up what is in the store, as far as it fits."""
        self._left_out, self._more = self._full_hosts(), False
        while True:
            found = await self._store.pending(self._pace.held, self._left_out)
            known = len(self._left_out)
            for delivery in found:
                if delivery.run_id not in self._held:
                    self._take(delivery)
            if len(found) < self._pace.held:
                break
            # There may be more. It is looked at now only where some of what came was of hosts that are full since, and are left out the next time.
            if self._more or len(self._left_out) == known:
                self._more = True
                break
        self._dispatch()

    def _take(self, delivery: Delivery) -> None:
        """Holds a delivery that is not held, or notes that there was no room."""
        if len(self._held) >= self._pace.held:
            self._more = True
        elif self._held_of[delivery.host] >= self._pace.held_per_host:
            self._left_out.add(delivery.host)
        else:
            self._held_of[delivery.host] += 1
            self._hold(delivery)

    def _full_hosts(self) -> set[str]:
        return {host for host, count in self._held_of.items() if count >= self._pace.held_per_host}

    def _let_go(self, delivery: Delivery) -> None:
        if self._held.pop(delivery.run_id, _NOT_HELD) is not _NOT_HELD:
            self._held_of[delivery.host] -= 1
            if not self._held_of[delivery.host]:
                del self._held_of[delivery.host]

    async def _refill(self, host: str) -> None:
        """Takes up more where some were left out, and half of the room is free again."""
        host_has_room = host in self._left_out and self._held_of[host] <= self._pace.held_per_host // 2
        if not self._closed and (host_has_room or (self._more and len(self._held) <= self._pace.held // 2)):
            try:
                await self._load()
            except StoreUnavailable:
                self._more = True
                _log.exception("store unavailable, deliveries are taken up later")

    def _hold(self, delivery: Delivery) -> None:
        delay = timedelta(0) if delivery.next_at is None else delivery.next_at - self._clock()
        if delay > timedelta(0):
            self._held[delivery.run_id] = self._later(delay, lambda: self._due(delivery))
        else:
            self._line_up(delivery)

    def _due(self, delivery: Delivery) -> None:
        if not self._closed:
            self._line_up(delivery)
            self._dispatch()

    def _line_up(self, delivery: Delivery) -> None:
        self._held[delivery.run_id] = None
        self._ready.setdefault(delivery.host, deque()).append(delivery)

    def _dispatch(self) -> None:
        """Begins attempts while there is room, host by host in turn."""
        while not self._closed and len(self._tasks) < self._pace.at_once:
            host = next((host for host in self._ready if self._busy[host] < self._pace.per_host), None)
            if host is None:
                return
            waiting = self._ready.pop(host)
            delivery = waiting.popleft()
            if waiting:
                self._ready[host] = waiting
            self._spawn(host, delivery)

    def _spawn(self, host: str, delivery: Delivery) -> None:
        self._busy[host] += 1
        task = asyncio.create_task(self._deliver(delivery))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(delivery, done))

    def _ended(self, delivery: Delivery, task: asyncio.Task[None]) -> None:
        host = delivery.host
        self._tasks.discard(task)
        self._busy[host] -= 1
        if not self._busy[host]:
            del self._busy[host]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("delivery task failed", exc_info=error, extra={"run_id": delivery.run_id})
            self._let_go(delivery)  # the next process tries again
        self._dispatch()

    async def _deliver(self, delivery: Delivery) -> None:
        """One attempt, and what follows from it."""
        try:
            run = await self._store.run_of(delivery.run_id)
            if run is None:  # somebody has removed it
                self._let_go(delivery)
            else:
                await self._attempt(delivery, run)
        except StoreUnavailable:
            _log.exception("store unavailable, the delivery is tried again", extra={"run_id": delivery.run_id})
            if not self._closed:
                self._held[delivery.run_id] = self._later(_RETRY, lambda: self._due(delivery))
        await self._refill(delivery.host)

    async def _attempt(self, delivery: Delivery, run: Run) -> None:
        answer = await self._send(delivery, run)
        after = judged(delivery, answer, self._pace.schedule, self._clock(), self._chance)
        await self._record(after)
        self._tally.attempted(after)
        _tell(after)
        if after.state is not DeliveryState.PENDING:
            self._let_go(delivery)
        elif not self._closed:
            self._hold(after)

    async def _send(self, delivery: Delivery, run: Run) -> Answer:
        try:
            return await self._sender.send(delivery, await self._body(run))
        except StoreUnavailable:
            raise
        except Exception:  # noqa: BLE001  a defect is a failed attempt, and not the end of all deliveries
            _log.exception("delivery failed by a defect", extra={"run_id": delivery.run_id})
            return _DEFECT

    async def _record(self, delivery: Delivery) -> None:
        """Writes what came of an attempt, however long the store is away, until the server stops: then the next process tries once more."""
        while True:
            try:
                return await self._store.record(delivery)
            except StoreUnavailable:
                if self._closed:
                    raise
                _log.exception("store unavailable, trying again", extra={"run_id": delivery.run_id})
                await asyncio.sleep(_RETRY.total_seconds())


def _tell(delivery: Delivery) -> None:
    fields = {
        "run_id": delivery.run_id,
        "host": delivery.host,
        "attempts": delivery.attempts,
        "status": delivery.status,
        **({"error": delivery.error} if delivery.error else {}),
    }
    if delivery.state is DeliveryState.DELIVERED:
        _log.info("webhook delivered", extra=fields)
    elif delivery.state is DeliveryState.FAILED:
        _log.warning("webhook given up", extra=fields)
    else:
        _log.info("webhook attempt failed", extra=fields)
