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
from tests.faults.history import History
from tests.faults.process import ServerProcess, served
from tests.faults.rows import rows
from tests.support.serving import Server

ISOLATED = {"isolate_graphs": "true"}
BLOCKED = 2.0
SOON = 1.0
TICKS = {"n": 120, "delay": 0.025}
ACTIONS = {"interrupt": CANCEL_ACTION_INTERRUPT, "rollback": CANCEL_ACTION_ROLLBACK}


async def _beside_one_that_blocks(process: ServerProcess) -> tuple[History, float]:
    """A stream that ticks while the node of another graph blocks, and the longest that health took to answer."""
    async with process.client() as server:
        client = Client(server)
        ticking = client.stream("ticks", new_thread(), TICKS)
        await ticking.first("custom")
        blocking = client.stream("snoozing", new_thread(), {"delay": BLOCKED})
        asking = asyncio.create_task(_longest_answer(server))
        history = await blocking.read()
        promises.all_saw_the_end([history])
        asking.cancel()
        return await ticking.read(), (await asyncio.gather(asking))[0]


async def _longest_answer(server: Server) -> float:
    health, longest = HealthStub(server.channel), 0.0
    try:
        while True:
            begun = time.monotonic()
            await health.Check(health_pb2.HealthCheckRequest(service=""))
            longest = max(longest, time.monotonic() - begun)
            await asyncio.sleep(0.05)  # the pace of the questions, and no wait
    except asyncio.CancelledError:
        return longest


def _largest_gap(history: History) -> float:
    return max(after.at - before.at for before, after in pairwise(history.seen))


async def test_a_node_that_blocks_its_loop_holds_up_its_graph_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with served(tmp_path / "data", **ISOLATED) as process:
        history, answer = await _beside_one_that_blocks(process)
        said = process.log

    gap = _largest_gap(history)
    with capsys.disabled():
        print(
            f"\nbeside a node that blocks for {BLOCKED} s: largest gap {gap:.3f} s, longest answer of health {answer:.3f} s"
        )
    assert len(history.seen) == TICKS["n"] + 3
    assert gap < 0.5
    assert answer < 0.5
    assert "event loop of a graph blocked" in said
    assert "loop=snoozing" in said


async def test_without_it_holds_up_everybody_and_is_named(tmp_path: Path) -> None:
    async with served(tmp_path / "data", isolate_graphs="false") as process:
        history, answer = await _beside_one_that_blocks(process)
        await process.told("event loop turns again")
        said = process.log

    assert _largest_gap(history) > BLOCKED * 0.9
    assert answer > BLOCKED / 2
    warning = next(line for line in said.splitlines() if "event loop blocked" in line)
    assert "--isolate-graphs" in warning
    assert "loop=server" in warning
    assert "node=snooze" in warning
    assert "run_id=" in warning
    assert "fault_graphs.py:" in warning
    assert said.count("event loop blocked") == said.count("event loop turns again") == 1


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

    assert took < SOON
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
