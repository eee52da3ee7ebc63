"""Threads go when their time has passed.

Owns the rounds for that. One goes when the first thread is due, and while any thread has a time to live once in an interval, since runs that end give threads
new times; a server on which no thread has one is never woken. The invariants: a thread on which a run is loses nothing, and what is due when the
server starts goes then.
"""

import asyncio
import logging
from datetime import datetime

from graphwire_server.core.errors import StoreUnavailable
from graphwire_server.core.ports import Clock, EventLog, Later
from graphwire_server.core.pruning import PAUSE, Pruner
from graphwire_server.core.rounds import Rounds
from graphwire_server.core.ttl import TtlPolicy

_log = logging.getLogger("graphwire.threads")


class Sweeper(Rounds):
    """Removes threads and states whose time has passed. Entered when the server starts; leaving it waits for the part that is under way.

    Args:
        pruner: Removes them.
        logs: The event logs: those of threads that are gone are dropped.
        policy: How often, and how many at once.
        clock: The time.
        later: Does something at its time.
    """

    def __init__(self, *, pruner: Pruner, logs: EventLog, policy: TtlPolicy, clock: Clock, later: Later) -> None:
        super().__init__(clock, later)
        self._pruner = pruner
        self._logs = logs
        self._policy = policy

    async def _go(self) -> datetime | None:
        now = self._clock()
        await self._remove_due(now)
        return await self._again(now)

    async def _remove_due(self, now: datetime) -> None:
        due = await self._pruner.due_threads(now, self._policy.limit)
        deleted = trimmed = 0
        for thread_id in due:
            if not self._open:
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
            if not swept.more or not self._open:
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
