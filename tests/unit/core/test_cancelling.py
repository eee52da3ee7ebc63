"""Runs that are cancelled: executing, waiting, and in between."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from graphwire_server.core.events import End, Event
from graphwire_server.core.model import Outcome, Run, RunStatus
from graphwire_server.core.ports import Append
from tests.unit.core.fakes import ALL, SOON, THREAD, Executor, Store, emit, house, kinds, on_thread, running


def last(events: Sequence[Event]) -> End:
    end = events[-1].payload
    assert isinstance(end, End)
    return end


async def test_cancelling_an_executing_run_ends_it_as_interrupted() -> None:
    executor = Executor()
    executor.script = executor.held
    async with running(house(executor)) as made:
        run = await made.runs.create(on_thread())
        await made.begun()

        await made.runs.cancel(run.run_id)
        ended = await made.end(run)
        events = await made.join(run, 0)

    assert ended.status is RunStatus.INTERRUPTED
    assert kinds(events) == ["metadata", "values", "end"]
    assert last(events).checkpoint_id == "kept"
    assert last(events).next == ("more",)


async def test_cancelling_before_the_task_has_begun_ends_the_run_too() -> None:
    async with running(house()) as made:
        run = await made.runs.create(on_thread())

        await made.runs.cancel(run.run_id)
        ended = await made.end(run)
        events = await made.join(run, 0)

    assert ended.status is RunStatus.INTERRUPTED
    assert kinds(events) == ["metadata", "end"]
    assert made.executor.executed == []


async def test_a_graph_that_cleans_up_after_a_cancel_may_append_before_the_end() -> None:
    async def stubborn(run: Run, append: Append) -> Outcome:
        try:
            await asyncio.Event().wait()
        finally:
            emit(append)
        raise AssertionError

    async with running(house(Executor(stubborn))) as made:
        run = await made.runs.create(on_thread())
        await made.begun()
        await made.runs.cancel(run.run_id)
        await made.end(run)

        events = await made.join(run, 0)

    assert kinds(events) == ["metadata", "values", "end"]


async def test_cancelling_a_pending_run_ends_it_alone() -> None:
    executor = Executor()
    executor.script = executor.held
    async with running(house(executor)) as made:
        first = await made.runs.create(on_thread())
        second = await made.runs.create(on_thread())
        await made.begun()

        await made.runs.cancel(second.run_id)
        ended = await made.end(second)
        executor.release.set()
        await made.end(first)

    assert (ended.status, ended.first_seq) == (RunStatus.INTERRUPTED, 0)
    assert made.executor.executed == [first.run_id]


async def test_the_end_of_a_pending_run_has_one_number_for_all_readers() -> None:
    executor = Executor()
    executor.script = executor.held
    async with running(house(executor)) as made:
        first = await made.runs.create(on_thread())
        second = await made.runs.create(on_thread())
        await made.begun()
        async with made.runs.join(second.run_id, None, None, ALL) as (_, batches):
            await made.runs.cancel(second.run_id)
            live = [event async for batch in batches for event in batch]
        await made.end(second)

        late = await made.join(second)
        executor.release.set()
        await made.end(first)

    assert kinds(live) == kinds(late) == ["end"]
    assert [event.seq for event in live] == [event.seq for event in late]


class Slow(Store):
    """Starts a pending run, and answers only when the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.release = asyncio.Event(), asyncio.Event()

    async def start_next(self, thread_id: str, *, seq_block: int, now: datetime) -> Run | None:
        started = await super().start_next(thread_id, seq_block=seq_block, now=now)
        if started is not None:
            self.reached.set()
            await self.release.wait()
        return started


async def test_a_run_that_is_cancelled_while_its_turn_comes_ends_once() -> None:
    store = Slow()
    async with running(house(store=store)) as made:
        await made.runs.create(on_thread())
        second = await made.runs.create(on_thread())
        async with made.runs.join(second.run_id, None, None, ALL) as (_, batches), asyncio.timeout(SOON):
            await store.reached.wait()
            await made.runs.cancel(second.run_id)
            store.release.set()
            await anext(batches)  # its terminal event, or its metadata
            await made.end(await made.runs.create(on_thread()))
            async with made.logs.attach(THREAD, 0) as log:
                held = log.read(log.oldest_seq - 1, 1 << 20)
                events = [event for event in held if event.run_id == second.run_id]

    assert kinds(events).count("end") == 1
    assert kinds(events)[-1] == "end"


async def test_a_reader_that_joins_while_a_runs_turn_comes_leaves_no_gap_in_the_numbers() -> None:
    store = Slow()
    async with running(house(store=store)) as made, asyncio.timeout(SOON):
        first = await made.runs.create(on_thread())
        second = await made.runs.create(on_thread())
        await store.reached.wait()
        async with made.runs.join(second.run_id, None, None, ALL) as (_, batches):
            store.release.set()

            events = [event async for batch in batches for event in batch]

    ended = await made.runs.get(first.run_id)
    assert [event.seq for event in events] == [ended.last_seq + 1, ended.last_seq + 2, ended.last_seq + 3]


async def test_cancelling_twice_is_cancelling_once() -> None:
    executor = Executor()
    executor.script = executor.held
    async with running(house(executor)) as made:
        run = await made.runs.create(on_thread())
        await made.begun()

        await made.runs.cancel(run.run_id)
        await made.runs.cancel(run.run_id)
        ended = await made.end(run)

    assert ended.status is RunStatus.INTERRUPTED
    assert len(made.store.finished) == 1
