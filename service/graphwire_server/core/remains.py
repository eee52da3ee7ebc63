"""What stateless runs leave for a while.

Owns the rows and the logs of stateless runs that have ended and that readers may come back to (`stream_resumable`). One task removes them, whatever
their number. The invariant: what is kept has a bound in time, in runs and in bytes, and a run that is gone has neither row nor log.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Self

from graphwire_server.core.ending import SMALL_EVENT
from graphwire_server.core.errors import GraphwireError
from graphwire_server.core.model import Retention, Run, RunConfig
from graphwire_server.core.ports import Clock, EventLog, Store

_log = logging.getLogger("graphwire.runs")

MOST_RUNS = 10_000
"""The most runs that are kept; the oldest go first."""

Sleep = Callable[[float], Awaitable[None]]
"""Waits for a number of seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    thread_id: str
    store: Store
    expires: datetime
    weight: int


class Remains:
    """The stateless runs that have ended and can still be read.

    Args:
        logs: The event logs.
        clock: The time.
        retention: How long a run is kept after its end, and how many bytes the rows of all may have together. (How many bytes of events are held is
            the log's own matter.)
        sleep: How the time passes until the next run goes.
        most_runs: The most runs.
    """

    def __init__(
        self,
        logs: EventLog,
        clock: Clock,
        retention: Retention,
        sleep: Sleep = asyncio.sleep,
        most_runs: int = MOST_RUNS,
    ) -> None:
        self._logs = logs
        self._clock = clock
        self._retention = retention
        self._sleep = sleep
        self._most_runs = most_runs
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0
        self._some = asyncio.Event()
        self._sweeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._sweeper = asyncio.create_task(self._sweep_on())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops removing, at once. What is kept goes with the process."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.wait((self._sweeper,))

    def __len__(self) -> int:
        return len(self._kept)

    async def keep(self, ended: Run, store: Store) -> None:
        """Keeps a run that has ended. Where a bound is passed, the oldest go."""
        expires = ended.updated_at + self._retention.ended_for
        kept = _Kept(thread_id=ended.thread_id, store=store, expires=expires, weight=_weight(ended))
        self._kept[ended.run_id] = kept
        self._bytes += kept.weight
        self._some.set()
        while len(self._kept) > 1 and self._too_many():
            await self.drop(next(iter(self._kept)))

    async def drop(self, run_id: str) -> None:
        """Removes a run's row and log now; nothing happens where it is not kept. Readers that are attached read what is there."""
        kept = self._kept.pop(run_id, None)
        if kept is None:
            return
        self._bytes -= kept.weight
        self._logs.forget(kept.thread_id)
        await kept.store.delete_thread(kept.thread_id)

    async def sweep(self) -> None:
        """Removes the runs whose time has passed."""
        now = self._clock()
        while self._kept:
            run_id, kept = next(iter(self._kept.items()))
            if kept.expires > now:
                return
            try:
                await self.drop(run_id)
            except GraphwireError:
                _log.exception("run not removed", extra={"run_id": run_id})

    async def _sweep_on(self) -> None:
        while True:
            await self._some.wait()
            if self._kept:
                # All are kept for the same time, so none that comes meanwhile goes before the first.
                first = next(iter(self._kept.values()))
                await self._sleep(max(0.0, (first.expires - self._clock()).total_seconds()))
                await self.sweep()
            else:
                self._some.clear()

    def _too_many(self) -> bool:
        return len(self._kept) > self._most_runs or self._bytes > self._retention.ended_bytes


def remaining(ended: Run) -> Run:
    """The row that a run leaves: a stateless run's without what it was asked, which may be large and which nobody needs to read its end."""
    if not ended.stateless:
        return ended
    bare = replace(ended.spec, has_input=False, input=None, command=None, context=None, config=RunConfig(), headers={})
    return replace(ended, spec=bare)


def _weight(ended: Run) -> int:
    outcome = ended.outcome
    asked = SMALL_EVENT + len(str(ended.spec.metadata))
    if outcome is None:
        return asked
    given = sum(len(interrupt.value) for interrupt in outcome.interrupts) + len(outcome.values or b"")
    return asked + given + (len(outcome.error.message) if outcome.error else 0)
