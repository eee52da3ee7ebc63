"""SIGTERM under load: fifty runs, their readers, and those who wait. Health says so first, nothing new is taken, what can end ends, and the next process has the rest."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from graphwire.v1.run_pb2 import RUN_STATUS_PENDING, RUN_STATUS_SUCCESS
from graphwire.v1.run_service_pb2 import WaitRunRequest
from tests.faults import promises
from tests.faults.client import Client, new_thread
from tests.faults.gate import Gate
from tests.faults.history import Recorder, Watcher, ending
from tests.faults.process import served
from tests.support.serving import Server

RUNS = 50
SETTINGS = {"drain_grace": "PT8S", "max_losses": "0"}
"""No loss is allowed, so one that is counted ends a run."""

NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@dataclass(slots=True)
class Watched:
    """A run at the gate, with who streams it, who watches its thread, and a run that waits behind it."""

    thread: str
    run_id: str
    recorder: Recorder
    watchers: list[Watcher]
    behind: str = ""


async def _at_the_gate(server: Server, gate: Gate, number: int) -> Watched:
    """Every second is resumable; behind every fifth one waits."""
    thread, recorder = new_thread(), Recorder()
    client, name = Client(server, recorder), str(number)
    given = {"port": gate.port, "name": name, "n": 2}
    stream = await client.stream("gate", thread, given, stream_resumable=number % 2 == 0).joined()
    made = Watched(thread, stream.history.run_id, recorder, [stream])
    made.watchers.append(await client.watch(thread, 0).joined())
    await stream.first("updates")
    await gate.entered(name)
    if number % 5 == 0:
        made.behind = (await client.create("ticks", thread, {"n": 1, "name": "behind"})).run_id
    return made


async def _refused(server: Server) -> None:
    """A new run is refused, and told when to try again."""
    with pytest.raises(grpc.aio.AioRpcError) as told:
        await Client(server).create("ticks", new_thread(), {"n": 1})
    refused = ending(told.value)
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
    assert any(isinstance(detail, RetryInfo) for detail in refused.details)


async def _drained(server: Server, gate: Gate, runs: list[Watched], terminate: "asyncio.Event") -> None:
    """Watches what happens from SIGTERM on. The first half of the runs may go on."""
    health = HealthStub(server.channel).Watch(health_pb2.HealthCheckRequest(service=""))
    await health.read()
    waits = server.runs.WaitRun(WaitRunRequest(run_id=runs[-1].run_id))
    idle = await Client(server).watch(await Client(server).new_thread(), 0).joined()
    terminate.set()
    assert (await asyncio.wait_for(health.read(), 40)).status == NOT_SERVING
    assert all(watcher.history.ending is None for run in runs for watcher in run.watchers), "health says so first"
    await _refused(server)
    promises.drained(await asyncio.wait_for(idle.read(), 40))
    for number in range(RUNS // 2):
        gate.release(str(number))
    await asyncio.gather(*(watcher.read() for run in runs for watcher in run.watchers))
    with pytest.raises(grpc.aio.AioRpcError) as told:
        await waits
    assert ending(told.value).reason == "DRAINING"
    health.cancel()


def _judge_the_drain(runs: list[Watched]) -> None:
    for number, run in enumerate(runs):
        stream, watch = (watcher.history for watcher in run.watchers)
        promises.drained(watch)
        if number < RUNS // 2:
            promises.all_saw_the_end([stream])
            assert stream.seen[-1].event.end.status == RUN_STATUS_SUCCESS
        else:
            promises.drained(stream)


async def _goes_on(server: Server, gate: Gate, runs: list[Watched]) -> None:
    """What the next process makes of the runs that were given back, and of those that waited."""
    for number, run in enumerate(runs):
        client = Client(server, run.recorder)
        run.watchers.append(await client.watch(run.thread, run.watchers[1].history.last_seq).joined())
        if number >= RUNS // 2:
            run.watchers.append(await client.join(run.run_id, run.watchers[0].history.last_seq).joined())
            await gate.entered(str(number))
            if run.behind:
                assert (await client.run(run.behind)).status == RUN_STATUS_PENDING
            gate.release(str(number))
    await asyncio.gather(*(_ends(Client(server, run.recorder), run, number) for number, run in enumerate(runs)))


async def _ends(client: Client, run: Watched, number: int) -> None:
    """Judges one run by its row, its thread, and those who read it."""
    row, trail = await client.finished(run.run_id), [f"{number} knocked", f"{number} passed"]
    assert (row.status, row.attempt) == (RUN_STATUS_SUCCESS, 1 if number < RUNS // 2 else 2)
    if run.behind:
        behind = await client.finished(run.behind)
        assert (behind.status, behind.attempt) == (RUN_STATUS_SUCCESS, 1)
        assert behind.first_seq == row.last_seq + 1
        trail.append("behind")
    for watcher in run.watchers[3:]:
        promises.all_saw_the_end([await watcher.read()])
    newest = (await client.thread(run.thread)).last_seq
    if run.watchers[2].history.after_seq != newest:
        await run.watchers[2].read(upto=newest)
    promises.thread_complete(run.recorder.histories, newest)
    promises.each_node_once(run.thread, await client.trail(run.thread), trail)


@pytest.mark.timeout(
    120
)  # two starts, and a grace of eight seconds, in which half of the runs must come to their end on any machine
async def test_fifty_runs(tmp_path: Path, gate: Gate) -> None:
    terminate = asyncio.Event()
    async with served(tmp_path / "data", **SETTINGS) as process:
        async with process.client() as server:
            runs = [await _at_the_gate(server, gate, number) for number in range(RUNS)]
            watching = asyncio.create_task(_drained(server, gate, runs, terminate))
            await terminate.wait()
            process.terminate()
            assert await process.ended() == 0
            await asyncio.wait_for(watching, 40)
            _judge_the_drain(runs)
        await asyncio.gather(*(gate.left(str(number)) for number in range(RUNS)))
        await process.start()
        async with process.client() as server:
            await _goes_on(server, gate, runs)

    for run in runs:
        promises.same_event_under_same_seq(run.recorder.histories)
        for history in run.recorder.histories:
            promises.ordered(history)
            promises.unique(history)
            promises.complete(history)
    assert "Traceback" not in process.log
