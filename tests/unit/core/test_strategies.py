"""Runs that meet on a thread (wire fact 66)."""

import asyncio

import pytest

from graphwire_server.core.errors import RunNotFound, ThreadBusy
from graphwire_server.core.model import CancelAction, MultitaskStrategy, Outcome, Run, RunStatus, ThreadStatus
from graphwire_server.core.ports import Append
from tests.unit.core.fakes import ALL, THREAD, Executor, House, emit, house, kinds, on_thread, running


def holding() -> Executor:
    executor = Executor()
    executor.script = executor.held
    return executor


async def meeting(made: House, strategy: MultitaskStrategy) -> list[Run]:
    """One that executes, one that waits behind it, and one that meets both: as they ended."""
    runs = [await made.runs.create(on_thread()) for _ in range(2)]
    waiting = [asyncio.create_task(made.end(run)) for run in runs]
    await made.begun()
    third = await made.runs.create(on_thread(multitask_strategy=strategy))
    made.executor.release.set()
    return [*await asyncio.gather(*waiting), await made.end(third)]


async def test_reject_refuses_the_new_run() -> None:
    async with running(house(holding())) as made:
        first = await made.runs.create(on_thread())
        with pytest.raises(ThreadBusy):
            await made.runs.create(on_thread(multitask_strategy=MultitaskStrategy.REJECT))
        made.executor.release.set()

        assert (await made.end(first)).status is RunStatus.SUCCESS


async def test_interrupt_stops_what_executes_and_what_waits() -> None:
    async with running(house(holding())) as made:
        runs = await meeting(made, MultitaskStrategy.INTERRUPT)

    assert [run.status for run in runs] == [RunStatus.INTERRUPTED, RunStatus.INTERRUPTED, RunStatus.SUCCESS]
    assert made.executor.executed == [runs[0].run_id, runs[2].run_id]


async def test_rollback_undoes_what_executes_and_removes_both() -> None:
    async with running(house(holding())) as made:
        runs = await meeting(made, MultitaskStrategy.ROLLBACK)

        for run in runs[:2]:
            with pytest.raises(RunNotFound):
                await made.runs.get(run.run_id)

    assert [run.status for run in runs] == [RunStatus.INTERRUPTED, RunStatus.INTERRUPTED, RunStatus.SUCCESS]
    assert made.store.undone == [runs[0].run_id]


async def _whole(made: House, strategy: MultitaskStrategy) -> Run:
    return await made.end(await made.runs.create(on_thread(multitask_strategy=strategy)))


@pytest.mark.parametrize("strategy", [MultitaskStrategy.INTERRUPT, MultitaskStrategy.ROLLBACK])
async def test_a_hundred_that_interrupt_one_another_leave_one_winner(strategy: MultitaskStrategy) -> None:
    async with running(house(holding())) as made:
        made.executor.release.set()
        ended = await asyncio.gather(*(_whole(made, strategy) for _ in range(100)))

    assert ended[-1].status is RunStatus.SUCCESS
    assert len([run for run in ended if run.status is RunStatus.SUCCESS]) <= 2  # the first may have been done already
    assert len(made.worker.jobs) == 0


async def test_a_rollback_leaves_the_thread_as_it_was_with_a_word_about_it() -> None:
    async with running(house(holding())) as made:
        run = await made.runs.create(on_thread())
        await made.begun()

        await made.runs.cancel(run.run_id, action=CancelAction.ROLLBACK)
        await made.end(run)
        thread = await made.threads.get(THREAD)

    assert (thread.status, thread.error) == (ThreadStatus.INTERRUPTED, "UserRollback: the run was rolled back")


async def test_a_rollback_that_is_asked_for_while_a_run_ends_is_done_all_the_same() -> None:
    asked = asyncio.Event()

    async def succeed(run: Run, append: Append) -> Outcome:
        emit(append)
        await asked.wait()
        return Outcome(status=RunStatus.SUCCESS)

    async with running(house(Executor(succeed))) as made:
        run = await made.runs.create(on_thread())
        await made.begun()
        # Written, as another process or another strategy writes it, and this one does not know yet.
        await made.store.request_cancel(run.run_id, CancelAction.ROLLBACK)

        asked.set()
        ended = await made.end(run)
        with pytest.raises(RunNotFound):
            await made.runs.get(run.run_id)

    assert (ended.status, made.store.undone) == (RunStatus.INTERRUPTED, [run.run_id])


async def test_an_interrupt_after_a_rollback_stays_a_rollback() -> None:
    async with running(house(holding())) as made:
        run = await made.runs.create(on_thread())
        await made.begun()

        await made.runs.cancel(run.run_id, action=CancelAction.ROLLBACK)
        again = await made.runs.cancel(run.run_id)
        await made.end(run)

    assert again.cancel is CancelAction.ROLLBACK
    assert made.store.undone == [run.run_id]


async def test_a_pending_run_that_is_rolled_back_disappears_at_once_and_its_readers_see_its_end() -> None:
    async with running(house(holding())) as made:
        await made.runs.create(on_thread())
        waiting = await made.runs.create(on_thread())
        await made.begun()
        async with made.runs.join(waiting.run_id, None, None, ALL) as (_, batches):
            await made.runs.cancel(waiting.run_id, action=CancelAction.ROLLBACK)
            await made.end(waiting)
            with pytest.raises(RunNotFound):
                await made.runs.get(waiting.run_id)
            events = [event async for batch in batches for event in batch]

    assert kinds(events) == ["end"]
    assert made.store.undone == []
