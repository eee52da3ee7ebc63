"""The proxy and the scripted server do what a case says: seen with a client that does nothing by itself."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc.aio
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from graphwire.v1.event_pb2 import StreamEvent
from graphwire.v1.run_service_pb2 import JoinRunRequest, StreamRunRequest
from graphwire.v1.run_service_pb2_grpc import RunServiceStub
from tests.clients.cases import Call, Cut
from tests.clients.proxy import Proxy, proxied
from tests.clients.scripted import scripted
from tests.clients.wording import RUN

REQUEST = StreamRunRequest(assistant_id="agent", request_id="once")


def said(*seqs: int) -> list[dict[str, Any]]:
    return [{"events": [{"seq": seq, "custom": {"data": {"text": str(seq)}}}]} for seq in seqs]


@asynccontextmanager
async def stub(address: str) -> AsyncIterator[Any]:
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        yield RunServiceStub(channel)


async def read(call: Any) -> tuple[list[int], grpc.StatusCode, Any]:
    """The numbers that come, and how the call ends."""
    seqs: list[int] = []
    try:
        async for message in call:
            seqs += [event.seq for event in message.events]
    except grpc.aio.AioRpcError as error:
        return seqs, error.code(), error
    return seqs, grpc.StatusCode.OK, None


async def cut_off(cuts: Sequence[Cut], kill: Callable[[], Any] | None = None) -> tuple[Proxy, list[Any]]:
    """What a caller sees who asks twice through a proxy."""
    answer = Call(method="StreamRun", messages=said(1, 2, 3, 4, 5), wait=0.3, ending="end")
    seen = []
    async with scripted([answer, answer]) as (target, _script), proxied(target, cuts, kill) as proxy:
        for _ in range(2):
            async with stub(
                proxy.address
            ) as runs:  # of its own: a channel may begin a call on a line that is just breaking
                seen.append(await read(runs.StreamRun(REQUEST, timeout=60)))
    return proxy, seen


@pytest.mark.parametrize("how", ["close", "reset", "goaway"])
async def test_a_line_breaks_once_and_then_no_more(how: str) -> None:
    proxy, (first, second) = await cut_off([Cut(after=1, how=how)])

    assert first[1] is grpc.StatusCode.UNAVAILABLE
    assert first[0] == list(range(1, len(first[0]) + 1))
    assert second[:2] == ([1, 2, 3, 4, 5], grpc.StatusCode.OK)
    assert proxy.pending == []


async def test_a_dead_line_says_nothing() -> None:
    answer = Call(method="StreamRun", messages=said(1), wait=0.3, ending="end")
    async with (
        scripted([answer]) as (target, _),
        proxied(target, [Cut(after=1, how="silence")]) as proxy,
        stub(proxy.address) as runs,
    ):
        seqs, code, _ = await read(runs.StreamRun(REQUEST, timeout=5.0))

    assert (seqs, code) == ([1], grpc.StatusCode.DEADLINE_EXCEEDED)


async def test_a_server_is_killed_by_whoever_knows_how() -> None:
    killed = asyncio.Event()

    async def kill() -> None:
        killed.set()

    _, (first, _) = await cut_off([Cut(after=1, how="kill")], kill)

    assert killed.is_set()
    assert first[1] is grpc.StatusCode.UNAVAILABLE


async def test_a_script_notes_what_was_asked_otherwise() -> None:
    calls = [
        Call(method="StreamRun", request={"assistant_id": "other", "request_id": "=id"}, ending="end"),
        Call(method="JoinRun", request={"run_id": "=id"}, headers={"x-api-key": "secret"}, ending="end"),
        Call(method="JoinRun", ending="end"),
    ]
    async with scripted(calls) as (address, script):
        async with stub(address) as runs:
            await read(runs.StreamRun(REQUEST))
            await read(runs.JoinRun(JoinRunRequest(run_id="twice")))
            _, code, _ = await read(runs.StreamRun(REQUEST))
        complaints = list(script.complaints())

    assert complaints == [
        "script[0].request.assistant_id is 'agent', not 'other'",
        "script[1].request.run_id is 'twice', and was 'once' before",
        "script[1].headers.x-api-key is None, not 'secret'",
        "script[2] is JoinRun, and StreamRun was called",
        "script[2]: JoinRun was not called",
    ]
    assert code is grpc.StatusCode.FAILED_PRECONDITION


async def test_a_drop_comes_behind_all_that_was_said() -> None:
    calls = [Call(method="StreamRun", messages=said(*range(1, 200)), ending="drop")]
    async with scripted(calls) as (address, script), stub(address) as runs:
        seqs, code, _ = await read(runs.StreamRun(REQUEST))

    assert (seqs, code) == (list(range(1, 200)), grpc.StatusCode.UNAVAILABLE)
    assert list(script.complaints()) == []


async def test_a_status_has_its_details() -> None:
    status = {
        "code": "UNAVAILABLE",
        "reason": "DRAINING",
        "message": "stopping",
        "metadata": {"a": "b"},
        "fields": [{"field": "f", "description": "d"}],
        "retry_after": 1.5,
    }
    answer = Call(method="StreamRun", metadata=None, ending="status", status=status)
    async with scripted([answer]) as (address, _), stub(address) as runs:
        call = runs.StreamRun(REQUEST)
        _, code, error = await read(call)
        came = dict(await call.initial_metadata())

    rich = rpc_status.from_call(error)
    assert rich is not None
    details: tuple[Any, ...] = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.BadRequest(),
        error_details_pb2.RetryInfo(),
    )
    for given, detail in zip(rich.details, details, strict=True):
        assert given.Unpack(detail)
    assert (code, rich.message, came) == (grpc.StatusCode.UNAVAILABLE, "stopping", {})
    assert (details[0].reason, details[0].domain, dict(details[0].metadata)) == ("DRAINING", "graphwire", {"a": "b"})
    assert details[1].field_violations[0].field == "f"
    assert details[2].retry_delay.ToTimedelta().total_seconds() == 1.5


async def test_what_is_newer_is_on_the_wire() -> None:
    event = {"seq": 1, "newer": {"40": "case"}, "end": {"status": 99, "newer": {"77": 5}}}
    pieces = {"event": {"seq": 2, "custom": {"data": {"text": "1"}}}, "count": 3, "keep": [0, 2]}
    call = Call(
        method="StreamRun", messages=[{"events": [event], "newer": {"15": "x"}}, {"pieces": pieces}], ending="end"
    )
    async with scripted([call]) as (address, _), stub(address) as runs:
        events: list[StreamEvent] = [event async for message in runs.StreamRun(REQUEST) for event in message.events]

    first, *fragments = events
    assert (first.run_id, first.end.status) == (RUN, 99)
    assert b"case" in first.SerializeToString()
    assert first.end.SerializeToString().endswith(bytes((0xE8, 0x04, 5)))
    assert [(each.seq, each.fragment.index, each.fragment.count) for each in fragments] == [(2, 0, 3), (2, 2, 3)]
