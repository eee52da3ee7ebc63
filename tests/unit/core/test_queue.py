"""Runs that wait: for room, for their time, for the run before them."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from graphwire_server.core.errors import InvalidField
from graphwire_server.core.model import CancelAction, Outcome, Run, RunSpec, RunStatus, ThreadStatus
from graphwire_server.core.ports import Append
from tests.unit.core.fakes import OTHER, THREAD, Executor, House, house, running

STATELESS = RunSpec(assistant="agent")


def holding() -> Executor:
    executor = Executor()
    executor.script = executor.held
    return executor


def on(thread_id: str, **fields: Any) -> RunSpec:
    return RunSpec(assistant="agent", thread_id=thread_id, create_thread=True, **fields)


async def settle(made: House) -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def test_without_room_a_run_waits_and_starts_when_there_is_some() -> None:
    async with running(house(holding(), slots=1)) as made:
        first = await made.runs.create(on(THREAD))
        second = await made.runs.create(STATELESS)
        await settle(made)
        executed = list(made.executor.executed)

        made.executor.release.set()
        ended = [(await made.end(run)).status for run in (first, second)]

    assert [first.status, second.status] == [RunStatus.RUNNING, RunStatus.PENDING]
    assert executed == [first.run_id]
    assert ended == [RunStatus.SUCCESS, RunStatus.SUCCESS]


async def test_a_thread_with_many_runs_does_not_hold_up_another() -> None:
    async with running(house(holding(), slots=1)) as made:
        many = [await made.runs.create(on(THREAD)) for _ in range(4)]
        one = await made.runs.create(on(OTHER))
        made.executor.release.set()
        for run in (*many, one):
            await made.end(run)

    assert made.executor.executed.index(one.run_id) == 1


async def test_room_is_found_again_after_a_run_that_is_refused() -> None:
    async with running(house(slots=1)) as made:
        with pytest.raises(InvalidField):
            await made.runs.create(on(THREAD, start_after=timedelta(seconds=-1)))
        await made.end(await made.runs.create(STATELESS))

        run = await made.runs.create(STATELESS)

        assert run.status is RunStatus.RUNNING


async def test_a_delayed_run_starts_at_its_time_and_not_before() -> None:
    async with running(house()) as made:
        run = await made.runs.create(on(THREAD, start_after=timedelta(seconds=60)))
        made.alarms.move(timedelta(seconds=30))
        await settle(made)
        before = list(made.executor.executed)

        made.alarms.move(timedelta(seconds=31))
        ended = await made.end(run)

    assert (run.status, before, ended.status) == (RunStatus.PENDING, [], RunStatus.SUCCESS)


async def test_a_delayed_run_holds_up_nobody_but_keeps_its_thread_busy() -> None:
    async with running(house()) as made:
        delayed = await made.runs.create(on(THREAD, start_after=timedelta(hours=1)))

        direct = await made.runs.create(on(THREAD))
        ended = await made.end(direct)
        thread = await made.threads.get(THREAD)
        await made.runs.cancel(delayed.run_id)
        await made.end(delayed)
        after = await made.threads.get(THREAD)

    assert (direct.status, ended.status) == (RunStatus.RUNNING, RunStatus.SUCCESS)
    assert (thread.status, after.status) == (ThreadStatus.BUSY, ThreadStatus.IDLE)
    assert not made.alarms.waiting


async def test_a_delayed_run_that_is_due_while_another_executes_starts_after_it() -> None:
    async with running(house(holding())) as made:
        delayed = await made.runs.create(on(THREAD, start_after=timedelta(seconds=10)))
        direct = await made.runs.create(on(THREAD))
        await made.begun()
        made.alarms.move(timedelta(seconds=30))
        await settle(made)
        before = list(made.executor.executed)

        made.executor.release.set()
        await made.end(delayed)

    assert before == [direct.run_id]
    assert made.executor.executed == [direct.run_id, delayed.run_id]


async def test_a_run_that_takes_too_long_ends_as_timed_out() -> None:
    async with running(house(holding())) as made:
        run = await made.runs.create(on(THREAD, timeout=timedelta(seconds=100)))
        await made.begun()

        made.alarms.move(timedelta(seconds=101))
        ended = await made.end(run)
        thread = await made.threads.get(THREAD)
        events = await made.join(ended, 0)

    assert ended.outcome is not None
    assert ended.outcome.error is not None
    assert (ended.status, ended.outcome.error.type) == (RunStatus.TIMEOUT, "RunTimedOut")
    assert ended.outcome.error.message == "the run took longer than 100 seconds"
    assert [event.payload.mode for event in events] == ["metadata", "values", "error", "end"]
    assert thread.status is ThreadStatus.ERROR


async def test_a_run_that_does_not_say_has_the_servers_limit() -> None:
    async with running(house(holding(), time_limit=timedelta(seconds=50))) as made:
        run = await made.runs.create(STATELESS)
        await made.begun()

        made.alarms.move(timedelta(seconds=51))

        assert (await made.end(run)).status is RunStatus.TIMEOUT


async def test_a_run_that_ended_in_time_leaves_no_alarm() -> None:
    async with running(house()) as made:
        await made.end(await made.runs.create(on(THREAD, timeout=timedelta(seconds=100))))
        await settle(made)

        assert not made.alarms.waiting


async def test_a_graph_that_swallows_a_cancel_is_asked_again() -> None:
    async def stubborn(run: Run, append: Append) -> Outcome:
        for _ in range(3):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue
        raise asyncio.CancelledError

    async with running(house(Executor(stubborn))) as made:
        run = await made.runs.create(on(THREAD))
        await made.begun()
        await made.runs.cancel(run.run_id, action=CancelAction.INTERRUPT)
        for _ in range(4):
            await settle(made)
            made.alarms.move(timedelta(seconds=1))

        assert (await made.end(run)).status is RunStatus.INTERRUPTED


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"start_after": timedelta(seconds=-1)}, "start_after"),
        ({"start_after": timedelta(days=3651)}, "start_after"),
        ({"timeout": timedelta(0)}, "timeout"),
        ({"timeout": timedelta(days=3651)}, "timeout"),
        ({"request_id": "x" * 129}, "request_id"),
    ],
)
async def test_times_and_keys_that_cannot_be_are_refused(fields: dict[str, Any], field: str) -> None:
    async with running(house()) as made:
        with pytest.raises(InvalidField) as refused:
            await made.runs.create(on(THREAD, **fields))

    assert refused.value.field == field
