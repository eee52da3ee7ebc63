"""What any gRPC tool finds: reflection, health, and the contract's own wire."""

import grpc.aio
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from graphwire.v1.json_pb2 import PAYLOAD_FORMAT_VALUE
from graphwire.v1.run_pb2 import DISCONNECT_MODE_CANCEL
from graphwire.v1.run_service_pb2 import GetRunRequest, InvokeRunRequest, JoinRunRequest, StreamRunRequest
from graphwire.v1.thread_service_pb2 import CreateThreadRequest, WatchThreadRequest
from tests.support.serving import Server, cases

SERVICES = {
    "graphwire.v1.RunService",
    "graphwire.v1.ThreadService",
    "graphwire.v1.AssistantService",
    "graphwire.v1.StoreService",
    "graphwire.v1.CronService",
}


async def _reflect(
    server: Server, request: reflection_pb2.ServerReflectionRequest
) -> reflection_pb2.ServerReflectionResponse:
    stub = reflection_pb2_grpc.ServerReflectionStub(server.channel)
    answers = [answer async for answer in stub.ServerReflectionInfo(iter([request]))]
    assert isinstance(answers[0], reflection_pb2.ServerReflectionResponse)
    return answers[0]


async def test_reflection_lists_the_services(server: Server) -> None:
    answer = await _reflect(server, reflection_pb2.ServerReflectionRequest(list_services=""))

    found = {service.name for service in answer.list_services_response.service}
    assert found >= SERVICES | {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


async def test_reflection_describes_a_service(server: Server) -> None:
    request = reflection_pb2.ServerReflectionRequest(file_containing_symbol="graphwire.v1.RunService")
    answer = await _reflect(server, request)

    files = [FileDescriptorProto.FromString(data) for data in answer.file_descriptor_response.file_descriptor_proto]
    methods = {method.name: method for file in files for service in file.service for method in service.method}
    assert methods["StreamRun"].server_streaming
    assert methods["StreamRun"].input_type == ".graphwire.v1.StreamRunRequest"


@pytest.mark.parametrize("service", ["", *SERVICES])
async def test_health_of_the_server_and_of_each_service(server: Server, service: str) -> None:
    stub = health_pb2_grpc.HealthStub(server.channel)

    answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))

    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_a_request_typed_by_hand(server: Server) -> None:
    request = StreamRunRequest(assistant_id="joke", stream_mode=["updates"], payload_format=PAYLOAD_FORMAT_VALUE)
    request.input.value.struct_value.update({"topic": "ice cream"})

    events = [event async for message in server.runs.StreamRun(request) for event in message.events]

    assert cases(events) == ["metadata", "updates", "updates", "end"]
    assert events[1].updates.update.value.struct_value["topic"] == "ice cream and cats"


async def test_whole_numbers_of_a_value_are_integers(server: Server) -> None:
    request = InvokeRunRequest(assistant_id="custom", payload_format=PAYLOAD_FORMAT_VALUE)
    request.input.value.struct_value.update({"n": 2})

    answer = await server.runs.InvokeRun(request)

    assert answer.result.values.value.struct_value["done"] == 2


async def test_the_ids_come_before_the_first_event(server: Server) -> None:
    request = StreamRunRequest(assistant_id="custom", on_disconnect=DISCONNECT_MODE_CANCEL)
    request.input.text = '{"n": 1, "delay": 5}'
    call = server.runs.StreamRun(request)

    metadata = dict(await call.initial_metadata())

    run = (await server.runs.GetRun(GetRunRequest(run_id=str(metadata["graphwire-run-id"])))).run
    assert run.thread_id == metadata["graphwire-thread-id"]
    assert metadata["graphwire-after-seq"] == "0"
    call.cancel()


async def test_where_a_stream_starts_comes_before_its_first_event(server: Server) -> None:
    """So that whoever attached without a cursor and is cut off before anything happened misses nothing."""
    thread = await server.threads.CreateThread(CreateThreadRequest())
    held = StreamRunRequest(
        assistant_id="custom", thread_id=thread.thread.thread_id, on_disconnect=DISCONNECT_MODE_CANCEL
    )
    held.input.text = '{"n": 2, "delay": 5}'
    run = server.runs.StreamRun(held)
    first = await anext(aiter(run))
    run_id = str(dict(await run.initial_metadata())["graphwire-run-id"])
    watched = WatchThreadRequest(thread_id=thread.thread.thread_id)

    join, watch = server.runs.JoinRun(JoinRunRequest(run_id=run_id)), server.threads.WatchThread(watched)
    starts = [dict(await join.initial_metadata()), dict(await watch.initial_metadata())]

    assert all(int(start["graphwire-after-seq"]) >= first.events[-1].seq for start in starts)
    join.cancel()
    watch.cancel()
    run.cancel()


async def test_an_unknown_method_is_unimplemented(server: Server) -> None:
    call = server.channel.unary_unary("/graphwire.v1.RunService/Nonsense", None, None)

    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call(b"")

    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED
