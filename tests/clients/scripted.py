"""A server that answers from a case's script.

Owns the order of the calls and what is answered to each. What comes and was not expected is noted as a complaint, and refused in a way that no client takes for a broken
line; the case is then judged as failed, whatever the client saw.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import grpc.aio
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from tests.clients.cases import Call
from tests.clients.judging import Names, subset
from tests.clients.methods import METHODS, SERVICES, Method
from tests.clients.proxy import Proxy, proxied
from tests.clients.wording import RUN, THREAD, message

_OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_send_message_length", -1),
    # As the real server: clients may ping every 10 s.
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
)
_READS = 0.25
"""Seconds that a client has to read what has reached it, before a drop: some drop what they have not read when a line breaks, and nobody tells when they have."""
_IDS = {"graphwire-run-id": RUN, "graphwire-thread-id": THREAD, "graphwire-after-seq": "0"}
_OFF_SCRIPT: dict[str, Any] = {
    "code": "FAILED_PRECONDITION",
    "reason": "OFF_SCRIPT",
    "message": "this call is not in the script",
}

Context = Any
"""A grpc.aio.ServicerContext, of which the stubs do not know all."""


class Script:
    """The calls that must come, and those that came.

    Args:
        calls: The calls, in their order.
    """

    def __init__(self, calls: Sequence[Call]) -> None:
        self._calls = list(calls)
        self._names = Names()
        self._came = 0
        self._off: list[str] = []
        self._answers = 0
        self._messages = 0
        self.line: Proxy | None = None

    def complaints(self) -> Iterator[str]:
        """What was asked otherwise than the script says, and what was not asked."""
        yield from self._off
        for call in self._calls[self._came :]:
            yield f"script[{self._calls.index(call)}]: {call.method} was not called"

    async def stream(self, method: Method, request: Message, context: Context) -> AsyncIterator[Message]:
        """Answers a call that streams."""
        call = self._next(method, request, context)
        if call is None:
            await _fail(context, _OFF_SCRIPT)
        begun = call.metadata is not None
        if call.metadata is not None:
            await context.send_initial_metadata(tuple((_IDS | dict(call.metadata)).items()))
            self._answers += 1
        for each in (each for given in call.messages for each in message(method.response, given)):
            self._answers += not begun
            self._messages += 1
            begun = True
            yield each
        await self._finish(call, context)

    async def answer(self, method: Method, request: Message, context: Context) -> Message:
        """Answers a call that does not stream."""
        call = self._next(method, request, context)
        if call is None:
            await _fail(context, _OFF_SCRIPT)
        if call.ending != "end":
            await self._finish(call, context)
        (given,) = call.messages
        (answer,) = message(method.response, given)
        self._answers += 1
        self._messages += 1
        return answer

    def _next(self, method: Method, request: Message, context: Context) -> Call | None:
        where = f"script[{self._came}]"
        call = self._calls[self._came] if self._came < len(self._calls) else None
        if call is None or call.method != method.name:
            self._off.append(f"{where} is {'over' if call is None else call.method}, and {method.name} was called")
            return None
        self._came += 1
        assert self.line is not None
        self._answers, self._messages = self.line.answers, self.line.messages
        asked = MessageToDict(request, preserving_proto_field_name=True)
        came = {str(key): value for key, value in context.invocation_metadata() or ()}
        self._off += subset(dict(call.request), asked, self._names, f"{where}.request")
        self._off += subset(dict(call.headers), came, self._names, f"{where}.headers")
        return call

    async def _finish(self, call: Call, context: Context) -> None:
        await asyncio.sleep(call.wait)
        match call.ending:
            case "status":
                await _fail(context, call.status)
            case "drop":
                await self._drop()
            case "hang":
                await asyncio.Event().wait()

    async def _drop(self) -> None:
        """Closes the connection once all that was said has passed, and waits until gRPC notices and cancels this."""
        assert self.line is not None
        try:
            await self.line.passed(answers=self._answers, messages=self._messages)
        except TimeoutError:
            self._off.append(f"script[{self._came - 1}]: what was said did not pass before the drop")
        await asyncio.sleep(_READS)
        await self.line.drop()
        await asyncio.Event().wait()


async def _fail(context: Context, given: Any) -> NoReturn:
    """Ends a call with a status, rich where the case gives details."""
    code = getattr(grpc.StatusCode, given["code"])
    status = status_pb2.Status(code=code.value[0], message=given.get("message", ""))
    for detail in _details(given):
        status.details.add().Pack(detail)
    if not status.details:
        await context.abort(code, status.message)
    await context.abort_with_status(rpc_status.to_status(status))
    raise AssertionError("gRPC went on behind an abort")


def _details(given: Any) -> Iterator[Message]:
    if "reason" in given:
        facts = given.get("metadata", {})
        yield error_details_pb2.ErrorInfo(
            reason=given["reason"], domain=given.get("domain", "graphwire"), metadata=facts
        )
    if "fields" in given:
        yield error_details_pb2.BadRequest(field_violations=[_violation(each) for each in given["fields"]])
    if "retry_after" in given:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromNanoseconds(int(given["retry_after"] * 1e9))
        yield retry


def _violation(given: dict[str, str]) -> Any:
    return error_details_pb2.BadRequest.FieldViolation(**given)


def _handler(script: Script, method: Method) -> "grpc.RpcMethodHandler[Any, Any]":
    async def stream(request: Message, context: Context) -> AsyncIterator[Message]:
        async for answer in script.stream(method, request, context):
            yield answer

    async def answer(request: Message, context: Context) -> Message:
        return await script.answer(method, request, context)

    make: Any = grpc.unary_stream_rpc_method_handler if method.streams else grpc.unary_unary_rpc_method_handler
    made: grpc.RpcMethodHandler[Any, Any] = make(
        stream if method.streams else answer,
        request_deserializer=method.request.FromString,
        response_serializer=lambda sent: sent.SerializeToString(),
    )
    return made


@asynccontextmanager
async def scripted(calls: Sequence[Call]) -> AsyncIterator[tuple[str, Script]]:
    """A server that answers from a script, and its address."""
    script = Script(calls)
    server = grpc.aio.server(options=_OPTIONS)
    for service in SERVICES:
        handlers = {m.name: _handler(script, m) for m in METHODS.values() if m.service == service.full_name}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with proxied(f"127.0.0.1:{port}") as line:
            script.line = line
            yield line.address, script
    finally:
        await server.stop(0)
