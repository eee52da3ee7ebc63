"""Streams of runs: who joins when gets what."""

import asyncio
from datetime import timedelta

import pytest

from graphwire_server.core.errors import (
    CursorExpired,
    InvalidField,
)
from graphwire_server.core.events import End
from graphwire_server.core.model import (
    Outcome,
    Retention,
    Run,
    RunStatus,
)
from graphwire_server.core.ports import Append
from tests.unit.core.fakes import ALL, SOON, THREAD, Executor, emit, house, kinds, on_thread, running


def holding() -> Executor:
    executor = Executor()
    executor.script = executor.held
    return executor


async def test_joining_live_delivers_what_happens_from_now_on() -> None:
    async with running(house(holding())) as made:
        run = await made.runs.create(on_thread())
        await made.begun()
        async with made.runs.join(run.run_id, THREAD, None, ALL) as (_, batches):
            made.executor.release.set()

            live = [event async for batch in batches for event in batch]

    assert kinds(live) == ["end"]


async def test_joining_from_the_start_replays_and_follows_without_a_seam() -> None:
    async with running(house(holding())) as made:
        run = await made.runs.create(on_thread())
        await made.begun()
        async with asyncio.timeout(SOON), made.runs.join(run.run_id, None, 0, ALL) as (_, batches):
            replayed = list(await anext(batches))
            made.executor.release.set()

            followed = [event async for batch in batches for event in batch]

    assert [event.seq for event in (*replayed, *followed)] == [1, 2, 3]


async def test_a_finished_run_gives_its_end_alone_live_and_all_of_it_from_the_start() -> None:
    async with running(house()) as made:
        told = await made.events(on_thread())
        run = await made.runs.get(told[0].run_id)

        live, whole, rest = await made.join(run), await made.join(run, 0), await made.join(run, 2)

    assert [event.seq for event in live] == [3]
    assert [event.seq for event in whole] == [1, 2, 3]
    assert [event.seq for event in rest] == [3]
    assert live[0].payload == whole[-1].payload == told[-1].payload


async def test_the_end_of_a_run_whose_log_is_gone_can_still_be_read() -> None:
    async with running(house(retention=Retention(ended_for=timedelta(0)))) as made:
        told = await made.events(on_thread())
        run = await made.runs.get(told[0].run_id)
        made.logs.forget(THREAD)

        live = await made.join(run)
        with pytest.raises(CursorExpired) as expired:
            await made.join(run, 0)

    assert isinstance(live[0].payload, End)
    assert expired.value.metadata == {"after_seq": "0", "oldest_seq": "3", "newest_seq": "3"}


async def test_an_expired_cursor_names_the_oldest_event_that_is_held() -> None:
    async def long(run: Run, append: Append) -> Outcome:
        emit(append, 100)
        return Outcome(status=RunStatus.SUCCESS)

    async with running(house(Executor(long), retention=Retention(thread_bytes=900))) as made:
        run = await made.end(await made.runs.create(on_thread()))
        async with made.logs.attach(THREAD, 0) as log:
            oldest = log.oldest_seq

        with pytest.raises(CursorExpired) as expired:
            await made.join(run, 1)

        again = await made.join(run, oldest - 1)
    assert again[0].seq == oldest
    assert expired.value.metadata == {"after_seq": "1", "oldest_seq": str(oldest), "newest_seq": "102"}


async def test_a_pending_run_can_be_joined_from_its_start_though_older_events_are_gone() -> None:
    executor = Executor()

    async def long(run: Run, append: Append) -> Outcome:
        emit(append, 1000)
        return await executor.held(run, append)

    executor.script = long
    async with running(house(executor, retention=Retention(thread_bytes=4000))) as made:
        await made.runs.create(on_thread())
        pending = await made.runs.create(on_thread())
        await made.begun()
        executor.script = executor.held
        async with made.runs.join(pending.run_id, None, 0, ALL) as (_, batches):
            made.executor.release.set()

            first = await anext(batches)

    assert kinds(first)[0] == "metadata"


@pytest.mark.parametrize("after", [-1, 50])
async def test_a_cursor_that_cannot_be_is_refused(after: int) -> None:
    async with running(house(holding())) as made:
        run = await made.runs.create(on_thread())
        await made.begun()

        with pytest.raises(InvalidField) as refused:
            await made.join(run, after)

    assert refused.value.field == "after_seq"


async def test_events_of_other_runs_on_the_thread_are_passed_over() -> None:
    async with running(house()) as made:
        first = await made.events(on_thread())
        second = await made.events(on_thread())

        joined = await made.join(await made.runs.get(second[0].run_id), 0)

    assert {event.run_id for event in joined} == {second[0].run_id}
    assert first[0].run_id != second[0].run_id


async def test_a_pending_run_streams_from_its_first_event() -> None:
    async with running(house(holding())) as made:
        await made.runs.create(on_thread())
        await made.begun()
        async with asyncio.timeout(SOON), made.runs.stream(on_thread(), ALL) as (run, batches):
            made.executor.release.set()

            events = [event async for batch in batches for event in batch]

    assert run.status is RunStatus.PENDING
    assert kinds(events) == ["metadata", "values", "end"]


@pytest.mark.parametrize(("after", "start"), [(None, 2), (0, 0), (1, 1), (2, 2), (3, 2)])
async def test_where_the_stream_of_a_run_that_has_ended_starts(after: int | None, start: int) -> None:
    """Whoever asks again from there gets the same."""
    async with running(house()) as made:
        run = await made.end(await made.runs.create(on_thread()))

        async with made.runs.join(run.run_id, None, after, ALL) as (_, batches):
            said = batches.after_seq
            seen = [event.seq async for batch in batches for event in batch]
        again = [event.seq for event in await made.join(run, said)]

    assert said == start
    assert seen == again == [*range(start + 1, 4)]
