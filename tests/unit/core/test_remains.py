"""Stateless runs that readers may come back to: for how long, how many, and what is left of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from graphwire_server.core.errors import RunFinished, RunNotFound, ThreadNotFound
from graphwire_server.core.events import Event, Values
from graphwire_server.core.model import Outcome, Run, RunSpec, RunStatus, Thread
from graphwire_server.core.ports import Append
from graphwire_server.core.remains import Remains
from tests.unit.core.fakes import ALL, SOON, Alarms, Clock, Executor, House, Store, house, kinds, running

RESUMABLE = RunSpec(assistant="agent", stream_resumable=True, has_input=True, input={"secret": 1}, metadata={"m": 1})
KEPT = timedelta(seconds=120)


async def ended(made: House, spec: RunSpec = RESUMABLE) -> Run:
    return await made.end(await made.runs.create(spec))


async def settled(made: House) -> None:
    """Waits until all that the worker does is done."""
    async with asyncio.timeout(SOON):
        while made.worker._tasks:
            await asyncio.wait(made.worker._tasks)


async def test_a_stateless_run_can_be_joined_after_its_end_from_wherever_a_reader_was() -> None:
    async with running(house()) as made:
        told = await made.events(RESUMABLE)
        run = await made.runs.get(told[0].run_id)

        whole, rest, live = await made.join(run, 0), await made.join(run, 1), await made.join(run)

    assert kinds(told) == ["metadata", "values", "end"]
    assert (whole, rest, live[0].payload) == (told, told[1:], told[-1].payload)


async def test_its_time_is_counted_from_its_end() -> None:
    async with running(house()) as made:
        run = await ended(made)
        made.alarms.move(KEPT - timedelta(seconds=60))
        await settled(made)
        assert kinds(await made.join(run, 0))[-1] == "end"

        made.alarms.move(timedelta(seconds=90))
        await settled(made)

        with pytest.raises(RunNotFound):
            await made.join(run, 0)
    assert (len(made.ephemeral._threads), len(made.ephemeral._runs), len(made.logs)) == (0, 0, 0)


async def test_one_alarm_sees_to_all_runs_and_takes_none_too_early() -> None:
    async with running(house()) as made:
        early = [await ended(made) for _ in range(3)]
        made.alarms.move(timedelta(seconds=90))
        late = await ended(made)

        made.alarms.move(timedelta(seconds=60))
        await settled(made)

        for run in early:
            with pytest.raises(RunNotFound):
                await made.runs.get(run.run_id)
        assert (await made.runs.get(late.run_id)).status is RunStatus.SUCCESS
        made.alarms.move(KEPT)
        await settled(made)
        assert not made.ephemeral._runs


async def test_a_run_that_is_not_resumable_leaves_nothing_beside_one_that_is() -> None:
    async with running(house()) as made:
        kept = await ended(made)
        gone = await ended(made, replace(RESUMABLE, stream_resumable=False))

        assert (await made.runs.get(kept.run_id)).status is RunStatus.SUCCESS
        with pytest.raises(RunNotFound):
            await made.runs.get(gone.run_id)
        with pytest.raises(ThreadNotFound):
            await made.threads.get(kept.thread_id)


async def test_it_is_not_found_once_its_time_has_passed_also_where_it_is_still_there() -> None:
    async with running(house()) as made:
        run = await ended(made)
        made.clock.now += KEPT  # no alarm rings

        with pytest.raises(RunNotFound):
            await made.runs.get(run.run_id)
        with pytest.raises(RunNotFound):
            await made.join(run, 0)
        assert made.ephemeral._runs


async def test_a_reader_whose_run_goes_while_it_looks_for_its_events_is_told_that_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def gone(thread_id: str, after_seq: int, max_bytes: int) -> Sequence[Event]:
        made.clock.now += KEPT
        return ()

    async with running(house()) as made:
        run = await ended(made)
        made.logs.forget(run.thread_id)
        monkeypatch.setattr(made.ephemeral, "kept_events", gone)

        with pytest.raises(RunNotFound):
            await made.join(run, 0)


async def test_it_has_its_output_and_cannot_be_cancelled() -> None:
    async def give(run: Run, append: Append) -> Outcome:
        return Outcome(status=RunStatus.SUCCESS, values=b"[1]")

    async with running(house(Executor(give))) as made:
        run = await ended(made)

        row = await made.runs.wait(run)
        output = await made.runs.output(row)
        with pytest.raises(RunFinished):
            await made.runs.cancel(run.run_id)

    assert (row.status, row.stateless, row.first_seq, row.last_seq) == (RunStatus.SUCCESS, True, 1, 2)
    assert output == b"[1]"


async def test_it_can_be_deleted_before_its_time() -> None:
    async with running(house()) as made:
        run = await ended(made)

        await made.runs.delete(run.run_id)

        with pytest.raises(RunNotFound):
            await made.runs.get(run.run_id)
        made.alarms.move(KEPT * 2)
        await settled(made)
    assert (len(made.ephemeral._threads), len(made.logs)) == (0, 0)


async def test_a_run_that_was_cancelled_is_kept_as_well() -> None:
    executor = Executor()
    executor.script = executor.held
    async with running(house(executor)) as made:
        run = await made.runs.create(RESUMABLE)
        await made.begun()
        await made.runs.cancel(run.run_id)
        await made.end(run)

        events = await made.join(run, 0)

    assert kinds(events) == ["metadata", "values", "end"]


async def test_a_reader_that_is_attached_when_the_time_has_passed_reads_to_the_end() -> None:
    async def long(run: Run, append: Append) -> Outcome:
        for _ in range(30):
            append((), Values(state=b"1"), 100_000)
        return Outcome(status=RunStatus.SUCCESS)

    async with running(house(Executor(long))) as made:
        run = await ended(made)
        async with asyncio.timeout(SOON), made.runs.join(run.run_id, None, 0, ALL) as (_, batches):
            first = list(await anext(batches))

            made.alarms.move(KEPT * 2)
            await settled(made)
            rest = [event async for batch in batches for event in batch]

    assert [event.seq for event in (*first, *rest)] == list(range(1, 33))


async def test_what_is_kept_outlives_its_process_and_goes_after_its_time_all_the_same() -> None:
    clock, ephemeral = Clock(), Store()
    async with running(house(clock=clock, ephemeral=ephemeral)) as before:
        told = await before.events(RESUMABLE)

    async with running(house(clock=clock, ephemeral=ephemeral)) as made:
        await made.recovery.recover()
        run = await made.runs.get(told[0].run_id)
        again = await made.join(run, 0)
        made.alarms.move(KEPT)
        await settled(made)

    assert [(event.seq, event.payload) for event in again] == [(event.seq, event.payload) for event in told]
    assert not ephemeral._runs


async def test_there_is_a_bound_and_the_oldest_goes_first() -> None:
    store, clock = Store(), Clock()
    made = house(clock=clock)
    dropping: list[asyncio.Task[None]] = []
    remains = Remains(
        made.logs, clock, Alarms(clock), KEPT, lambda work: dropping.append(asyncio.create_task(work)), most_runs=2
    )
    for _ in range(4):
        new = await made.runs._admission.new_run(RESUMABLE)
        await store.create_thread(Thread(thread_id=new.thread_id, created_at=new.created_at, updated_at=new.created_at))
        remains.keep(new, store)
        await asyncio.gather(*dropping)

    assert (len(remains), len(store._threads)) == (2, 2)
