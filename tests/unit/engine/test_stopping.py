"""Runs that stop, fail, or go on from where they were."""

import asyncio
import json
from typing import Any

import pytest
from langgraph.graph import START, StateGraph

from graphwire_server.core.events import (
    Error,
    Updates,
    Values,
)
from graphwire_server.core.model import CheckpointRef, Command, Goto, RunConfig, RunStatus
from tests.unit.engine.graphs import THREAD, Bench, State, ask, chain, step


def seen(values: bytes) -> Any:
    return json.loads(values)["seen"]


async def final(bench: Bench) -> Any:
    state = await bench.states.get("agent", THREAD, CheckpointRef(), subgraphs=False)
    assert state is not None
    return seen(state.values)


async def test_an_interrupt_stops_the_run_and_says_what_waits() -> None:
    bench = Bench(chain("a", "ask", "b", ask=ask))

    outcome = await bench.run("updates", "values")

    stopped = [p for p in bench.payloads if isinstance(p, Updates) and p.update is None]
    assert [json.loads(item.value) for item in stopped[0].interrupts] == [{"question": "sure?"}]
    assert [p.interrupts for p in bench.payloads if isinstance(p, Values)][-1] == stopped[0].interrupts
    assert outcome.status is RunStatus.SUCCESS
    assert (outcome.next, outcome.interrupts) == (("ask",), stopped[0].interrupts)
    assert outcome.task_interrupts[0].interrupts == outcome.interrupts
    assert outcome.checkpoint_id == bench.saver.last_checkpoint_id(THREAD)


@pytest.mark.parametrize("by_id", [False, True])
async def test_resuming_goes_on_with_the_answer(by_id: bool) -> None:
    bench = Bench(chain("ask", "b", ask=ask))
    stopped = await bench.run()
    answer = {stopped.interrupts[0].id: "yes"} if by_id else "yes"

    outcome = await bench.run(command=Command(has_resume=True, resume=answer))

    assert not outcome.stopped
    assert await final(bench) == ["in", "yes", "b"]


@pytest.mark.parametrize(
    ("where", "after"),
    [
        ({"interrupt_before": ("b",)}, ["in", "a"]),
        ({"interrupt_after": ("a",)}, ["in", "a"]),
        ({"interrupt_before": ("*",)}, ["in"]),
    ],
)
async def test_a_run_stops_at_nodes(where: dict[str, tuple[str, ...]], after: list[str]) -> None:
    bench = Bench(chain("a", "b"))

    outcome = await bench.run("updates", **where)

    assert await final(bench) == after
    assert (len(outcome.next), outcome.interrupts) == (1, ())
    assert bench.payloads[-1] == Updates(node="", update=None, interrupts=())


async def test_a_stateless_run_stops_at_nodes_and_keeps_nothing() -> None:
    bench = Bench(chain("a", "b"))

    outcome = await bench.run(thread_id=None, interrupt_before=("b",))

    assert (outcome.next, seen(outcome.values or b"")) == (("b",), ["in", "a"])
    assert not bench.saver.storage


async def test_a_stateless_run_leaves_its_values() -> None:
    bench = Bench(chain("a"))

    outcome = await bench.run("updates", thread_id=None)

    assert (seen(outcome.values or b""), outcome.checkpoint_id) == (["in", "a"], "")
    assert not any(isinstance(payload, Values) for payload in bench.payloads)


async def test_an_update_and_a_goto_change_where_the_run_goes() -> None:
    bench = Bench(chain("a", "b", "c"))
    await bench.run(interrupt_before=("b",))

    await bench.run(command=Command(update={"seen": ["by hand"]}, goto=(Goto(node="c"),)))

    assert "by hand" in await final(bench)
    assert (await final(bench)).count("c") >= 1


async def test_a_goto_with_an_input_gives_it_to_the_node() -> None:
    def echo(state: Any) -> State:
        return {"seen": [f"got {state['own']}"]} if "own" in state else {"seen": ["plain"]}

    bench = Bench(chain("a", "echo", echo=echo))
    await bench.run()

    await bench.run(command=Command(goto=(Goto(node="echo", has_input=True, input={"own": 7}),)))

    assert "got 7" in await final(bench)


async def test_a_run_forks_from_a_checkpoint() -> None:
    bench = Bench(chain("a", "b"))
    stopped = await bench.run(interrupt_before=("b",))
    await bench.run()

    await bench.run(checkpoint=CheckpointRef(checkpoint_id=stopped.checkpoint_id))

    assert await final(bench) == ["in", "a", "b"]


async def test_the_recursion_limit_fails_the_run_with_its_text() -> None:
    builder = StateGraph(State).add_node("a", step("a")).add_edge(START, "a").add_edge("a", "a")
    bench = Bench(builder.compile())

    outcome = await bench.run(config=RunConfig(recursion_limit=3))

    assert outcome.error is not None
    assert (outcome.status, outcome.error.type) == (RunStatus.ERROR, "GraphRecursionError")
    assert "3" in outcome.error.message


class Private(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "message"),
    [(ValueError("no cats"), "no cats"), (Private("password"), "An internal error occurred")],
)
async def test_an_exception_is_an_event_and_the_outcome(error: Exception, message: str) -> None:
    def fail(state: State) -> State:
        raise error

    bench = Bench(chain("a", "fail", fail=fail))

    outcome = await bench.run()

    last = bench.payloads[-1]
    assert isinstance(last, Error)
    assert last.error == outcome.error
    assert (last.error.type, last.error.message) == (type(error).__name__, message)
    assert outcome.checkpoint_id == bench.saver.last_checkpoint_id(THREAD)


async def test_cancelling_stops_the_graph_and_what_it_left_can_be_told() -> None:
    begun = asyncio.Event()

    async def hang(state: State) -> State:
        begun.set()
        await asyncio.Event().wait()
        return {}

    bench = Bench(chain("a", "hang", hang=hang))
    run = bench.run_of(stream_modes=("values",))
    task = asyncio.create_task(bench.executor.execute(run, bench.append))
    async with asyncio.timeout(15):
        await begun.wait()

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    left = await bench.executor.stopped_at(run)

    assert (left.status, left.next) == (RunStatus.INTERRUPTED, ("hang",))


async def test_a_graph_that_cancels_itself_has_failed() -> None:
    async def give_up(state: State) -> State:
        raise asyncio.CancelledError

    bench = Bench(chain("a", "give_up", give_up=give_up))

    outcome = await bench.run()

    assert outcome.status is RunStatus.ERROR
