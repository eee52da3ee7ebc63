"""What becomes of the runs of a process that is no more (design, promise 7)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from graphwire_server.core.ending import terminal
from graphwire_server.core.errors import CursorExpired, RunNotFound
from graphwire_server.core.events import End, Event, Metadata, Values
from graphwire_server.core.model import CancelAction, Outcome, Run, RunSpec, RunStatus, ThreadStatus
from graphwire_server.core.ports import Append, Ending
from tests.unit.core.fakes import (
    THREAD,
    Clock,
    Executor,
    House,
    Link,
    Store,
    crash,
    emit,
    house,
    kinds,
    on_thread,
    running,
)

BLOCK = 1 << 20


def holding() -> Executor:
    executor = Executor()
    executor.script = executor.held
    return executor


class Crashing:
    """Two processes, one after the other, on one store."""

    def __init__(self, executor: Executor | None = None, most_losses: int = 3) -> None:
        self.clock, self.store, self.ephemeral = Clock(), Store(), Store()
        self._most_losses = most_losses
        self._started = 0
        self.executor = executor

    def process(self, executor: Executor | None = None) -> House:
        self._started += 1
        return house(
            executor or self.executor,
            store=self.store,
            ephemeral=self.ephemeral,
            clock=self.clock,
            most_losses=self._most_losses,
            first_id=1 + 1000 * self._started,
        )

    async def left(self, spec: RunSpec, *, executing: bool = True) -> Run:
        """A run as a process that died has left it."""
        made = self.process()
        store = self.ephemeral if spec.stateless else self.store
        new = await made.runs._admission.new_run(spec)
        admitted = await store.admit_run(new, create_thread=True, may_start=executing, seq_block=BLOCK)
        return admitted.run


def attempts(events: list[Event]) -> list[int]:
    return [event.payload.attempt for event in events if isinstance(event.payload, Metadata)]


async def test_a_run_that_executed_is_taken_up_again_and_one_behind_it_waits_on() -> None:
    crashed = Crashing()
    runs = [await crashed.left(on_thread()) for _ in range(2)]

    async with running(crashed.process()) as made:
        await made.recovery.recover()
        ended = [await made.end(run) for run in runs]
        events = await made.join(ended[0], 0)
        thread = await made.threads.get(THREAD)

    assert [(run.status, run.attempt, run.losses) for run in ended] == [
        (RunStatus.SUCCESS, 2, 1),
        (RunStatus.SUCCESS, 1, 0),
    ]
    assert attempts(events) == [2]
    assert [event.seq for event in events] == [BLOCK + 1, BLOCK + 2, BLOCK + 3]
    assert made.executor.executed == [run.run_id for run in runs]
    assert thread.status is ThreadStatus.IDLE


async def test_a_reader_that_comes_back_sees_the_attempt_raised_above_every_number_that_it_had() -> None:
    crashed = Crashing(holding())
    run = await crashed.left(on_thread())

    async with running(crashed.process()) as made:
        await made.recovery.recover()
        await made.begun()
        made.executor.release.set()
        events = await made.join(run, 57)

    assert (kinds(events)[0], events[0].seq, attempts(events)) == ("metadata", BLOCK + 1, [2])


@pytest.mark.parametrize("begun", [True, False])
async def test_it_goes_on_from_its_checkpoint_or_begins_anew_without_what_it_wrote(begun: bool) -> None:
    crashed = Crashing(Executor())
    run = await crashed.left(on_thread())
    assert crashed.executor is not None
    crashed.executor.begun = begun

    async with running(crashed.process()) as made:
        await made.recovery.recover()
        await made.end(run)

    assert crashed.executor.went_on == [begun]
    assert crashed.store.undone == ([] if begun else [run.run_id])


async def test_a_run_that_kills_its_process_each_time_ends_as_an_error_at_last() -> None:
    crashed = Crashing(holding(), most_losses=2)
    run = await crashed.left(on_thread())

    for number in range(2):
        link = Link(crashed.store)
        made = house(holding(), store=link, clock=crashed.clock, most_losses=2, first_id=5000 + number)
        await made.recovery.recover()
        await made.begun()
        await crash(made, link)
    async with running(crashed.process()) as last:
        await last.recovery.recover()
        ended = await last.runs.get(run.run_id)
        events = await last.join(ended)

    assert ended.outcome is not None
    assert ended.outcome.error is not None
    assert (ended.status, ended.attempt, ended.outcome.error.type) == (RunStatus.ERROR, 3, "ServerDied")
    assert ended.outcome.error.message == "the server died 3 times while it executed the run"
    assert kinds(events) == ["end"]


async def test_a_run_that_was_given_back_goes_on_behind_its_last_event_and_has_lost_nothing() -> None:
    clock, store = Clock(), Store()
    async with running(house(holding(), clock=clock, store=store)) as before:
        run = await before.runs.create(on_thread())
        await before.begun()

    async with running(house(clock=clock, store=store, first_id=500)) as made:
        await made.recovery.recover()
        ended = await made.end(run)
        events = await made.join(ended, 2)

    assert (ended.attempt, ended.losses) == (2, 0)
    assert [event.seq for event in events] == [3, 4, 5]
    assert attempts(events) == [2]


@pytest.mark.parametrize(("action", "there"), [(CancelAction.INTERRUPT, True), (CancelAction.ROLLBACK, False)])
async def test_a_run_that_was_to_stop_is_not_taken_up(action: CancelAction, there: bool) -> None:
    crashed = Crashing(Executor())
    run = await crashed.left(on_thread())
    await crashed.store.request_cancel(run.run_id, action)

    async with running(crashed.process()) as made:
        await made.recovery.recover()
        ended = await made.end(run) if (job := made.worker.jobs.get(run.run_id)) is not None else None
        found = await crashed.store.get_run(run.run_id)

    assert job is not None
    assert ended is not None
    assert ended.status is RunStatus.INTERRUPTED
    assert made.executor.executed == []
    assert (found is not None) is there
    assert crashed.store.undone == ([] if there else [run.run_id])


async def test_runs_that_waited_can_be_waited_for_and_cancelled() -> None:
    crashed = Crashing(holding())
    waiting = [await crashed.left(on_thread()) for _ in range(3)]

    async with running(crashed.process()) as made:
        await made.recovery.recover()
        await made.runs.cancel(waiting[2].run_id)
        ended = await made.end(waiting[2])
        made.executor.release.set()
        turn = await made.end(waiting[1])

    assert (ended.status, turn.status) == (RunStatus.INTERRUPTED, RunStatus.SUCCESS)


async def test_a_delayed_run_keeps_its_time() -> None:
    crashed = Crashing()
    run = await crashed.left(on_thread(start_after=timedelta(hours=1)))

    async with running(crashed.process()) as made:
        await made.recovery.recover()
        early = list(made.executor.executed)
        made.alarms.move(timedelta(hours=1))
        ended = await made.end(run)

    assert (early, ended.status, ended.attempt) == ([], RunStatus.SUCCESS, 1)


async def test_the_time_limit_counts_from_the_first_start() -> None:
    crashed = Crashing(holding())
    run = await crashed.left(on_thread(timeout=timedelta(seconds=100)))
    crashed.clock.now += timedelta(seconds=200)

    async with running(crashed.process()) as made:
        await made.recovery.recover()
        await made.begun()
        made.alarms.move(timedelta(0))

        assert (await made.end(run)).status is RunStatus.TIMEOUT


async def test_a_stateless_run_is_taken_up_and_leaves_nothing() -> None:
    crashed = Crashing(Executor())
    run = await crashed.left(RunSpec(assistant="agent"))

    async with running(crashed.process()) as made:
        await made.recovery.recover()
        ended = await made.end(run)
        with pytest.raises(RunNotFound):
            await made.runs.get(run.run_id)

    assert (ended.status, ended.attempt) == (RunStatus.SUCCESS, 2)
    assert not crashed.ephemeral._threads


async def test_the_events_of_a_resumable_run_go_on_where_they_were_without_a_gap() -> None:
    clock, store = Clock(), Store()
    async with running(house(holding(), clock=clock, store=store)) as before:
        run = await before.runs.create(on_thread(stream_resumable=True))
        await before.begun()

    async with running(house(clock=clock, store=store, first_id=500)) as made:
        await made.recovery.recover()
        ended = await made.end(run)
        events = await made.join(ended, 0)

    assert [event.seq for event in events] == [1, 2, 3, 4, 5]
    assert kinds(events) == ["metadata", "values", "metadata", "values", "end"]
    assert attempts(events) == [1, 2]
    assert isinstance(end := events[-1].payload, End)
    assert end.event_count == 5


async def test_after_a_crash_the_numbers_of_a_resumable_run_go_on_behind_the_last_that_is_kept() -> None:
    crashed = Crashing()
    run = await crashed.left(on_thread(stream_resumable=True))
    kept = [Event(seq, run.run_id, THREAD, 1.0, (), Values(state=b"%d" % seq), 10) for seq in (1, 2, 3)]
    await crashed.store.keep_events(THREAD, kept)

    async with running(crashed.process()) as made:
        await made.recovery.recover()
        ended = await made.end(run)
        events = await made.join(ended, 1)

    assert [event.seq for event in events] == [2, 3, 4, 5, 6]
    assert kinds(events) == ["values", "values", "metadata", "values", "end"]


async def test_what_was_kept_of_a_run_that_ended_before_a_restart_can_be_read_until_its_time_has_passed() -> None:
    async def three(run: Run, append: Append) -> Outcome:
        emit(append, 3)
        return Outcome(status=RunStatus.SUCCESS)

    clock, store = Clock(), Store()
    async with running(house(Executor(three), clock=clock, store=store)) as before:
        told = await before.events(on_thread(stream_resumable=True))

    async with running(house(clock=clock, store=store, first_id=500)) as made:
        run = await made.runs.get(told[0].run_id)
        again = await made.join(run, 0)
        clock.now += timedelta(seconds=200)
        await store.expire(clock.now)
        with pytest.raises(CursorExpired):
            await made.join(run, 0)
        end = await made.join(run)

    assert [(event.seq, event.payload) for event in again] == [(event.seq, event.payload) for event in told]
    assert end[0].payload == told[-1].payload


async def test_the_end_of_a_resumable_run_that_was_cancelled_while_it_waited_again_is_kept_too() -> None:
    clock, store = Clock(), Store()
    async with running(house(holding(), clock=clock, store=store)) as before:
        run = await before.runs.create(on_thread(stream_resumable=True))
        await before.begun()
    await store.request_cancel(run.run_id, CancelAction.INTERRUPT)

    async with running(house(clock=clock, store=store, first_id=500)) as made:
        await made.recovery.recover()
        ended = await made.end(run)
        events = await made.join(ended, 0)

    kept = await store.kept_events(THREAD, 0, 1 << 20)
    assert kinds(events) == ["metadata", "values", "end"]
    assert [event.seq for event in kept] == [event.seq for event in events] == [1, 2, 3]


async def test_a_run_that_is_cancelled_before_a_kept_one_goes_on_leaves_no_gap_in_it() -> None:
    clock, store = Clock(), Store()
    async with running(house(holding(), clock=clock, store=store)) as before:
        run = await before.runs.create(on_thread(stream_resumable=True))
        await before.begun()
        waiting = await before.runs.create(on_thread())

    async with running(house(clock=clock, store=store, slots=1, first_id=500)) as full:
        with full.worker.slot():
            await full.recovery.recover()
            await full.runs.cancel(waiting.run_id)
            cancelled = await full.end(waiting)

    async with running(house(clock=clock, store=store, first_id=900)) as made:
        await made.recovery.recover()
        ended = await made.end(run)
        events = await made.join(ended, 0)

    assert [event.seq for event in events] == [1, 2, 4, 5, 6]
    assert kinds(events) == ["metadata", "values", "metadata", "values", "end"]
    assert cancelled.last_seq == 3


@pytest.mark.parametrize("resumable", [True, False])
@pytest.mark.parametrize("seen", [True, False])
async def test_a_run_that_was_cancelled_as_the_process_died_gets_the_number_of_its_end(
    resumable: bool, seen: bool
) -> None:
    """Its row says that it has ended; its terminal event was appended to the log of the run that executed, and kept with that, or not."""
    crashed = Crashing()
    run = await crashed.left(on_thread(stream_resumable=resumable))
    waiting = await crashed.left(on_thread())
    stopped = replace(waiting, status=RunStatus.INTERRUPTED, outcome=Outcome(status=RunStatus.INTERRUPTED))
    assert await crashed.store.finish_run(Ending(run=stopped, thread_status=ThreadStatus.IDLE))
    last = [Event(1, run.run_id, THREAD, 1.0, (), Values(state=b"1"), 10)]
    if seen:
        last.append(Event(2, waiting.run_id, THREAD, 1.0, (), terminal(stopped), 10))
    if resumable:
        await crashed.store.keep_events(THREAD, last)

    async with running(crashed.process()) as made:
        await made.recovery.recover()
        row = await made.runs.get(waiting.run_id)
        late = await made.join(row, 0)
        events = await made.join(await made.end(run), 0)

    assert row.last_seq == (2 if resumable else BLOCK + 1)
    assert [event.seq for event in late] == [row.last_seq]
    assert row.last_seq not in [event.seq for event in events]
    assert kinds(events) == (["values"] if resumable else []) + ["metadata", "values", "end"]


async def test_recovery_of_nothing_does_nothing() -> None:
    async with running(house()) as made:
        await made.events(on_thread())

        await made.recovery.recover()

    assert len(made.executor.executed) == 1
