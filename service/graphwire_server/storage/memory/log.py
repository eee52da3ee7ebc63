"""The event log in memory: what live readers read.

Owns the numbers of a thread's events, the events that are held, and the wake-up of readers. Readers have no queue of their own: each
has a cursor into the one list, so a reader costs nothing while it lags, and an append costs the same for one reader or a hundred.
The invariant: held events are consecutive, and none is dropped but from the old end.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from graphwire_server.core.errors import CursorExpired, Draining, ThreadNotFound
from graphwire_server.core.events import Event, Payload
from graphwire_server.core.model import Retention

_TRIM = 1024
"""How many dropped events may lie at the list's old end before it is cut: cutting for each would cost its whole length."""


class MemoryThreadLog:
    """The events of one thread.

    Args:
        thread_id: The thread: a UUID.
        newest_seq: The highest number given so far.
        max_bytes: The most bytes of events that are held; at least one event always is.
        clock: Seconds since 1970, UTC.
    """

    def __init__(self, thread_id: str, newest_seq: int, max_bytes: int, clock: Callable[[], float]) -> None:
        self._thread_id = thread_id
        self._max_bytes = max_bytes
        self._clock = clock
        self._events: list[Event] = []
        self._dropped = 0
        self._base = newest_seq + 1
        self._bytes = 0
        self._waiters: dict[asyncio.Future[None], None] = {}
        self._closed = False
        self._gone = False

    @property
    def oldest_seq(self) -> int:
        """The lowest number that is held; one above `newest_seq` where nothing is."""
        return self._base + self._dropped

    @property
    def newest_seq(self) -> int:
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
        if self._waiters:
            self._wake()
        return event

    def read(self, after_seq: int, max_bytes: int) -> Sequence[Event]:
        """Events behind a cursor (port `ThreadLog`)."""
        start = after_seq + 1 - self._base
        if start < self._dropped:
            raise CursorExpired(after_seq, self.oldest_seq, self.newest_seq)
        batch: list[Event] = []
        room = max_bytes
        for index in range(start, len(self._events)):
            event = self._events[index]
            room -= event.weight
            if room < 0 and batch:
                break
            batch.append(event)
        return batch

    async def wait(self, after_seq: int) -> None:
        """Returns when an event behind the cursor is there (port `ThreadLog`)."""
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

    def close(self) -> None:
        """Ends the waiting of all readers: the server stops."""
        self._closed = True
        self._wake()

    def forget(self) -> None:
        """Ends the waiting of all readers: the thread is gone, and nothing follows."""
        self._gone = True
        self._wake()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, {}
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _drop(self) -> None:
        newest = len(self._events) - 1
        while self._bytes > self._max_bytes and self._dropped < newest:
            self._bytes -= self._events[self._dropped].weight
            self._dropped += 1
        if self._dropped >= _TRIM:
            del self._events[: self._dropped]
            self._base += self._dropped
            self._dropped = 0


class MemoryLog:
    """The logs of all threads.

    A log lives while something is attached to it. After that it stays for a while, within a bound for all such logs together, so
    that a reader that was cut off at the end can still come back; the oldest go first.

    Args:
        retention: How much is held.
        clock: Seconds since 1970, UTC.
    """

    def __init__(self, retention: Retention, clock: Callable[[], float] = time.time) -> None:
        self._retention = retention
        self._clock = clock
        self._live: dict[str, tuple[MemoryThreadLog, int]] = {}
        self._ended: OrderedDict[str, tuple[MemoryThreadLog, float]] = OrderedDict()
        self._ended_bytes = 0
        self._closed = False

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
            holding[0].forget()

    def close(self) -> None:
        """Ends the waiting of all readers, now and from now on."""
        self._closed = True
        for log, _ in list(self._live.values()):
            log.close()

    def __len__(self) -> int:
        return len(self._live) + len(self._ended)

    def _hold(self, thread_id: str, newest_seq: int) -> MemoryThreadLog:
        self._expire()
        log, holders = self._live.get(thread_id, (None, 0))
        if log is None:
            log = self._revive(thread_id, newest_seq)
            if self._closed:
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
        return MemoryThreadLog(thread_id, newest_seq, self._retention.thread_bytes, self._clock)

    def _release(self, thread_id: str, log: MemoryThreadLog) -> None:
        held, holders = self._live.get(thread_id, (None, 0))
        if held is not log:  # its thread is gone
            return
        if holders > 1:
            self._live[thread_id] = (log, holders - 1)
            return
        del self._live[thread_id]
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
