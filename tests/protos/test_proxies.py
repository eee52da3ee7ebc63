"""The server behind nginx and Envoy, as docs/clients.md sets them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
import yaml  # type: ignore[import-untyped]  # it publishes no types
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status

from graphwire.v1 import run_pb2
from graphwire.v1.json_pb2 import Json
from graphwire.v1.run_service_pb2 import (
    CreateRunRequest,
    GetRunRequest,
    InvokeRunRequest,
    JoinRunRequest,
    StreamRunRequest,
    WaitRunRequest,
)
from graphwire.v1.run_service_pb2_grpc import RunServiceStub
from graphwire.v1.thread_service_pb2 import CreateThreadRequest, WatchThreadRequest
from graphwire.v1.thread_service_pb2_grpc import ThreadServiceStub
from tests.conformance.test_examples import EXAMPLES
from tests.protos.page import block
from tests.protos.proxies import PROXIES, proxied
from tests.support.serving import Server, running

MANY = 150
"""More streams than the hundred, or 128, that proxies allow on a connection where nobody tells them otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """A server, and stubs whose one connection leads through the proxy."""

    server: Server
    runs: Any
    threads: Any


@pytest.fixture(params=PROXIES)
async def behind(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Behind]:
    async with (
        running(tmp_path / "data", EXAMPLES / "langgraph.json") as server,
        _channel(request.param, tmp_path, server) as channel,
    ):
        yield Behind(server=server, runs=RunServiceStub(channel), threads=ThreadServiceStub(channel))


@asynccontextmanager
async def _channel(name: str, folder: Path, server: Server) -> AsyncIterator[grpc.aio.Channel]:
    (folder / "proxy").mkdir()
    async with proxied(name, folder / "proxy", server.address) as (address, authority):
        options = [("grpc.max_receive_message_length", -1), ("grpc.enable_http_proxy", 0)]
        credentials = grpc.ssl_channel_credentials(authority)
        async with grpc.aio.secure_channel(address, credentials, options=options) as channel:
            await asyncio.wait_for(channel.channel_ready(), 10)
            yield channel


def work(records: int) -> dict[str, Any]:
    return {"assistant_id": "progress", "input": Json(text=f'{{"records": {records}}}'), "stream_mode": ["custom"]}


async def test_events_come_as_they_happen(behind: Behind) -> None:
    stream = behind.runs.StreamRun(StreamRunRequest(**work(20)))
    async for message in stream:
        if message.events[-1].HasField("custom"):
            break

    run = (await behind.server.runs.GetRun(GetRunRequest(run_id=message.events[0].run_id))).run

    assert run.status == run_pb2.RUN_STATUS_RUNNING
    assert message.events[-1].custom.data.text == '{"fetched":1,"of":20}'
    stream.cancel()


async def test_many_streams_are_open_on_one_connection(behind: Behind) -> None:
    thread_id = (await behind.threads.CreateThread(CreateThreadRequest())).thread.thread_id
    await behind.runs.InvokeRun(InvokeRunRequest(**work(1), thread_id=thread_id))
    request = WatchThreadRequest(thread_id=thread_id, after_seq=0)

    # Not their initial metadata: nginx holds that back until there is an event (see the page).
    watches = [behind.threads.WatchThread(request) for _ in range(MANY)]
    firsts = await asyncio.wait_for(asyncio.gather(*(watch.read() for watch in watches)), 10)

    assert {message.events[0].seq for message in firsts} == {1}
    assert [watch.done() for watch in watches] == [False] * MANY
    for watch in watches:
        watch.cancel()


async def test_the_server_hears_that_a_caller_has_left(behind: Behind) -> None:
    request = StreamRunRequest(**work(100), on_disconnect=run_pb2.DISCONNECT_MODE_CANCEL, stream_resumable=True)
    stream = behind.runs.StreamRun(request)
    run_id = dict(await stream.initial_metadata())["graphwire-run-id"]

    stream.cancel()
    ended = await asyncio.wait_for(behind.server.runs.WaitRun(WaitRunRequest(run_id=run_id)), 5)

    assert ended.result.run.status == run_pb2.RUN_STATUS_INTERRUPTED


async def test_errors_come_with_their_details(behind: Behind) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await behind.runs.GetRun(GetRunRequest(run_id="4711"))

    trailing: Any = refused.value.trailing_metadata()
    details, found = Status.FromString(dict(trailing)["grpc-status-details-bin"]).details, BadRequest()
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert any(detail.Unpack(found) for detail in details)
    assert found.field_violations[0].field == "run_id"


async def test_a_deadline_ends_the_call_and_not_the_run(behind: Behind) -> None:
    created = await behind.runs.CreateRun(CreateRunRequest(**work(8), stream_resumable=True))
    stream = behind.runs.JoinRun(JoinRunRequest(run_id=created.run.run_id, after_seq=0), timeout=0.3)
    with pytest.raises(grpc.aio.AioRpcError) as cut:
        [message async for message in stream]

    rest = await behind.server.join(created.run.run_id, after_seq=0)

    # The proxy notices the deadline as well, and may be first, with a word of its own.
    assert cut.value.code() in {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.INTERNAL, grpc.StatusCode.CANCELLED}
    assert [event.seq for event in rest] == list(range(1, 11))


async def test_large_messages_pass_both_ways(behind: Behind) -> None:
    large = "x" * (5 << 20)
    request = StreamRunRequest(assistant_id="joke", input=Json(text=f'{{"topic": "{large}"}}'), stream_mode=["updates"])

    events = [event async for message in behind.runs.StreamRun(request) for event in message.events]

    assert events[-1].end.status == run_pb2.RUN_STATUS_SUCCESS
    assert sum(len(event.fragment.data) for event in events if event.seq == 2) > len(large)


async def test_compressed_requests_are_read(tmp_path: Path) -> None:
    async with running(tmp_path, EXAMPLES / "langgraph.json") as server:
        for algorithm in (grpc.Compression.Gzip, grpc.Compression.Deflate):
            async with grpc.aio.insecure_channel(server.address, compression=algorithm) as channel:
                stub: Any = RunServiceStub(channel)
                created = await stub.CreateRun(CreateRunRequest(**work(1)))
                assert created.run.graph_id == "progress"


def _values(tree: Any, name: str) -> Iterator[Any]:
    """All values under a name, anywhere in a tree."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        if key == name:
            yield value
        yield from _values(value, name)


def test_the_form_of_envoys_file() -> None:
    config = yaml.safe_load(block("yaml"))

    assert list(config) == ["static_resources"]
    assert list(_values(config, "stream_idle_timeout")) == ["0s"]
    assert [route["timeout"] for route in _values(config, "route")] == ["0s"]
    assert set(_values(config, "cluster")) == {cluster["name"] for cluster in config["static_resources"]["clusters"]}
