"""A client that vanishes: its reader is gone at once and costs nothing, its run goes on unless it asked for the opposite."""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from graphwire.v1.run_pb2 import DISCONNECT_MODE_CANCEL, RUN_STATUS_INTERRUPTED, RUN_STATUS_RUNNING, RUN_STATUS_SUCCESS
from graphwire.v1.run_service_pb2 import InvokeRunRequest, ListRunsRequest, WaitRunRequest
from graphwire_server.core.streams import StreamLimits, Streams
from tests.faults.client import Client, new_thread
from tests.faults.gate import Gate
from tests.faults.process import connected, served
from tests.support.serving import text

SCRIPT = """
import sys, grpc
from graphwire.v1.run_service_pb2 import JoinRunRequest
from graphwire.v1.run_service_pb2_grpc import RunServiceStub
channel = grpc.insecure_channel(sys.argv[1])
call = RunServiceStub(channel).JoinRun(JoinRunRequest(run_id=sys.argv[2], on_disconnect=int(sys.argv[3]), after_seq=0))
next(call)
print("joined", flush=True)
list(call)
"""


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> list[Streams]:
    """The streams that the server in this process has open. Asked for before `client`."""
    made: list[Streams] = []

    class Counted(Streams):
        def __init__(self, limits: StreamLimits) -> None:
            super().__init__(limits)
            made.append(self)

    monkeypatch.setattr("graphwire_server.house.Streams", Counted)
    return made


async def _within(seconds: float, true: Callable[[], bool], what: str) -> None:
    """Waits, looking again and again, for what nothing announces."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.01)


async def test_cancelled_calls_leave_no_reader(streams: list[Streams], client: Client, gate: Gate) -> None:
    run = await client.create("gate", new_thread(), {"port": gate.port})
    await gate.entered()
    watchers = [await client.join(run.run_id, number % 2 or None).joined() for number in range(50)]
    assert streams[0].open == 50

    for watcher in watchers:
        await watcher.leave()

    await _within(40, lambda: streams[0].open == 0, "all readers gone")
    assert (await client.run(run.run_id)).status == RUN_STATUS_RUNNING


async def test_a_closed_channel_leaves_no_reader(streams: list[Streams], client: Client, gate: Gate) -> None:
    run = await client.create("gate", new_thread(), {"port": gate.port})
    await gate.entered()
    async with connected(client.server.address) as other:
        for number in range(10):
            await Client(other).join(run.run_id, 0, f"{number}").joined()
        assert streams[0].open == 10

    await _within(40, lambda: streams[0].open == 0, "all readers gone")


@pytest.mark.parametrize("cancels", [False, True])
async def test_a_killed_client_leaves_no_reader(
    streams: list[Streams], client: Client, gate: Gate, cancels: bool
) -> None:
    run = await client.create("gate", new_thread(), {"port": gate.port})
    await gate.entered()
    mode = str(int(DISCONNECT_MODE_CANCEL)) if cancels else "0"
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SCRIPT, client.server.address, run.run_id, mode, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert other.stdout is not None
        assert await asyncio.wait_for(other.stdout.readline(), 40) == b"joined\n"
        assert streams[0].open == 1
    finally:
        other.kill()
        await other.communicate()

    await _within(40, lambda: streams[0].open == 0, "the reader gone")
    if cancels:
        assert (await client.finished(run.run_id)).status == RUN_STATUS_INTERRUPTED
    else:
        gate.release()
        assert (await client.finished(run.run_id)).status == RUN_STATUS_SUCCESS


@pytest.mark.parametrize("how", ["streams", "joins", "closes the channel", "misses its deadline"])
@pytest.mark.parametrize("cancels", [False, True])
async def test_on_disconnect_decides_about_the_run(
    streams: list[Streams], client: Client, gate: Gate, how: str, cancels: bool
) -> None:
    fields: dict[str, Any] = {"on_disconnect": DISCONNECT_MODE_CANCEL} if cancels else {}
    async with connected(client.server.address) as other:
        if how == "streams":
            watcher = Client(other).stream("gate", new_thread(), {"port": gate.port}, **fields)
            run_id = (await watcher.joined()).history.run_id
        else:
            run_id = (await client.create("gate", new_thread(), {"port": gate.port})).run_id
            watcher = await Client(other).join(run_id, **(fields if how != "misses its deadline" else {})).joined()
        await gate.entered()
        if how == "misses its deadline":
            with pytest.raises(grpc.aio.AioRpcError) as late:
                # Whoever the server has not seen by then is not missed.
                await other.runs.WaitRun(WaitRunRequest(run_id=run_id, **fields), timeout=4 if cancels else 0.2)
            assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        elif how != "closes the channel":
            await watcher.leave()

    await _within(40, lambda: streams[0].open == 0, "the reader gone")
    if cancels:
        await gate.left()
    else:
        assert (await client.run(run_id)).status == RUN_STATUS_RUNNING
        gate.release()
    ended = await client.finished(run_id)
    assert ended.status == (RUN_STATUS_INTERRUPTED if cancels else RUN_STATUS_SUCCESS)


async def test_an_invoker_that_vanishes_cancels_its_pending_run(client: Client, gate: Gate) -> None:
    """The run had not even started: it ends all the same, and the one before it does not notice."""
    thread = new_thread()
    blocker = await client.create("gate", thread, {"port": gate.port})
    await gate.entered()
    request = InvokeRunRequest(assistant_id="ticks", thread_id=thread, on_disconnect=DISCONNECT_MODE_CANCEL)
    request.input.CopyFrom(text('{"n": 1}'))
    call = client.server.runs.InvokeRun(request)
    invoked = await _pending(client, thread, blocker.run_id)

    call.cancel()
    ended = await client.finished(invoked)
    gate.release()

    assert ended.status == RUN_STATUS_INTERRUPTED
    assert (await client.finished(blocker.run_id)).status == RUN_STATUS_SUCCESS
    assert (await client.trail(thread))[-1] == " passed"


async def _pending(client: Client, thread_id: str, other: str) -> str:
    async with asyncio.timeout(40):
        while True:
            found = await client.server.runs.ListRuns(ListRunsRequest(thread_id=thread_id))
            for run in found.runs:
                if run.run_id != other:
                    return run.run_id


GROWTH = 6 << 20
"""What may remain of hundreds of clients: noise of the allocator. A reader that stayed, with its call, task and buffers, is 30 KiB or more: 300 of
them would be 9 MiB, and 500 with a connection each 25 MiB.
"""


async def test_three_hundred_cycles_of_join_and_cancel_leave_memory_flat(tmp_path: Path, gate: Gate) -> None:
    async with served(tmp_path / "data") as process, process.client() as server:
        client = Client(server)
        run = await client.create("gate", new_thread(), {"port": gate.port})
        await gate.entered()

        async def cycle(times: int) -> None:
            for number in range(times):
                watcher = client.join(run.run_id, 0 if number % 2 else None)
                await (watcher.read(upto=1) if number % 2 else watcher.joined())
                await watcher.leave()

        await cycle(200)
        before = process.rss
        await cycle(300)
        await _within(
            40, lambda: process.rss - before < GROWTH, f"memory flat, it is {process.rss - before >> 10} KiB more"
        )
        gate.release()
        assert (await client.finished(run.run_id)).status == RUN_STATUS_SUCCESS


async def test_five_hundred_vanished_clients_leave_memory_flat(tmp_path: Path, gate: Gate) -> None:
    """Each has a connection of its own, which it closes without a word in the middle of its stream."""
    async with served(tmp_path / "data") as process, process.client() as server:
        client = Client(server)
        run = await client.create("gate", new_thread(), {"port": gate.port})
        await gate.entered()

        async def vanish() -> None:
            async with connected(process.address) as other:
                await Client(other).join(run.run_id, 0).read(upto=1)

        async def cycle(times: int) -> None:
            for _ in range(times // 20):
                await asyncio.gather(*(vanish() for _ in range(20)))

        await cycle(200)
        before = process.rss
        await cycle(500)
        await _within(
            40, lambda: process.rss - before < GROWTH, f"memory flat, it is {process.rss - before >> 10} KiB more"
        )
        gate.release()
        assert (await client.finished(run.run_id)).status == RUN_STATUS_SUCCESS
