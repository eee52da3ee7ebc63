"""Runs whose work is taken back."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointTuple
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from graphwire_server.core.model import CheckpointRef, Run
from graphwire_server.engine.request import graph_config
from tests.storage.suite.checkpoints import id_of, listed, put
from tests.storage.suite.engine import Engine
from tests.storage.suite.graphs import State, two_steps
from tests.storage.suite.life import BLOCK, admit, finish, stopped
from tests.storage.suite.samples import at, run, success

THREAD: RunnableConfig = {"configurable": {"thread_id": "t1"}}


def bound(engine: Engine, value: Run) -> Engine:
    """The engine as a run uses it."""
    return replace(engine, saver=engine.bound(value))


async def begun(engine: Engine, number: int, **changes: Any) -> Run:
    return await admit(engine.store, run(str(UUID(int=number)), "t1", second=number, **changes))


async def everything(engine: Engine) -> list[CheckpointTuple]:
    """All checkpoints of the thread in all namespaces, with what is on top of them."""
    return sorted(await listed(engine, THREAD), key=lambda each: str(each.config))


async def whole_run(engine: Engine, number: int, make: Any, given: Any) -> Any:
    """A run from its start to its end."""
    value = await begun(engine, number)
    result = await make(bound(engine, value)).ainvoke(given, graph_config(value))
    await finish(engine.store, value, success(), value.first_seq)
    return result


def asking(engine: Engine) -> Any:
    async def ask(state: State) -> dict[str, list[str]]:
        return {"steps": [f"answer {interrupt('sure?')}"]}

    async def after(state: State) -> dict[str, list[str]]:
        return {"steps": ["after"]}

    graph = StateGraph(State).add_node(ask).add_node(after).add_edge(START, "ask").add_edge("ask", "after")
    return graph.compile(checkpointer=engine.saver)


def asking_below(engine: Engine) -> Any:
    async def inner(state: State) -> dict[str, list[str]]:
        return {"steps": ["inner"]}

    async def ask(state: State) -> dict[str, list[str]]:
        return {"steps": [f"answer {interrupt('sure?')}"]}

    subgraph = StateGraph(State).add_node(inner).add_node(ask).add_edge(START, "inner").add_edge("inner", "ask")
    graph = StateGraph(State).add_node("sub", subgraph.compile()).add_edge(START, "sub")
    return graph.compile(checkpointer=engine.saver)


def asking_beside(engine: Engine) -> Any:
    """Of three nodes of a superstep one is done, and two ask."""

    async def done(state: State) -> dict[str, list[str]]:
        return {"steps": ["done"]}

    async def left(state: State) -> dict[str, list[str]]:
        return {"steps": [f"left {interrupt('left?')}"]}

    async def right(state: State) -> dict[str, list[str]]:
        return {"steps": [f"right {interrupt('right?')}"]}

    graph = StateGraph(State).add_node(done).add_node(left).add_node(right)
    graph.add_edge(START, "done").add_edge(START, "left").add_edge(START, "right")
    return graph.compile(checkpointer=engine.saver)


def asking_in_a_plain_node(engine: Engine) -> Any:
    """The subgraph's checkpoints come from a worker thread."""

    def inner(state: State) -> dict[str, list[str]]:
        return {"steps": [f"answer {interrupt('sure?')}"]}

    subgraph = StateGraph(State).add_node(inner).add_edge(START, "inner").compile()

    def outer(state: State, config: RunnableConfig) -> dict[str, list[str]]:
        return {"steps": subgraph.invoke({"steps": []}, config)["steps"]}

    return StateGraph(State).add_node(outer).add_edge(START, "outer").compile(checkpointer=engine.saver)


async def undone_and_answered(engine: Engine, make: Any, answer: Any) -> tuple[Any, Any]:
    """What a run that answers is undone to equals what was there; then it is answered anew. Returns both answers' results."""
    await whole_run(engine, 1, make, {"steps": ["start"]})
    before, state = await everything(engine), await make(engine).aget_state(THREAD, subgraphs=True)
    answering = await begun(engine, 2)
    first = await make(bound(engine, answering)).ainvoke(Command(resume=answer), graph_config(answering))
    assert await everything(engine) != before

    await engine.store.undo_run(answering)

    assert await everything(engine) == before
    assert await make(engine).aget_state(THREAD, subgraphs=True) == state
    await finish(engine.store, answering, stopped(), answering.first_seq, rolled_back=True)
    assert await everything(engine) == before
    return first, await whole_run(engine, 3, make, Command(resume=answer))


class UndoCases:
    async def test_a_runs_checkpoints_name_it(self, engine: Engine) -> None:
        await whole_run(engine, 1, asking_below, {"steps": ["x"]})

        found = await everything(engine)

        assert {each.config["configurable"]["checkpoint_ns"].split(":")[0] for each in found} == {"", "sub"}
        assert {each.metadata["run_id"] for each in found} == {str(UUID(int=1))}

    async def test_the_first_run_of_a_thread_leaves_nothing(self, engine: Engine) -> None:
        value = await begun(engine, 1)
        await two_steps(bound(engine, value)).ainvoke({"steps": ["x"]}, graph_config(value))

        await engine.store.undo_run(value)

        assert await everything(engine) == []
        assert engine.last.last_checkpoint_id("t1") is None

    async def test_the_thread_is_as_the_run_before_has_left_it(self, engine: Engine) -> None:
        result = await whole_run(engine, 1, two_steps, {"steps": ["x"]})
        before = await everything(engine)
        value = await begun(engine, 2)
        await two_steps(bound(engine, value)).ainvoke({"steps": ["y"]}, graph_config(value))

        await engine.store.undo_run(value)

        assert await everything(engine) == before
        assert (await two_steps(engine).aget_state(THREAD)).values == result

    async def test_a_run_that_was_cut_short_is_undone(self, engine: Engine) -> None:
        await whole_run(engine, 1, two_steps, {"steps": ["x"]})
        before = await everything(engine)
        value = await begun(engine, 2)
        config = graph_config(value)
        await two_steps(bound(engine, value)).ainvoke({"steps": ["y"]}, config, interrupt_before=["second"])

        await engine.store.undo_run(value)

        assert await everything(engine) == before

    async def test_an_answer_is_taken_back(self, engine: Engine) -> None:
        first, again = await undone_and_answered(engine, asking, "yes")

        assert first == again
        assert again["steps"] == ["start", "answer yes", "after"]

    async def test_an_answer_in_a_subgraph_is_taken_back(self, engine: Engine) -> None:
        first, again = await undone_and_answered(engine, asking_below, "yes")

        assert first == again
        assert again["steps"][-2:] == ["inner", "answer yes"]

    async def test_an_answer_below_a_plain_node_is_taken_back(self, engine: Engine) -> None:
        first, again = await undone_and_answered(engine, asking_in_a_plain_node, "yes")

        assert first == again
        assert again["steps"] == ["start", "answer yes"]

    async def test_one_of_two_answers_is_taken_back(self, engine: Engine) -> None:
        await whole_run(engine, 1, asking_beside, {"steps": ["start"]})
        before, asked = await everything(engine), (await asking_beside(engine).aget_state(THREAD)).interrupts
        value = await begun(engine, 2)
        one: Command[Any] = Command(resume={asked[0].id: "yes"})
        await asking_beside(bound(engine, value)).ainvoke(one, graph_config(value))
        assert len((await asking_beside(engine).aget_state(THREAD)).interrupts) == 1

        await engine.store.undo_run(value)

        assert await everything(engine) == before
        await finish(engine.store, value, stopped(), 9, rolled_back=True)
        both: Command[Any] = Command(resume={each.id: f"to {each.value}" for each in asked})
        result = await whole_run(engine, 3, asking_beside, both)
        assert sorted(result["steps"]) == ["done", "left to left?", "right to right?", "start"]

    async def test_to_undo_twice_is_as_good_as_once(self, engine: Engine) -> None:
        await whole_run(engine, 1, asking, {"steps": ["start"]})
        before = await everything(engine)
        value = await begun(engine, 2)
        await asking(bound(engine, value)).ainvoke(Command(resume="yes"), graph_config(value))

        await engine.store.undo_run(value)
        await engine.store.undo_run(value)

        assert await everything(engine) == before

    async def test_a_run_can_be_undone_and_begin_anew(self, engine: Engine) -> None:
        await whole_run(engine, 1, asking, {"steps": ["start"]})
        before = await everything(engine)
        value = await begun(engine, 2)
        graph, config = asking(bound(engine, value)), graph_config(value)
        await graph.ainvoke(Command(resume="yes"), config)
        await engine.store.undo_run(value)

        result = await graph.ainvoke(Command(resume="no"), config)

        assert result["steps"] == ["start", "answer no", "after"]
        await engine.store.undo_run(value)
        assert await everything(engine) == before

    async def test_what_all_attempts_did_is_taken_back(self, engine: Engine) -> None:
        await whole_run(engine, 1, asking_beside, {"steps": ["start"]})
        before = await everything(engine)
        asked = (await asking_beside(engine).aget_state(THREAD)).interrupts
        value = await begun(engine, 2)
        await asking_beside(bound(engine, value)).ainvoke(Command(resume={asked[0].id: "yes"}), graph_config(value))
        await engine.store.release_run(value, 9, lost=True, now=at(3))
        again = await engine.store.start_next("t1", seq_block=BLOCK, now=at(4))
        assert again is not None
        await asking_beside(bound(engine, again)).ainvoke(Command(resume={asked[1].id: "no"}), graph_config(again))

        await engine.store.undo_run(again)

        assert again.attempt == 2
        assert await everything(engine) == before

    async def test_a_run_from_an_earlier_checkpoint_is_undone(self, engine: Engine) -> None:
        await whole_run(engine, 1, asking, {"steps": ["start"]})
        await whole_run(engine, 2, asking, Command(resume="yes"))
        before = await everything(engine)
        earlier = next(each for each in await listed(engine, THREAD) if each.metadata["step"] == 0)
        value = await begun(engine, 3)
        fork = replace(value, spec=replace(value.spec, checkpoint=CheckpointRef(checkpoint_id=id_of(earlier.config))))
        await asking(bound(engine, value)).ainvoke(Command(resume="no"), graph_config(fork))
        assert await everything(engine) != before

        await engine.store.undo_run(value)

        assert await everything(engine) == before

    async def test_a_run_that_has_ended_is_not_undone(self, engine: Engine) -> None:
        await whole_run(engine, 1, two_steps, {"steps": ["x"]})
        value = await begun(engine, 2)
        await two_steps(bound(engine, value)).ainvoke({"steps": ["y"]}, graph_config(value))
        await finish(engine.store, value, success(), 9)
        before = await everything(engine)

        await engine.store.undo_run(value)

        assert await everything(engine) == before

    async def test_an_attempt_that_is_over_undoes_nothing(self, engine: Engine) -> None:
        value = await begun(engine, 1)
        await two_steps(bound(engine, value)).ainvoke({"steps": ["y"]}, graph_config(value))
        await engine.store.release_run(value, 9, lost=True, now=at(3))
        await engine.store.start_next("t1", seq_block=BLOCK, now=at(4))
        before = await everything(engine)

        await engine.store.undo_run(value)

        assert await everything(engine) == before

    async def test_what_came_after_the_undoing_goes_with_the_end(self, engine: Engine) -> None:
        value = await begun(engine, 1)
        config, late = graph_config(value), bound(engine, value)
        await two_steps(late).ainvoke({"steps": ["y"]}, config)
        await engine.store.undo_run(value)
        await put(late, config, 9)

        await finish(engine.store, value, stopped(), 9, rolled_back=True)

        assert await everything(engine) == []

    async def test_graphs_that_run_together_are_undone_apart(self, engine: Engine) -> None:
        values = [await admit(engine.store, run(str(UUID(int=number)), f"t{number}")) for number in range(8)]
        graphs = [two_steps(bound(engine, value)) for value in values]
        await asyncio.gather(
            *(graph.ainvoke({"steps": ["x"]}, graph_config(value)) for graph, value in zip(graphs, values, strict=True))
        )

        await asyncio.gather(*(engine.store.undo_run(value) for value in values[::2]))

        found = {each.config["configurable"]["thread_id"] for each in await listed(engine, None)}
        assert found == {value.thread_id for value in values[1::2]}
