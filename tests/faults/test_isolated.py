"""Graphs on event loops of their own: a node that blocks its loop holds up its graph alone, and all that is promised of runs holds."""

import asyncio
import time
from itertools import pairwise
from pathlib import Path

import pytest
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from graphwire.v1.run_pb2 import CANCEL_ACTION_INTERRUPT, CANCEL_ACTION_ROLLBACK, DURABILITY_SYNC, RUN_STATUS_SUCCESS
from graphwire.v1.run_service_pb2 import CancelRunRequest
from tests.faults import promises
from tests.faults.client import Client, new_thread
from tests.faults.gate import Gate
from tests.faults.history import History, Watcher
from tests.faults.process import served
from tests.faults.rows import rows
from tests.support.serving import Server

ISOLATED = {"isolate_graphs": "true"}
LATEST = 15.0
"""Within how many seconds a run whose node blocks has ended that was cancelled. It is promised at once; a node at the gate blocks for as long as the test wants."""
TICKS = {"n": 100, "delay": 0.01}
ENDLESS = {"n": 100_000, "delay": 0.01}
ACTIONS = {"interrupt": CANCEL_ACTION_INTERRUPT, "rollback": CANCEL_ACTION_ROLLBACK}


async def test_a_node_that_blocks_its_loop_holds_up_its_graph_alone(tmp_path: Path, gate: Gate) -> None:
    """While it blocks, a run of another graph comes to its end, and health answers."""
    async with served(tmp_path / "data", **ISOLATED) as process, process.client() as server:
        client = Client(server)
        blocking = client.stream("sitting", new_thread(), {"port": gate.port, "name": "s"})
        await gate.entered("sits")
        ticking = await client.stream("ticks", new_thread(), TICKS).read()
        await _health(server)
        await process.told("event loop of a graph blocked")
        assert "end" not in blocking.history.kinds
        history = await _let_go(blocking, gate)
        said = process.log

    promises.all_saw_the_end([ticking, history])
    assert len(ticking.seen) == TICKS["n"] + 3
    assert "loop=sitting" in said
    assert not [line for line in said.splitlines() if "event loop blocked" in line and "node=sit" in line]


async def test_without_it_holds_up_everybody_and_is_named(tmp_path: Path, gate: Gate) -> None:
    async with served(tmp_path / "data", isolate_graphs="false") as process, process.client() as server:
        client = Client(server)
        ticking = client.stream("ticks", new_thread(), ENDLESS)
        await ticking.first("custom")
        blocking = client.stream("sitting", new_thread(), {"port": gate.port, "name": "s"})
        await gate.entered("sits")
        asking = asyncio.create_task(_health(server))
        await process.told("event loop blocked")
        answered = asking.done()
        history = await _let_go(blocking, gate)
        await asking
        await process.told("event loop turns again")
        await client.cancelled(ticking.history.run_id)
        ticked = await ticking.read()
        said = process.log

    promises.all_saw_the_end([ticked, history])
    assert not answered, "health waits with the others"
    assert _largest_gap(ticked) > 0.5, "the bound of the watchdog is a second"
    (warning,) = [line for line in said.splitlines() if "event loop blocked" in line and "node=sit" in line]
    assert "--isolate-graphs" in warning
    assert "loop=server" in warning
    assert "run_id=" in warning
    assert "fault_graphs.py:" in warning
    assert said.count("event loop blocked") == said.count("event loop turns again")


async def _health(server: Server) -> None:
    await HealthStub(server.channel).Check(health_pb2.HealthCheckRequest(service=""))


async def _let_go(blocking: Watcher, gate: Gate) -> History:
    """Lets a run go on that sits, and reads it to its end."""
    gate.release("sits")
    await gate.entered("")
    gate.release("")
    return await blocking.read()


def _largest_gap(history: History) -> float:
    return max(after.at - before.at for before, after in pairwise(history.seen))


@pytest.mark.parametrize("action", ACTIONS)
async def test_a_run_whose_node_blocks_is_cancelled_at_once_and_does_nothing_more(
    tmp_path: Path, gate: Gate, action: str
) -> None:
    """The node swallows the cancel, reports an event and invokes a graph that makes checkpoints, when its run has long ended."""
    thread = new_thread()
    async with served(tmp_path / "data", **ISOLATED) as process, process.client() as server:
        client = Client(server)
        await client.stream("ticks", thread, {"n": 1, "name": "base"}).read()
        watch = await client.watch(thread, 0).joined()
        streamed = client.stream("sitting", thread, {"port": gate.port, "name": "s"})
        await streamed.first("custom")
        await gate.entered("sits")
        begun = time.monotonic()
        request = CancelRunRequest(run_id=streamed.history.run_id, action=ACTIONS[action], wait=True)
        cancelled = await server.runs.CancelRun(request)
        took = time.monotonic() - begun
        history = await streamed.read()
        await client.stream("ticks", thread, {"n": 1, "name": "next"}).read()
        before = rows(process.data_dir, thread)
        gate.release("sits")
        await gate.entered("cancelled LeaseLost")
        gate.release("cancelled LeaseLost")
        await gate.left("cancelled LeaseLost")
        after, last = rows(process.data_dir, thread), await client.stream("ticks", thread, {"n": 1}).read()
        watched = await watch.read(upto=last.last_seq)

    assert took < LATEST
    promises.all_saw_the_end([history])
    assert list(history.seen[-1].event.end.lingering_nodes) == ["sit"]
    if action == "interrupt":
        assert list(cancelled.run.lingering_nodes) == ["sit"]
    assert after == before, "what the node wrote is there"
    assert not any(b"goes on" in seen.data for seen in watched.seen)
    promises.complete(watched)
    promises.ordered(watched)
    promises.nothing_follows_the_end(watched)


async def test_a_run_goes_on_after_kill_9(tmp_path: Path, gate: Gate) -> None:
    thread = new_thread()
    async with served(tmp_path / "data", **ISOLATED) as process:
        async with process.client() as server:
            run = await Client(server).create(
                "gate", thread, {"port": gate.port, "name": "g"}, durability=DURABILITY_SYNC
            )
            await gate.entered("g")
        await process.kill()
        await gate.left("g")
        await process.start()
        async with process.client() as server:
            client = Client(server)
            await gate.entered("g")
            gate.release("g")
            ended = await client.finished(run.run_id)
            trail = await client.trail(thread)

    assert (ended.status, ended.attempt) == (RUN_STATUS_SUCCESS, 2)
    assert trail == ["g knocked", "g passed"]


async def test_a_server_stops_though_a_node_blocks_its_loop(tmp_path: Path, gate: Gate) -> None:
    """The run is given back, and the next process goes on with it."""
    thread = new_thread()
    async with served(tmp_path / "data", drain_grace="PT0.2S", max_losses="0", **ISOLATED) as process:
        async with process.client() as server:
            streamed = Client(server).stream("sitting", thread, {"port": gate.port, "name": "s"})
            await gate.entered("sits")
            status = await process.stop()
            promises.drained(await streamed.read())
        await gate.left("sits")
        said = process.log
        await process.start()
        async with process.client() as server:
            client = Client(server)
            await gate.entered("sits")
            gate.release("sits")
            await gate.entered("")
            gate.release("")
            ended = await client.finished(streamed.history.run_id)
            trail = await client.trail(thread)

    assert status == 0
    assert "a graph's loop does not end; leaving it" in said
    assert (ended.status, ended.attempt) == (RUN_STATUS_SUCCESS, 2)
    assert trail == ["s knocked", "sat"]
