"""What callers may do with runs."""

import asyncio
import json
from dataclasses import replace

import pytest

from graphwire_server.core.cron import Claim
from graphwire_server.core.errors import (
    AssistantNotFound,
    CapacityReached,
    CheckpointNotFound,
    GraphwireError,
    NothingToResume,
    RunActive,
    RunFinished,
    RunNotFound,
    ThreadBusy,
    ThreadNotFound,
)
from graphwire_server.core.model import (
    Admitted,
    CheckpointRef,
    Command,
    MultitaskStrategy,
    Outcome,
    Page,
    RequestKey,
    Run,
    RunSpec,
    RunStatus,
    ThreadStatus,
)
from graphwire_server.core.ports import Append
from graphwire_server.core.threads import EMPTY_STATE
from tests.unit.core.fakes import OTHER, SOON, THREAD, Executor, Store, house, kinds, on_thread, running


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


class Committing(Store):
    """A store that has written, and whose answer takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.wrote = asyncio.Event()

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
        await super().admit_run(run, create_thread=create_thread, may_start=may_start, seq_block=seq_block, key=key)
        self.wrote.set()
        return await asyncio.Future()


async def test_a_run_whose_caller_leaves_while_its_row_is_written_does_not_keep_its_thread() -> None:
    store = Committing()
    async with running(house(holding(), store=store)) as made, asyncio.timeout(SOON):
        creating = asyncio.create_task(made.runs.create(on_thread()))
        await store.wrote.wait()
        (written,) = await store.unfinished_runs()

        creating.cancel()
        await asyncio.gather(creating, return_exceptions=True)
        await made.begun()
        made.executor.release.set()
        ended = await made.end(written)
        thread = await made.threads.get(THREAD)

    assert (ended.status, thread.status) == (RunStatus.SUCCESS, ThreadStatus.IDLE)


async def test_a_refused_run_leaves_nothing() -> None:
    async with running(house()) as made:
        with pytest.raises(GraphwireError):
            await made.runs.create(on_thread(input=1, has_input=True, command=Command(goto=())))

    assert not made.store._threads
    assert len(made.worker.jobs) == 0
