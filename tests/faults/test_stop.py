"""SIGTERM: runs end in order or say that they could not, nobody hangs, and the exit status is 0. And starts that cannot be: one clear line."""

import asyncio
from pathlib import Path

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from graphwire.v1.run_pb2 import RUN_STATUS_ERROR, RUN_STATUS_PENDING, RUN_STATUS_SUCCESS
from graphwire.v1.run_service_pb2 import WaitRunRequest
from tests.faults import promises
from tests.faults.client import Client, new_thread
from tests.faults.gate import Gate
from tests.faults.process import refused, served

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def test_a_run_that_ends_within_the_grace_ends_well(tmp_path: Path, gate: Gate) -> None:
    """Meanwhile health says so, new runs are refused, and what is under way can be read."""
    async with served(tmp_path / "data") as process, process.client() as server:
        client = Client(server)
        watcher = client.stream("gate", new_thread(), {"port": gate.port})
        await gate.entered()
        waits = asyncio.ensure_future(client.finished((await watcher.joined()).history.run_id))
        health = HealthStub(server.channel).Watch(health_pb2.HealthCheckRequest(service="graphwire.v1.RunService"))
        assert (await health.read()).status == SERVING

        process.terminate()
        assert (await asyncio.wait_for(health.read(), 5)).status == NOT_SERVING
        late = await client.stream("ticks", new_thread(), {"n": 1}).read()
        joined = await client.join(watcher.history.run_id, 0).joined()
        gate.release()
        histories = [await watcher.read(), await joined.read()]
        ended = await waits
        status = await process.ended()
        health.cancel()

    assert status == 0
    assert late.ending is not None
    assert (late.ending.code, late.ending.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
    promises.all_saw_the_end(histories)
    promises.same_event_under_same_seq(histories)
    assert histories[0].seen[-1].event.end.status == ended.status == RUN_STATUS_SUCCESS


async def test_a_run_that_outlives_the_grace_ends_as_server_stopped(tmp_path: Path, gate: Gate) -> None:
    thread = new_thread()
    async with served(tmp_path / "data", drain_grace="PT0.3S") as process:
        async with process.client() as server:
            client = Client(server)
            watchers = [client.stream("gate", thread, {"port": gate.port})]
            run_id = (await watchers[0].joined()).history.run_id
            watchers += [await client.join(run_id, after).joined() for after in (None, 0)]
            await gate.entered()
            status = await process.stop()
            histories = [await watcher.read() for watcher in watchers]
        await process.start()
        async with process.client() as server:
            client = Client(server)
            run = await client.run(run_id)
            new = await client.stream("ticks", thread, {"n": 1, "name": "new"}).read()
            trail = await client.trail(thread)

    assert status == 0
    for history in histories:
        promises.well_formed(history)
        promises.failed_graph_is_data(history)
    promises.all_saw_the_end(histories)
    assert run.status == RUN_STATUS_ERROR
    assert histories[0].seen[-1].event.end.error.type == run.error.type == "ServerStopped"
    assert run.error.retryable
    assert new.seqs[0] == histories[0].last_seq + 1
    assert trail == [" knocked", "new"]


async def test_a_pending_run_gets_its_turn_after_a_stop(tmp_path: Path, gate: Gate) -> None:
    """What kill -9 does not lose, an orderly stop must not lose either. Who waits for the run is told to come back: nobody hangs."""
    thread = new_thread()
    async with served(tmp_path / "data", drain_grace="PT0.3S") as process:
        async with process.client() as server:
            client = Client(server)
            await client.create("gate", thread, {"port": gate.port})
            await gate.entered()
            pending = await client.create("ticks", thread, {"n": 1, "name": "patient"})
            watcher = await client.join(pending.run_id, 0).joined()
            waits = server.runs.WaitRun(WaitRunRequest(run_id=pending.run_id))
            assert (await client.run(pending.run_id)).status == RUN_STATUS_PENDING
            status = await process.stop()
            history = await asyncio.wait_for(watcher.read(), 5)
            with pytest.raises(grpc.aio.AioRpcError) as told:
                await asyncio.wait_for(waits, 5)
        await process.start()
        async with process.client() as server:
            client = Client(server)
            ended = await client.finished(pending.run_id)
            trail = await client.trail(thread)

    assert status == 0
    assert history.ending is not None
    assert {history.ending.code, told.value.code()} == {grpc.StatusCode.UNAVAILABLE}
    promises.told_why(history)
    assert (ended.status, ended.error.type) == (RUN_STATUS_SUCCESS, "")
    assert trail == [" knocked", "patient"]


async def test_a_node_that_cannot_be_stopped_does_not_hold_the_server_up(tmp_path: Path) -> None:
    """A thread cannot be ended, so the server must not wait for it: its run is ended, and the process goes."""
    async with served(tmp_path / "data", drain_grace="PT0.3S") as process, process.client() as server:
        watcher = Client(server).stream("blocking", new_thread(), {"delay": 15})
        await watcher.first("custom")

        process.terminate()
        history = await asyncio.wait_for(watcher.read(), 5)
        status = await process.ended(within=5)

    assert status == 0
    assert history.seen[-1].event.end.error.type == "ServerStopped"


async def test_a_stuck_reader_does_not_hold_the_server_up(tmp_path: Path) -> None:
    async with served(tmp_path / "data", drain_grace="PT0.3S") as process, process.client() as server:
        client = Client(server)
        stuck = await client.stream("burst", new_thread(), {"n": 20_000, "pad": 100}).joined()
        await client.finished(stuck.history.run_id)

        process.terminate()
        status = await process.ended(within=5)
        history = await asyncio.wait_for(stuck.read(), 5)

    assert status == 0
    promises.ordered(history)
    promises.complete(history)
    assert history.ending is not None


async def test_starts_that_cannot_be(tmp_path: Path) -> None:
    """Each is refused with exit status 2 and one line that says what to do, and the server that is there does not notice."""
    data, missing = tmp_path / "data", tmp_path / "langgraph.json"
    async with served(data) as process, process.client() as server:
        port = process.address.rpartition(":")[2]
        tries = {
            f"data directory {data} is in use by process {process.pid}": refused(data),
            f"cannot listen on 127.0.0.1:{port}": refused(tmp_path / "other", "--grpc-port", port),
            str(missing): refused(tmp_path / "third", "--config", str(missing)),
            "grpc-port": refused(tmp_path / "fourth", "--grpc-port", "70000"),
        }
        answers = dict(zip(tries, await asyncio.gather(*tries.values()), strict=True))
        assert (await Client(server).stream("ticks", None, {"n": 1}).read()).kinds[-1] == "end"

    for says, (status, said) in answers.items():
        assert status == 2, said
        assert says in said
        assert len(said.strip().splitlines()) == 1, said
        assert said.startswith("graphwire: ")
