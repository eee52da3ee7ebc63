"""Each time of a schedule makes one run."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from graphwire_server.core.cron import Claim, CronChange, CronQuery
from graphwire_server.core.errors import AssistantNotFound, StoreUnavailable
from graphwire_server.core.model import Admitted, Assistant, MultitaskStrategy, Page, RequestKey, Run, RunSpec, Thread
from tests.unit.core.fakes import OTHER, THREAD, Executor, Store
from tests.unit.core.office import EACH_MINUTE, START, Standing, open_office

MINUTE = timedelta(minutes=1)
ON_THREAD = replace(EACH_MINUTE, spec=RunSpec(assistant="agent", thread_id=THREAD))


async def with_thread(*thread_ids: str) -> Store:
    store = Store()
    for thread_id in thread_ids:
        await store.create_thread(Thread(thread_id=thread_id, created_at=START, updated_at=START))
    return store


def holding() -> Executor:
    executor = Executor()
    executor.script = executor.held
    return executor


def minutes(runs: list[Run]) -> list[datetime]:
    """In which minutes runs were created."""
    return sorted(run.created_at.replace(second=0, microsecond=0) for run in runs)


async def runs_on(store: Store, thread_id: str = THREAD) -> list[Run]:
    return await store.list_runs(thread_id, None, Page(limit=10_000))


async def test_a_run_is_made_at_each_time_of_the_schedule_and_not_before() -> None:
    clock, store = Standing(), await with_thread(THREAD)
    async with open_office(clock, store=store) as office:
        cron = await office.crons.create(ON_THREAD)
        await office.pass_time(timedelta(seconds=29))
        before = await runs_on(store)
        await office.pass_time(timedelta(minutes=3))

    assert before == []
    assert [run.created_at - START.replace(second=0) for run in reversed(await runs_on(store))] == [
        MINUTE,
        2 * MINUTE,
        3 * MINUTE,
    ]
    assert {run.spec.cron_id for run in await runs_on(store)} == {cron.cron_id}


async def test_a_run_has_the_crons_metadata_and_its_id() -> None:
    store = await with_thread(THREAD)
    async with open_office(Standing(), store=store) as office:
        asked = replace(ON_THREAD, spec=replace(ON_THREAD.spec, metadata={"a": 1, "cron_id": "mine"}))
        cron = await office.crons.create(asked)
        await office.pass_time(MINUTE)
        after = await office.crons.get(cron.cron_id)

    (run,) = await runs_on(store)
    assert run.spec.metadata == {"a": 1, "cron_id": cron.cron_id}
    assert (after.last_run_id, after.fired_at) == (run.run_id, START.replace(minute=1, second=0))


async def test_a_day_with_restarts_in_between_has_each_run_once() -> None:
    clock, store, ephemeral = Standing(), await with_thread(THREAD), Store()
    async with open_office(clock, store=store, ephemeral=ephemeral) as office:
        await office.crons.create(ON_THREAD)
    for number in range(48):
        async with open_office(clock, store=store, ephemeral=ephemeral, first_id=1 + number * 100) as office:
            await office.pass_time(timedelta(minutes=29, seconds=40))
        clock.now += timedelta(seconds=20)  # nobody watches

    first = START.replace(minute=1, second=0)
    assert minutes(await runs_on(store)) == [first + number * MINUTE for number in range(24 * 60)]


async def test_two_servers_on_the_same_rows_make_each_run_once() -> None:
    clock, store, ephemeral = Standing(), await with_thread(THREAD), Store()
    async with (
        open_office(clock, store=store, ephemeral=ephemeral) as one,
        open_office(clock, store=store, ephemeral=ephemeral, first_id=5000) as other,
    ):
        await one.crons.create(ON_THREAD)
        for _ in range(60):
            clock.now += MINUTE
            one.alarms.move(timedelta(0))
            other.alarms.move(timedelta(0))
            await asyncio.gather(one.at_rest(), other.at_rest())
        executed = [len(one.house.executor.executed), len(other.house.executor.executed)]

    assert len(await runs_on(store)) == 60
    assert sum(executed) == 60


async def test_of_the_runs_that_were_missed_the_latest_is_made_once(caplog: pytest.LogCaptureFixture) -> None:
    clock, store = Standing(), await with_thread(THREAD)
    async with open_office(clock, store=store) as office:
        cron = await office.crons.create(ON_THREAD)
    clock.now += timedelta(hours=5)
    async with open_office(clock, store=store) as office:
        caught_up = await runs_on(store)
        after = await office.crons.get(cron.cron_id)
        await office.pass_time(MINUTE)

    assert len(caught_up) == 1
    assert after.fired_at == clock.now.replace(second=0) - MINUTE
    assert after.next_at == clock.now.replace(second=0)
    assert len(await runs_on(store)) == 2
    assert "firings of a cron were missed" in caplog.messages


async def test_a_run_that_was_missed_is_made_after_the_end_of_its_cron_too() -> None:
    clock, store = Standing(), await with_thread(THREAD)
    async with open_office(clock, store=store) as office:
        cron = await office.crons.create(replace(ON_THREAD, end_time=START + timedelta(minutes=10)))
    clock.now += timedelta(days=1)
    async with open_office(clock, store=store) as office:
        after = await office.crons.get(cron.cron_id)
        await office.pass_time(timedelta(hours=1))

    assert len(await runs_on(store)) == 1
    assert (after.fired_at, after.next_at) == (START.replace(minute=10, second=0), None)


async def test_a_clock_that_jumps_ahead_is_noticed_within_a_minute() -> None:
    clock, store = Standing(), await with_thread(THREAD)
    async with open_office(clock, store=store) as office:
        await office.crons.create(replace(ON_THREAD, schedule="0 12 * * *"))
        slept = min(alarm.at for alarm in office.alarms.waiting) - clock.now
        await office.ring(timedelta(hours=4))  # a laptop that slept: the alarm has not moved
        await office.at_rest()

    assert slept <= timedelta(seconds=60)
    assert len(await runs_on(store)) == 1


async def test_a_run_for_which_there_is_no_room_is_tried_again() -> None:
    clock, store, executor = Standing(), await with_thread(THREAD, OTHER), holding()
    async with open_office(clock, store=store, executor=executor, limit=1) as office:
        held = await office.house.runs.create(RunSpec(assistant="agent", thread_id=OTHER))
        await office.crons.create(replace(ON_THREAD, schedule="1 9 * * *"))
        await office.ring(MINUTE)
        refused = await runs_on(store)
        executor.release.set()
        await office.house.end(held)
        await office.pass_time(timedelta(seconds=5))

    assert refused == []
    assert len(await runs_on(store)) == 1


class Away(Store):
    """A store that creates no runs while it is away."""

    away_for_runs = 0

    async def admit_run(
        self,
        run: Run,
        *,
        create_thread: bool,
        may_start: bool,
        seq_block: int,
        key: RequestKey | None = None,
        claim: Claim | None = None,
    ) -> Admitted:
        if self.away_for_runs:
            self.away_for_runs -= 1
            raise StoreUnavailable("away")
        return await super().admit_run(
            run, create_thread=create_thread, may_start=may_start, seq_block=seq_block, key=key, claim=claim
        )


async def test_a_run_that_the_store_did_not_take_is_tried_again() -> None:
    clock, store = Standing(), Away()
    await store.create_thread(Thread(thread_id=THREAD, created_at=START, updated_at=START))
    async with open_office(clock, store=store) as office:
        await office.crons.create(replace(ON_THREAD, schedule="1 9 * * *"))
        store.away_for_runs = 3
        await office.pass_time(MINUTE + timedelta(seconds=15))

    assert store.away_for_runs == 0
    assert len(await runs_on(store)) == 1


async def test_a_run_that_is_refused_on_a_busy_thread_is_passed_over_and_says_so() -> None:
    clock, store, executor = Standing(), await with_thread(THREAD), holding()
    async with open_office(clock, store=store, executor=executor) as office:
        held = await office.house.runs.create(ON_THREAD.spec)
        spec = replace(ON_THREAD.spec, multitask_strategy=MultitaskStrategy.REJECT)
        cron = await office.crons.create(replace(ON_THREAD, spec=spec))
        await office.ring(MINUTE)
        refused = await office.crons.get(cron.cron_id)
        executor.release.set()
        await office.house.end(held)
        await office.pass_time(MINUTE)
        made = await office.crons.get(cron.cron_id)

    assert refused.problem is not None
    assert "is busy" in refused.problem
    assert (refused.last_run_id, refused.next_at) == (None, START.replace(minute=2, second=0))
    assert (made.problem, len(await runs_on(store))) == (None, 2)


async def test_a_run_on_a_busy_thread_waits_for_its_turn() -> None:
    clock, store, executor = Standing(), await with_thread(THREAD), holding()
    async with open_office(clock, store=store, executor=executor) as office:
        await office.house.runs.create(ON_THREAD.spec)
        await office.crons.create(ON_THREAD)
        await office.ring(MINUTE)
        waiting = await runs_on(store)
        executor.release.set()
        await office.at_rest()

    assert [run.status.value for run in waiting] == ["pending", "running"]
    assert len(executor.executed) == 2


async def test_a_cron_whose_assistant_is_gone_goes_on_when_it_is_back() -> None:
    clock, store = Standing(), await with_thread(THREAD)
    async with open_office(clock, store=store) as office:
        cron = await office.crons.create(ON_THREAD)
        known, gone = office.house.assistants.runnable, True

        async def runnable(name: str) -> Assistant:
            if gone:
                raise AssistantNotFound(name)
            return await known(name)

        office.house.assistants.runnable = runnable  # type: ignore[method-assign]  # a graph that was taken out
        await office.pass_time(MINUTE)
        without = await office.crons.get(cron.cron_id)
        gone = False
        await office.pass_time(MINUTE)

    assert without.problem is not None
    assert "does not exist" in without.problem
    assert without.enabled
    assert len(await runs_on(store)) == 1


async def test_a_time_zone_that_is_no_longer_known_disables_a_cron_and_says_so() -> None:
    store = await with_thread(THREAD)
    async with open_office(Standing(), store=store) as office:
        cron = await office.crons.create(ON_THREAD)
        await store.crons.change(cron.cron_id, lambda found: replace(found, timezone="Nowhere/Gone"))
        await office.pass_time(MINUTE)
        after = await office.crons.get(cron.cron_id)

    assert (after.enabled, after.next_at) == (False, None)
    assert after.problem is not None
    assert after.problem.startswith("timezone: ")


async def test_a_defect_stops_neither_other_crons_nor_the_next_run() -> None:
    store = await with_thread(THREAD, OTHER)
    async with open_office(Standing(), store=store) as office:
        cron = await office.crons.create(ON_THREAD)
        await office.crons.create(replace(ON_THREAD, spec=replace(ON_THREAD.spec, thread_id=OTHER)))
        fire = office.house.runs.fire
        broken = True

        async def failing(spec: RunSpec, claim: Claim) -> Run:
            if broken and spec.thread_id == THREAD:
                raise RuntimeError("a defect")
            return await fire(spec, claim)

        office.firings._fire = failing
        await office.pass_time(MINUTE)
        after = await office.crons.get(cron.cron_id)
        broken = False
        await office.pass_time(MINUTE)

    assert after.problem == "an internal error; the server's log has it"
    assert (len(await runs_on(store)), len(await runs_on(store, OTHER))) == (1, 2)


async def test_a_cron_that_was_changed_or_deleted_makes_no_run() -> None:
    store = await with_thread(THREAD)
    async with open_office(Standing(), store=store) as office:
        first, second, third = [await office.crons.create(ON_THREAD) for _ in range(3)]
        await office.crons.update(first.cron_id, CronChange(enabled=False))
        await office.crons.delete(second.cron_id)
        await office.crons.update(third.cron_id, CronChange(schedule="0 0 1 1 *"))
        await office.pass_time(timedelta(minutes=5))

    assert await runs_on(store) == []


async def test_the_crons_of_a_thread_go_with_it() -> None:
    store = await with_thread(THREAD)
    async with open_office(Standing(), store=store) as office:
        await office.crons.create(ON_THREAD)
        await office.house.threads.delete(THREAD)
        await office.pass_time(timedelta(minutes=5))

        assert await office.crons.count(CronQuery()) == 0
        assert office.house.executor.executed == []


async def test_a_run_without_a_thread_has_one_of_its_own_that_ends_with_it_or_stays() -> None:
    store = Store()
    async with open_office(Standing(), store=store) as office:
        await office.crons.create(EACH_MINUTE)
        await office.crons.create(replace(EACH_MINUTE, spec=replace(EACH_MINUTE.spec, keep_thread=True)))
        await office.pass_time(timedelta(minutes=2))

        assert len(office.house.executor.executed) == 4
        assert len(store._threads) == 2
        assert office.house.ephemeral._threads == {}


async def test_very_many_crons_that_are_due_at_once_are_all_made() -> None:
    async with open_office(Standing(), limit=1000) as office:
        for _ in range(250):
            await office.crons.create(EACH_MINUTE)
        await office.pass_time(MINUTE)

        assert len(office.house.executor.executed) == 250


async def test_nothing_is_made_when_the_server_stops() -> None:
    clock = Standing()
    async with open_office(clock) as office:
        await office.crons.create(EACH_MINUTE)
    clock.now += MINUTE
    office.alarms.move(timedelta(0))
    office.firings.expect(clock.now)

    assert office.house.executor.executed == []
    assert not office.firings.going
