"""The RPCs of the four services, by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import message_factory
from google.protobuf.message import Message

from graphwire.v1 import assistant_service_pb2, cron_service_pb2, run_service_pb2, store_service_pb2, thread_service_pb2

SERVICES = (
    assistant_service_pb2.DESCRIPTOR.services_by_name["AssistantService"],
    cron_service_pb2.DESCRIPTOR.services_by_name["CronService"],
    run_service_pb2.DESCRIPTOR.services_by_name["RunService"],
    store_service_pb2.DESCRIPTOR.services_by_name["StoreService"],
    thread_service_pb2.DESCRIPTOR.services_by_name["ThreadService"],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """An RPC.

    Attributes:
        service: The full name of its service.
        name: Its name in there.
        streams: Whether it answers with a stream.
        request: The class of its requests.
        response: The class of its responses.
    """

    service: str
    name: str
    streams: bool
    request: type[Message]
    response: type[Message]


def _method(service: Any, descriptor: Any) -> Method:
    return Method(
        service=service.full_name,
        name=descriptor.name,
        streams=descriptor.server_streaming,
        request=message_factory.GetMessageClass(descriptor.input_type),
        response=message_factory.GetMessageClass(descriptor.output_type),
    )


METHODS: Mapping[str, Method] = {each.name: _method(service, each) for service in SERVICES for each in service.methods}
"""All of them; no two services have one of the same name."""
