"""Keeping the events of a resumable run.

Owns the way of a run's events into the store while it executes: readers see an event once it is kept, so that no number is ever given twice (design, promise 3).
While one write is under way the next events gather, so a burst is few writes and a single event waits for none. The invariant: what readers have seen is
kept, and what waits to be kept has a bound.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

from graphwire_server.core.model import Retention, Run
from graphwire_server.core.ports import Later, Store, ThreadLog

BATCH_BYTES = 256 << 10
"""How many bytes of events one write has at most, but for a single event that is larger: it is written on the event loop."""

_PART_BYTES = 64 << 10
"""How much goes at a time, at least, where the oldest must go: a note for each write would be one for each token."""

PATIENCE = timedelta(seconds=30)
"""How long a run waits for a store that is away, once as much waits to be kept as may."""

T = TypeVar("T")


class Insist(Protocol):
    """Writes what must be written, however long the store is away. Raises StoreUnavailable where the server stops before that."""

    async def __call__(self, call: Callable[[], Awaitable[T]]) -> T:
        """Gives what the call gives."""
        ...


Own = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
"""Makes a task that somebody else awaits at the end."""


class Keeper:
    """Keeps the events of one run, and whatever else is appended to its thread's log meanwhile. Entered while the run executes.

    Args:
        log: The thread's log.
        run: The run.
        store: Where its events are kept.
        retention: How much of it is kept, and how much may wait.
        insist: How it is written.
        own: Who owns the task that writes.
        later: Does something at its time.
        give_up: Called when the store has been away for too long.
    """

    def __init__(
        self,
        log: ThreadLog,
        run: Run,
        store: Store,
        retention: Retention,
        *,
        insist: Insist,
        own: Own,
        later: Later,
        give_up: Callable[[], None],
    ) -> None:
        self._log = log
        self._run = run
        self._store = store
        self._retention = retention
        self._insist = insist
        self._own = own
        self._later = later
        self._give_up = give_up
        self._through = log.given_seq
        self._waiting = 0
        self._kept: deque[tuple[int, int]] = deque()
        self._kept_bytes = 0
        self._writing: asyncio.Task[None] | None = None

    def __enter__(self) -> "Keeper":
        self._log.hold_back(self._told)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Where something failed, what is not kept stays hidden: the next attempt gives its numbers again."""
        if kind is None:
            self._log.hold_back(None)

    def weighed(self, weight: int) -> None:
        """Counts an event that was appended."""
        self._waiting += weight

    @property
    def full(self) -> bool:
        """Whether as much waits to be kept as may: no more is to be appended until there is room (port `Room`)."""
        return self._waiting > self._retention.thread_bytes

    async def wait(self) -> None:
        """Returns when there is room (port `Room`). Where there is none for PATIENCE, the store is away, and the run is given up."""
        if self.full:
            alarm = self._later(PATIENCE, self._give_up)
            try:
                await self.flush()
            finally:
                alarm.cancel()

    async def flush(self) -> None:
        """Returns when all that was appended so far is kept. Raises StoreUnavailable where the server stops before that."""
        while self._writing is not None:
            await asyncio.shield(self._writing)

    def _told(self) -> None:
        if self._writing is None:
            self._writing = self._own(self._write())

    async def _write(self) -> None:
        try:
            while batch := self._log.waiting(self._through, BATCH_BYTES):
                through, weight = batch[-1].seq, sum(event.weight for event in batch)
                drop = self._make_room(through, weight)
                await self._insist(partial(self._store.keep_events, self._run.thread_id, batch, drop_through=drop))
                self._through = through
                self._waiting = max(0, self._waiting - weight)
                self._log.publish(through)
        finally:
            self._writing = None

    def _make_room(self, through: int, weight: int) -> int:
        """Notes what is kept now, and up to which number the oldest must go for it; 0 for none."""
        part = min(_PART_BYTES, self._retention.kept_bytes // 16)
        before = self._kept.pop()[1] if self._kept and self._kept[-1][1] < part else 0
        self._kept.append((through, before + weight))
        self._kept_bytes += weight
        drop = 0
        while self._kept_bytes > self._retention.kept_bytes and len(self._kept) > 1:
            drop, dropped = self._kept.popleft()
            self._kept_bytes -= dropped
        return drop
