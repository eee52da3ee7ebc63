"""Threads that lose their old states, and go on as if nothing had happened."""

from typing import Annotated, Any

import pytest
from langgraph.channels.delta import DeltaChannel
from langgraph.graph import START, StateGraph
from langgraph.types import Command, StateSnapshot, interrupt

from graphwire_server.core.errors import ThreadBusy, ThreadNotFound
from tests.storage.suite.checkpoints import listed
from tests.storage.suite.copies import asking
from tests.storage.suite.engine import Engine
from tests.storage.suite.graphs import State, on, two_steps
from tests.storage.suite.life import admit
from tests.storage.suite.samples import run, thread


async def trim(engine: Engine, thread_id: str = "t1") -> None:
    while await engine.pruner.trim_thread(thread_id):
        pass


def orphaned(snapshot: StateSnapshot) -> StateSnapshot:
    """A state as it is when what came before is gone."""
    tasks = tuple(
        task._replace(state=orphaned(task.state)) if isinstance(task.state, StateSnapshot) else task
        for task in snapshot.tasks
    )
    return snapshot._replace(parent_config=None, tasks=tasks)


async def state_of(graph: Any) -> StateSnapshot:
    found: StateSnapshot = await graph.aget_state(on("t1"), subgraphs=True)
    return found


async def trimmed(engine: Engine, graph: Any) -> StateSnapshot:
    """What a thread shows once its old states are gone: the same as before."""
    before = orphaned(await state_of(graph))
    await trim(engine)
    assert await state_of(graph) == before
    await trim(engine)
    assert await state_of(graph) == before
    return before


async def namespaces(engine: Engine) -> list[str]:
    found = await listed(engine, {"configurable": {"thread_id": "t1"}})
    return sorted(each.config["configurable"]["checkpoint_ns"].partition(":")[0] for each in found)


def counting(engine: Engine, calls: list[str]) -> Any:
    """Two nodes of one superstep: one is done, the other asks."""

    async def done(state: State) -> State:
        calls.append("done")
        return {"steps": ["done"]}

    async def asks(state: State) -> State:
        return {"steps": [interrupt("sure?")]}

    graph = StateGraph(State).add_node(done).add_node(asks)
    return graph.add_edge(START, "done").add_edge(START, "asks").compile(checkpointer=engine.saver)


def nested(engine: Engine) -> Any:
    """A subgraph in a subgraph that asks, behind a step of each."""

    async def asks(state: State) -> State:
        return {"steps": [f"deep {interrupt('deep?')}"]}

    async def first(state: State) -> State:
        return {"steps": ["first"]}

    deep = StateGraph(State).add_node(first).add_node(asks).add_edge(START, "first").add_edge("first", "asks").compile()
    sub = StateGraph(State).add_node(first).add_node("deep", deep).add_edge(START, "first").add_edge("first", "deep")
    graph = StateGraph(State).add_node(first).add_node("sub", sub.compile())
    return graph.add_edge(START, "first").add_edge("first", "sub").compile(checkpointer=engine.saver)


class PruningCases:
    async def test_the_latest_state_is_all_that_stays_and_the_thread_goes_on(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("t1"))
        graph = two_steps(engine)
        await graph.ainvoke({"steps": ["x"]}, on("t1"))
        left = await graph.ainvoke({"steps": ["y"]}, on("t1"))
        state = await trimmed(engine, graph)
        assert state.values == left
        assert [each.values async for each in graph.aget_state_history(on("t1"))] == [left]
        assert (await graph.ainvoke({"steps": ["z"]}, on("t1")))["steps"][:-3] == left["steps"]
        assert len(await listed(engine, {"configurable": {"thread_id": "t1"}})) == 5

    async def test_a_thread_without_states_stays_as_it_is(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("t1"))
        await trim(engine)
        assert await engine.store.get_thread("t1") == thread("t1")

    async def test_other_threads_keep_theirs(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("t1"))
        graph = two_steps(engine)
        for each in ("t1", "t2"):
            await graph.ainvoke({"steps": ["x"]}, on(each))
        await trim(engine)
        assert len(await listed(engine, {"configurable": {"thread_id": "t2"}})) == 4

    async def test_a_question_of_a_subgraph_waits_on(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("t1"))
        graph = asking(engine)
        await graph.ainvoke({"steps": ["start"]}, on("t1"))
        state = await trimmed(engine, graph)
        assert [each.value for each in state.interrupts] == ["sure?"]
        answered = await graph.ainvoke(Command(resume="yes"), on("t1"))
        assert answered["steps"] == ["start", "start", "answer yes"]

    async def test_a_question_of_a_subgraphs_subgraph_waits_on(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("t1"))
        graph = nested(engine)
        await graph.ainvoke({"steps": ["start"]}, on("t1"))
        assert len(await namespaces(engine)) > 3
        state = await trimmed(engine, graph)
        assert await namespaces(engine) == ["", "sub", "sub"]
        assert [each.value for each in state.interrupts] == ["deep?"]
        answered = await graph.ainvoke(Command(resume="yes"), on("t1"))
        assert answered["steps"][-1] == "deep yes"

    async def test_what_finished_nodes_have_written_stays_while_others_wait(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("t1"))
        calls: list[str] = []
        graph = counting(engine, calls)
        await graph.ainvoke({"steps": ["x"]}, on("t1"))
        await trimmed(engine, graph)
        answered = await graph.ainvoke(Command(resume="yes"), on("t1"))
        assert sorted(answered["steps"]) == ["done", "x", "yes"]
        assert calls == ["done"]

    async def test_a_stop_before_a_node_can_be_gone_on_from(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("t1"))
        graph = two_steps(engine)
        await graph.ainvoke({"steps": ["x"]}, on("t1"), interrupt_before=["second"])
        assert (await trimmed(engine, graph)).next == ("second",)
        assert (await graph.ainvoke(None, on("t1")))["steps"] == ["x", "x 1", "x 2"]

    async def test_states_of_subgraphs_that_have_ended_go(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("t1"))
        graph = asking(engine)
        for _ in range(3):
            await graph.ainvoke({"steps": ["start"]}, on("t1"))
            await graph.ainvoke(Command(resume="yes"), on("t1"))
        await trimmed(engine, graph)
        assert await namespaces(engine) == [""]

    async def test_a_subgraph_that_remembers_does_so_on(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("t1"))

        async def note(state: State) -> State:
            return {"steps": [str(len(state["steps"]))]}

        memory = StateGraph(State).add_node(note).add_edge(START, "note").compile(checkpointer=True)

        async def calls(state: State) -> State:
            found = await memory.ainvoke({"steps": ["in"]})
            return {"steps": [f"remembers {len(found['steps'])}"]}

        graph = StateGraph(State).add_node(calls).add_edge(START, "calls").compile(checkpointer=engine.saver)
        for _ in range(2):
            await graph.ainvoke({"steps": []}, on("t1"))
        await trimmed(engine, graph)
        assert await namespaces(engine) == ["", "calls"]
        assert (await graph.ainvoke({"steps": []}, on("t1")))["steps"][-1] == "remembers 6"

    async def test_a_state_that_is_made_of_differences_keeps_them(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("t1"))

        def joined(state: list[str], writes: Any) -> list[str]:
            return [*state, *(item for write in writes for item in write)]

        class Differences(State):
            items: Annotated[list[str], DeltaChannel(joined)]

        async def more(state: Differences) -> dict[str, list[str]]:
            return {"items": [f"item {len(state['items'])}"]}

        graph = StateGraph(Differences).add_node(more).add_edge(START, "more").compile(checkpointer=engine.saver)
        for _ in range(3):
            left = await graph.ainvoke({"steps": [], "items": ["x"]}, on("t1"))
        await trim(engine)
        assert (await graph.aget_state(on("t1"))).values == left
        assert len(left["items"]) == 6

    async def test_a_busy_thread_and_an_unknown_one_are_refused(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("t1"))
        await admit(engine.store, run("r1", "t1", second=1), create_thread=False)
        with pytest.raises(ThreadBusy):
            await engine.pruner.trim_thread("t1")
        with pytest.raises(ThreadNotFound):
            await engine.pruner.trim_thread("nobody")
