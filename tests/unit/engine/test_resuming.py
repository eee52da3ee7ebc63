"""Going on with a run whose process died: from its last checkpoint, and no further than it would have come."""

import asyncio
import json
from typing import Any

import pytest
from langgraph.graph import START, StateGraph

from graphwire_server.core.events import Values
from graphwire_server.core.model import CheckpointRef, Command, Outcome, Run, RunStatus
from tests.unit.engine.graphs import THREAD, Bench, State, ask, chain


def seen(values: bytes) -> Any:
    return json.loads(values)["seen"]


async def final(bench: Bench) -> Any:
    state = await bench.states.get("agent", THREAD, CheckpointRef(), subgraphs=False)
    assert state is not None
    return seen(state.values)


class Dying:
    """A graph of three nodes; its process dies in the second, once."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.dies = True
        self.executed: list[str] = []

    async def first(self, state: State) -> State:
        self.executed.append("first")
        return {"seen": ["first"]}

    async def second(self, state: State) -> State:
        self.executed.append("second")
        if self.dies:
            self.reached.set()
            await asyncio.Event().wait()
        return {"seen": ["second"]}

    async def third(self, state: State) -> State:
        self.executed.append("third")
        return {"seen": ["third"]}

    def graph(self) -> Any:
        builder = StateGraph(State)
        builder.add_sequence([self.first, self.second, self.third])
        builder.add_edge(START, "first")
        return builder.compile()


async def dies(bench: Bench, dying: Dying, **fields: Any) -> Run:
    """A run that was executing its second node when its process died. What it had written until then is written."""
    run = bench.run_of(durability="sync", **fields)
    task = asyncio.create_task(bench.executor.execute(run, bench.append))
    async with asyncio.timeout(15):
        await dying.reached.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    dying.dies = False
    return run


async def test_it_goes_on_behind_the_last_superstep_that_was_written() -> None:
    dying = Dying()
    bench = Bench(dying.graph())
    run = await dies(bench, dying)

    begun = await bench.executor.has_begun(run)
    outcome = await bench.again(run)

    assert begun
    assert outcome.status is RunStatus.SUCCESS
    assert dying.executed == ["first", "second", "second", "third"]
    assert await final(bench) == ["in", "first", "second", "third"]
    assert isinstance(bench.payloads[-1], Values)


async def test_a_run_of_which_nothing_is_written_has_not_begun() -> None:
    bench = Bench(chain("a"))
    await bench.run()

    assert not await bench.executor.has_begun(bench.run_of())


async def test_a_run_that_had_come_to_its_end_ends_again_and_executes_nothing() -> None:
    dying = Dying()
    dying.dies = False
    bench = Bench(dying.graph())
    run = bench.run_of()
    await bench.executor.execute(run, bench.append)

    outcome = await bench.again(run)

    assert outcome.status is RunStatus.SUCCESS
    assert dying.executed == ["first", "second", "third"]
    assert outcome.checkpoint_id == bench.saver.last_checkpoint_id(THREAD)


@pytest.mark.parametrize(
    ("where", "after"),
    [
        ({"interrupt_before": ("b",)}, ["in", "a"]),
        ({"interrupt_after": ("a",)}, ["in", "a"]),
        ({"interrupt_before": ("*",)}, ["in"]),
        ({"interrupt_after": ("*",)}, ["in", "a"]),
    ],
)
async def test_a_run_that_had_stopped_at_a_node_stops_there_again(
    where: dict[str, tuple[str, ...]], after: list[str]
) -> None:
    bench = Bench(chain("a", "b"))
    run = bench.run_of(**where)
    stopped = await bench.executor.execute(run, bench.append)

    outcome = await bench.again(run)

    assert (outcome.status, outcome.next) == (RunStatus.SUCCESS, stopped.next)
    assert await final(bench) == after


async def test_a_run_that_had_asked_a_question_asks_it_again() -> None:
    bench = Bench(chain("ask", "b", ask=ask))
    run = bench.run_of()
    stopped = await bench.executor.execute(run, bench.append)

    outcome = await bench.again(run)

    assert outcome.interrupts == stopped.interrupts
    assert (await bench.run(command=Command(has_resume=True, resume="yes"))).stopped is False


async def test_an_answer_that_was_on_its_way_when_the_process_died_is_not_lost() -> None:
    dying = Dying()
    builder = StateGraph(State)
    builder.add_sequence([("ask", ask), ("second", dying.second)])
    builder.add_edge(START, "ask")
    bench = Bench(builder.compile())
    await bench.run()
    run = await dies(bench, dying, command=Command(has_resume=True, resume="yes"))

    outcome = await bench.again(run)

    assert not outcome.stopped
    assert await final(bench) == ["in", "yes", "second"]


async def test_a_fork_goes_on_from_its_own_last_checkpoint_and_not_from_where_it_began() -> None:
    dying = Dying()
    dying.dies = False
    bench = Bench(dying.graph())
    await bench.run()
    history = await bench.states.history("agent", THREAD, ns="", before=None, metadata={}, limit=10)
    at = next(state for state in history if state.next == ("second",)).checkpoint
    dying.dies, dying.reached = True, asyncio.Event()
    run = await dies(bench, dying, checkpoint=at)

    outcome: Outcome = await bench.again(run)

    assert outcome.status is RunStatus.SUCCESS
    assert dying.executed[-3:] == ["second", "second", "third"]
    assert await final(bench) == ["in", "first", "second", "third"]
