"""Promise 7: kill -9 and a new start lose no acknowledged run, and nothing that has ended."""

import itertools
import json
from pathlib import Path

import grpc
import grpc.aio
import pytest

from graphwire.v1.run_pb2 import (
    RUN_STATUS_ERROR,
    RUN_STATUS_INTERRUPTED,
    RUN_STATUS_PENDING,
    RUN_STATUS_RUNNING,
    RUN_STATUS_SUCCESS,
    Command,
    Run,
)
from graphwire.v1.run_service_pb2 import CancelRunRequest, ListRunsRequest
from graphwire.v1.thread_pb2 import THREAD_STATUS_BUSY, THREAD_STATUS_ERROR, THREAD_STATUS_IDLE, Thread, ThreadState
from graphwire.v1.thread_service_pb2 import CreateThreadRequest, ListThreadHistoryRequest
from tests.faults import promises
from tests.faults.client import Client, new_thread
from tests.faults.gate import Gate
from tests.faults.process import ServerProcess, served
from tests.support.serving import text


async def test_what_has_ended_is_there_after_kill_9(tmp_path: Path) -> None:
    thread, asking = new_thread(), new_thread()
    async with served(tmp_path / "data") as process:
        async with process.client() as server:
            client = Client(server)
            asked = await client.stream("approval", asking, {"name": "a"}).read()
            for name in "ab":
                await client.stream("ticks", thread, {"n": 2, "name": name}).read()
            await client.stream("failing", thread, {"name": "c"}).read()
            empty = (await server.threads.CreateThread(CreateThreadRequest(metadata=text('{"mine": 1}')))).thread
            before = await _all_that_is_kept(client, thread)
        await process.kill()
        await process.start()
        async with process.client() as server:
            client = Client(server)
            after = await _all_that_is_kept(client, thread)
            kept = await client.thread(empty.thread_id)
            late = await client.join(after[1][0].run_id).read()
            waits = (await client.thread(asking)).interrupts
            resumed = await client.stream("approval", asking, command=Command(resume=text('"yes"'))).read()
            trail = await client.trail(asking)

    assert after == before
    assert json.loads(kept.metadata.text) == {"mine": 1}
    assert late.kinds == ["end"]
    assert late.seen[0].event.end.error.type == "ValueError"
    assert asked.seen[-1].event.end.interrupts[0].id == waits[0].interrupts[0].id
    assert resumed.seen[-1].event.end.status == RUN_STATUS_SUCCESS
    assert resumed.seqs[0] == asked.last_seq + 1
    assert trail == ["a knocked", "answer yes"]


async def _all_that_is_kept(client: Client, thread_id: str) -> tuple[Thread, list[Run], ThreadState, list[ThreadState]]:
    runs = await client.server.runs.ListRuns(ListRunsRequest(thread_id=thread_id, page_size=100))
    history = await client.server.threads.ListThreadHistory(
        ListThreadHistoryRequest(thread_id=thread_id, page_size=100)
    )
    return await client.thread(thread_id), list(runs.runs), await client.state(thread_id), list(history.states)


async def _at_the_gate(process: ServerProcess, gate: Gate, thread: str) -> tuple[str, list[str]]:
    """A run that executes, and three that wait behind it, of which the second was cancelled."""
    async with process.client() as server:
        client = Client(server)
        running = await client.create("gate", thread, {"port": gate.port, "name": "doomed"})
        await gate.entered("doomed")
        waiting = [await client.create("ticks", thread, {"n": 2, "name": name}) for name in "xyz"]
        assert {run.status for run in waiting} == {RUN_STATUS_PENDING}
        await server.runs.CancelRun(CancelRunRequest(run_id=waiting[1].run_id, wait=True))
        assert (await client.run(running.run_id)).status == RUN_STATUS_RUNNING
    return running.run_id, [run.run_id for run in waiting]


async def test_a_run_that_executed_ends_as_server_died_and_those_behind_it_get_their_turn(
    tmp_path: Path, gate: Gate
) -> None:
    thread = new_thread()
    async with served(tmp_path / "data") as process:
        doomed, waiting = await _at_the_gate(process, gate, thread)
        await process.kill()
        await gate.left("doomed")
        await process.start()
        async with process.client() as server:
            client = Client(server)
            ended = [await client.finished(run_id) for run_id in (doomed, *waiting)]
            history = await client.join(doomed, client="of the dead").read()
            last = await client.join(waiting[2], 0, "of the last").read()
            trail, row = await client.trail(thread), await client.thread(thread)

    assert [run.status for run in ended] == [
        RUN_STATUS_ERROR,
        RUN_STATUS_SUCCESS,
        RUN_STATUS_INTERRUPTED,
        RUN_STATUS_SUCCESS,
    ]
    assert (ended[0].error.type, ended[0].error.retryable) == ("ServerDied", True)
    assert history.kinds == ["end"]
    assert history.seen[0].event.end.error.type == "ServerDied"
    assert trail == ["doomed knocked", "x", "z"], "what it had done is kept"
    assert row.status == THREAD_STATUS_IDLE
    assert ended[0].last_seq < ended[1].first_seq < ended[1].last_seq < ended[3].first_seq
    promises.complete(last)


async def test_a_thread_whose_run_died_takes_new_runs(tmp_path: Path, gate: Gate) -> None:
    thread, other = new_thread(), new_thread()
    async with served(tmp_path / "data") as process:
        async with process.client() as server:
            client = Client(server)
            stateless = await client.create("ticks", None, {"n": 1000, "delay": 1})
            for each in (thread, other):
                await client.create("gate", each, {"port": gate.port, "name": each})
                await gate.entered(each)
        await process.kill()
        await process.start()
        async with process.client() as server:
            client = Client(server)
            left = await client.thread(thread)
            with pytest.raises(grpc.aio.AioRpcError) as gone:
                await client.run(stateless.run_id)
            new = await client.stream("ticks", thread, {"n": 2, "name": "new"}).read()
            goes_on = await client.stream("gate", other, None).joined()
            await gate.entered(other)
            gate.release(other)
            await goes_on.read()
            trails = [await client.trail(each) for each in (thread, other)]

    assert gone.value.code() is grpc.StatusCode.NOT_FOUND, "a stateless run leaves nothing"
    assert left.status == THREAD_STATUS_ERROR
    assert left.error.startswith("ServerDied")
    promises.all_saw_the_end([new, goes_on.history])
    assert new.seen[-1].event.end.status == goes_on.history.seen[-1].event.end.status == RUN_STATUS_SUCCESS
    assert trails[0] == [f"{thread} knocked", "new"]
    assert trails[1] == [f"{other} knocked", f"{other} passed"], "a run without input goes on from the last checkpoint"


async def test_killed_again_and_again_under_load(tmp_path: Path) -> None:
    """Each acknowledged run has ended when the server has come back, one way or the other, and all numbers are different."""
    threads = [new_thread() for _ in range(4)]
    acknowledged: list[str] = []
    async with served(tmp_path / "data") as process:
        for _ in range(2):
            async with process.client() as server:
                client = Client(server)
                first = client.stream("ticks", threads[0], {"n": 50, "delay": 0.002})
                for number in range(40):
                    made = await client.create("ticks", threads[number % 4], {"n": 3, "delay": 0.002})
                    acknowledged.append(made.run_id)
                await first.first("custom")
                await process.kill()
            await process.start()
        async with process.client() as server:
            client = Client(server)
            runs = [await client.finished(run_id) for run_id in acknowledged]
            rows = [await client.thread(thread) for thread in threads]

    assert {run.status for run in runs} <= {RUN_STATUS_SUCCESS, RUN_STATUS_ERROR}
    assert {run.error.type for run in runs if run.status == RUN_STATUS_ERROR} <= {"ServerDied"}
    assert all(row.status != THREAD_STATUS_BUSY for row in rows)
    for thread in threads:
        spans = sorted((run.first_seq, run.last_seq) for run in runs if run.thread_id == thread)
        for (_, last), (first_seq, _) in itertools.pairwise(spans):
            assert last < first_seq, "no number is given twice"
