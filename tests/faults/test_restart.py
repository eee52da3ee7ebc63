"""Promise 7: kill -9 and a new start lose no acknowledged run, and nothing that has ended."""

import asyncio
import json
from pathlib import Path

import grpc
import grpc.aio
import pytest

from graphwire.v1.run_pb2 import (
    CANCEL_ACTION_INTERRUPT,
    CANCEL_ACTION_ROLLBACK,
    RUN_STATUS_INTERRUPTED,
    RUN_STATUS_PENDING,
    RUN_STATUS_RUNNING,
    RUN_STATUS_SUCCESS,
    CancelAction,
    Command,
    Run,
)
from graphwire.v1.run_service_pb2 import CancelRunRequest, ListRunsRequest
from graphwire.v1.thread_pb2 import (
    THREAD_STATUS_BUSY,
    THREAD_STATUS_IDLE,
    THREAD_STATUS_INTERRUPTED,
    Thread,
    ThreadState,
)
from graphwire.v1.thread_service_pb2 import CreateThreadRequest, ListThreadHistoryRequest
from tests.faults import promises
from tests.faults.away import without_numbers
from tests.faults.client import Client, new_thread
from tests.faults.gate import Gate
from tests.faults.history import History, Recorder
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


async def test_a_run_that_executed_is_taken_up_and_those_behind_it_wait_on(tmp_path: Path, gate: Gate) -> None:
    """It goes on from its last checkpoint: the node before is not executed again. The one that was cancelled in the queue stays so."""
    thread = new_thread()
    async with served(tmp_path / "data") as process:
        doomed, waiting = await _at_the_gate(process, gate, thread)
        await process.kill()
        await gate.left("doomed")
        await process.start()
        async with process.client() as server:
            client = Client(server)
            again = await client.join(doomed, 0).joined()
            await gate.entered("doomed")
            assert (await client.run(waiting[0])).status == RUN_STATUS_PENDING
            gate.release("doomed")
            ended = [await client.finished(run_id) for run_id in (doomed, *waiting)]
            last = await client.join(waiting[2], 0, "of the last").read()
            trail, row = await client.trail(thread), await client.thread(thread)
            await again.read()

    assert [run.status for run in ended] == [
        RUN_STATUS_SUCCESS,
        RUN_STATUS_SUCCESS,
        RUN_STATUS_INTERRUPTED,
        RUN_STATUS_SUCCESS,
    ]
    assert [run.attempt for run in ended] == [2, 1, 1, 1]
    assert again.history.kinds == ["metadata", "custom", "updates", "updates", "end"]
    assert again.history.seen[0].event.metadata.attempt == 2
    promises.same_end([again.history], ended[0])
    assert trail == ["doomed knocked", "doomed passed", "x", "z"]
    assert row.status == THREAD_STATUS_IDLE
    promises.in_turn([ended[0], ended[1], ended[3]])
    promises.complete(last)


async def test_a_stateless_run_begins_anew(tmp_path: Path, gate: Gate) -> None:
    """It has no checkpoints to go on from, and is lost no more than any other."""
    async with served(tmp_path / "data") as process:
        async with process.client() as server:
            run = await Client(server).create("gate", None, {"port": gate.port})
            await gate.entered()
        await process.kill()
        await gate.left()
        await process.start()
        async with process.client() as server:
            client = Client(server)
            again = await client.join(run.run_id, 0).joined()
            await gate.entered()
            gate.release()
            await again.read()

    assert again.history.kinds == ["metadata", "custom", "updates", "custom", "updates", "updates", "end"]
    assert again.history.seen[0].event.metadata.attempt == 2
    assert again.history.seen[-1].event.end.status == RUN_STATUS_SUCCESS


@pytest.mark.parametrize("resumable", [True, False])
async def test_who_comes_back_while_the_run_waits_for_room_sees_it_begin(
    tmp_path: Path, gate: Gate, resumable: bool
) -> None:
    """The next process has less room, so one of the two waits. Its reader is not told that its events are gone: it has not ended."""
    threads = [new_thread(), new_thread()]
    async with served(tmp_path / "data") as process:
        async with process.client() as server:
            client, streams = Client(server), []
            for thread in threads:
                given = {"port": gate.port, "name": thread}
                streams.append(client.stream("gate", thread, given, stream_resumable=resumable))
                await streams[-1].first("custom")
                await gate.entered(thread)
        await process.kill()
    for thread in threads:
        await gate.left(thread)
    async with served(tmp_path / "data", n_jobs_per_worker="1") as process, process.client() as server:
        client = Client(server)
        await gate.entered(threads[0])
        waiting = await client.run(streams[1].history.run_id)
        rest = [await client.join(waiting.run_id, after).joined() for after in (streams[1].history.last_seq, 0)]
        gate.release(threads[0])
        await gate.entered(threads[1])
        gate.release(threads[1])
        histories = [await watcher.read() for watcher in rest]

    assert waiting.status == RUN_STATUS_PENDING
    assert waiting.attempt == 1
    promises.all_saw_the_end(histories)
    promises.same_event_under_same_seq(histories)
    for history in histories:
        assert [seen.event.metadata.attempt for seen in history.seen if seen.kind == "metadata"][-1] == 2
    whole = History("all", seen=[*streams[1].history.seen, *histories[0].seen])
    promises.attempts_rise(whole)
    if resumable:
        promises.complete(whole)


@pytest.mark.parametrize("resumable", [True, False])
@pytest.mark.parametrize("action", [CANCEL_ACTION_INTERRUPT, CANCEL_ACTION_ROLLBACK])
async def test_a_run_that_is_to_stop_does_not_come_back(
    tmp_path: Path, gate: Gate, action: "CancelAction.ValueType", resumable: bool
) -> None:
    """It does not want to, and its server dies before it has ended: within a second. The next one ends it, and undoes it where that was asked for."""
    thread = new_thread()
    async with served(tmp_path / "data") as process:
        async with process.client() as server:
            client = Client(server)
            await client.stream("ticks", thread, {"n": 1, "name": "base"}).read()
            given = {"port": gate.port, "name": "2"}
            stubborn = client.stream("stubborn", thread, given, stream_resumable=resumable)
            await stubborn.first("updates")
            await gate.entered("2")
            run_id = stubborn.history.run_id
            asked = await server.runs.CancelRun(CancelRunRequest(run_id=run_id, action=action))
            assert asked.run.cancel_action == action
        await process.kill()
        await gate.left("2")
        await process.start()
        async with process.client() as server:
            client = Client(server)
            row = await _row_of_the_dead(client, run_id)
            left = await _until_not_busy(client, thread)
            trail = await client.trail(thread)
            new = await client.stream("ticks", thread, {"n": 1, "name": "new"}).read()
            trail_after = await client.trail(thread)

    if action == CANCEL_ACTION_ROLLBACK:
        assert row is None
        assert trail == ["base"]
        assert (left.status, left.error.split(":")[0]) == (THREAD_STATUS_IDLE, "UserRollback")
    else:
        assert row is not None
        assert (row.status, row.attempt, row.cancel_action) == (RUN_STATUS_INTERRUPTED, 1, action)
        assert trail == ["base", "2 knocked"]
        assert (left.status, left.error.split(":")[0]) == (THREAD_STATUS_INTERRUPTED, "UserInterrupt")
    assert trail_after == [*trail, "new"]
    assert new.seqs[0] > stubborn.history.last_seq


async def _row_of_the_dead(client: Client, run_id: str) -> Run | None:
    """A run as it ended; None where it is gone."""
    try:
        return await client.finished(run_id)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.NOT_FOUND:
            return None
        raise


async def _until_not_busy(client: Client, thread_id: str) -> Thread:
    async with asyncio.timeout(40):
        while (thread := await client.thread(thread_id)).status == THREAD_STATUS_BUSY:  # noqa: ASYNC110  it is another process
            await asyncio.sleep(0.01)  # a rollback leaves no run to wait for
        return thread


async def test_killed_before_the_end_of_a_run_that_waited_has_its_number(tmp_path: Path, gate: Gate) -> None:
    """It was cancelled in the queue while another executed: its row says that it has ended, and the number of its terminal event comes a moment later. Whoever
    reads it afterwards gets a terminal event like any other, and its number is given to no other event.
    """
    thread, recorder = new_thread(), Recorder()
    async with served(tmp_path / "data") as process:
        async with process.client() as server:
            client = Client(server, recorder)
            await client.create("gate", thread, {"port": gate.port}, stream_resumable=True)
            await gate.entered()
            waiting = await client.create("ticks", thread, {"n": 1})
            reader = await client.join(waiting.run_id, 0, "before").joined()
            with without_numbers(process):
                await server.runs.CancelRun(CancelRunRequest(run_id=waiting.run_id))
                await reader.first("end")
                await process.kill()
        await gate.left()
        await process.start()
        async with process.client() as server:
            client = Client(server, recorder)
            late = await client.join(waiting.run_id, 0, "late").read()
            row = await client.run(waiting.run_id)
            await gate.entered()
            gate.release()
            last = await client.stream("ticks", thread, {"n": 1}).read()

    assert late.seqs[0] > 0
    promises.same_end([late], row)
    assert late.last_seq not in last.seqs
    promises.same_event_under_same_seq(recorder.histories)


FOUND = "run found without a process"
"""What a server says of each run that it takes up."""


async def test_killed_while_it_recovers(tmp_path: Path, gate: Gate) -> None:
    """Twice it dies with some runs found and others not. Each run is taken up, and none is lost twice by one death."""
    threads = [new_thread() for _ in range(60)]
    async with served(tmp_path / "data") as process:
        async with process.client() as server:
            runs = [
                await Client(server).create("gate", thread, {"port": gate.port, "name": thread}) for thread in threads
            ]
            await asyncio.gather(*(gate.entered(thread) for thread in threads))
        await process.kill()
        for found in (1, 5):
            told = process.log.count(FOUND)
            await process.begin()
            await process.told(FOUND, told + found)
            await process.kill()
        await asyncio.gather(*(gate.left(thread) for thread in threads))
        await process.start()
        async with process.client() as server:
            client = Client(server)
            await asyncio.gather(*(_let_through(gate, thread) for thread in threads))
            ended = [await client.finished(run.run_id) for run in runs]

    assert {run.status for run in ended} == {RUN_STATUS_SUCCESS}
    assert {run.attempt for run in ended} <= {2, 3, 4}, "it died three times"


async def _let_through(gate: Gate, name: str) -> None:
    """Each on its own: runs that have no loss left execute one at a time, so they are never all at the gate."""
    await gate.entered(name)
    gate.release(name)
