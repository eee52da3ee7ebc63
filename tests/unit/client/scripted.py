"""A server that does what a test says, on a loopback port that the system chooses.

Owns the way from plain functions to gRPC handlers; it knows nothing of graphs.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeAlias

import grpc
from google.protobuf import message_factory
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

import graphwire
from graphwire.v1 import (
    assistant_service_pb2,
    cron_service_pb2,
    event_pb2,
    run_pb2,
    run_service_pb2,
    store_service_pb2,
    thread_service_pb2,
)
from graphwire.v1.json_pb2 import Json

Handler: TypeAlias = Callable[..., Any]
RUN, THREAD, ASSISTANT = (f"0000000{n}-0000-4000-8000-000000000000" for n in (1, 2, 3))
IDS = (("graphwire-run-id", RUN), ("graphwire-thread-id", THREAD))
_SERVICES = (
    run_service_pb2.DESCRIPTOR.services_by_name["RunService"],
    thread_service_pb2.DESCRIPTOR.services_by_name["ThreadService"],
    assistant_service_pb2.DESCRIPTOR.services_by_name["AssistantService"],
    store_service_pb2.DESCRIPTOR.services_by_name["StoreService"],
    cron_service_pb2.DESCRIPTOR.services_by_name["CronService"],
)


def generic_handlers(script: Mapping[str, Handler]) -> list["grpc.GenericRpcHandler[Any, Any]"]:
    """gRPC handlers for functions by the name of their RPC, such as `StreamRun`."""
    found = []
    for service in _SERVICES:
        methods = {m.name: _method(m, script[m.name]) for m in service.methods if m.name in script}
        found.append(grpc.method_handlers_generic_handler(service.full_name, methods))
    assert sum(len(service.methods_by_name.keys() & script.keys()) for service in _SERVICES) == len(script)
    return found


def _method(descriptor: Any, handler: Handler) -> "grpc.RpcMethodHandler[Any, Any]":
    make: Callable[..., Any] = (
        grpc.unary_stream_rpc_method_handler if descriptor.server_streaming else grpc.unary_unary_rpc_method_handler
    )
    request = message_factory.GetMessageClass(descriptor.input_type)
    made: grpc.RpcMethodHandler[Any, Any] = make(
        handler, request_deserializer=request.FromString, response_serializer=lambda m: m.SerializeToString()
    )
    return made


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[graphwire.Client]:
    """A client of a server with handlers by name; `api_key` and the like go to `connect`."""
    script = {name: options.pop(name) for name in list(options) if name[0].isupper()}
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(generic_handlers(script))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with graphwire.connect(f"127.0.0.1:{port}", **options) as client:
            yield client
    finally:
        await server.stop(None)


@contextmanager
def serving_threads(**script: Handler) -> Iterator[str]:
    """The address of a server with handlers by name, which has threads of its own: for callers who block, or are other processes."""
    with ThreadPoolExecutor(4) as pool:
        server = grpc.server(pool, handlers=generic_handlers(script))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(None).wait()


def event(seq: int, **payload: Any) -> event_pb2.StreamEvent:
    """An event of the run, with its payload by mode."""
    return event_pb2.StreamEvent(seq=seq, run_id=RUN, thread_id=THREAD, **payload)


def text(value: str) -> Json:
    return Json(text=value)


def metadata(seq: int = 1) -> event_pb2.StreamEvent:
    payload = event_pb2.MetadataEvent(run_id=RUN, attempt=1, assistant_id=ASSISTANT, graph_id="agent")
    return event(seq, metadata=payload)


def values(seq: int, state: str) -> event_pb2.StreamEvent:
    return event(seq, values=event_pb2.ValuesEvent(state=text(state)))


def end(seq: int, **fields: Any) -> event_pb2.StreamEvent:
    fields.setdefault("status", run_pb2.RUN_STATUS_SUCCESS)
    return event(seq, end=event_pb2.EndEvent(event_count=seq, **fields))


def batch(*events: event_pb2.StreamEvent) -> run_service_pb2.StreamRunResponse:
    return run_service_pb2.StreamRunResponse(events=events)


def fragments(whole: event_pb2.StreamEvent, count: int) -> list[event_pb2.StreamEvent]:
    """An event in pieces."""
    data = whole.SerializeToString()
    size = -(-len(data) // count)
    pieces = [event_pb2.EventFragment(index=i, count=count, data=data[i * size : (i + 1) * size]) for i in range(count)]
    return [event(whole.seq, fragment=piece) for piece in pieces]


def rich_status(code: grpc.StatusCode, reason: str, message: str, *details: Message, **facts: str) -> Any:
    """A status as graphwire sends it, for `abort_with_status`."""
    status = status_pb2.Status(code=code.value[0], message=message)
    for detail in (error_details_pb2.ErrorInfo(reason=reason, domain="graphwire", metadata=facts), *details):
        status.details.add().Pack(detail)
    return rpc_status.to_status(status)
