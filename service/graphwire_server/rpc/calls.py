"""What surrounds every call: reading the request, the status of a failure, one log line for each outcome.

Owns the step from a method of a service to a handler of grpc.aio. Methods know neither contexts nor codes: they take a request, return an
answer or write to a stream, and raise errors of the core.
"""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Any, NoReturn, Protocol, TypeAlias

import grpc
import grpc.aio
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from graphwire_server.core.batch import Batch
from graphwire_server.core.errors import GraphwireError, InvalidField, SlowReader
from graphwire_server.core.streams import Streams
from graphwire_server.core.tally import Tally
from graphwire_server.rpc.frames import shared_frames, value_frames
from graphwire_server.rpc.status import CODES, DETAILS_KEY, internal, status

_log = logging.getLogger("graphwire.rpc")

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
RUN_ID_KEY = "graphwire-run-id"
THREAD_ID_KEY = "graphwire-thread-id"
AFTER_SEQ_KEY = "graphwire-after-seq"


class Stream:
    """One stream's way to its reader.

    Args:
        context: The call.
        write_timeout: How long one message may wait for the reader, in seconds.
    """

    def __init__(self, context: Context, write_timeout: float) -> None:
        self._context = context
        self._write_timeout = write_timeout

    async def announce(self, thread_id: str, run_id: str | None, after_seq: int) -> None:
        """Sends where the stream is before its first event: a reader that is cut off can come back with that, and nothing passes by from then on.

        Args:
            thread_id: The thread.
            run_id: The run; None for a stream that is no run's.
            after_seq: The cursor behind which the stream starts.
        """
        run = () if run_id is None else ((RUN_ID_KEY, run_id),)
        await self._context.send_initial_metadata((*run, (THREAD_ID_KEY, thread_id), (AFTER_SEQ_KEY, str(after_seq))))

    async def pump(self, batches: AsyncIterable[Batch], *, as_values: bool) -> None:
        """Hands batch after batch to the reader's connection, until there are no more. Raises SlowReader, and what `batches` raises."""
        async for batch in batches:
            await self.write(batch, as_values=as_values)

    async def write(self, batch: Batch, *, as_values: bool) -> None:
        """Hands a batch to the reader's connection.

        A reader that does not read blocks the connection and nothing else; after a time it is given up. The message that waited then reaches it
        all the same, before the status, so its cursor is that message's.

        Raises:
            SlowReader: The reader did not take a message in time.
        """
        for message, cursor in value_frames(batch) if as_values else shared_frames(batch):
            try:
                async with asyncio.timeout(self._write_timeout):
                    await self._context.write(message)
            except TimeoutError:
                raise SlowReader(cursor) from None


class Servicer(Protocol):
    """A service: one method for each RPC, in lower case. A unary one takes the request and returns the answer; a streaming one takes the
    request and the stream.
    """


def handler(
    service: ServiceDescriptor, servicer: Servicer, streams: Streams, tally: Tally
) -> "grpc.GenericRpcHandler[Any, Any]":
    """The handler of a service. An RPC of the protos without a method raises AttributeError here, at start.

    Args:
        service: The service, from the generated code.
        servicer: Its methods.
        streams: The streams that are open.
        tally: Counts the calls.
    """
    methods = {method.name: _method(method, servicer, streams, tally) for method in service.methods}
    return grpc.method_handlers_generic_handler(service.full_name, methods)


def _method(
    method: MethodDescriptor, servicer: Servicer, streams: Streams, tally: Tally
) -> "grpc.RpcMethodHandler[Any, Any]":
    run = getattr(servicer, re.sub(r"(?<!^)(?=[A-Z])", "_", method.name).lower())
    call = _Call(
        f"{method.containing_service.full_name}/{method.name}", GetMessageClass(method.input_type), run, streams, tally
    )
    if method.server_streaming:
        # Streams write bytes that are made already, so they have no serializer.
        return grpc.unary_stream_rpc_method_handler(call.stream)
    return grpc.unary_unary_rpc_method_handler(call.unary, None, GetMessageClass(method.output_type).SerializeToString)


class _Call:
    """One RPC: its name, the class of its request, and what it does."""

    def __init__(
        self, name: str, request: type[Message], run: Callable[..., Awaitable[Any]], streams: Streams, tally: Tally
    ) -> None:
        self._name = name
        self._request = request
        self._run = run
        self._streams = streams
        self._tally = tally

    async def unary(self, data: bytes, context: Context) -> Message:
        """Answers one unary call."""
        answer: Message = await self._guarded(context, lambda: self._run(self._parse(data)))
        return answer

    async def stream(self, data: bytes, context: Context) -> None:
        """Serves one stream."""

        async def serve() -> None:
            with self._streams:
                stream = Stream(context, self._streams.limits.write_timeout.total_seconds())
                await self._run(self._parse(data), stream)

        await self._guarded(context, serve)

    def _parse(self, data: bytes) -> Message:
        try:
            return self._request.FromString(data)
        except DecodeError:
            raise InvalidField("request", f"is not a {self._request.DESCRIPTOR.full_name}") from None

    async def _guarded(self, context: Context, serve: Callable[[], Awaitable[Any]]) -> Any:
        begun = time.monotonic()
        try:
            answer = await serve()
        except GraphwireError as error:
            await self._fail(context, error, begun)
        except asyncio.CancelledError:
            # The reader is gone. grpc.aio leaks memory where this is swallowed (wire D, trap 1).
            self._report("CANCELLED", begun)
            raise
        except Exception:  # noqa: BLE001  a defect must not reach the caller in detail
            request_id = str(uuid.uuid4())
            _log.exception("call failed", extra={"rpc": self._name, "request_id": request_id})
            await self._fail(context, internal(request_id), begun)
        else:
            self._report("OK", begun)
            return answer

    async def _fail(self, context: Context, error: GraphwireError, begun: float) -> NoReturn:
        code = CODES[error.kind]
        self._report(code.name, begun, reason=error.reason)
        rich = status(error).SerializeToString()
        await context.abort(code, error.message, ((DETAILS_KEY, rich),))

    def _report(self, code: str, begun: float, **fields: str) -> None:
        seconds = time.monotonic() - begun
        self._tally.called("grpc", self._name, code, seconds)
        level = logging.DEBUG if code == "OK" else logging.INFO
        if _log.isEnabledFor(level):
            told = {"rpc": self._name, "code": code, "seconds": round(seconds, 4)}
            _log.log(level, "call ended", extra={**told, **fields})
