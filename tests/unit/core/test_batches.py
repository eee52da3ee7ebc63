"""Many runs at once: created, all or none; and cancelled, by what they do or by id."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from graphwire_server.core.cron import Claim
from graphwire_server.core.errors import (
    AssistantNotFound,
    CapacityReached,
    CheckpointNotFound,
    Draining,
    GraphwireError,
    InvalidField,
    NothingToResume,
    RunNotFound,
    StoreUnavailable,
    ThreadBusy,
    ThreadNotFound,
)
from graphwire_server.core.model import (
    Admitted,
    CheckpointRef,
    Command,
    MultitaskStrategy,
    RequestKey,
    Run,
    RunSpec,
    RunStatus,
)
from graphwire_server.core.runs import MAX_BATCH
from tests.unit.core.fakes import OTHER, THREAD, Executor, House, Store, house, on_thread, running

STATELESS = RunSpec(assistant="agent")
REJECTS = on_thread(multitask_strategy=MultitaskStrategy.REJECT)


def holding() -> Executor:
    executor = Executor()
    executor.script = executor.held
    return executor


async def test_a_batch_is_created_in_its_order() -> None:
    async with running(house()) as made:
        runs = await made.runs.create_batch(
            [STATELESS, on_thread(), on_thread(), replace(STATELESS, assistant="writer")]
        )
        ended = [await made.end(run) for run in runs[1:3]]

    assert [run.graph_id for run in runs] == ["agent", "agent", "agent", "writer"]
    assert [run.status for run in runs] == [RunStatus.RUNNING, RunStatus.RUNNING, RunStatus.PENDING, RunStatus.RUNNING]
    assert [run.status for run in ended] == [RunStatus.SUCCESS] * 2
    assert made.executor.executed.index(runs[1].run_id) < made.executor.executed.index(runs[2].run_id)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (replace(STATELESS, assistant="nobody"), AssistantNotFound),
        (RunSpec(assistant="agent", thread_id=OTHER), ThreadNotFound),
        (on_thread(command=Command(has_resume=True)), NothingToResume),
        (replace(STATELESS, command=Command(has_resume=True)), NothingToResume),
        (on_thread(checkpoint=CheckpointRef(checkpoint_id="unknown")), CheckpointNotFound),
        (REJECTS, ThreadBusy),
    ],
)
async def test_one_that_cannot_be_created_is_named_and_none_is_created(
    wrong: RunSpec, error: type[GraphwireError]
) -> None:
    async with running(house()) as made:
        await made.events(on_thread())

        with pytest.raises(error) as refused:
            await made.runs.create_batch([STATELESS, on_thread(), wrong, STATELESS])

    assert refused.value.metadata["index"] == "2"
    assert len(made.executor.executed) == 1
    assert len(made.store._runs) == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (replace(STATELESS, assistant=""), "[1].assistant_id"),
        (replace(STATELESS, thread_id="x"), "[1].thread_id"),
        (replace(STATELESS, stream_modes=("x",)), "[1].stream_mode"),
    ],
)
async def test_a_field_that_is_wrong_is_named_with_its_place(wrong: RunSpec, field: str) -> None:
    async with running(house()) as made:
        with pytest.raises(InvalidField) as refused:
            await made.runs.create_batch([STATELESS, wrong])

    assert (refused.value.field, refused.value.metadata["field"]) == (field, field)
    assert made.executor.executed == []


async def test_the_status_of_a_wrong_field_is_kept() -> None:
    both = replace(STATELESS, context={"a": 1}, config=replace(STATELESS.config, configurable={"b": 1}))
    async with running(house()) as made:
        with pytest.raises(InvalidField) as refused:
            await made.runs.create_batch([both])

    assert (refused.value.field, refused.value.http_status) == ("[0].context", 400)


async def test_an_earlier_run_of_the_batch_may_create_the_thread_of_a_later_one() -> None:
    async with running(house()) as made:
        runs = await made.runs.create_batch([on_thread(), RunSpec(assistant="agent", thread_id=THREAD)])

    assert [run.thread_id for run in runs] == [THREAD, THREAD]


async def test_an_earlier_run_of_the_batch_makes_its_thread_busy_for_a_later_one() -> None:
    async with running(house()) as made:
        with pytest.raises(ThreadBusy):
            await made.runs.create_batch([on_thread(), REJECTS])

        runs = await made.runs.create_batch([REJECTS, on_thread()])

    assert [run.status for run in runs] == [RunStatus.RUNNING, RunStatus.PENDING]


@pytest.mark.parametrize("count", [0, MAX_BATCH + 1])
async def test_a_batch_has_bounds(count: int) -> None:
    async with running(house()) as made:
        with pytest.raises(InvalidField) as refused:
            await made.runs.create_batch([STATELESS] * count)

    assert refused.value.field == "[]"


async def test_a_batch_needs_room_for_all_of_it() -> None:
    async with running(house(holding(), limit=3)) as made:
        await made.runs.create(STATELESS)
        with pytest.raises(CapacityReached):
            await made.runs.create_batch([STATELESS] * 3)

        runs = await made.runs.create_batch([STATELESS] * 2)

    assert len(runs) == 2
    assert len(made.executor.executed) == 3


class Failing(Store):
    """A store that fails when it is to admit its third run."""

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
        if len(self._runs) == 2:
            raise StoreUnavailable("away")
        return await super().admit_run(
            run, create_thread=create_thread, may_start=may_start, seq_block=seq_block, key=key
        )


async def test_a_batch_that_fails_in_the_middle_cancels_what_it_has_created() -> None:
    async with running(house(holding(), store=Failing())) as made:
        with pytest.raises(StoreUnavailable) as failed:
            await made.runs.create_batch([on_thread()] * 4)

    assert failed.value.metadata["index"] == "2"
    assert [run.status for run in made.store.finished] == [RunStatus.INTERRUPTED] * 2
    assert len(made.worker.jobs) == 0
    assert made.executor.executed == []


async def test_a_server_that_stops_takes_no_batch() -> None:
    made = house()
    async with running(made):
        pass

    with pytest.raises(Draining):
        await made.runs.create_batch([STATELESS])


async def _three(made: House) -> Sequence[Run]:
    """A run that executes, one behind it, and a stateless one that can be looked at when it has ended."""
    runs = await made.runs.create_batch([on_thread(), on_thread(), replace(STATELESS, stream_resumable=True)])
    await made.begun()
    return runs


@pytest.mark.parametrize(
    ("meant", "found"),
    [
        ({"status": "running"}, [0, 2]),
        ({"status": "pending"}, [1]),
        ({"status": "all"}, [0, 1, 2]),
        ({"status": "all", "thread_id": THREAD.upper()}, [0, 1]),
        ({"status": "running", "thread_id": THREAD}, [0]),
    ],
)
async def test_runs_are_cancelled_by_what_they_do(meant: dict[str, Any], found: list[int]) -> None:
    async with running(house(holding())) as made:
        runs = await _three(made)

        asked = await made.runs.cancel_many(**meant)
        ended = [await made.end(run) for run in asked]
        left = [made.worker.jobs.get(run.run_id) is not None for run in runs]

    assert [run.run_id for run in asked] == [runs[index].run_id for index in found]
    assert {run.status for run in ended} == {RunStatus.INTERRUPTED}
    assert made.executor.executed[:2] == [runs[0].run_id, runs[2].run_id]
    assert not any(left[index] for index in found)


async def test_runs_are_cancelled_by_id_and_those_that_are_no_more_are_passed_over() -> None:
    async with running(house(holding())) as made:
        first, second, stateless = await _three(made)
        ids = [second.run_id.upper(), OTHER, stateless.run_id]

        asked = await made.runs.cancel_many(thread_id=THREAD, run_ids=ids)

        assert [run.run_id for run in asked] == [second.run_id]
        assert (await made.end(second)).status is RunStatus.INTERRUPTED
        assert [made.worker.jobs.get(run.run_id) is None for run in (first, stateless)] == [False, False]


@pytest.mark.parametrize(
    ("meant", "says"),
    [
        ({"status": "all"}, "nothing to cancel: no run is pending or running"),
        ({"status": "pending", "thread_id": THREAD}, f"nothing to cancel: no run of thread {THREAD} is pending"),
        (
            {"thread_id": THREAD, "run_ids": [OTHER]},
            f"nothing to cancel: none of the runs {OTHER} is pending or running",
        ),
    ],
)
async def test_nothing_to_cancel_is_not_found(meant: dict[str, Any], says: str) -> None:
    async with running(house()) as made:
        await made.events(on_thread())

        with pytest.raises(RunNotFound) as refused:
            await made.runs.cancel_many(**meant)

    assert refused.value.message == str(refused.value) == says


@pytest.mark.parametrize(
    ("meant", "field"),
    [
        ({}, "status"),
        ({"thread_id": THREAD}, "status"),
        ({"status": "all", "thread_id": THREAD, "run_ids": [OTHER]}, "status"),
        ({"run_ids": [OTHER]}, "thread_id"),
        ({"thread_id": "x", "run_ids": [OTHER]}, "thread_id"),
        ({"thread_id": THREAD, "run_ids": ["x"]}, "run_ids"),
        ({"thread_id": THREAD, "run_ids": [OTHER] * 101}, "run_ids"),
    ],
)
async def test_what_names_no_runs_is_refused(meant: dict[str, Any], field: str) -> None:
    async with running(house(holding())) as made:
        run = await made.runs.create(on_thread())

        with pytest.raises(InvalidField) as refused:
            await made.runs.cancel_many(**meant)

        assert refused.value.field == field
        assert made.worker.jobs.get(run.run_id) is not None
