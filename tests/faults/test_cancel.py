"""Promise 8: cancel is real. A node that awaits stops at once; a thread that cannot be stopped is named, and gets nothing more into the database."""

import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from graphwire.v1.run_pb2 import (
    CANCEL_ACTION_INTERRUPT,
    CANCEL_ACTION_ROLLBACK,
    RUN_STATUS_INTERRUPTED,
    RUN_STATUS_SUCCESS,
)
from graphwire.v1.run_service_pb2 import CancelRunRequest
from tests.faults import promises
from tests.faults.client import Client, new_thread
from tests.faults.gate import Gate
from tests.faults.http.talk import run, streaming
from tests.faults.http.wire import exchange, post
from tests.faults.process import ServerProcess, served
from tests.faults.rows import rows

TIMES = 30
SOON = 1.0
"""Within how many seconds a run has ended that was cancelled, as a rule, on a machine that does other things too. It is promised in a tenth."""
LATEST = 15.0
"""The same for each single one, which such a machine may hold up. What a cancel must not wait for takes longer, or never ends."""

ENDLESS = {"n": 100_000, "delay": 0.01}
ACTIONS = {"interrupt": CANCEL_ACTION_INTERRUPT, "rollback": CANCEL_ACTION_ROLLBACK}


Cancel = Callable[[ServerProcess, str, int], Awaitable[list[float]]]
"""Cancels runs, one after the other, and tells how long each took to end."""


async def _over_grpc(process: ServerProcess, action: str, times: int) -> list[float]:
    took = []
    async with process.client() as server:
        client = Client(server)
        for _ in range(times):
            watcher = client.stream("ticks", new_thread(), ENDLESS)
            await watcher.first("custom")
            request = CancelRunRequest(run_id=watcher.history.run_id, action=ACTIONS[action], wait=True)
            begun = time.monotonic()
            await server.runs.CancelRun(request)
            took.append(time.monotonic() - begun)
            history = await watcher.read()
            promises.all_saw_the_end([history])
            assert history.seen[-1].event.end.status == RUN_STATUS_INTERRUPTED
    return took


async def _over_http(process: ServerProcess, action: str, times: int) -> list[float]:
    took = []
    for _ in range(times):
        thread, body = new_thread(), run("ticks", ENDLESS, if_not_exists="create")
        async with streaming(process.url, post(f"/threads/{thread}/runs/stream", body)) as stream:
            await stream.first("custom")
            path = f"/threads/{thread}/runs/{stream.run_id}/cancel?wait=1&action={action}"
            begun = time.monotonic()
            heard = await exchange(process.url, post(path, {}))
            took.append(time.monotonic() - begun)
            assert heard is not None
            assert heard.status == 200, heard
            await stream.rest()
    return took


@pytest.mark.parametrize("cancel", [_over_grpc, _over_http])
@pytest.mark.parametrize("action", ACTIONS)
async def test_a_node_that_awaits_stops_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cancel: Cancel, action: str
) -> None:
    async with served(tmp_path / "data", log_level="warning") as process:
        took = await cancel(process, action, TIMES)

    with capsys.disabled():
        print(
            f"\n{cancel.__name__}, {action}: median {statistics.median(took) * 1000:.1f} ms, longest {max(took) * 1000:.1f} ms"
        )
    assert statistics.median(took) < SOON
    assert max(took) < LATEST


@pytest.mark.parametrize("action", ACTIONS)
async def test_a_thread_that_lingers_is_named_and_writes_nothing(tmp_path: Path, gate: Gate, action: str) -> None:
    """It invokes a graph that makes checkpoints, when its run has long ended and another has used the thread."""
    thread = new_thread()
    async with served(tmp_path / "data") as process, process.client() as server:
        client = Client(server)
        watch = await client.watch(
            (await client.create("ticks", thread, {"n": 1, "name": "base"})).thread_id, 0
        ).joined()
        streamed = client.stream("lingering", thread, {"port": gate.port, "name": "l"})
        await streamed.first("updates")
        await gate.entered("stays")
        begun = time.monotonic()
        request = CancelRunRequest(run_id=streamed.history.run_id, action=ACTIONS[action], wait=True)
        cancelled = await server.runs.CancelRun(request)
        took = time.monotonic() - begun
        history = await streamed.read()
        await client.stream("ticks", thread, {"n": 1, "name": "next"}).read()
        before = rows(process.data_dir, thread)
        gate.release("stays")
        await gate.entered("LeaseLost")
        gate.release("LeaseLost")
        await gate.left("LeaseLost")
        after, last = (
            rows(process.data_dir, thread),
            await client.stream("ticks", thread, {"n": 1, "name": "last"}).read(),
        )
        trail = await client.trail(thread)
        watched = await watch.read(upto=last.last_seq)

    assert took < LATEST
    promises.all_saw_the_end([history])
    assert list(history.seen[-1].event.end.lingering_nodes) == ["stay"]
    if action == "interrupt":
        assert list(cancelled.run.lingering_nodes) == ["stay"]
    assert after == before, "what the thread wrote is there"
    assert trail == ["base", *(["l knocked"] if action == "interrupt" else []), "next", "last"]
    promises.complete(watched)
    promises.ordered(watched)
    promises.nothing_follows_the_end(watched)
    assert last.seen[-1].event.end.status == RUN_STATUS_SUCCESS
