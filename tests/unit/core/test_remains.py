"""Stateless runs that readers may come back to: for how long, how many, and what is left of them."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from graphwire_server.core.errors import CursorExpired, RunFinished, RunNotFound, ThreadNotFound
from graphwire_server.core.events import Values
from graphwire_server.core.model import Outcome, Retention, Run, RunError, RunSpec, RunStatus, ThreadStatus
from graphwire_server.core.ports import Append
from graphwire_server.core.remains import Remains
from tests.unit.core.fakes import ALL, SOON, Clock, Executor, House, Store, house, kinds, running

RESUMABLE = RunSpec(assistant="agent", stream_resumable=True, has_input=True, input={"secret": 1}, metadata={"m": 1})
KEPT = timedelta(seconds=120)


class Nights:
    """A clock that is set by the test, and a sleep that lasts until then."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.asked: list[float] = []
        self.asleep = asyncio.Event()
        self.morning = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        self.asleep.set()
        await self.morning.wait()
        self.morning.clear()

    async def pass_(self, time: timedelta) -> None:
        """Lets the time pass. The sweeper does its work in the step of the loop in which it wakes."""
        async with asyncio.timeout(SOON):
            await self.asleep.wait()
        self.asleep.clear()
        self.clock.now += time
        self.morning.set()
        for _ in range(3):
            await asyncio.sleep(0)


@pytest.fixture
async def nights() -> Nights:
    return Nights()


async def ended(made: House, spec: RunSpec = RESUMABLE) -> Run:
    return await made.end(await made.runs.create(spec))


async def left(made: House) -> None:
    """Waits until all runs that have ended have left what they leave."""
    async with asyncio.timeout(SOON):
        while made.worker._tasks:
            await asyncio.wait(made.worker._tasks)


async def test_a_stateless_run_can_be_joined_after_its_end_from_wherever_a_reader_was(nights: Nights) -> None:
    async with running(house(clock=nights.clock, sleep=nights.sleep)) as made:
        told = await made.events(RESUMABLE)
        await left(made)
        run = await made.runs.get(told[0].run_id)

        whole, rest, live = await made.join(run, 0), await made.join(run, 1), await made.join(run)

    assert kinds(told) == ["metadata", "values", "end"]
    assert (whole, rest, live[0].payload) == (told, told[1:], told[-1].payload)


async def test_its_time_is_counted_from_its_end(nights: Nights) -> None:
    made = house(clock=nights.clock, sleep=nights.sleep)
    async with running(made):
        run = await ended(made)
        await left(made)
        await nights.pass_(KEPT - timedelta(seconds=60))
        assert kinds(await made.join(run, 0))[-1] == "end"

        await nights.pass_(timedelta(seconds=60))

        with pytest.raises(RunNotFound):
            await made.join(run, 0)
    assert nights.asked[0] <= KEPT.total_seconds()
    assert (len(made.ephemeral._threads), len(made.ephemeral._runs), len(made.logs)) == (0, 0, 0)


async def test_one_sweeper_sees_to_all_runs_and_takes_none_too_early(nights: Nights) -> None:
    made = house(clock=nights.clock, sleep=nights.sleep)
    async with running(made):
        early = [await ended(made) for _ in range(3)]
        await left(made)
        nights.clock.now += timedelta(seconds=90)
        late = await ended(made)
        await left(made)

        await nights.pass_(timedelta(seconds=45))

        for run in early:
            with pytest.raises(RunNotFound):
                await made.runs.get(run.run_id)
        assert (await made.runs.get(late.run_id)).status is RunStatus.SUCCESS
        assert len(nights.asked) == 2
        await nights.pass_(timedelta(seconds=120))
        assert not made.ephemeral._runs


async def test_what_is_held_no_more_is_told_though_the_run_is_known(nights: Nights) -> None:
    made = house(clock=nights.clock, sleep=nights.sleep, retention=Retention(ended_bytes=1))
    async with running(made):
        run = await ended(made)
        await left(made)

        live = await made.join(run)
        with pytest.raises(CursorExpired) as expired:
            await made.join(run, 0)

    assert kinds(live) == ["end"]
    assert expired.value.metadata["oldest_seq"] == str(run.last_seq)


async def test_a_run_that_is_not_resumable_leaves_nothing_beside_one_that_is() -> None:
    async with running(house()) as made:
        kept = await ended(made)
        gone = await ended(made, replace(RESUMABLE, stream_resumable=False))
        await left(made)

        assert (await made.runs.get(kept.run_id)).status is RunStatus.SUCCESS
        with pytest.raises(RunNotFound):
            await made.runs.get(gone.run_id)
        with pytest.raises(ThreadNotFound):
            await made.threads.get(kept.thread_id)


async def test_its_row_is_its_end_without_what_it_was_asked() -> None:
    async def give(run: Run, append: Append) -> Outcome:
        assert run.spec.input == {"secret": 1}
        return Outcome(status=RunStatus.SUCCESS, values=b"[1]")

    async with running(house(Executor(give))) as made:
        run = await ended(made)
        await left(made)

        row = await made.runs.wait(run)
        output = await made.runs.output(row)
        with pytest.raises(RunFinished):
            await made.runs.cancel(run.run_id)

    assert (row.spec.input, row.spec.has_input, row.spec.metadata) == (None, False, {"m": 1})
    assert (row.status, row.stateless, row.first_seq, row.last_seq) == (RunStatus.SUCCESS, True, 1, 2)
    assert output == b"[1]"


async def test_it_can_be_deleted_before_its_time(nights: Nights) -> None:
    made = house(clock=nights.clock, sleep=nights.sleep)
    async with running(made):
        run = await ended(made)
        await left(made)

        await made.runs.delete(run.run_id)

        with pytest.raises(RunNotFound):
            await made.runs.get(run.run_id)
        await nights.pass_(KEPT * 2)
    assert (len(made.ephemeral._threads), len(made.logs)) == (0, 0)


async def test_a_run_that_failed_or_was_cancelled_is_kept_as_well() -> None:
    executor = Executor()
    executor.script = executor.held
    async with running(house(executor)) as made:
        run = await made.runs.create(RESUMABLE)
        await made.begun()
        await made.runs.cancel(run.run_id)
        await made.end(run)
        await left(made)

        events = await made.join(run, 0)

    assert kinds(events) == ["metadata", "values", "end"]


async def test_a_reader_that_is_attached_when_the_time_has_passed_reads_to_the_end(nights: Nights) -> None:
    async def long(run: Run, append: Append) -> Outcome:
        for _ in range(30):
            append((), Values(state=b"1"), 100_000)
        return Outcome(status=RunStatus.SUCCESS)

    made = house(Executor(long), clock=nights.clock, sleep=nights.sleep)
    async with running(made):
        run = await ended(made)
        await left(made)
        async with asyncio.timeout(SOON), made.runs.join(run.run_id, None, 0, ALL) as (_, batches):
            first = list(await anext(batches))

            await nights.pass_(KEPT)
            rest = [event async for batch in batches for event in batch]

    assert [event.seq for event in (*first, *rest)] == list(range(1, 33))


async def test_a_server_that_stops_does_not_wait_for_what_is_kept() -> None:
    async with asyncio.timeout(SOON), running(house()) as made:
        run = await ended(made)
        await left(made)

    assert kinds(await made.join(run, 0))[-1] == "end"


@pytest.mark.parametrize(("most_runs", "most_bytes", "kept"), [(2, 1 << 20, 2), (100, 1000, 2), (100, 1, 1)])
async def test_what_is_kept_has_bounds_and_the_oldest_go_first(most_runs: int, most_bytes: int, kept: int) -> None:
    store, clock = Store(), Clock()
    made = house(clock=clock)
    remains = Remains(made.logs, clock, Retention(ended_bytes=most_bytes), most_runs=most_runs)
    runs = []
    for _ in range(4):
        new = made.runs._admission.new_run(RunSpec(assistant="agent", stream_resumable=True))
        run = await store.admit_run(new, create_thread=True, reject_busy=False, seq_block=10)
        runs.append(replace(run, status=RunStatus.ERROR, outcome=Outcome(status=RunStatus.ERROR, error=BRIEF)))
        await store.finish_run(runs[-1], ThreadStatus.ERROR)
        await remains.keep(runs[-1], store)

    assert len(remains) == kept
    assert [run.run_id in store._runs for run in runs] == [False] * (4 - kept) + [True] * kept


BRIEF = RunError(type="ValueError", message="no")
