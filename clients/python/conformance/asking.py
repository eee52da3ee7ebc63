"""What the requests of a case mean in Python: how the client is opened, and which of its functions is called with which arguments.

Owns the table of functions. A request that has more than a function takes, such as a page token, goes through the generated stub over the client's own
wire.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

import graphwire
from graphwire.v1 import (
    assistant_service_pb2,
    cron_service_pb2,
    event_pb2,
    run_pb2,
    run_service_pb2,
    store_service_pb2,
    thread_pb2,
    thread_service_pb2,
)

SERVICES = {
    "runs": run_service_pb2.DESCRIPTOR.services_by_name["RunService"],
    "threads": thread_service_pb2.DESCRIPTOR.services_by_name["ThreadService"],
    "assistants": assistant_service_pb2.DESCRIPTOR.services_by_name["AssistantService"],
    "crons": cron_service_pb2.DESCRIPTOR.services_by_name["CronService"],
    "store": store_service_pb2.DESCRIPTOR.services_by_name["StoreService"],
}
STUBS = {method.name: stub for stub, service in SERVICES.items() for method in service.methods}
_METHODS: dict[str, MethodDescriptor] = {
    method.name: method for service in SERVICES.values() for method in service.methods
}
MESSAGES: dict[str, type[Message]] = {
    name: message_factory.GetMessageClass(method.input_type)
    for name, method in _METHODS.items()
    if not method.server_streaming
}
"""The requests of the unary calls."""


class Broken(Exception):
    """The runner does not know what to do."""


def opened(address: str, connect: Mapping[str, Any]) -> graphwire.Client:
    """The client of a case."""
    taken = dict(connect)
    options = [
        (option, round(taken.pop(key) * 1000))
        for key, option in (
            ("keepalive_time", "grpc.keepalive_time_ms"),
            ("keepalive_timeout", "grpc.keepalive_timeout_ms"),
        )
        if key in taken
    ]
    if "root_certificates" in taken:
        taken["root_certificates"] = Path(taken["root_certificates"]).read_bytes()
    return graphwire.connect(address, options=options, **taken)


_RUN = {"assistant_id": "assistant"}
FUNCTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "StreamRun": ("stream", _RUN),
    "JoinRun": ("join", {}),
    "WatchThread": ("threads.watch", {}),
    "CreateRun": ("create", _RUN),
    "InvokeRun": ("invoke", _RUN),
    "WaitRun": ("wait", {}),
    "CancelRun": ("cancel", {}),
    "GetRun": ("runs.get", {}),
    "ListRuns": ("runs.list", {}),
    "DeleteRun": ("runs.delete", {}),
    "BatchCreateRuns": ("runs.create_batch", {"requests": "runs"}),
    "CancelRuns": ("runs.cancel_many", {}),
    "CreateThread": ("threads.create", {}),
    "GetThread": ("threads.get", {}),
    "UpdateThread": ("threads.update", {}),
    "DeleteThread": ("threads.delete", {}),
    "CopyThread": ("threads.copy", {}),
    "SearchThreads": ("threads.search", {}),
    "CountThreads": ("threads.count", {}),
    "GetThreadState": ("threads.state", {}),
    "UpdateThreadState": ("threads.update_state", {}),
    "ListThreadHistory": ("threads.history", {"before_checkpoint_id": "before"}),
    "GetAssistant": ("assistants.get", _RUN),
    "SearchAssistants": ("assistants.search", {}),
    "CountAssistants": ("assistants.count", {}),
    "DeleteAssistant": ("assistants.delete", _RUN),
    "ListAssistantVersions": ("assistants.versions", _RUN),
    "SetLatestAssistantVersion": ("assistants.set_latest", _RUN),
    "GetAssistantGraph": ("assistants.graph", _RUN),
    "GetAssistantSchemas": ("assistants.schemas", _RUN),
    "ListSubgraphs": ("assistants.subgraphs", _RUN),
}
"""For each call the client's function, and the arguments that have another name there than the field."""

_STUB_ALONE = frozenset({"page_token", "payload_format", "langsmith_tracer"})
"""Fields that no function for a unary call takes."""


def streamed(client: graphwire.Client, method: str, request: Message) -> graphwire.RunStream | graphwire.ThreadStream:
    """The stream that a request means."""
    stream: graphwire.RunStream | graphwire.ThreadStream = _function(client, method)(**arguments(method, request))
    return stream


async def answered(client: graphwire.Client, method: str, request: Message) -> dict[str, Any]:
    """The answer to a unary call, in protobuf's JSON form.

    Raises:
        GraphwireError: The service failed the call.
    """
    if method not in FUNCTIONS or _STUB_ALONE & {field.name for field, _ in request.ListFields()}:
        answer = await client.wire.call(getattr(getattr(client.wire, STUBS[method]), method), request)
    else:
        answer = await _heard(client, method, request)
    return MessageToDict(answer, preserving_proto_field_name=True)


async def _heard(client: graphwire.Client, method: str, request: Message) -> Message:
    """What the service answers to a call of the client's function: the message from which the function makes its value."""
    heard: list[Message] = []
    wire: Any = client.wire
    call = wire.call

    async def listening(stub: Any, sent: Message) -> Any:
        heard.append(await call(stub, sent))
        return heard[-1]

    wire.call = listening
    try:
        result = _function(client, method)(**arguments(method, request))
        if isinstance(result, AsyncIterator):
            async for _ in result:
                break
        else:
            await result
    finally:
        wire.call = call
    return heard[0]


def _function(client: graphwire.Client, method: str) -> Any:
    found: Any = client
    for name in FUNCTIONS[method][0].split("."):
        found = getattr(found, name)
    return found


def arguments(method: str, request: Message) -> dict[str, Any]:
    """The arguments of the client's function."""
    names = FUNCTIONS[method][1]
    found = {names.get(field.name, field.name): _plain(field, value) for field, value in request.ListFields()}
    if method == "CancelRuns" and not {"status", "run_ids"} & found.keys():
        found["status"] = "all"
    return found


def _plain(field: FieldDescriptor, value: Any) -> Any:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        return _one(field, value)
    return [_one(field, item) for item in value]


def _one(field: FieldDescriptor, value: Any) -> Any:
    if field.enum_type is not None:
        return _chosen(field.enum_type, value)
    make = _VALUES.get(type(value))
    return make(value) if make else value


def _chosen(enum: EnumDescriptor, number: int) -> str:
    """The name by which the client chooses a value of an enum."""
    if number not in enum.values_by_number:
        raise Broken(f"{enum.full_name}: the client has no name for {number}")
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return enum.values_by_number[number].name.removeprefix(prefix).lower()


def _fields(message: Message) -> dict[str, Any]:
    return {field.name: _plain(field, value) for field, value in message.ListFields()}


_VALUES: Mapping[type, Callable[[Any], Any]] = {
    Duration: lambda value: value.ToTimedelta(),
    run_pb2.RunConfig: _fields,
    run_pb2.Command: lambda value: graphwire.Command(**_fields(value)),
    run_pb2.Goto: lambda value: graphwire.Goto(**_fields(value)),
    run_pb2.CheckpointRef: graphwire.Checkpoint.read,
    event_pb2.EventFilter: lambda value: graphwire.Filter(**_fields(value)),
    thread_pb2.StateUpdate: lambda value: graphwire.StateUpdate(**_fields(value)),
    thread_pb2.Superstep: lambda value: [graphwire.StateUpdate(**_fields(update)) for update in value.updates],
    run_service_pb2.CreateRunRequest: lambda value: arguments("CreateRun", value),
}
"""What the client takes for a message. JSON it takes as it is."""
