"""How runs end: exactly one terminal event for each, the last, after its row was written."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from graphwire_server.core import worker as module
from graphwire_server.core.ending import INTERNAL, SELF_CANCELLED
from graphwire_server.core.errors import Draining
from graphwire_server.core.events import End, Error, Event
from graphwire_server.core.model import Admitted, Outcome, Run, RunError, RunSpec, RunStatus, ThreadStatus
from graphwire_server.core.ports import Append
from tests.unit.core.fakes import SOON, THREAD, Executor, House, Store, emit, house, kinds, on_thread, running


def last(events: Sequence[Event]) -> End:
    end = events[-1].payload
    assert isinstance(end, End)
    return end


async def test_a_run_that_succeeds_is_metadata_then_its_events_then_its_end() -> None:
    async with running(house()) as made:
        events = await made.events(on_thread())

    assert kinds(events) == ["metadata", "values", "end"]
    assert [event.seq for event in events] == [1, 2, 3]
    assert last(events).status is RunStatus.SUCCESS
    assert last(events).event_count == 3


async def test_a_failed_graph_is_data() -> None:
    error = RunError(type="ValueError", message="no")

    async def fail(run: Run, append: Append) -> Outcome:
        return Outcome(status=RunStatus.ERROR, error=error)

    async with running(house(Executor(fail))) as made:
        events = await made.events(on_thread())
        thread = await made.threads.get(THREAD)

    assert last(events).error == error
    assert kinds(events) == ["metadata", "error", "end"]
    assert (thread.status, thread.error) == (ThreadStatus.ERROR, "ValueError: no")


async def test_an_error_that_the_engine_has_told_is_told_once() -> None:
    error = RunError(type="ValueError", message="no")

    async def fail(run: Run, append: Append) -> Outcome:
        append((), Error(error=error), 10)
        return Outcome(status=RunStatus.ERROR, error=error)

    async with running(house(Executor(fail))) as made:
        events = await made.events(on_thread())

    assert kinds(events) == ["metadata", "error", "end"]
    assert last(events).event_count == 3


async def test_a_run_that_stopped_leaves_its_thread_interrupted() -> None:
    async def stop(run: Run, append: Append) -> Outcome:
        return Outcome(status=RunStatus.SUCCESS, next=("ask",))

    async with running(house(Executor(stop))) as made:
        events = await made.events(on_thread())
        thread = await made.threads.get(THREAD)

    assert last(events).next == ("ask",)
    assert thread.status is ThreadStatus.INTERRUPTED


async def test_an_executor_that_raises_still_ends_its_run() -> None:
    async def crash(run: Run, append: Append) -> Outcome:
        emit(append)
        raise OSError("disk")

    async with running(house(Executor(crash))) as made:
        events = await made.events(on_thread())

    assert kinds(events) == ["metadata", "values", "error", "end"]
    assert events[2].payload == Error(error=INTERNAL)
    assert (last(events).status, last(events).error) == (RunStatus.ERROR, INTERNAL)


async def test_a_node_that_cancels_itself_fails_its_run() -> None:
    async def give_up(run: Run, append: Append) -> Outcome:
        raise asyncio.CancelledError

    async with running(house(Executor(give_up))) as made:
        events = await made.events(on_thread())

    assert kinds(events) == ["metadata", "error", "end"]
    assert last(events).error == SELF_CANCELLED


async def test_the_row_of_a_failed_run_counts_its_error_and_comes_before_it() -> None:
    async def crash(run: Run, append: Append) -> Outcome:
        raise OSError("disk")

    async with running(house(Executor(crash))) as made:
        noted, made.store.on_finish = _watching(made)

        events = await made.events(on_thread())
        thread = await made.threads.get(THREAD)
        again = await made.events(on_thread())

    assert noted == [False, False]
    assert [event.seq for event in events] == [1, 2, 3]
    assert made.store.finished[0].last_seq == thread.last_seq == last(events).event_count == 3
    assert again[0].seq == 4


async def _stop_during(made: House) -> Run:
    async with running(made):
        run = await made.runs.create(on_thread())
        await made.begun()
    return run


async def test_a_server_that_stops_gives_runs_back_and_tells_their_readers_where_they_were() -> None:
    executor = Executor()
    executor.script = executor.held
    made = house(executor)

    async with running(made):
        run = await made.runs.create(on_thread())
        waiting = await made.runs.create(on_thread())
        await made.begun()
        waits = [asyncio.create_task(made.runs.wait(one)) for one in (run, waiting)]
        await asyncio.sleep(0)

    told = await asyncio.gather(*waits, return_exceptions=True)
    left, thread = await made.runs.get(run.run_id), await made.threads.get(THREAD)
    assert [type(error) for error in told] == [Draining, Draining]
    assert (left.status, left.attempt, left.losses) == (RunStatus.PENDING, 1, 0)
    assert (thread.status, thread.last_seq, thread.reserved_seq) == (ThreadStatus.BUSY, 2, 2)
    assert len(made.worker.jobs) == 0


async def test_whoever_asks_to_wait_for_a_run_that_was_given_back_is_sent_away_too() -> None:
    executor = Executor()
    executor.script = executor.held
    made = house(executor)
    async with running(made):
        run = await made.runs.create(on_thread())
        await made.begun()

    with pytest.raises(Draining):
        await made.end(run)


async def test_whoever_waits_for_a_run_that_is_being_admitted_waits_for_its_end() -> None:
    """Its row can be read before this process has taken charge of it: a request with the same key finds it."""
    written, taken = asyncio.Event(), asyncio.Event()

    class Slow(Store):
        async def admit_run(self, run: Run, **options: Any) -> Admitted:
            admitted = await super().admit_run(run, **options)
            written.set()
            await taken.wait()
            return admitted

    async with running(house(store=Slow())) as made, asyncio.timeout(SOON):
        creating = asyncio.create_task(made.runs.create(on_thread()))
        await written.wait()
        (row,) = await made.store.unfinished_runs()
        waiting = asyncio.create_task(made.runs.wait(row))
        await asyncio.sleep(0)
        taken.set()
        ended = await waiting
        await creating

    assert (ended.run_id, ended.status) == (row.run_id, RunStatus.SUCCESS)


async def test_a_run_may_end_by_itself_in_the_grace_period() -> None:
    async def brief(run: Run, append: Append) -> Outcome:
        for _ in range(10):
            await asyncio.sleep(0)
        return Outcome(status=RunStatus.SUCCESS)

    made = house(Executor(brief), grace=timedelta(seconds=SOON))

    run = await _stop_during(made)

    assert (await made.runs.get(run.run_id)).status is RunStatus.SUCCESS


async def test_a_server_that_stops_takes_no_runs() -> None:
    made = house()
    async with running(made):
        pass

    with pytest.raises(Draining):
        await made.runs.create(on_thread())


def _watching(made: House) -> tuple[list[bool], Callable[[Run], None]]:
    """Notes for each row that is written whether its terminal event was there already."""
    noted: list[bool] = []

    def look(run: Run) -> None:
        log, _ = made.logs._live[run.thread_id]
        mine = [event for event in log.read(0, 1 << 20) if event.run_id == run.run_id]
        noted.append(any(event.payload.mode in ("error", "end") for event in mine))

    return noted, look


async def test_the_row_is_written_before_the_terminal_event() -> None:
    async with running(house()) as made:
        noted, made.store.on_finish = _watching(made)

        events = await made.events(on_thread())

    assert noted == [False]
    assert made.store.finished[0].last_seq == events[-1].seq


async def test_a_store_that_is_away_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RETRY", timedelta(0))
    async with running(house()) as made:
        made.store.away = 2

        events = await made.events(on_thread())

    assert made.store.away == 0
    assert kinds(events) == ["metadata", "values", "end"]
    assert (await made.runs.get(events[0].run_id)).status is RunStatus.SUCCESS


async def test_a_store_that_is_away_at_the_end_of_a_pending_run_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RETRY", timedelta(0))
    executor = Executor()
    executor.script = executor.held
    async with running(house(executor)) as made:
        await made.runs.create(on_thread())
        second = await made.runs.create(on_thread())
        made.store.away = 2

        await made.runs.cancel(second.run_id)
        ended = await made.end(second)
        executor.release.set()

    assert ended.status is RunStatus.INTERRUPTED


async def test_numbers_go_on_over_the_runs_of_a_thread_without_gaps() -> None:
    async with running(house()) as made:
        first = await made.events(on_thread())
        second = await made.events(on_thread())
        thread = await made.threads.get(THREAD)

    assert [event.seq for event in (*first, *second)] == [1, 2, 3, 4, 5, 6]
    assert thread.last_seq == 6


async def test_numbers_are_reserved_before_they_are_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEQ_BLOCK", 8)
    reserved: list[int] = []

    async def many(run: Run, append: Append) -> Outcome:
        for _ in range(20):
            emit(append)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            thread = await made.threads.get(THREAD)
            reserved.append(thread.reserved_seq)
        return Outcome(status=RunStatus.SUCCESS)

    async with running(house(Executor(many))) as made:
        events = await made.events(on_thread())

    assert all(bound >= event.seq for bound, event in zip(reserved, events[1:-1], strict=True))


async def test_pending_runs_start_one_by_one_in_the_order_in_which_they_came() -> None:
    executor = Executor()
    executor.script = executor.held
    async with running(house(executor)) as made:
        runs = [await made.runs.create(on_thread()) for _ in range(4)]
        await made.begun()
        alone = list(executor.executed)

        executor.release.set()
        for run in runs:
            await made.end(run)

    assert [run.status for run in runs] == [RunStatus.RUNNING, *[RunStatus.PENDING] * 3]
    assert alone == [runs[0].run_id]
    assert executor.executed == [run.run_id for run in runs]


async def test_a_stateless_run_leaves_nothing() -> None:
    async with running(house()) as made:
        events = await made.events(RunSpec(assistant="agent"))

    assert kinds(events) == ["metadata", "values", "end"]
    assert not made.ephemeral._threads
    assert not made.ephemeral._runs
    assert not made.store._threads
    assert len(made.logs) == 0
    assert len(made.worker.jobs) == 0
