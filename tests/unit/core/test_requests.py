"""The same key gives the same run (design, promise 9)."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from graphwire_server.core.errors import RequestReused, RunNotFound
from graphwire_server.core.model import Command, RunSpec, RunStatus, ThreadStatus
from tests.unit.core.fakes import ALL, SOON, THREAD, Executor, house, kinds, on_thread, running

ONCE = on_thread(request_id="k", has_input=True, input={"a": 1})


def holding() -> Executor:
    executor = Executor()
    executor.script = executor.held
    return executor


async def test_a_hundred_requests_at_once_make_one_run() -> None:
    async with running(house()) as made:
        runs = await asyncio.gather(*(made.runs.create(ONCE) for _ in range(100)))
        await made.end(runs[0])

    assert {run.run_id for run in runs} == {runs[0].run_id}
    assert made.executor.executed == [runs[0].run_id]


async def test_a_request_that_is_sent_again_after_the_end_gives_the_run_as_it_ended() -> None:
    async with running(house()) as made:
        first = await made.end(await made.runs.create(ONCE))

        again = await made.runs.create(replace(ONCE, headers={"x-trace": "other"}, keep_output=False))

    assert (again.run_id, again.status) == (first.run_id, RunStatus.SUCCESS)


async def test_a_stream_that_is_asked_for_again_starts_from_the_runs_first_event() -> None:
    async with running(house(holding())) as made:
        first = await made.runs.create(ONCE)
        await made.begun()
        async with asyncio.timeout(SOON), made.runs.stream(ONCE, ALL) as (run, batches):
            made.executor.release.set()
            events = [event async for batch in batches for event in batch]
        again = await made.events(ONCE)

    assert run.run_id == first.run_id
    assert kinds(events) == kinds(again) == ["metadata", "values", "end"]


async def test_another_request_with_the_key_is_refused() -> None:
    async with running(house()) as made:
        run = await made.runs.create(ONCE)

        with pytest.raises(RequestReused) as refused:
            await made.runs.create(replace(ONCE, input={"a": 2}))

    assert refused.value.metadata == {"run_id": run.run_id}


async def test_an_answer_that_is_sent_again_does_not_fail_since_nothing_waits_for_it() -> None:
    answer = on_thread(request_id="answer", command=Command(has_resume=True, resume="yes"))

    async with running(house()) as made:
        await made.end(await made.runs.create(on_thread()))
        await made.store.set_thread_state(THREAD, status=ThreadStatus.INTERRUPTED, interrupts=(), now=made.clock())
        first = await made.end(await made.runs.create(answer))

        again = await made.runs.create(answer)

    assert again.run_id == first.run_id


async def test_a_stateless_run_that_left_nothing_is_not_made_again() -> None:
    once = RunSpec(assistant="agent", request_id="k")
    async with running(house()) as made:
        await made.end(await made.runs.create(once))

        with pytest.raises(RunNotFound):
            await made.runs.create(once)

    assert len(made.executor.executed) == 1


async def test_a_key_is_forgotten_after_a_day() -> None:
    async with running(house()) as made:
        first = await made.end(await made.runs.create(ONCE))
        made.alarms.move(timedelta(hours=25))

        second = await made.end(await made.runs.create(ONCE))

    assert first.run_id != second.run_id


async def test_a_batch_that_is_sent_again_gives_its_runs() -> None:
    batch = [replace(ONCE, request_id=f"k/{index}") for index in range(3)]
    async with running(house()) as made:
        first = await made.runs.create_batch(batch[:2])

        again = await made.runs.create_batch(batch)

    assert [run.run_id for run in again[:2]] == [run.run_id for run in first]
    assert again[2].run_id not in {run.run_id for run in first}


async def test_a_key_is_known_for_as_long_as_its_first_request_says() -> None:
    brief = replace(ONCE, request_ttl=timedelta(minutes=10))
    async with running(house()) as made:
        first = await made.end(await made.runs.create(brief))
        made.clock.now += timedelta(minutes=9)
        again = await made.runs.create(ONCE)
        made.clock.now += timedelta(minutes=2)
        other = await made.runs.create(brief)

    assert again.run_id == first.run_id
    assert other.run_id != first.run_id
