"""Copies of threads."""

import asyncio
from typing import Any

import pytest
from langgraph.checkpoint.base import CheckpointTuple
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from graphwire_server.core.errors import ThreadNotFound
from graphwire_server.core.model import Page, RunStatus, ThreadStatus
from tests.storage.suite.checkpoints import config, id_of, listed, put
from tests.storage.suite.engine import Engine
from tests.storage.suite.graphs import State, on, two_steps
from tests.storage.suite.life import admit, finish
from tests.storage.suite.samples import at, failure, interrupts, run, thread


def without_thread(found: CheckpointTuple) -> Any:
    """A checkpoint as it is on any thread."""
    here, parent = found.config["configurable"], (found.parent_config or {}).get("configurable", {})
    return (
        (here["checkpoint_ns"], here["checkpoint_id"], parent.get("checkpoint_id")),
        (found.checkpoint, found.metadata, found.pending_writes),
    )


def asking(engine: Engine) -> Any:
    """A graph whose subgraph asks a question: it leaves checkpoints in two namespaces."""

    async def inner(state: State) -> dict[str, list[str]]:
        return {"steps": [f"answer {interrupt('sure?')}"]}

    subgraph = StateGraph(State).add_node(inner).add_edge(START, "inner").compile()
    graph = StateGraph(State).add_node("sub", subgraph).add_edge(START, "sub")
    return graph.compile(checkpointer=engine.saver)


class CopyCases:
    async def test_a_copy_has_the_threads_values_and_times_of_its_own(self, engine: Engine) -> None:
        source = thread(
            "t1",
            status=ThreadStatus.ERROR,
            metadata={"k": [1, None], "thread_id": "t1", "other": {"thread_id": "t1"}},
            graph_id="g",
            assistant_id="a",
            interrupts=interrupts(),
            error="ValueError: no",
            last_seq=7,
            reserved_seq=9,
        )
        await engine.store.create_thread(source)
        copy = await engine.store.copy_thread("t1", "t2", at(5))
        assert copy == thread(
            "t2",
            second=5,
            status=ThreadStatus.ERROR,
            standing=ThreadStatus.ERROR,
            metadata={"k": [1, None], "thread_id": "t2", "other": {"thread_id": "t1"}},
            graph_id="g",
            assistant_id="a",
            interrupts=interrupts(),
            error="ValueError: no",
        )
        assert await engine.store.get_thread("t2") == copy
        assert await engine.store.get_thread("t1") == source

    async def test_a_copy_of_an_unknown_thread_leaves_nothing(self, engine: Engine) -> None:
        await put(engine, config("nobody"), 1)
        with pytest.raises(ThreadNotFound):
            await engine.store.copy_thread("nobody", "t2", at(0))
        assert await engine.store.get_thread("t2") is None
        assert await listed(engine, config("t2")) == []

    async def test_a_copy_of_a_busy_thread_is_idle_and_has_no_runs(self, engine: Engine) -> None:
        value = run("r1", "t1", second=1)
        admitted = await admit(engine.store, value)
        copy = await engine.store.copy_thread("t1", "t2", at(5))
        assert (copy.status, copy.graph_id, copy.last_seq, copy.reserved_seq) == (ThreadStatus.IDLE, "joke", 0, 0)
        assert await engine.store.list_runs("t2", None, Page()) == []
        assert await engine.store.unfinished_runs() == [admitted]
        first = await admit(engine.store, run("r2", "t2"), create_thread=False)
        assert (first.status, first.first_seq) == (RunStatus.RUNNING, 1)

    async def test_a_copy_stays_as_it_is_when_its_source_goes_on(self, engine: Engine) -> None:
        value = run("r1", "t1", second=1)
        admitted = await admit(engine.store, value)
        copy = await engine.store.copy_thread("t1", "t2", at(5))
        await finish(engine.store, admitted, failure(), 3)
        await engine.store.merge_metadata("t1", {"later": True}, at(6))
        assert await engine.store.get_thread("t2") == copy
        await engine.store.delete_thread("t1")
        assert await engine.store.get_thread("t2") == copy

    async def test_a_copy_has_all_checkpoints_and_writes_of_all_namespaces(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("t1"))
        for ns in ("", "sub:1", "sub:1|deep:2"):
            parent = await put(engine, config(ns=ns), 1, {"big": 2**63 - 1})
            latest = await put(engine, parent, 2, b"\x00\xff")
            await engine.saver.aput_writes(parent, [("x", 1), ("y", {"z": 2})], "task-b", "path-b")
            await engine.saver.aput_writes(latest, [("x", 3)], "task-a", "path-a")
        await engine.store.copy_thread("t1", "t2", at(5))
        for ns in ("", "sub:1", "sub:1|deep:2"):
            source, copy = await listed(engine, config(ns=ns)), await listed(engine, config("t2", ns))
            assert len(copy) == 2
            assert [*map(without_thread, copy)] == [*map(without_thread, source)]
            assert {each.config["configurable"]["thread_id"] for each in copy} == {"t2"}
        assert engine.last.last_checkpoint_id("t2") == engine.last.last_checkpoint_id("t1")

    async def test_what_is_serialized_does_not_name_its_thread(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("the source"))
        await asking(engine).ainvoke({"steps": []}, on("the source"))
        await engine.store.copy_thread("the source", "the copy", at(5))
        found = await listed(engine, {"configurable": {"thread_id": "the copy"}})
        assert len({each.config["configurable"]["checkpoint_ns"] for each in found}) == 2
        assert "the source" not in repr(found)

    async def test_a_copy_of_an_interrupted_graph_is_answered_on_its_own(self, engine: Engine) -> None:
        graph = asking(engine)
        await engine.store.create_thread(thread("t1"))
        await graph.ainvoke({"steps": ["start"]}, on("t1"))
        await engine.store.copy_thread("t1", "t2", at(5))
        before = await graph.aget_state(on("t1"), subgraphs=True)
        assert (await graph.aget_state(on("t2"), subgraphs=True)).interrupts == before.interrupts
        answered = await graph.ainvoke(Command(resume="yes"), on("t2"))
        assert answered["steps"] == ["start", "start", "answer yes"]
        assert await graph.aget_state(on("t1"), subgraphs=True) == before
        assert (await graph.ainvoke(Command(resume="no"), on("t1")))["steps"] == ["start", "start", "answer no"]
        assert (await graph.aget_state(on("t2"))).values == answered

    async def test_deleting_a_copy_or_its_source_leaves_the_other(self, engine: Engine) -> None:
        graph = two_steps(engine)
        await engine.store.create_thread(thread("t1"))
        result = await graph.ainvoke({"steps": ["x"]}, on("t1"))
        for copy in ("t2", "t3"):
            await engine.store.copy_thread("t1", copy, at(5))
        await engine.store.delete_thread("t2")
        assert (await graph.aget_state(on("t1"))).values == result
        await engine.store.delete_thread("t1")
        assert len(await listed(engine, config("t3"))) == 4
        assert (await graph.aget_state(on("t3"))).values == result
        await engine.store.delete_thread("t3")
        assert await listed(engine, None) == []

    async def test_a_copy_made_while_a_graph_runs_is_whole(self, engine: Engine) -> None:
        graph, entered, leave = StateGraph(State), asyncio.Event(), asyncio.Event()

        async def waits(state: State) -> dict[str, list[str]]:
            entered.set()
            await leave.wait()
            return {"steps": ["waited"]}

        graph.add_node("first", lambda _: {"steps": ["first"]}).add_node(waits)
        graph.add_edge(START, "first").add_edge("first", "waits")
        compiled = graph.compile(checkpointer=engine.saver)
        await engine.store.create_thread(thread("t1"))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(compiled.ainvoke({"steps": ["x"]}, on("t1"), durability="sync"))
            await entered.wait()
            await engine.store.copy_thread("t1", "t2", at(5))
            state = await compiled.aget_state(on("t2"))
            leave.set()
        assert (state.values["steps"], state.next) == (["x", "first"], ("waits",))
        assert (await compiled.ainvoke(None, on("t2")))["steps"] == running.result()["steps"]
        source, copy = await listed(engine, config("t1")), await listed(engine, config("t2"))
        assert id_of(source[0].config) != id_of(copy[0].config)
