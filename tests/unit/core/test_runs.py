"""What callers may do with runs."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from graphwire_server.core.errors import (
    AssistantNotFound,
    CapacityReached,
    CheckpointNotFound,
    CursorExpired,
    GraphwireError,
    InvalidField,
    NothingToResume,
    NotOffered,
    RunActive,
    RunFinished,
    RunNotFound,
    ThreadBusy,
    ThreadNotFound,
)
from graphwire_server.core.events import End
from graphwire_server.core.model import (
    CheckpointRef,
    Command,
    MultitaskStrategy,
    Outcome,
    Page,
    Retention,
    Run,
    RunSpec,
    RunStatus,
    ThreadStatus,
)
from graphwire_server.core.ports import Append
from graphwire_server.core.threads import EMPTY_STATE
from tests.unit.core.fakes import ALL, OTHER, SOON, THREAD, Executor, emit, house, kinds, on_thread, running


def holding() -> Executor:
    executor = Executor()
    executor.script = executor.held
    return executor


async def test_a_run_without_a_thread_is_refused_where_it_is_not_to_be_made() -> None:
    async with running(house()) as made:
        with pytest.raises(ThreadNotFound):
            await made.runs.create(RunSpec(assistant="agent", thread_id=THREAD))


async def test_an_unknown_assistant_is_refused() -> None:
    async with running(house()) as made:
        with pytest.raises(AssistantNotFound):
            await made.runs.create(replace(on_thread(), assistant="nobody"))


async def test_reject_refuses_a_busy_thread() -> None:
    made = house(holding())
    async with running(made):
        await made.runs.create(on_thread())

        with pytest.raises(ThreadBusy):
            await made.runs.create(on_thread(multitask_strategy=MultitaskStrategy.REJECT))


async def test_reject_runs_on_an_idle_thread() -> None:
    async with running(house()) as made:
        run = await made.runs.create(on_thread(multitask_strategy=MultitaskStrategy.REJECT))

    assert run.status is RunStatus.RUNNING


@pytest.mark.parametrize("strategy", [MultitaskStrategy.INTERRUPT, MultitaskStrategy.ROLLBACK])
async def test_strategies_that_are_not_offered_are_refused_by_name(strategy: MultitaskStrategy) -> None:
    async with running(house()) as made:
        with pytest.raises(NotOffered, match=strategy):
            await made.runs.create(on_thread(multitask_strategy=strategy))


async def test_a_full_server_refuses_and_takes_again_when_a_run_has_ended() -> None:
    made = house(holding(), limit=2)
    async with running(made):
        first = await made.runs.create(on_thread())
        await made.runs.create(on_thread())
        with pytest.raises(CapacityReached):
            await made.runs.create(RunSpec(assistant="agent"))
        made.executor.release.set()
        await made.end(first)

        again = await made.runs.create(RunSpec(assistant="agent"))

    assert again.status is RunStatus.RUNNING


async def test_resuming_an_idle_thread_is_refused() -> None:
    async with running(house()) as made:
        await made.events(on_thread())

        with pytest.raises(NothingToResume):
            await made.runs.create(on_thread(command=Command(has_resume=True, resume=1)))


async def test_resuming_a_thread_that_does_not_exist_is_refused() -> None:
    async with running(house()) as made:
        with pytest.raises(NothingToResume):
            await made.runs.create(on_thread(command=Command(has_resume=True)))


async def test_resuming_a_thread_that_waits_is_taken() -> None:
    async def stop(run: Run, append: Append) -> Outcome:
        return Outcome(status=RunStatus.SUCCESS, next=("ask",))

    async with running(house(Executor(stop))) as made:
        await made.events(on_thread())

        events = await made.events(on_thread(command=Command(has_resume=True, resume=1)))

    assert kinds(events) == ["metadata", "end"]


async def test_an_unknown_checkpoint_is_refused_and_a_known_one_taken() -> None:
    async with running(house()) as made:
        await made.events(on_thread())
        made.states.known["known"] = EMPTY_STATE
        with pytest.raises(CheckpointNotFound):
            await made.runs.create(on_thread(checkpoint=CheckpointRef(checkpoint_id="unknown")))

        events = await made.events(on_thread(checkpoint=CheckpointRef(checkpoint_id="known")))

    assert kinds(events)[-1] == "end"


async def test_a_run_is_found_on_its_own_thread_alone() -> None:
    async with running(house()) as made:
        run = await made.runs.create(on_thread())

        found = await made.runs.get(run.run_id.upper(), THREAD.upper())
        with pytest.raises(RunNotFound):
            await made.runs.get(run.run_id, OTHER)

    assert found.run_id == run.run_id


async def test_runs_are_listed_the_newest_first() -> None:
    async with running(house()) as made:
        made_runs = [(await made.events(on_thread()))[0].run_id for _ in range(3)]

        listed = await made.runs.list(THREAD, None, Page(offset=0, limit=2))
        failed = await made.runs.list(THREAD, RunStatus.ERROR, Page())
        with pytest.raises(ThreadNotFound):
            await made.runs.list(OTHER, None, Page())

    assert [run.run_id for run in listed] == made_runs[:0:-1]
    assert not failed


async def test_a_run_that_has_ended_cannot_be_cancelled_but_deleted() -> None:
    async with running(house()) as made:
        run_id = (await made.events(on_thread()))[0].run_id
        with pytest.raises(RunFinished):
            await made.runs.cancel(run_id)

        await made.runs.delete(run_id)

        with pytest.raises(RunNotFound):
            await made.runs.get(run_id)


async def test_a_run_that_executes_cannot_be_deleted() -> None:
    async with running(house(holding())) as made:
        run = await made.runs.create(on_thread())

        with pytest.raises(RunActive):
            await made.runs.delete(run.run_id)


async def test_a_caller_that_is_gone_cancels_its_run() -> None:
    async with running(house(holding())) as made:
        run = await made.runs.create(on_thread())
        await made.begun()

        made.runs.abandon(run.run_id)
        ended = await made.end(run)
        made.runs.abandon(run.run_id)

    assert ended.status is RunStatus.INTERRUPTED


async def test_cancelling_a_wait_does_not_cancel_the_run() -> None:
    async with running(house(holding())) as made:
        run = await made.runs.create(on_thread())
        waiting = asyncio.create_task(made.runs.wait(run))
        await made.begun()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

        made.executor.release.set()
        ended = await made.end(run)

    assert ended.status is RunStatus.SUCCESS


async def test_the_output_of_a_run_is_its_checkpoints_state_and_of_a_stateless_one_what_it_left() -> None:
    async def give(run: Run, append: Append) -> Outcome:
        at = "" if run.stateless else "c1"
        return Outcome(status=RunStatus.SUCCESS, checkpoint_id=at, values=b"[1]" if run.stateless else None)

    async with running(house(Executor(give))) as made:
        made.states.known["c1"] = replace(EMPTY_STATE, values=b'{"a":1}')
        kept = await made.end(await made.runs.create(on_thread()))
        stateless = await made.end(await made.runs.create(RunSpec(assistant="agent")))

        outputs = [await made.runs.output(kept), await made.runs.output(stateless)]

    assert [json.loads(output) for output in outputs] == [{"a": 1}, [1]]


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


async def test_recovery_ends_what_executed_and_starts_what_waited() -> None:
    made = house()
    runs = []
    for _ in range(2):
        new = made.runs._new_run(on_thread(), made.runs._assistants.get("agent"))
        runs.append(await made.store.admit_run(new, create_thread=True, reject_busy=False, seq_block=100))

    async with running(made):
        await made.runs.recover()
        waited = await made.end(runs[1])
        dead = await made.runs.get(runs[0].run_id)
        told = await made.join(dead)

    assert dead.outcome is not None
    assert dead.outcome.error is not None
    assert (dead.status, dead.outcome.error.type) == (RunStatus.ERROR, "ServerDied")
    assert [event.seq for event in told] == [dead.last_seq] == [101]
    assert (waited.status, waited.first_seq) == (RunStatus.SUCCESS, 102)
    assert (await made.threads.get(THREAD)).status is ThreadStatus.IDLE


async def test_recovery_of_nothing_does_nothing() -> None:
    async with running(house()) as made:
        await made.events(on_thread())

        await made.runs.recover()

    assert len(made.executor.executed) == 1


async def test_a_refused_run_leaves_nothing() -> None:
    async with running(house()) as made:
        with pytest.raises(GraphwireError):
            await made.runs.create(on_thread(input=1, has_input=True, command=Command(goto=())))

    assert not made.store._threads
    assert len(made.worker) == 0
