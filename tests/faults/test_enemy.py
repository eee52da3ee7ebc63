"""Enemy input over gRPC: each is refused with its code, its reason and the field that is wrong, and the server goes on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2

from graphwire.v1 import run_service_pb2 as runs
from graphwire.v1 import thread_service_pb2 as threads
from graphwire.v1.run_pb2 import RunConfig
from tests.faults.client import Client, new_thread
from tests.faults.enemies import DEEP_REQUESTS, NOBODY, OTHERS, RUNS, TOO_LONG, Bad
from tests.faults.history import Ending, ending
from tests.faults.process import APP
from tests.support.serving import running, text

LIMIT = 1 << 20
TOKENS = ["garbage", "b2Zmc2V0Oi0x", "b2Zmc2V0Ong=", "b2Zmc2V0Ojk5OTk5OTk5OTk5OTk5OTk5OTk5", "é", "==="]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with running(tmp_path, APP, max_request_bytes=LIMIT) as server:
        yield Client(server)


async def _outcome(client: Client, request: Any) -> Ending | None:
    """How a request was refused; None where it was taken."""
    name = type(request).__name__.removesuffix("Request")
    stub = client.server.runs if hasattr(client.server.runs, name) else client.server.threads
    call = getattr(stub, name)(request, timeout=40)
    try:
        if name in {"StreamRun", "JoinRun"}:
            async for _ in call:
                pass
        else:
            await call
    except grpc.aio.AioRpcError as error:
        return ending(error)
    return None


async def _refused(client: Client, request: Any) -> Ending:
    refused = await _outcome(client, request)
    assert refused is not None, "it was taken"
    return refused


async def _goes_on(client: Client) -> None:
    assert (await client.stream("ticks", None, {"n": 1}).read()).kinds == ["metadata", "custom", "updates", "end"]


async def _check(client: Client, bad: Bad) -> None:
    thread = (await client.stream("ticks", new_thread(), {"n": 1}).read()).thread_id

    refused = await _refused(client, bad.request(thread))

    assert (refused.code, refused.reason) == (bad.code, bad.reason)
    violations = [each for each in refused.details if isinstance(each, error_details_pb2.BadRequest)]
    assert [v.field for each in violations for v in each.field_violations] == ([bad.field] if bad.field else [])
    if bad.code is grpc.StatusCode.NOT_FOUND:
        assert any(isinstance(each, error_details_pb2.ResourceInfo) for each in refused.details)
    await _goes_on(client)


@pytest.mark.parametrize("name", [*RUNS, *OTHERS])
async def test_it_is_refused_by_name(client: Client, name: str) -> None:
    await _check(client, (RUNS | OTHERS)[name])


@pytest.mark.parametrize("name", TOO_LONG)
async def test_a_refusal_does_not_repeat_twenty_thousand_characters(client: Client, name: str) -> None:
    await _check(client, TOO_LONG[name])


@pytest.mark.parametrize("name", DEEP_REQUESTS)
async def test_deep_json_is_never_an_internal_error(client: Client, name: str) -> None:
    """Six hundred levels: whether that is taken or refused is the server's choice, but it must know."""
    thread = (await client.stream("ticks", new_thread(), {"n": 1}).read()).thread_id

    refused = await _outcome(client, DEEP_REQUESTS[name](thread))

    assert refused is None or refused.code is grpc.StatusCode.INVALID_ARGUMENT
    await _goes_on(client)


@pytest.mark.parametrize("token", TOKENS, ids=[token[:12] for token in TOKENS])
async def test_a_page_token_of_someone_else(client: Client, token: str) -> None:
    thread = (await client.stream("ticks", new_thread(), {"n": 1}).read()).thread_id

    requests = (
        runs.ListRunsRequest(thread_id=thread, page_token=token),
        threads.SearchThreadsRequest(page_token=token),
        threads.ListThreadHistoryRequest(thread_id=thread, page_token=token),
    )
    refusals = [await _refused(client, request) for request in requests]

    assert {(each.code, each.metadata["field"]) for each in refusals} == {
        (grpc.StatusCode.INVALID_ARGUMENT, "page_token")
    }


async def test_a_message_over_the_limit(client: Client) -> None:
    large = text('{"n": 1, "name": "' + "x" * LIMIT + '"}')

    for request in (
        runs.StreamRunRequest(assistant_id="ticks", input=large),
        runs.CreateRunRequest(assistant_id="ticks", input=large),
        threads.CreateThreadRequest(metadata=large),
    ):
        assert (await _refused(client, request)).code is grpc.StatusCode.RESOURCE_EXHAUSTED
    await _goes_on(client)


def _raw(client: Client, rpc: str) -> Callable[[bytes], Awaitable[bytes]]:
    channel: Any = client.server.channel  # its stubs want serializers; without, bytes go as they are
    call: Callable[[bytes], Awaitable[bytes]] = channel.unary_unary(f"/graphwire.v1.{rpc}")
    return call


async def test_bytes_that_are_no_message(client: Client) -> None:
    for rpc in ("RunService/CreateRun", "ThreadService/GetThread", "AssistantService/SearchAssistants"):
        call = _raw(client, rpc)
        for data in (b"\xff\xff\xff\xff", b"\x0a\x05ab", b"\x0a\x02\xff\xfe"):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call(data)
            assert ending(refused.value).code is grpc.StatusCode.INVALID_ARGUMENT
            assert ending(refused.value).reason == "INVALID_FIELD"
    with pytest.raises(grpc.aio.AioRpcError) as unknown:
        await _raw(client, "RunService/Explode")(b"")
    assert unknown.value.code() is grpc.StatusCode.UNIMPLEMENTED
    await _goes_on(client)


async def test_a_flood_of_bad_requests_beside_a_good_run(client: Client) -> None:
    good = await client.stream("ticks", new_thread(), {"n": 100, "delay": 0.002}).joined()

    requests = [bad.request(NOBODY) for bad in RUNS.values()] * 5
    flood = asyncio.gather(*(_refused(client, request) for request in requests))
    history = await good.read()

    assert history.seqs == list(range(1, 104))
    assert {each.code for each in await flood} <= {bad.code for bad in RUNS.values()}


async def test_reserved_names_in_the_configuration_do_not_reach_the_server(client: Client) -> None:
    """A caller cannot choose another thread or checkpointer through `configurable`."""
    mine, other = new_thread(), new_thread()
    await client.stream("ticks", other, {"n": 1, "name": "other"}).read()
    given = text(
        f'{{"thread_id": "{other}", "checkpoint_ns": "x", "__pregel_checkpointer": 1, "__pregel_store": {{}}}}'
    )

    history = await client.stream("ticks", mine, {"n": 1, "name": "mine"}, config=RunConfig(configurable=given)).read()

    assert history.kinds == ["metadata", "custom", "updates", "end"]
    assert await client.trail(mine) == ["mine"]
    assert await client.trail(other) == ["other"]
