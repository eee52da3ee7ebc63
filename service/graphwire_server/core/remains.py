"""What stateless runs leave for a while.

Owns the rows and the logs of stateless runs that have ended and that readers may come back to (`stream_resumable`). The invariant: what is kept has a bound in
time and in runs, and a run that is gone has neither row nor log nor kept events.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from graphwire_server.core.errors import GraphwireError, ThreadNotFound
from graphwire_server.core.model import Run
from graphwire_server.core.ports import Alarm, Clock, EventLog, Later, Store

_log = logging.getLogger("graphwire.runs")

MOST_RUNS = 10_000
"""The most runs that are kept; the oldest go first."""

_RETRY = timedelta(seconds=5)

Spawn = Callable[[Coroutine[Any, Any, None]], object]
"""Makes a task that somebody else awaits at the end."""


class Remains:
    """The stateless runs that have ended and can still be read.

    Args:
        logs: The event logs.
        clock: The time.
        later: Does something at its time.
        ended_for: How long a run is kept after its end.
        spawn: Who owns the tasks that remove.
        most_runs: The most runs.
    """

    def __init__(
        self,
        logs: EventLog,
        clock: Clock,
        later: Later,
        ended_for: timedelta,
        spawn: Spawn,
        most_runs: int = MOST_RUNS,
    ) -> None:
        self._logs = logs
        self._clock = clock
        self._later = later
        self._ended_for = ended_for
        self._spawn = spawn
        self._most_runs = most_runs
        self._kept: OrderedDict[str, tuple[Run, Store]] = OrderedDict()
        self._alarm: Alarm | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._kept)

    def close(self) -> None:
        """Removes no more: what is left is removed by the next process."""
        self._closed = True
        if self._alarm is not None:
            self._alarm.cancel()

    def keep(self, ended: Run, store: Store) -> None:
        """Keeps a run that has ended. Where the bound is passed, the oldest goes."""
        self._kept[ended.run_id] = (ended, store)
        if len(self._kept) > self._most_runs:
            self._spawn(self.drop(next(iter(self._kept))))
        if self._alarm is None:
            self._set_alarm()

    def over(self, run: Run) -> bool:
        """Whether the time of a run that is kept has passed: nobody finds it then, though it may not have been removed yet."""
        return run.run_id in self._kept and self._expires(run) <= self._clock()

    async def drop(self, run_id: str) -> None:
        """Removes what a run has left now; nothing happens where it is not kept. Readers that are attached read what is there. Raises StoreUnavailable."""
        kept = self._kept.get(run_id)
        if kept is None:
            return
        ended, store = kept
        with suppress(ThreadNotFound):  # somebody has removed it, and left before it could be noted here
            await store.delete_thread(ended.thread_id)
        self._kept.pop(run_id, None)
        self._logs.forget(ended.thread_id)

    async def sweep(self) -> None:
        """Removes the runs whose time has passed."""
        now = self._clock()
        while self._kept:
            run_id, (ended, _) = next(iter(self._kept.items()))
            if self._expires(ended) > now:
                break
            try:
                await self.drop(run_id)
            except GraphwireError:
                _log.exception("run not removed, trying again later", extra={"run_id": run_id})
                return self._set_alarm(_RETRY)
        self._set_alarm()
        return None

    def _set_alarm(self, least: timedelta = timedelta(0)) -> None:
        """All are kept for the same time, so none that comes meanwhile goes before the first."""
        self._alarm = None
        if self._kept and not self._closed:
            first, _ = next(iter(self._kept.values()))
            delay = max(least, self._expires(first) - self._clock())
            self._alarm = self._later(delay, lambda: self._spawn(self.sweep()))

    def _expires(self, ended: Run) -> datetime:
        return ended.updated_at + self._ended_for
