"""SIGTERM: runs end in order or are given back for the next process, nobody hangs, and the exit status is 0. And starts that cannot be: one clear line."""

import asyncio
from pathlib import Path

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from graphwire.v1.run_pb2 import RUN_STATUS_PENDING, RUN_STATUS_SUCCESS
from graphwire.v1.run_service_pb2 import WaitRunRequest
from tests.faults import promises
from tests.faults.client import Client, new_thread
from tests.faults.gate import Gate
from tests.faults.history import Recorder, ending
from tests.faults.process import refused, served

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def test_a_run_that_ends_within_the_grace_ends_well(tmp_path: Path, gate: Gate) -> None:
    """Meanwhile health says so, new runs are refused, and what is under way can be read."""
    async with served(tmp_path / "data", drain_grace="PT60S") as process, process.client() as server:
        client = Client(server)
        watcher = client.stream("gate", new_thread(), {"port": gate.port})
        await gate.entered()
        waits = asyncio.ensure_future(client.finished((await watcher.joined()).history.run_id))
        health = HealthStub(server.channel).Watch(health_pb2.HealthCheckRequest(service="graphwire.v1.RunService"))
        assert (await health.read()).status == SERVING

        process.terminate()
        assert (await asyncio.wait_for(health.read(), 40)).status == NOT_SERVING
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


@pytest.mark.parametrize("resumable", [True, False])
async def test_a_run_that_outlives_the_grace_is_given_back(tmp_path: Path, gate: Gate, resumable: bool) -> None:
    """Its readers are told where to go on, and the next process goes on with it: no number is missing, and no loss is counted, of which none is allowed here."""
    thread, recorder = new_thread(), Recorder()
    async with served(tmp_path / "data", drain_grace="PT0.3S", max_losses="0") as process:
        async with process.client() as server:
            client = Client(server, recorder)
            watchers = [client.stream("gate", thread, {"port": gate.port}, stream_resumable=resumable)]
            run_id = (await watchers[0].joined()).history.run_id
            watchers += [await client.join(run_id, after).joined() for after in (None, 0)]
            watchers.append(await client.watch(thread, 0).joined())
            await gate.entered()
            status = await process.stop()
            histories = [await watcher.read() for watcher in watchers]
        await process.start()
        async with process.client() as server:
            client = Client(server, recorder)
            rest = [await client.join(run_id, history.cursor).joined() for history in histories]
            await gate.entered()
            gate.release()
            for watcher in rest:
                await watcher.read()
            run, trail = await client.run(run_id), await client.trail(thread)

    assert status == 0
    for history in histories:
        promises.drained(history)
    promises.all_saw_the_end([watcher.history for watcher in rest])
    promises.same_event_under_same_seq(recorder.histories)
    promises.thread_complete(recorder.histories, run.last_seq)
    assert {watcher.history.seen[0].event.metadata.attempt for watcher in rest} == {2}
    assert (run.status, run.attempt) == (RUN_STATUS_SUCCESS, 2)
    assert trail == [" knocked", " passed"]


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
            history = await asyncio.wait_for(watcher.read(), 40)
            with pytest.raises(grpc.aio.AioRpcError) as told:
                await asyncio.wait_for(waits, 40)
        await process.start()
        async with process.client() as server:
            client = Client(server)
            await gate.entered()
            assert (await client.run(pending.run_id)).status == RUN_STATUS_PENDING, "it waits on, behind the other"
            gate.release()
            ended = await client.finished(pending.run_id)
            trail = await client.trail(thread)

    assert status == 0
    promises.drained(history)
    assert ending(told.value).reason == "DRAINING"
    assert (ended.status, ended.error.type) == (RUN_STATUS_SUCCESS, "")
    assert trail == [" knocked", " passed", "patient"]


async def test_a_node_that_cannot_be_stopped_does_not_hold_the_server_up(tmp_path: Path) -> None:
    """A thread cannot be ended, so the server must not wait for it: its run is given back, and the process goes."""
    thread = new_thread()
    async with served(tmp_path / "data", drain_grace="PT0.3S") as process:
        async with process.client() as server:
            watcher = Client(server).stream("blocking", thread, {"delay": 4})
            await watcher.first("custom")
            process.terminate()
            history = await asyncio.wait_for(watcher.read(), 40)
            status = await process.ended()
        await process.start()
        async with process.client() as server:
            client = Client(server)
            again = await client.join(history.run_id, history.last_seq).read()
            trail = await client.trail(thread)

    assert status == 0
    promises.drained(history)
    assert again.kinds == ["metadata", "custom", "updates", "end"]
    assert trail == ["blocked"], "what the thread of the dead process did is not there"


async def test_a_stuck_reader_does_not_hold_the_server_up(tmp_path: Path) -> None:
    async with served(tmp_path / "data", drain_grace="PT0.3S") as process, process.client() as server:
        client = Client(server)
        stuck = await client.stream("burst", new_thread(), {"n": 20_000, "pad": 100}).joined()
        await client.finished(stuck.history.run_id)

        process.terminate()
        status = await process.ended(within=25)
        history = await asyncio.wait_for(stuck.read(), 40)

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
