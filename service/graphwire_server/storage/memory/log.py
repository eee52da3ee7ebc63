"""The event log in memory: what live readers read.

Owns the numbers of a thread's events, the events that are held, and the wake-up of readers. Readers have no queue of their own: each
has a cursor into the one list, so a reader costs nothing while it lags, and an append costs the same for one reader or a hundred.
Events that are held back are at the new end; readers see those before them. The invariant: held events are consecutive, and none is dropped but from the old end,
and none that readers have not seen.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from graphwire_server.core.batch import Batch
from graphwire_server.core.errors import CursorExpired, Draining, ThreadNotFound
from graphwire_server.core.events import Event, Payload, Raw
from graphwire_server.core.lull import Lull
from graphwire_server.core.model import Retention

_HEAVY = 256 << 10
"""From how many bytes on an event goes out at once: it fills a message alone, and readers who wait for more to come fall behind."""

_NOTHING = Event(0, "", "", 0.0, (), Raw(mode="", data=b""), 0)
"""Stands where an event was dropped."""

_TRIM = 1024
"""How many dropped events may lie at the list's old end before it is cut: cutting for each would cost its whole length."""


class Spare:
    """Room that all threads share, for events beyond what each may hold: readers that lag behind large events are not cut off while there is some.

    Args:
        most: How many bytes it is.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lent = 0

    @property
    def left(self) -> int:
        """How many bytes nobody has."""
        return max(0, self._most - self._lent)

    def lend(self, more: int) -> None:
        """Counts bytes that a thread takes; fewer than 0 where it gives them back."""
        self._lent += more


class MemoryThreadLog:
    """The events of one thread.

    Args:
        thread_id: The thread: a UUID.
        newest_seq: The highest number given so far.
        max_bytes: The most bytes of events that are held, beside what `spare` has left; at least one event always is.
        clock: Seconds since 1970, UTC.
        lull: When readers are woken: what is appended meanwhile, they get with it.
        spare: Room beyond the bound.
    """

    def __init__(
        self,
        thread_id: str,
        newest_seq: int,
        max_bytes: int,
        clock: Callable[[], float],
        lull: Lull,
        spare: Spare | None = None,
    ) -> None:
        self._thread_id = thread_id
        self._max_bytes = max_bytes
        self._clock = clock
        self._lull = lull
        self._spare = spare or Spare(0)
        self._borrowed = 0
        self._events: list[Event] = []
        self._dropped = 0
        self._base = newest_seq + 1
        self._bytes = 0
        self._waiters: dict[asyncio.Future[None], None] = {}
        self._waking = False
        self._place: tuple[int, int, int] | None = None
        self._batch = Batch()
        self._closed = False
        self._gone = False
        self._told: Callable[[], None] | None = None
        self._published = newest_seq  # counts only while events are held back

    @property
    def oldest_seq(self) -> int:
        """The lowest number that is held; one above `newest_seq` where nothing is."""
        return self._base + self._dropped

    @property
    def newest_seq(self) -> int:
        """The highest number that readers can see."""
        return self.given_seq if self._told is None else self._published

    @property
    def given_seq(self) -> int:
        """The highest number given so far."""
        return self._base + len(self._events) - 1

    @property
    def held_bytes(self) -> int:
        """About how many bytes the held events have."""
        return self._bytes

    def append(
        self, run_id: str, namespace: tuple[str, ...], payload: Payload, weight: int, time: float | None = None
    ) -> Event:
        """Numbers an event, holds it, and wakes the readers (port `ThreadLog`)."""
        seq = self._base + len(self._events)
        event = Event(seq, run_id, self._thread_id, time or self._clock(), namespace, payload, weight)
        self._events.append(event)
        self._bytes += weight
        if self._bytes > self._max_bytes:
            self._drop()
        if self._told is not None:
            self._told()
        elif self._waiters and (not self._waking or weight >= _HEAVY):
            self._wake_for(weight)
        return event

    def hold_back(self, told: Callable[[], None] | None) -> None:
        """Shows readers what is appended from now on only when it is published (port `ThreadLog`)."""
        if told is None:
            self.publish(self.given_seq)
        elif self._told is None:
            self._published = self.given_seq
        self._told = told

    def waiting(self, after_seq: int, max_bytes: int) -> Sequence[Event]:
        """Events behind a number, also those that readers do not see yet (port `ThreadLog`). Raises CursorExpired where they are no longer held."""
        return self._slice(after_seq, self.given_seq, max_bytes)

    def publish(self, through_seq: int) -> None:
        """Shows readers the events up to a number (port `ThreadLog`)."""
        self._published = max(self._published, min(through_seq, self.given_seq))
        if self._bytes > self._max_bytes:
            self._drop()
        if self._waiters and not self._waking:
            self._wake_for(0)

    def abandon(self) -> None:
        """Drops what is held back and was never published: its numbers are given again."""
        if self._told is not None:
            del self._events[self._published + 1 - self._base :]
            self._bytes = sum(event.weight for event in self._events[self._dropped :])
            self._told = None

    def read(self, after_seq: int, max_bytes: int) -> Batch:
        """Events behind a cursor (port `ThreadLog`)."""
        place = (after_seq, self.newest_seq, max_bytes)
        if place != self._place:
            self._batch = Batch(self._slice(*place))
            self._place = place
        return self._batch

    def _slice(self, after_seq: int, through_seq: int, max_bytes: int) -> Sequence[Event]:
        start = after_seq + 1 - self._base
        if start < self._dropped:
            raise CursorExpired(after_seq, self.oldest_seq, self.newest_seq)
        batch: list[Event] = []
        room = max_bytes
        for index in range(start, through_seq + 1 - self._base):
            event = self._events[index]
            room -= event.weight
            if room < 0 and batch:
                break
            batch.append(event)
        return batch

    async def wait(self, after_seq: int, *, at_once: bool = False) -> None:
        """Returns at a lull when an event behind the cursor is there (port `ThreadLog`)."""
        if self.newest_seq > after_seq:
            heavy = bool(self._events) and self._events[-1].weight >= _HEAVY
            return None if heavy or (at_once and not self._lull.awaited) else await self._lull.wait()
        while self.newest_seq <= after_seq:
            if self._gone:
                raise ThreadNotFound(self._thread_id)
            if self._closed:
                raise Draining(after_seq)
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters[waiter] = None
            try:
                await waiter
            finally:
                # A cancelled waiter must not stay, or an idle thread would collect one for each reader that ever left.
                self._waiters.pop(waiter, None)
        return None

    def close(self) -> None:
        """Ends the waiting of all readers: the server stops."""
        self._closed = True
        self._wake()

    def forget(self) -> None:
        """Ends the waiting of all readers: the thread is gone, and nothing follows."""
        self._gone = True
        self._wake()

    def _wake_for(self, weight: int) -> None:
        if weight >= _HEAVY:
            self._wake()
        else:
            self._waking = True
            self._lull.call(self._wake)

    def _wake(self) -> None:
        self._waking = False
        waiters, self._waiters = self._waiters, {}
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def give_back(self) -> None:
        """Gives back what it has of the spare room, and what its readers shared: nobody appends or reads."""
        self._borrow(0)
        self._place, self._batch = None, Batch()

    def _borrow(self, beyond: int) -> None:
        self._spare.lend(beyond - self._borrowed)
        self._borrowed = beyond

    def _drop(self) -> None:
        newest = (len(self._events) if self._told is None else self._published + 1 - self._base) - 1
        spare = self._borrowed + self._spare.left
        while self._bytes > self._max_bytes + spare and self._dropped < newest:
            self._bytes -= self._events[self._dropped].weight
            self._events[self._dropped] = _NOTHING  # cut later, but what it holds goes now
            self._dropped += 1
        if self._dropped >= _TRIM:
            del self._events[: self._dropped]
            self._base += self._dropped
            self._dropped = 0
        self._borrow(max(0, min(spare, self._bytes - self._max_bytes)))


class MemoryLog:
    """The logs of all threads.

    A log lives while something is attached to it. After that it stays for a while, within a bound for all such logs together, so
    that a reader that was cut off at the end can still come back; the oldest go first.

    Args:
        retention: How much is held.
        clock: Seconds since 1970, UTC.
        lull: When readers are woken.
    """

    def __init__(self, retention: Retention, clock: Callable[[], float] = time.time, lull: Lull | None = None) -> None:
        self._retention = retention
        self._clock = clock
        self._lull = lull or Lull()
        self._spare = Spare(retention.spare_bytes)
        self._live: dict[str, tuple[MemoryThreadLog, int]] = {}
        self._ended: OrderedDict[str, tuple[MemoryThreadLog, float]] = OrderedDict()
        self._ended_bytes = 0
        self._busy: Callable[[str], bool] | None = None

    @property
    def held_bytes(self) -> int:
        """About how many bytes the held events of all threads have."""
        return self._ended_bytes + sum(log.held_bytes for log, _ in self._live.values())

    @asynccontextmanager
    async def attach(self, thread_id: str, newest_seq: int) -> AsyncIterator[MemoryThreadLog]:
        """Holds a thread's log open (port `EventLog`)."""
        log = self._hold(thread_id, newest_seq)
        try:
            yield log
        finally:
            self._release(thread_id, log)

    def forget(self, thread_id: str) -> None:
        """Drops what is held of a thread that is gone (port `EventLog`)."""
        if entry := self._ended.pop(thread_id, None):
            self._ended_bytes -= entry[0].held_bytes
        elif holding := self._live.pop(thread_id, None):
            # A new thread may get the id while readers of this one are still attached: it must not go on with their numbers.
            holding[0].give_back()
            holding[0].forget()

    def drain(self, busy: Callable[[str], bool]) -> None:
        """Ends the waiting of readers on threads on which nothing executes (port `EventLog`)."""
        self._busy = busy
        for thread_id, (log, _) in list(self._live.items()):
            if not busy(thread_id):
                log.close()

    def idle(self, thread_id: str) -> None:
        """Ends the waiting of a thread's readers, where the server stops (port `EventLog`)."""
        holding = self._live.get(thread_id)
        if holding is not None and self._busy is not None and not self._busy(thread_id):
            holding[0].close()

    def close(self) -> None:
        """Ends the waiting of all readers, now and from now on."""
        self.drain(lambda _: False)

    def __len__(self) -> int:
        return len(self._live) + len(self._ended)

    def _hold(self, thread_id: str, newest_seq: int) -> MemoryThreadLog:
        self._expire()
        log, holders = self._live.get(thread_id, (None, 0))
        if log is None:
            log = self._revive(thread_id, newest_seq)
            if self._busy is not None and not self._busy(thread_id):
                log.close()
        self._live[thread_id] = (log, holders + 1)
        return log

    def _revive(self, thread_id: str, newest_seq: int) -> MemoryThreadLog:
        entry = self._ended.pop(thread_id, None)
        if entry is not None:
            self._ended_bytes -= entry[0].held_bytes
            # Numbers that another process gave meanwhile are not in this log: it would give them again.
            if entry[0].newest_seq >= newest_seq:
                return entry[0]
        return MemoryThreadLog(
            thread_id, newest_seq, self._retention.thread_bytes, self._clock, self._lull, self._spare
        )

    def _release(self, thread_id: str, log: MemoryThreadLog) -> None:
        held, holders = self._live.get(thread_id, (None, 0))
        if held is not log:  # its thread is gone
            return
        if holders > 1:
            self._live[thread_id] = (log, holders - 1)
            return
        del self._live[thread_id]
        log.abandon()
        log.give_back()
        if log.held_bytes:
            self._ended[thread_id] = (log, self._clock() + self._retention.ended_for.total_seconds())
            self._ended_bytes += log.held_bytes
            self._expire()

    def _expire(self) -> None:
        now = self._clock()
        while self._ended:
            log, expires = next(iter(self._ended.values()))
            if expires > now and self._ended_bytes <= self._retention.ended_bytes:
                return
            self._ended.popitem(last=False)
            self._ended_bytes -= log.held_bytes
