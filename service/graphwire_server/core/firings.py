"""Makes the runs of crons when they are due.

Owns the rounds that make them. One goes when the next run is due, so nothing is polled; a slow one is the safety net for clocks that jump and for crons that
another process has made. The invariant: a firing is taken in the same transaction as its run is created, so however many processes watch, and whenever one of
them dies, it makes one run.

The rule after a time without a process, or without a store: of the firings of a cron that were missed, the latest is made, once.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from graphwire_server.core.cron import Claim, Cron, CronStore, FiringTaken, Schedules
from graphwire_server.core.crons import following
from graphwire_server.core.errors import CapacityReached, Draining, GraphwireError, InvalidField, StoreUnavailable
from graphwire_server.core.model import Run, RunSpec
from graphwire_server.core.ports import Clock, Later
from graphwire_server.core.rounds import RETRY, Rounds

_log = logging.getLogger("graphwire.crons")

AT_ONCE = 100
"""The most firings that are made at the same moment; more follow them."""

ROUND = timedelta(seconds=60)
"""The longest time between two looks at the clock and at the store."""

_PAUSE = timedelta(milliseconds=5)


class Fire(Protocol):
    """Creates the run of a firing: both or neither."""

    async def __call__(self, spec: RunSpec, claim: Claim) -> Run:
        """The run. Raises FiringTaken, and as the creation of a run."""
        ...


class Firings(Rounds):
    """The firings of this process. Entered when runs are taken, and left before they are not any more.

    Args:
        rows: Rows of crons.
        schedules: Reads schedules.
        fire: Creates a run.
        clock: The time.
        later: Does something at its time.
    """

    def __init__(self, *, rows: CronStore, schedules: Schedules, fire: Fire, clock: Clock, later: Later) -> None:
        super().__init__(clock, later, soonest=_PAUSE, latest=ROUND)
        self._rows = rows
        self._schedules = schedules
        self._fire = fire

    async def _go(self) -> datetime:
        """Makes all runs that are due. One for which there is no room or no store is tried again; should the next be due by then, that one is made instead."""
        while self._open:
            now = self._clock()
            due = await self._rows.due(now, AT_ONCE)
            if not due:
                break
            settled = await asyncio.gather(*(self._settle(cron, now) for cron in due))
            if not all(settled):
                return self._clock() + RETRY
        return await self._rows.next_due() or self._clock() + ROUND

    async def _settle(self, cron: Cron, now: datetime) -> bool:
        """Makes the run of a cron that is due. Returns whether that is settled, one way or the other; else it is to be tried again."""
        try:
            await self._make(cron, now)
        except FiringTaken:
            pass
        except (CapacityReached, StoreUnavailable, Draining) as error:
            _log.warning("cron waits", extra={"cron_id": cron.cron_id, "reason": error.reason})
            return False
        return True

    async def _make(self, cron: Cron, now: datetime) -> None:
        try:
            claim = self._claim(cron, now)
        except InvalidField as error:  # its time zone is not known on this machine, or no longer
            await self._stop(cron, error)
            return
        metadata = {**cron.spec.metadata, "cron_id": cron.cron_id}  # wire fact 85
        spec = replace(cron.spec, cron_id=cron.cron_id, metadata=metadata)
        try:
            run = await self._fire(spec, claim)
        except (FiringTaken, CapacityReached, StoreUnavailable, Draining):
            raise
        except GraphwireError as error:
            _log.warning("cron made no run", extra={"cron_id": cron.cron_id, "reason": error.reason})
            await self._pass_over(cron, claim, error.message)
        except Exception:  # noqa: BLE001  a defect must not end the firings of other crons, nor be met again without end
            _log.exception("cron made no run", extra={"cron_id": cron.cron_id})
            await self._pass_over(cron, claim, "an internal error; the server's log has it")
        else:
            firing = claim.firing_at.isoformat()
            _log.info("cron fired", extra={"cron_id": cron.cron_id, "run_id": run.run_id, "firing": firing})

    def _claim(self, cron: Cron, now: datetime) -> Claim:
        """The latest of the firings that are due. Those before it were missed, and are not made any more."""
        due = cron.next_at or now
        until = now if cron.end_time is None else min(now, cron.end_time)
        firing = self._schedules.latest(cron.schedule, cron.timezone, due, until)
        if firing != due:
            _log.warning("firings of a cron were missed", extra={"cron_id": cron.cron_id, "since": due.isoformat()})
        return Claim(
            cron_id=cron.cron_id,
            next_at=due,
            firing_at=firing,
            following=following(self._schedules, cron, now),
        )

    async def _pass_over(self, cron: Cron, claim: Claim, problem: str) -> None:
        """A run that is refused, as one on a busy thread may be, would be refused again: the next firing is the next chance. What was wrong can be read."""
        await self._note(cron, lambda found: replace(found, next_at=claim.following, problem=problem))

    async def _stop(self, cron: Cron, error: GraphwireError) -> None:
        _log.error("cron disabled", extra={"cron_id": cron.cron_id, "reason": error.reason})
        await self._note(cron, lambda found: replace(found, next_at=None, enabled=False, problem=error.message))

    async def _note(self, cron: Cron, change: Callable[[Cron], Cron]) -> None:
        """Changes a cron, unless somebody else has meanwhile."""
        due = cron.next_at
        await self._rows.change(cron.cron_id, lambda found: change(found) if found.next_at == due else found)
