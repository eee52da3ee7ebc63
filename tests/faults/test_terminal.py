"""Promises 4 and 5: one terminal event, last, whatever ended the run and whoever watches; and a failed graph is data."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
import pytest

from graphwire.v1.event_pb2 import EventFilter, StreamEvent
from graphwire.v1.run_pb2 import (
    DISCONNECT_MODE_CANCEL,
    RUN_STATUS_ERROR,
    RUN_STATUS_INTERRUPTED,
    RUN_STATUS_SUCCESS,
    RunConfig,
    RunStatus,
)
from graphwire.v1.run_service_pb2 import CancelRunRequest
from graphwire.v1.thread_pb2 import (
    THREAD_STATUS_ERROR,
    THREAD_STATUS_IDLE,
    THREAD_STATUS_INTERRUPTED,
    ThreadStatus,
)
from tests.faults import promises
from tests.faults.client import Client, new_thread
from tests.faults.gate import Gate
from tests.faults.history import History, Watcher, ending

FILTERS = {
    "modes": EventFilter(modes=["custom"]),
    "nodes": EventFilter(nodes=["nobody"]),
    "namespaces": EventFilter(namespaces=["nowhere"]),
    "tags": EventFilter(tags=["none"]),
}


async def _let_in(client: Client, gate: Gate, run_id: str) -> None:
    gate.release()


async def _cancel(client: Client, gate: Gate, run_id: str) -> None:
    await client.server.runs.CancelRun(CancelRunRequest(run_id=run_id))


async def _vanish(client: Client, gate: Gate, run_id: str) -> None:
    watcher = await client.join(run_id, client="the one who vanishes", on_disconnect=DISCONNECT_MODE_CANCEL).joined()
    await watcher.leave()


@dataclass(frozen=True)
class Way:
    """A way to end: how the run goes on from the gate, and what it then is."""

    status: "RunStatus.ValueType"
    thread: "ThreadStatus.ValueType"
    act: Callable[[Client, Gate, str], Awaitable[None]] = _let_in
    fields: dict[str, Any] = field(default_factory=dict)
    error: str = ""


WAYS = {
    "success": Way(RUN_STATUS_SUCCESS, THREAD_STATUS_IDLE),
    "graph error": Way(RUN_STATUS_ERROR, THREAD_STATUS_ERROR, error="ValueError", fields={"input": {"then": "fail"}}),
    "interrupt": Way(RUN_STATUS_SUCCESS, THREAD_STATUS_INTERRUPTED, fields={"input": {"then": "ask"}}),
    "interrupt after a node": Way(RUN_STATUS_SUCCESS, THREAD_STATUS_INTERRUPTED, fields={"interrupt_after": ["wait"]}),
    "cancel": Way(RUN_STATUS_INTERRUPTED, THREAD_STATUS_INTERRUPTED, _cancel),
    "disconnect": Way(RUN_STATUS_INTERRUPTED, THREAD_STATUS_INTERRUPTED, _vanish),
    "recursion limit": Way(
        RUN_STATUS_ERROR,
        THREAD_STATUS_ERROR,
        error="GraphRecursionError",
        fields={"config": RunConfig(recursion_limit=2)},
    ),
}


def _start(client: Client, gate: Gate, thread: str, way: Way) -> Watcher:
    fields = dict(way.fields)
    given = {"port": gate.port, **fields.pop("input", {"then": "rest"})}
    return client.stream("gate", thread, given, **fields)


async def _watched_by_all(client: Client, gate: Gate, thread: str, way: Way) -> list[History]:
    """A run that ends in a way: streamed, joined before and during, with each filter, and joined after its end."""
    streamed = _start(client, gate, thread, way)
    run_id = (await streamed.joined()).history.run_id
    await gate.entered()
    watchers = [streamed, await client.join(run_id, client="live").joined(), await client.join(run_id, 0).joined()]
    for name, wanted in FILTERS.items():
        watchers.append(await client.join(run_id, 0, f"filter {name}", filter=wanted).joined())
    await way.act(client, gate, run_id)
    histories = [await watcher.read() for watcher in watchers]
    nobody = FILTERS["nodes"]
    late = [
        client.join(run_id, 0, "late, from the start"),
        client.join(run_id, 0, "late, with a filter", filter=nobody),
    ]
    late += [client.join(run_id, streamed.history.last_seq, "late, from the end"), client.join(run_id, client="late")]
    histories += [await watcher.read() for watcher in late]
    return histories


@pytest.mark.parametrize("name", WAYS)
async def test_one_terminal_event_for_everybody(client: Client, gate: Gate, name: str) -> None:
    way = WAYS[name]

    histories = await _watched_by_all(client, gate, new_thread(), way)

    promises.all_saw_the_end(histories)
    promises.same_event_under_same_seq(histories[:-2])
    assert len({history.seen[-1].event.end.SerializeToString() for history in histories}) == 1
    assert {history.last_seq for history in histories} == {histories[0].last_seq}
    for history in histories:
        promises.well_formed(history)
        if way.error:
            assert "error" in history.kinds or history.kinds == ["end"], "no filter hides an error"
    promises.complete(histories[0])
    end = histories[0].seen[-1].event.end
    assert (end.status, end.error.type) == (way.status, way.error)
    assert end.event_count == len(histories[0].seen)
    if way.error:
        promises.failed_graph_is_data(histories[0])


@pytest.mark.parametrize("name", WAYS)
async def test_what_the_end_reports_can_be_read_at_once(client: Client, gate: Gate, name: str) -> None:
    """Asked in the very moment in which the terminal event arrives, over and over."""
    way, thread = WAYS[name], new_thread()
    for _ in range(5):
        watcher = _start(client, gate, thread, way)
        run_id = (await watcher.joined()).history.run_id
        await gate.entered()
        reader = asyncio.create_task(watcher.first("end"))
        await way.act(client, gate, run_id)

        end = (await reader).event.end
        run, row, state = await asyncio.gather(client.run(run_id), client.thread(thread), client.state(thread))

        assert (run.status, run.error.type) == (end.status, end.error.type) == (way.status, way.error)
        assert run.last_seq == row.last_seq == watcher.history.last_seq
        assert row.status == way.thread
        assert end.checkpoint_id == run.checkpoint_id == state.checkpoint.checkpoint_id
        assert [each.id for each in end.interrupts] == [each.id for each in state.interrupts]
        assert list(end.next) == (list(state.next) if not way.error else [])
        named = await client.state(thread, end.checkpoint_id)
        assert json.loads(named.values.text) == json.loads(row.values.text)


async def _cancelled_in_the_queue(client: Client, gate: Gate, thread: str) -> tuple[Watcher, History, History]:
    """A blocker at the gate, and a run behind it that is cancelled: as who streams it saw it, and who joined."""
    blocker = client.stream("gate", thread, {"port": gate.port, "then": "rest"})
    await gate.entered()
    pending = await client.stream("ticks", thread, {"n": 3}).joined()
    joined = await client.join(pending.history.run_id, 0, filter=FILTERS["modes"]).joined()
    await _cancel(client, gate, pending.history.run_id)
    return blocker, await pending.read(), await joined.read()


async def test_a_run_cancelled_while_pending_ends_once_for_those_who_watch(client: Client, gate: Gate) -> None:
    thread = new_thread()

    blocker, streamed, joined = await _cancelled_in_the_queue(client, gate, thread)
    run = await client.run(streamed.run_id)
    gate.release()
    await blocker.read()

    assert streamed.kinds == joined.kinds == ["end"]
    assert streamed.seen[0].event.end.status == run.status == RUN_STATUS_INTERRUPTED
    assert streamed.seen[0].event.end.event_count == 1
    promises.same_event_under_same_seq(client.recorder.histories)
    promises.thread_complete(client.recorder.histories, (await client.thread(thread)).last_seq)


async def test_a_run_cancelled_while_pending_ends_once_for_those_who_come_late(client: Client, gate: Gate) -> None:
    _, streamed, _ = await _cancelled_in_the_queue(client, gate, new_thread())

    run = await client.run(streamed.run_id)
    late = [await client.join(streamed.run_id, after, f"late {after}").read() for after in (None, 0)]

    for history in late:
        assert history.kinds == ["end"]
        assert history.seen[0].event.end == streamed.seen[0].event.end
        assert history.seqs == streamed.seqs, "the terminal event keeps its number"
    assert run.last_seq == streamed.last_seq


async def test_a_run_cancelled_just_when_its_turn_comes_ends_once(client: Client, gate: Gate) -> None:
    """The cancel and the turn race; whoever wins, there is one terminal event, nothing before the metadata, and nothing behind the end."""
    for round_ in range(25):
        thread, client.recorder.histories[:] = new_thread(), []
        blocker = client.stream("gate", thread, {"port": gate.port, "then": "rest"})
        await gate.entered()
        pending = await client.stream("ticks", thread, {"n": 1, "delay": 0.001}).joined()
        run_id, behind = pending.history.run_id, client.stream("ticks", thread, {"n": 1})

        gate.release()
        if round_ % 5:
            async for seen in blocker.events():
                if seen.kind == ("custom", "updates", "end", "end")[round_ % 5 - 1]:
                    break
        await asyncio.gather(_cancel_if_it_can(client, run_id), blocker.read(), pending.read(), behind.read())

        for history in client.recorder.histories:
            promises.well_formed(history)
        promises.all_saw_the_end(client.recorder.histories)
        promises.same_event_under_same_seq(client.recorder.histories)
        promises.thread_complete(client.recorder.histories, (await client.thread(thread)).last_seq)
        late = await client.join(run_id, client="late").read()
        assert late.seqs == [pending.history.last_seq]


async def _cancel_if_it_can(client: Client, run_id: str) -> None:
    try:
        await client.server.runs.CancelRun(CancelRunRequest(run_id=run_id, wait=True), timeout=40)
    except grpc.aio.AioRpcError as error:
        refused = ending(error)
        assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "RUN_FINISHED")
        assert refused.metadata["status"] == "success", "it came too late"


async def test_a_stateless_runs_end_is_seen_by_those_who_joined(client: Client, gate: Gate) -> None:
    streamed = client.stream("gate", None, {"port": gate.port, "then": "fail"})
    run_id = (await streamed.joined()).history.run_id
    await gate.entered()
    joined = await client.join(run_id).joined()

    gate.release()
    histories = [await streamed.read(), await joined.read()]

    promises.all_saw_the_end(histories)
    promises.failed_graph_is_data(histories[0])
    promises.same_event_under_same_seq(histories)
    assert StreamEvent.FromString(histories[0].seen[-2].data).error.error.type == "ValueError"
