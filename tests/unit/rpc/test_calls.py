"""What surrounds every call, through a real server."""

import re
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import ServiceDescriptor
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status

from graphwire.v1 import assistant_service_pb2, cron_service_pb2, run_service_pb2, store_service_pb2, thread_service_pb2
from graphwire_server.core.errors import CapacityReached
from graphwire_server.core.streams import StreamLimits, Streams
from graphwire_server.core.tally import Tally
from graphwire_server.rpc.assistant_service import AssistantService
from graphwire_server.rpc.calls import handler
from graphwire_server.rpc.cron_service import CronService
from graphwire_server.rpc.run_service import RunService
from graphwire_server.rpc.store_service import StoreService
from graphwire_server.rpc.thread_service import ThreadService
from tests.support.serving import Server, running

SERVICES: dict[str, tuple[ServiceDescriptor, type]] = {
    "RunService": (run_service_pb2.DESCRIPTOR.services_by_name["RunService"], RunService),
    "ThreadService": (thread_service_pb2.DESCRIPTOR.services_by_name["ThreadService"], ThreadService),
    "AssistantService": (assistant_service_pb2.DESCRIPTOR.services_by_name["AssistantService"], AssistantService),
    "CronService": (cron_service_pb2.DESCRIPTOR.services_by_name["CronService"], CronService),
    "StoreService": (store_service_pb2.DESCRIPTOR.services_by_name["StoreService"], StoreService),
}


async def refused(server: Server, name: str, body: bytes) -> tuple[grpc.StatusCode, Status]:
    """How a call with a raw body fails."""
    service, _, method = name.partition("/")
    path = f"/graphwire.v1.{name}"
    channel: Any = server.channel  # its stubs want serializers, and these calls send bytes
    streams = SERVICES[service][0].methods_by_name[method].server_streaming
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await (anext(aiter(channel.unary_stream(path)(body))) if streams else channel.unary_unary(path)(body))
    found: Any = failed.value.trailing_metadata()
    trailing: dict[str, Any] = dict(found)
    return failed.value.code(), Status.FromString(trailing["grpc-status-details-bin"])


async def test_bytes_that_are_no_request_are_refused_on_every_rpc(tmp_path: Path) -> None:
    names = [f"{name}/{method.name}" for name, (service, _) in SERVICES.items() for method in service.methods]
    async with running(tmp_path) as server:
        answers = [(name, *await refused(server, name, b"\xff\xff")) for name in names]

    for name, code, status in answers:
        bad = BadRequest()
        assert any(detail.Unpack(bad) for detail in status.details)
        assert (name, code, bad.field_violations[0].field) == (name, grpc.StatusCode.INVALID_ARGUMENT, "request")


@pytest.mark.parametrize("name", SERVICES)
def test_every_rpc_has_a_method(name: str) -> None:
    service, servicer = SERVICES[name]

    handler(service, object.__new__(servicer), Streams(StreamLimits()), Tally())


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_that_lacks_a_method_fails_at_start(name: str) -> None:
    service, _ = SERVICES[name]
    expected = re.sub(r"(?<!^)(?=[A-Z])", "_", service.methods[0].name).lower()

    with pytest.raises(AttributeError, match=expected):
        handler(service, object(), Streams(StreamLimits()), Tally())


def test_open_streams_are_counted_and_bounded() -> None:
    streams = Streams(StreamLimits(streams=1))

    with streams, pytest.raises(CapacityReached), streams:
        pass

    assert streams.open == 0
