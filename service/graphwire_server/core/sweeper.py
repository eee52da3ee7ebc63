"""Threads go when their time has passed.

Owns the one alarm for that. It rings when the first thread is due, and while any thread has a time to live once in an interval, since runs that end give threads
new times; a server on which no thread has one is never woken. The invariants: a thread on which a run is loses nothing, and what is due when the
server starts goes then.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from graphwire_server.core.errors import StoreUnavailable
from graphwire_server.core.ports import Alarm, Clock, EventLog, Later
from graphwire_server.core.pruning import PAUSE, Pruner
from graphwire_server.core.ttl import TtlPolicy

_log = logging.getLogger("graphwire.threads")

_RETRY = timedelta(seconds=5)
_SOONEST = timedelta(milliseconds=20)


class Sweeper:
    """Removes threads and states whose time has passed. Entered when the server starts; leaving it waits for the part that is under way.

    Args:
        pruner: Removes them.
        logs: The event logs: those of threads that are gone are dropped.
        policy: How often, and how many at once.
        clock: The time.
        later: Does something at its time.
    """

    def __init__(self, *, pruner: Pruner, logs: EventLog, policy: TtlPolicy, clock: Clock, later: Later) -> None:
        self._pruner = pruner
        self._logs = logs
        self._policy = policy
        self._clock = clock
        self._later = later
        self._alarm: Alarm | None = None
        self._at: datetime | None = None
        self._sweep: asyncio.Task[None] | None = None
        self._missed = False
        self._closed = False

    async def __aenter__(self) -> Self:
        self._ring()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        if self._alarm is not None:
            self._alarm.cancel()
        if self._sweep is not None:
            await asyncio.wait((self._sweep,))

    def expect(self, at: datetime) -> None:
        """A thread will have passed its time then."""
        if not self._closed and (self._at is None or at < self._at):
            if self._alarm is not None:
                self._alarm.cancel()
            self._at = at
            self._alarm = self._later(max(at - self._clock(), _SOONEST), self._ring)

    def _ring(self) -> None:
        self._at = self._alarm = None
        if self._sweep is not None:
            self._missed = True  # what is due now may not have been when the sweep looked
        elif not self._closed:
            self._sweep = asyncio.create_task(self._remove())

    async def _remove(self) -> None:
        now, self._missed = self._clock(), False
        try:
            await self._remove_due(now)
            again = await self._again(now)
        except StoreUnavailable:
            _log.exception("threads whose time has passed could not be removed, trying again later")
            again = now + _RETRY
        finally:
            self._sweep = None
        if again is not None:
            self.expect(now if self._missed else again)

    async def _remove_due(self, now: datetime) -> None:
        due = await self._pruner.due_threads(now, self._policy.limit)
        deleted = trimmed = 0
        for thread_id in due:
            if self._closed:
                break
            try:
                gone = await self._expire(thread_id, now)
            except StoreUnavailable:
                raise
            except Exception:  # noqa: BLE001  a thread that cannot be read must not keep all others for ever
                _log.exception("thread could not be removed", extra={"thread_id": thread_id})
                continue
            deleted, trimmed = deleted + (gone is True), trimmed + (gone is False)
        if due:
            _log.info("threads whose time has passed", extra={"deleted": deleted, "trimmed": trimmed})

    async def _expire(self, thread_id: str, now: datetime) -> bool | None:
        """Whether the thread is deleted, or has lost its old states; None where its time has not passed any more."""
        while (swept := await self._pruner.expire_thread(thread_id, now)) is not None:
            if swept.deleted:
                self._logs.forget(thread_id)
            if not swept.more or self._closed:
                return swept.deleted
            await asyncio.sleep(PAUSE)
        return None

    async def _again(self, now: datetime) -> datetime | None:
        """When to look again: when the next thread is due. One that is due already has a run, or was one too many."""
        outlook = await self._pruner.outlook()
        latest = now + self._policy.interval
        if outlook.next is not None and outlook.next > now:
            return min(outlook.next, latest)
        return latest if outlook.any or self._policy.default is not None else None
