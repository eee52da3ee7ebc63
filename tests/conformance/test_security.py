"""Keys on a real server: who is let in, who is not, and what stays open."""

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

import graphwire
from graphwire.v1.run_service_pb2 import InvokeRunRequest
from tests.support.program import PROGRAM, output
from tests.support.serving import APP, Server, running

KEYS = ("first-key", "second-key")
RIGHT = [(("x-api-key", "first-key"),), (("x-api-key", "second-key"),), (("authorization", "Bearer second-key"),)]
WRONG = [(), (("x-api-key", "wrong"),), (("authorization", "Basic first-key"),), (("x-api-key", ""),)]
HEALTH = health_pb2.HealthCheckRequest()
SERVING = health_pb2.HealthCheckResponse.SERVING

Metadata = tuple[tuple[str, str], ...]


@pytest.fixture
async def locked(tmp_path: Path) -> AsyncIterator[Server]:
    async with running(tmp_path, api_keys=KEYS, channelz=True) as server:
        yield server


async def unary(server: Server, metadata: Metadata) -> object:
    request = InvokeRunRequest(assistant_id="joke")
    request.input.text = '{"topic": "cats"}'
    return await server.runs.InvokeRun(request, metadata=metadata)


async def stream(server: Server, metadata: Metadata) -> object:
    channel: Any = server.channel  # its stubs want serializers, and this call sends bytes
    call = channel.unary_stream("/graphwire.v1.RunService/StreamRun")
    request = InvokeRunRequest(assistant_id="joke").SerializeToString()  # the first fields of both are the same
    return [message async for message in call(request, metadata=metadata)]


async def channelz(server: Server, metadata: Metadata) -> object:
    stub: Any = channelz_pb2_grpc.ChannelzStub(server.channel)
    return await stub.GetServers(channelz_pb2.GetServersRequest(), metadata=metadata)


async def nowhere(server: Server, metadata: Metadata) -> object:
    channel: Any = server.channel
    return await channel.unary_unary("/no.such.Service/Method")(b"", metadata=metadata)


async def endless(server: Server, metadata: Metadata) -> object:
    """A caller who never ends its request, and sends nothing."""
    channel: Any = server.channel
    call = channel.stream_stream("/graphwire.v1.RunService/StreamRun")(metadata=metadata)
    return await call.read()


Call = Callable[[Server, Metadata], Awaitable[object]]


@pytest.mark.parametrize("metadata", RIGHT)
@pytest.mark.parametrize("call", [unary, stream, channelz])
async def test_a_right_key_is_let_in(locked: Server, call: Call, metadata: Metadata) -> None:
    assert await call(locked, metadata)


@pytest.mark.parametrize("metadata", WRONG)
@pytest.mark.parametrize("call", [unary, stream, channelz, nowhere, endless])
async def test_anything_else_is_refused_with_the_reason(
    locked: Server, call: Call, metadata: Metadata, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "graphwire")

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call(locked, metadata)

    trailing: Any = refused.value.trailing_metadata()
    status, info = Status.FromString(dict(trailing)["grpc-status-details-bin"]), ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (refused.value.code(), status.code) == (grpc.StatusCode.UNAUTHENTICATED, 16)
    assert (info.reason, info.domain) == ("UNAUTHENTICATED", "graphwire")
    assert "first-key" not in status.message
    (line,) = [vars(record) for record in caplog.records if record.message == "call ended"]
    assert (line["code"], line["reason"]) == ("UNAUTHENTICATED", "UNAUTHENTICATED")
    assert re.fullmatch(r"[\w.]+/\w+", line["rpc"])
    assert line["seconds"] >= 0


async def test_a_large_request_is_refused_the_same(locked: Server) -> None:
    request = InvokeRunRequest(assistant_id="joke")
    request.input.text = f'"{"x" * (8 << 20)}"'

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await locked.runs.InvokeRun(request)

    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_nothing_of_a_refused_run_exists(locked: Server) -> None:
    with pytest.raises(grpc.aio.AioRpcError):
        await unary(locked, ())

    async with graphwire.connect(locked.address, api_key="first-key") as client:
        assert [thread async for thread in client.threads.search()] == []


async def test_health_is_open_to_probes(locked: Server) -> None:
    stub = health_pb2_grpc.HealthStub(locked.channel)

    checked = await stub.Check(HEALTH)
    watch: Any = stub.Watch(HEALTH)
    watched = await watch.read()
    watch.cancel()

    assert (checked.status, watched.status) == (SERVING, SERVING)


async def test_reflection_is_open(locked: Server) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(locked.channel)

    requests = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    answers: list[Any] = [answer async for answer in stub.ServerReflectionInfo(requests)]

    assert "graphwire.v1.RunService" in {service.name for service in answers[0].list_services_response.service}


async def test_tools_that_ask_for_another_version_of_reflection_hear_that_it_is_not_there(locked: Server) -> None:
    channel: Any = locked.channel

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await channel.stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")(iter([b""])).read()

    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_the_client_meets_its_own_class(locked: Server) -> None:
    async with graphwire.connect(locked.address, api_key="wrong") as client:
        with pytest.raises(graphwire.Unauthenticated, match="x-api-key"):
            await client.invoke("joke", {"topic": "cats"})
        with pytest.raises(graphwire.Unauthenticated):
            [event async for event in client.stream("joke", {"topic": "cats"})]


async def test_http_asks_for_the_same_keys(locked: Server) -> None:
    async with httpx.AsyncClient(base_url=locked.url) as client:
        open_ = [(await client.get(path)).status_code for path in ("/ok", "/info", "/docs", "/openapi.json")]
        refused = await client.post("/threads/search", json={})
        let_in = [await client.post("/threads/search", json={}, headers={name: value}) for ((name, value),) in RIGHT]

    assert open_ == [200] * 4
    assert (refused.status_code, refused.json()["code"]) == (401, "UNAUTHENTICATED")
    assert [answer.status_code for answer in let_in] == [200] * 3


@pytest.mark.parametrize(
    ("options", "variables", "says"),
    [
        (["--host", "0.0.0.0"], {}, "--allow-anonymous"),  # noqa: S104  it is refused
        (["--tls-cert", "/no/such/file"], {}, "--tls-key"),
        (["--api-keys-file", "/no/such/file"], {}, "/no/such/file"),
        ([], {"GRAPHWIRE_API_KEYS": "s3cret,"}, "GRAPHWIRE_API_KEYS"),
    ],
)
async def test_a_server_that_may_not_start_says_why_in_one_line(
    tmp_path: Path, options: list[str], variables: dict[str, str], says: str
) -> None:
    words = [PROGRAM, "serve", "--config", str(APP), "--data-dir", str(tmp_path / "data"), *options]

    code, out, errors = await output(*words, **variables)

    assert (code, out, len(errors.splitlines())) == (2, "", 1)
    assert errors.startswith("graphwire: ")
    assert says in errors
    assert "s3cret" not in errors
    assert not (tmp_path / "data").exists()
