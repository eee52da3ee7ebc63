"""Runs one by one and in lists."""

from dataclasses import replace
from datetime import timedelta

import pytest

from graphwire_server.core.errors import RunActive
from graphwire_server.core.model import (
    CancelAction,
    CheckpointRef,
    Command,
    Durability,
    Goto,
    Interrupt,
    MultitaskStrategy,
    Outcome,
    Page,
    RunConfig,
    RunError,
    RunSpec,
    RunStatus,
    TaskInterrupts,
)
from tests.storage.suite.engine import Engine
from tests.storage.suite.life import admit, ending, finish, the_run
from tests.storage.suite.samples import at, run, success

FULL_SPEC = RunSpec(
    assistant="joke",
    thread_id="t1",
    has_input=True,
    input={"topic": "ice", "big": 2**70, "list": [1.0, None, {"deep": [True]}]},
    command=Command(
        has_resume=True,
        resume={"id": "yes"},
        update=[["topic", "ice"]],
        goto=(Goto(node="n1"), Goto(node="n2", has_input=True, input={"x": 2**53 + 1})),
    ),
    config=RunConfig(
        tags=("a", "b"),
        recursion_limit=3,
        configurable={"k": "v"},
        metadata={"m": 1},
        max_concurrency=2,
        run_name="name",
    ),
    context={"user": "x"},
    metadata={"k": {"n": None}},
    checkpoint=CheckpointRef(checkpoint_id="c", checkpoint_ns="a|b", checkpoint_map={"": "c"}),
    interrupt_before=("*",),
    interrupt_after=("n1", "n2"),
    stream_modes=("values", "messages"),
    stream_subgraphs=True,
    durability=Durability.EXIT,
    multitask_strategy=MultitaskStrategy.ROLLBACK,
    create_thread=True,
    keep_thread=True,
    keep_output=False,
    stream_resumable=True,
    headers={"x-user": "u"},
    start_after=timedelta(microseconds=1),
    timeout=timedelta(days=2, microseconds=3),
    request_id="key",
)
FULL_OUTCOME = Outcome(
    status=RunStatus.ERROR,
    error=RunError(type="ValueError", message='no "cats"\nat all', retryable=True),
    interrupts=(Interrupt(id="i", value=b'{"n":9007199254740993}', response_schema=b"{}"),),
    task_interrupts=(TaskInterrupts(task_id="task", interrupts=(Interrupt(id="i", value=b"1e400"),)),),
    next=("n1",),
    checkpoint_id="c9",
    values=b'{"topic": "spaced  \xc3\xbc"}',
    lingering=("n2",),
)


class RunCases:
    async def test_a_run_reads_back_as_it_was(self, engine: Engine) -> None:
        value = run("r1", "t1", spec=FULL_SPEC, attempt=3, losses=2, due_at=at(0), cancel=CancelAction.ROLLBACK)

        admitted = await admit(engine.store, value)

        assert admitted == replace(value, first_seq=1, started_at=at(0))
        assert await the_run(engine, "r1") == admitted

    async def test_an_ended_run_reads_back_as_it_was(self, engine: Engine) -> None:
        admitted = await admit(engine.store, run("r1", "t1", spec=FULL_SPEC))
        end = ending(admitted, FULL_OUTCOME, 9, second=2)

        await engine.store.finish_run(end)

        assert await the_run(engine, "r1") == end.run

    async def test_an_unknown_run_is_none(self, engine: Engine) -> None:
        assert await engine.store.get_run("nobody") is None
        assert await engine.store.list_runs("nobody", None, Page()) == []

    async def test_runs_are_listed_newest_first(self, engine: Engine) -> None:
        for number in (1, 2, 0, 3):
            each = run(f"r{number}", "t1", second=min(number, 2))
            await admit(engine.store, each)
        await admit(engine.store, run("other", "t2"))
        found = await engine.store.list_runs("t1", None, Page())
        assert [each.run_id for each in found] == ["r3", "r2", "r1", "r0"]
        assert await engine.store.list_runs("t1", None, Page(offset=1, limit=2)) == found[1:3]
        assert [each.run_id for each in await engine.store.list_runs("t1", RunStatus.RUNNING, Page())] == ["r1"]

    async def test_only_an_ended_run_is_deleted(self, engine: Engine) -> None:
        await engine.store.delete_run("nobody")
        first = await admit(engine.store, run("r1", "t1"))
        await admit(engine.store, run("r2", "t1"))
        for run_id in ("r1", "r2"):
            with pytest.raises(RunActive):
                await engine.store.delete_run(run_id)
        await finish(engine.store, first, success(), 4)
        await engine.store.delete_run("r1")
        assert await engine.store.get_run("r1") is None
        assert [each.run_id for each in await engine.store.list_runs("t1", None, Page())] == ["r2"]

    async def test_unfinished_runs_of_all_threads_oldest_first(self, engine: Engine) -> None:
        for number, thread_id in enumerate(("t1", "t2", "t1")):
            await admit(engine.store, run(f"r{number}", thread_id, second=-number))
        await finish(engine.store, await the_run(engine, "r1"), success(), 4)
        assert [each.run_id for each in await engine.store.unfinished_runs()] == ["r2", "r0"]
