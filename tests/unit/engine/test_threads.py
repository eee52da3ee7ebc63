"""Synchronous nodes in threads: which linger, and for whom."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from langgraph.graph import START, StateGraph

from graphwire_server.core.model import RunStatus
from graphwire_server.engine.threads import NodeThreads, start
from tests.unit.engine.graphs import Bench, State


@pytest.fixture
async def pool() -> AsyncIterator[NodeThreads]:
    made = start(4)
    yield made
    made.shutdown(wait=True)


class Holding:
    """A synchronous node that the test holds."""

    def __init__(self) -> None:
        self.reached, self.release = threading.Event(), threading.Event()

    def hold(self, state: State) -> State:
        self.reached.set()
        assert self.release.wait(10)
        return {"seen": ["held"]}


async def test_a_synchronous_node_that_outlives_its_run_is_named(pool: NodeThreads) -> None:
    holding = Holding()
    builder = StateGraph(State)
    builder.add_node("hold", holding.hold)
    builder.add_edge(START, "hold")
    bench = Bench(builder.compile(), lingering=pool.lingering)
    run = bench.run_of()
    task = asyncio.create_task(bench.executor.execute(run, bench.append))
    await asyncio.to_thread(holding.reached.wait, 5)

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    left = await bench.executor.stopped_at(run)
    holding.release.set()
    pool.shutdown(wait=True)

    assert (left.status, left.lingering) == (RunStatus.INTERRUPTED, ("hold",))
    assert pool.lingering(run.run_id) == ()


async def test_what_runs_for_no_run_is_nobodys(pool: NodeThreads) -> None:
    holding = Holding()
    work = asyncio.get_running_loop().run_in_executor(None, holding.hold, State(seen=[]))
    await asyncio.to_thread(holding.reached.wait, 5)

    assert not pool._of_run
    holding.release.set()
    await work
