"""Graphs that run with an engine's checkpoint saver."""

import asyncio
from typing import Annotated, Any, TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from tests.storage.suite.engine import Engine


def add(left: list[str], right: list[str]) -> list[str]:
    return left + right


class State(TypedDict):
    steps: Annotated[list[str], add]


def on(thread_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread_id}}


def two_steps(engine: Engine) -> Any:
    async def first(state: State) -> dict[str, list[str]]:
        await asyncio.sleep(0)
        return {"steps": [f"{state['steps'][0]} 1"]}

    async def second(state: State) -> dict[str, list[str]]:
        return {"steps": [f"{state['steps'][0]} 2"]}

    graph = StateGraph(State).add_node(first).add_node(second)
    graph.add_edge(START, "first").add_edge("first", "second").add_edge("second", END)
    return graph.compile(checkpointer=engine.saver)


class GraphCases:
    async def test_graphs_on_many_threads_at_once(self, engine: Engine) -> None:
        graph = two_steps(engine)
        results = await asyncio.gather(
            *(graph.ainvoke({"steps": [str(number)]}, on(str(number))) for number in range(16))
        )
        for number, result in enumerate(results):
            assert result["steps"] == [f"{number}", f"{number} 1", f"{number} 2"]
            state = await graph.aget_state(on(str(number)))
            assert state.values == result
            assert engine.last.last_checkpoint_id(str(number)) == state.config["configurable"]["checkpoint_id"]
            history = [each.next async for each in graph.aget_state_history(on(str(number)))]
            assert history == [(), ("second",), ("first",), ("__start__",)]

    async def test_a_plain_node_may_invoke_a_subgraph(self, engine: Engine) -> None:
        def inner(state: State) -> dict[str, list[str]]:
            return {"steps": [interrupt("sure?")]}

        subgraph = StateGraph(State).add_node(inner).add_edge(START, "inner").compile()

        def outer(state: State, config: RunnableConfig) -> State:
            # LangGraph runs a plain node on a worker thread, and the subgraph's checkpoints come from there.
            return {"steps": subgraph.invoke({"steps": []}, config)["steps"]}

        graph = StateGraph(State).add_node(outer).add_edge(START, "outer").compile(checkpointer=engine.saver)
        await graph.ainvoke({"steps": ["start"]}, on("t1"))
        state = await graph.aget_state(on("t1"), subgraphs=True)
        assert [each.value for each in state.interrupts] == ["sure?"]
        result = await graph.ainvoke(Command(resume="yes"), on("t1"))
        assert result["steps"] == ["start", "yes"]

    async def test_a_state_can_be_edited_and_run_on(self, engine: Engine) -> None:
        graph = two_steps(engine)
        await graph.ainvoke({"steps": ["x"]}, on("t1"), interrupt_before=["second"])
        await graph.aupdate_state(on("t1"), {"steps": ["edited"]})
        result = await graph.ainvoke(None, on("t1"), durability="exit")
        assert result["steps"] == ["x", "x 1", "edited", "x 2"]

    async def test_the_synchronous_reads_work_on_the_loop(self, engine: Engine) -> None:
        graph = two_steps(engine)
        await graph.ainvoke({"steps": ["x"]}, on("t1"))
        assert graph.get_state(on("t1")) == await graph.aget_state(on("t1"))
        assert len([*graph.get_state_history(on("t1"))]) == 4
        assert graph.update_state(on("t1"), {"steps": ["edited"]})["configurable"]["checkpoint_id"]
        assert (await graph.aget_state(on("t1"))).values["steps"][-1] == "edited"

    async def test_the_synchronous_calls_work_on_a_thread(self, engine: Engine) -> None:
        graph = StateGraph(State).add_node("only", lambda _: {"steps": ["done"]}).add_edge(START, "only")
        compiled = graph.compile(checkpointer=engine.saver)
        result = await asyncio.to_thread(lambda: compiled.invoke({"steps": ["x"]}, on("t1")))
        assert result["steps"] == ["x", "done"]
        history = await asyncio.to_thread(lambda: [*compiled.get_state_history(on("t1"))])
        assert len(history) == 3
        await asyncio.to_thread(engine.saver.delete_thread, "t1")
        assert engine.last.last_checkpoint_id("t1") is None
