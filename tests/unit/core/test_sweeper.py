import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import cast

from graphwire_server.core.errors import StoreUnavailable
from graphwire_server.core.ports import EventLog
from graphwire_server.core.pruning import Swept
from graphwire_server.core.sweeper import Sweeper
from graphwire_server.core.ttl import Ttl, TtlPolicy, TtlStrategy
from tests.unit.core.fakes import OTHER, SOON, THREAD, Alarms, Clock, Executor, House, Store, house, on_thread, running

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
LIFE, KEEPING = Ttl(after=DAY), Ttl(after=DAY, strategy=TtlStrategy.KEEP_LATEST)


class Pruner(Store):
    """A store that counts how often it was asked, is away when a test wants, and does much in parts."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = self.gone = self.parts = 0
        self.broken: set[str] = set()

    async def due_threads(self, now: datetime, limit: int) -> list[str]:
        self.looks += 1
        if self.gone:
            self.gone -= 1
            raise StoreUnavailable("away")
        return await super().due_threads(now, limit)

    async def expire_thread(self, thread_id: str, now: datetime) -> Swept | None:
        if thread_id in self.broken:
            raise ValueError("a row that nobody can read")
        if self.parts:
            self.parts -= 1
            return Swept(deleted=False, more=True)
        return await super().expire_thread(thread_id, now)


class Stage:
    """A sweeper on a store of its own."""

    def __init__(self, policy: TtlPolicy) -> None:
        self.clock = Clock()
        self.alarms = Alarms(self.clock)
        self.pruner = Pruner()
        self.forgotten: list[str] = []
        logs = cast("EventLog", self)  # forgetting is all that is asked of it
        self.sweeper = Sweeper(pruner=self.pruner, logs=logs, policy=policy, clock=self.clock, later=self.alarms)

    def forget(self, thread_id: str) -> None:
        self.forgotten.append(thread_id)

    async def settle(self) -> None:
        """Waits until the sweep that is under way is done."""
        async with asyncio.timeout(SOON):
            while self.sweeper.going:  # noqa: ASYNC110  there is no event for it
                await asyncio.sleep(0)

    async def move(self, by: timedelta) -> None:
        self.alarms.move(by)
        await self.settle()

    async def live(self, thread_id: str, ttl: Ttl | None) -> None:
        made = house(store=self.pruner, clock=self.clock)
        thread = await made.threads.create(thread_id, {}, ttl=ttl)
        if thread.expires_at is not None:
            self.sweeper.expect(thread.expires_at)

    async def there(self) -> set[str]:
        return {each for each in (THREAD, OTHER) if await self.pruner.get_thread(each)}


@asynccontextmanager
async def sweeping(policy: TtlPolicy | None = None, lives: Sequence[tuple[str, Ttl]] = ()) -> AsyncIterator[Stage]:
    stage = Stage(policy or TtlPolicy())
    for thread_id, ttl in lives:
        await stage.live(thread_id, ttl)
    async with stage.sweeper:
        await stage.settle()
        yield stage


async def test_a_server_on_which_threads_live_for_ever_is_never_woken() -> None:
    async with sweeping() as stage:
        await stage.live(THREAD, None)

        assert stage.alarms.waiting == []


async def test_a_thread_goes_at_its_time_and_not_before() -> None:
    async with sweeping(TtlPolicy(interval=10 * DAY)) as stage:
        await stage.live(THREAD, LIFE)
        await stage.move(DAY - MINUTE)
        before = await stage.there()
        await stage.move(MINUTE)

        assert (before, await stage.there(), stage.forgotten) == ({THREAD}, set(), [THREAD])


async def test_what_was_due_while_no_server_ran_goes_when_one_starts() -> None:
    stage = Stage(TtlPolicy())
    await stage.live(THREAD, LIFE)
    stage.clock.now += 2 * DAY
    async with stage.sweeper:
        await stage.settle()

        assert await stage.there() == set()


async def test_a_thread_with_a_run_on_it_stays_until_it_has_been_idle_for_its_time() -> None:
    executor = Executor()
    executor.script = executor.held
    stage = Stage(TtlPolicy(interval=MINUTE))
    made: House = house(executor, store=stage.pruner, clock=stage.clock)
    async with running(made), stage.sweeper:
        thread = await made.threads.create(THREAD, {}, ttl=LIFE)
        assert thread.expires_at is not None
        stage.sweeper.expect(thread.expires_at)
        run = await made.runs.create(on_thread())
        await made.begun()
        await stage.move(3 * DAY)
        while_it_runs = await stage.there()
        executor.release.set()
        await made.end(run)
        await stage.move(DAY - MINUTE)
        after_it = await stage.there()
        await stage.move(5 * MINUTE)

        assert (while_it_runs, after_it, await stage.there()) == ({THREAD}, {THREAD}, set())


async def test_no_more_go_at_once_than_may_and_the_others_go_an_interval_later() -> None:
    async with sweeping(TtlPolicy(interval=MINUTE, limit=1)) as stage:
        await stage.live(THREAD, LIFE)
        await stage.live(OTHER, LIFE)
        await stage.move(2 * DAY)
        first = await stage.there()
        await stage.move(2 * MINUTE)

        assert (first, await stage.there()) == ({OTHER}, set())


async def test_a_long_thread_loses_its_states_part_by_part() -> None:
    async with sweeping() as stage:
        stage.pruner.parts = 5
        await stage.live(THREAD, KEEPING)
        await stage.move(2 * DAY)

        assert (stage.pruner.parts, await stage.there(), stage.forgotten) == (0, {THREAD}, [])
        looks = stage.pruner.looks
        await stage.move(MINUTE)
        assert stage.pruner.looks == looks


async def test_a_thread_that_runs_give_new_times_is_found_within_an_interval() -> None:
    async with sweeping(TtlPolicy(interval=MINUTE)) as stage:
        await stage.live(THREAD, KEEPING)
        await stage.move(2 * DAY)
        await stage.pruner.merge_metadata(THREAD, {}, stage.clock.now)  # nobody tells the sweeper, as at a run's end
        await stage.pruner.merge_metadata(THREAD, {}, stage.clock.now, Ttl(after=timedelta(seconds=5)))
        await stage.move(2 * MINUTE)

        assert await stage.there() == set()


async def test_threads_that_runs_open_are_found_where_the_server_has_a_default() -> None:
    async with sweeping(TtlPolicy(default=LIFE, interval=MINUTE)) as stage:
        await stage.pruner.create_thread(
            await house(clock=stage.clock).threads.create(THREAD, {}, ttl=Ttl(after=timedelta(seconds=1)))
        )
        await stage.move(3 * MINUTE)

        assert await stage.there() == set()


async def test_a_store_that_is_away_is_asked_again() -> None:
    async with sweeping() as stage:
        await stage.live(THREAD, LIFE)
        stage.pruner.gone = 1
        await stage.move(2 * DAY)
        away = await stage.there()
        await stage.move(MINUTE)

        assert (away, await stage.there()) == ({THREAD}, set())


async def test_a_thread_that_cannot_be_removed_keeps_no_other() -> None:
    async with sweeping(TtlPolicy(interval=MINUTE)) as stage:
        stage.pruner.broken = {THREAD}
        await stage.live(THREAD, LIFE)
        await stage.live(OTHER, LIFE)
        await stage.move(2 * DAY)

        assert await stage.there() == {THREAD}


async def test_a_server_that_stops_removes_no_more() -> None:
    stage = Stage(TtlPolicy())
    async with stage.sweeper:
        await stage.settle()
        await stage.live(THREAD, LIFE)
        stage.pruner.parts = 10**6
        stage.alarms.move(2 * DAY)
    left = stage.pruner.parts
    await asyncio.sleep(0)

    assert stage.pruner.parts == left > 0
    assert stage.alarms.waiting == []
    stage.sweeper.expect(stage.clock.now)
    assert stage.alarms.waiting == []
