"""Crons on a core that tests plug together: a clock that stands still until a test moves it, and a server that may die and come back on the same rows."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from graphwire_server.core.cron import CronStore, NewCron
from graphwire_server.core.crons import Crons
from graphwire_server.core.firings import Firings
from graphwire_server.core.model import RunSpec
from graphwire_server.core.webhooks import UrlPolicy
from graphwire_server.schedules import CronSchedules
from tests.unit.core.fakes import Alarms, Clock, Executor, House, Store, house, running

START = datetime(2026, 3, 2, 9, 0, 30, tzinfo=UTC)
EACH_MINUTE = NewCron(spec=RunSpec(assistant="agent"), schedule="* * * * *")


class Standing(Clock):
    """A clock that stands still."""

    def __init__(self, now: datetime = START) -> None:
        super().__init__()
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def crons_of(made: House, rows: CronStore, expect: Callable[[datetime], None], *, offered: bool = True) -> Crons:
    numbers = iter(range(1, 10_000))
    return Crons(
        rows=rows,
        schedules=CronSchedules(),
        assistants=made.assistants,
        webhooks=UrlPolicy(),
        expect=expect,
        clock=made.clock,
        new_id=lambda: f"00000000-0000-7000-9000-{next(numbers):012x}",
        offered=offered,
    )


@dataclass
class Office:
    """A server that makes runs of crons."""

    house: House
    firings: Firings
    crons: Crons

    @property
    def alarms(self) -> Alarms:
        return self.house.alarms

    async def at_rest(self) -> None:
        """Returns when nothing is under way: no round of firings, and no run."""
        await _until(lambda: not self.firings.going and not len(self.house.worker.jobs))

    async def ring(self, after: timedelta = timedelta(0)) -> None:
        """Lets a time pass at once, does what is due then, and returns when crons have been looked after; runs may go on."""
        self.house.clock.now += after
        self.alarms.move(timedelta(0))
        await _until(lambda: not self.firings.going)

    async def pass_time(self, by: timedelta) -> None:
        """Lets time pass, alarm by alarm."""
        end = self.house.clock.now + by
        await self.at_rest()
        while (first := min((alarm.at for alarm in self.alarms.waiting), default=end)) <= end:
            self.alarms.move(max(first - self.house.clock.now, timedelta(0)))
            await self.at_rest()
        self.alarms.move(end - self.house.clock.now)
        await self.at_rest()


async def _until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not done():  # noqa: ASYNC110  what is waited for has no event, and is a few turns of the loop away
            await asyncio.sleep(0)


@asynccontextmanager
async def open_office(
    clock: Clock,
    *,
    store: Store | None = None,
    ephemeral: Store | None = None,
    rows: CronStore | None = None,
    executor: Executor | None = None,
    limit: int = 100,
    first_id: int = 1,
) -> AsyncIterator[Office]:
    """A server on the rows of a store, which may be that of one before it, or of another that is open too.

    Args:
        clock: The time.
        store: Runs on threads.
        ephemeral: Runs without threads.
        rows: Crons; None for those of `store`, which is in memory.
        executor: Executes runs.
        limit: The most runs that have not ended.
        first_id: The number of the first id.
    """
    store, ephemeral = store or Store(), ephemeral or Store()
    if rows is None:
        rows = ephemeral.crons = store.crons
    made = house(executor, clock=clock, store=store, ephemeral=ephemeral, limit=limit, first_id=first_id)
    firings = Firings(rows=rows, schedules=CronSchedules(), fire=made.runs.fire, clock=clock, later=made.alarms)
    async with running(made), firings:
        office = Office(house=made, firings=firings, crons=crons_of(made, rows, firings.expect))
        await office.at_rest()
        yield office
