"""Runs on loops of their graphs: what happens where, and what comes of runs that are stopped."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from langgraph.config import get_stream_writer
from langgraph.graph import START, StateGraph

from graphwire_server.core.events import Custom, Updates
from graphwire_server.core.model import CheckpointRef, RunStatus
from graphwire_server.engine import loops
from graphwire_server.engine.factory import Factory, Graph
from graphwire_server.engine.loops import Exited
from graphwire_server.engine.manifest import GraphEntry
from tests.unit.engine.graphs import THREAD, Bench, State, ask, chain, own, speak, tell
from tests.unit.engine.isolated import Blocking, apart

PATIENCE = timedelta(seconds=1)
"""One that a machine which does other things too does not use up."""

WHOSE: contextvars.ContextVar[str] = contextvars.ContextVar("whose", default="")


@pytest.mark.parametrize(
    "mode", ["values", "updates", "messages", "messages-tuple", "custom", "tasks", "checkpoints", "debug", "events"]
)
async def test_each_mode_gives_the_same_events(mode: str) -> None:
    graph = chain("speak", "tell", speak=speak, tell=tell("tell"))
    together = Bench(graph)
    there = await together.run(mode)

    async with apart(graph) as bench:
        outcome = await bench.run(mode)

    assert [type(payload) for payload in bench.payloads] == [type(payload) for payload in together.payloads]
    assert [event[0] for event in bench.events] == [event[0] for event in together.events]
    assert (outcome.status, bool(outcome.checkpoint_id)) == (there.status, bool(there.checkpoint_id))
    assert outcome.checkpoint_id == bench.saver.last_checkpoint_id(THREAD)


async def test_nodes_run_on_one_loop_elsewhere_and_in_the_callers_context() -> None:
    seen = set()

    async def look(state: State) -> State:
        seen.add((threading.current_thread().name, id(asyncio.get_running_loop()), WHOSE.get()))
        return {}

    WHOSE.set("the caller's")
    async with apart(chain("look", look=look)) as bench:
        await asyncio.gather(*(bench.executor.execute(bench.run_of(thread_id=None), bench.append) for _ in range(4)))

    assert len(seen) == 1
    name, loop, whose = seen.pop()
    assert (name, whose) == ("graphwire-loop-agent", "the caller's")
    assert loop != id(asyncio.get_running_loop())


async def test_events_are_appended_on_the_callers_thread_in_order() -> None:
    threads = set()

    def count(state: State) -> State:
        write = get_stream_writer()
        for index in range(5000):
            write({"i": index})
        return {}

    def append(namespace: tuple[str, ...], payload: Any, weight: int) -> None:
        threads.add(threading.get_ident())
        bench.append(namespace, payload, weight)

    async with apart(chain("count", count=count)) as bench:
        await bench.executor.execute(bench.run_of(stream_modes=("custom",)), append)

    assert threads == {threading.get_ident()}
    assert [payload.data for payload in bench.payloads if isinstance(payload, Custom)] == [
        b'{"i":%d}' % index for index in range(5000)
    ]


async def test_what_append_raises_ends_the_run() -> None:
    def append(namespace: tuple[str, ...], payload: Any, weight: int) -> None:
        raise LookupError("no log")

    async with apart(chain("a", "b")) as bench:
        with pytest.raises(LookupError, match="no log"):
            await bench.executor.execute(bench.run_of(stream_modes=("values",)), append)


async def test_a_node_that_exits_ends_its_run_alone() -> None:
    async def leave(state: State) -> State:
        if state["seen"] == ["leave"]:
            raise SystemExit(3)
        return {}

    async with apart(chain("leave", leave=leave)) as bench:
        with pytest.raises(Exited):
            await bench.executor.execute(bench.run_of(input={"seen": ["leave"]}, thread_id=None), bench.append)
        other = await bench.run(thread_id=None)

    assert other.status is RunStatus.SUCCESS


async def test_an_interrupt_and_what_is_left_come_over() -> None:
    async with apart(chain("a", "ask", ask=ask)) as bench:
        outcome = await bench.run("updates")

    assert [payload.interrupts for payload in bench.payloads if isinstance(payload, Updates)][-1] == outcome.interrupts
    assert outcome.next == ("ask",)
    assert outcome.checkpoint_id == bench.saver.last_checkpoint_id(THREAD)


async def test_a_graph_that_is_gone_is_an_outcome() -> None:
    async with apart(chain("a")) as bench:
        outcome = await bench.executor.execute(replace(bench.run_of(), graph_id="gone"), bench.append)

    assert outcome.status is RunStatus.ERROR


async def test_a_synchronous_node_runs_in_the_pool_and_is_named_when_it_outlives_its_run() -> None:
    reached, release, at = threading.Event(), threading.Event(), []

    def hold(state: State) -> State:
        at.append(threading.current_thread().name)
        reached.set()
        assert release.wait(10)
        return {}

    async with apart(chain("hold", hold=hold)) as bench:
        run = bench.run_of()
        task = asyncio.create_task(bench.executor.execute(run, bench.append))
        await asyncio.to_thread(reached.wait, 15)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        left = await bench.executor.stopped_at(run)
        release.set()

    assert at[0].startswith("graphwire-node")
    assert left.lingering == ("hold",)


async def test_cancelling_stops_a_node_that_awaits() -> None:
    begun, stopped = threading.Event(), threading.Event()

    async def hang(state: State) -> State:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return {}

    async with apart(chain("hang", hang=hang)) as bench:
        run = bench.run_of()
        task = asyncio.create_task(bench.executor.execute(run, bench.append))
        await asyncio.to_thread(begun.wait, 15)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert stopped.is_set(), "it had ended when execute did"
        left = await bench.executor.stopped_at(run)

    assert (left.status, left.next, left.lingering) == (RunStatus.INTERRUPTED, ("hang",), ())


async def test_a_node_that_takes_time_to_stop_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "PATIENCE", PATIENCE)
    begun, stopped = threading.Event(), threading.Event()

    async def tidy(state: State) -> State:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(1.5 * PATIENCE.total_seconds())  # longer than a loop may not turn
            stopped.set()
        return {}

    async with apart(chain("tidy", tidy=tidy)) as bench:
        task = asyncio.create_task(bench.executor.execute(bench.run_of(), bench.append))
        await asyncio.to_thread(begun.wait, 15)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

        assert stopped.is_set()


async def test_a_node_that_swallows_a_cancel_is_asked_again() -> None:
    begun, again = threading.Event(), threading.Event()

    async def insist(state: State) -> State:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            again.set()
        await asyncio.Event().wait()
        return {}

    async with apart(chain("insist", insist=insist)) as bench:
        task = asyncio.create_task(bench.executor.execute(bench.run_of(), bench.append))
        await asyncio.to_thread(begun.wait, 15)
        task.cancel()
        await asyncio.to_thread(again.wait, 15)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 15)


async def test_a_run_whose_node_blocks_is_left_behind_and_names_it() -> None:
    blocking, heard = Blocking(), list[Any]()
    async with apart(chain("a", "block", block=blocking.block)) as bench:
        run = bench.run_of(stream_modes=("updates", "custom"))
        task = asyncio.create_task(bench.executor.execute(run, lambda *event: heard.append(event[1])))
        await blocking.blocks()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 15)
        left = await bench.executor.stopped_at(run)
        blocking.release.set()
        other = await bench.executor.execute(bench.run_of(stream_modes=("updates",)), bench.append)
        later = await bench.executor.stopped_at(run)

    assert (left.status, left.lingering) == (RunStatus.INTERRUPTED, ("block",))
    assert blocking.after[0] == "cancelled"
    assert [payload.node for payload in heard] == ["a"], "what the node said afterwards was dropped"
    assert (other.status, later.lingering) == (RunStatus.SUCCESS, ()), "the loop is free again"


async def test_a_run_that_waits_behind_another_that_blocks_names_nothing() -> None:
    blocking, hung = Blocking(), threading.Event()

    async def hang(state: State) -> State:
        hung.set()
        await asyncio.Event().wait()
        return {}

    builder = StateGraph(State).add_node("block", blocking.block).add_node("hang", hang)
    builder.add_conditional_edges(START, lambda state: state["seen"][0])
    async with apart(builder.compile()) as bench:
        waits = bench.run_of(input={"seen": ["hang"]}, thread_id=None)
        first = asyncio.create_task(bench.executor.execute(waits, bench.append))
        await asyncio.to_thread(hung.wait, 15)
        second = asyncio.create_task(
            bench.executor.execute(bench.run_of(input={"seen": ["block"]}, thread_id=None), bench.append)
        )
        await blocking.blocks()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        left = await bench.executor.stopped_at(waits)
        blocking.release.set()
        await second

    assert left.lingering == ()


async def test_a_busy_graph_gets_a_second_loop_where_it_may() -> None:
    blocking = Blocking()
    builder = StateGraph(State).add_node("block", blocking.block).add_node("pass", lambda state: {})
    builder.add_conditional_edges(START, lambda state: state["seen"][0])
    async with apart(builder.compile(), per_graph=2) as bench:
        task = asyncio.create_task(
            bench.executor.execute(bench.run_of(input={"seen": ["block"]}, thread_id=None), bench.append)
        )
        await blocking.blocks()
        beside = await asyncio.wait_for(
            bench.executor.execute(bench.run_of(input={"seen": ["pass"]}, thread_id=None), bench.append), 15
        )
        blocking.release.set()
        await task

    assert beside.status is RunStatus.SUCCESS


class Making:
    """A factory that notes where it was used."""

    def __init__(self) -> None:
        self.at: list[str] = []
        self.faults: list[str] = []

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Graph]:
        self.at.append(threading.current_thread().name)
        try:
            yield chain("a")
        except ValueError as error:
            self.faults.append(str(error))
            raise
        finally:
            self.at.append(threading.current_thread().name)

    def factory(self) -> Factory:
        return Factory(entry=GraphEntry(graph_id="agent", target="./g.py:make", attribute="make"), make=self.make)


async def test_a_factory_is_opened_and_closed_on_its_graphs_loop_whatever_for() -> None:
    making = Making()
    async with apart(making.factory()) as bench:
        await bench.run()
        await bench.states.get("agent", THREAD, CheckpointRef(), subgraphs=False)
        await bench.states.update("agent", THREAD, CheckpointRef(), {"seen": ["by hand"]}, "a")
        await bench.catalogue.schemas(own("agent"))
        with pytest.raises(ValueError, match="no use"):
            async with bench.catalogue.open("agent"):
                raise ValueError("no use")

    assert len(making.at) == 10
    assert set(making.at) == {"graphwire-loop-agent"}
    assert making.faults == ["no use"]
