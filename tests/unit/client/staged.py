"""A client on grpc_testing's fake channel, in fake time: what no real server can be brought to do.

Owns the aio face of the fake channel, which is made for threads, and a clock whose waits take no time. The invariant: nothing that a test has not
answered is left behind, since a thread would wait for it for ever.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc_testing  # type: ignore[import-untyped]  # it publishes no types
from google.protobuf.message import Message

import graphwire
from graphwire._patience import Patience
from graphwire.channel import Wire
from graphwire.v1 import run_service_pb2, thread_service_pb2
from tests.unit.client.scripted import IDS, batch, end, metadata, values

SOON = 15
SERVICES = (
    run_service_pb2.DESCRIPTOR.services_by_name["RunService"],
    thread_service_pb2.DESCRIPTOR.services_by_name["ThreadService"],
)
_ADDED = "grpc.metadata_added_by_runtime"
"""What the fake channel puts into all metadata, also into that of a call that was refused. gRPC itself does not."""

METHODS = {method.name: method for service in SERVICES for method in service.methods}


class Clock:
    """grpc_testing's fake time, as the client takes its own. A wait ends at once, and the time is later; unless it `stands`.

    Attributes:
        waits: The seconds of each wait.
        stands: Whether time stands still: waits do not end.
    """

    def __init__(self) -> None:
        self._time = grpc_testing.strict_fake_time(1000.0)
        self.waits: list[float] = []
        self.waiting = asyncio.Event()
        self.stands = False

    def now(self) -> float:
        return float(self._time.time())

    def pass_by(self, seconds: float) -> None:
        self._time.sleep_for(seconds)

    async def sleep(self, seconds: float) -> None:
        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        self._time.call_in(lambda: loop.call_soon_threadsafe(woken.set), seconds)
        self.waits.append(seconds)
        self.waiting.set()
        if not self.stands:
            self._time.sleep_for(seconds)
        await woken.wait()


class _AioCall:
    """A call of the fake channel as grpc.aio has it: what blocks there is awaited here."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._cancelled = False

    def __aiter__(self) -> "_AioCall":
        return self

    async def __anext__(self) -> Any:
        try:
            batch = await asyncio.to_thread(lambda: next(self._call, None))
        except grpc.RpcError as error:
            if self._cancelled:
                raise asyncio.CancelledError from None
            raise _aio(error) from None
        if batch is None:
            raise StopAsyncIteration
        return batch

    async def initial_metadata(self) -> Any:
        found = await asyncio.to_thread(self._call.initial_metadata)
        return [(key, value) for key, value in found if key != _ADDED]

    def cancel(self) -> bool:
        self._cancelled = True
        self._call.cancel()
        return True


def _aio(error: Any) -> grpc.aio.AioRpcError:
    before, after = (
        grpc.aio.Metadata(*(found or ())) for found in (error.initial_metadata(), error.trailing_metadata())
    )
    return grpc.aio.AioRpcError(error.code(), before, after, details=error.details(), debug_error_string="")


class Made:
    """A call that the client has made, seen from the server.

    Attributes:
        method: The name of the RPC.
        request: Its request.
    """

    def __init__(self, method: str, request: Message, rpc: Any) -> None:
        self.method = method
        self.request = request
        self._rpc = rpc

    def take(self, *metadata: tuple[str, str]) -> None:
        """Takes the call: sends its initial metadata."""
        self._rpc.send_initial_metadata(metadata)

    def send(self, batch: Message) -> None:
        self._rpc.send_response(batch)

    def end(self, code: grpc.StatusCode, details: str = "", trailing: Iterable[tuple[str, Any]] = ()) -> None:
        """Ends the call. Messages that were not read yet are gone, unless it ends well."""
        self._rpc.terminate(tuple(trailing), code, details)

    async def left(self) -> None:
        """Waits until the client has ended the call."""
        await asyncio.wait_for(asyncio.to_thread(self._rpc.cancelled), SOON)

    def refuse(self, status: Any) -> None:
        """Ends the call with a rich status."""
        self.end(status.code, status.details, status.trailing_metadata)


class Stage:
    """The fake channel, with the aio face that a client needs.

    Attributes:
        clock: The client's time.
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self._channel = grpc_testing.channel(SERVICES, grpc_testing.strict_fake_time(0))
        self._names: asyncio.Queue[str] = asyncio.Queue()
        self._calls: list[_AioCall] = []

    def unary_stream(self, path: str, *_serializers: Any, **_options: Any) -> Callable[..., _AioCall]:
        make = self._channel.unary_stream(path)

        def call(request: Message, metadata: Any = ()) -> _AioCall:
            copy = type(request).FromString(
                request.SerializeToString()
            )  # what was sent; the client may go on with its own
            made = _AioCall(make(copy, metadata=metadata))
            self._calls.append(made)
            self._names.put_nowait(path.rpartition("/")[2])
            return made

        return call

    def unary_unary(self, path: str, *_serializers: Any, **_options: Any) -> Any:
        return self._channel.unary_unary(path)

    async def close(self, _grace: float | None) -> None:
        for call in self._calls:
            call.cancel()

    async def made(self) -> Made:
        """The next call that the client makes."""
        name = await asyncio.wait_for(self._names.get(), SOON)
        _, request, rpc = self._channel.take_unary_stream(METHODS[name])
        return Made(name, request, rpc)

    def quiet(self) -> bool:
        """Whether the client has made no call that the test does not know."""
        return self._names.empty()


@asynccontextmanager
async def staged(seconds: float = 60.0, chance: float = 1.0) -> AsyncIterator[tuple[graphwire.Client, Stage]]:
    """A client in fake time, and the stage on which its server is played.

    Args:
        seconds: Its patience.
        chance: What its dice always show: from 0 to 1.
    """
    stage = Stage()
    patience = Patience(seconds=seconds, clock=stage.clock.now, sleep=stage.clock.sleep, chance=lambda: chance)
    wire = Wire(stage, metadata={}, patience=patience)  # type: ignore[arg-type]  # it has what the client uses of a channel
    async with graphwire.Client(wire) as client:
        yield client, stage


class Reader:
    """A task that reads a stream to its end and keeps what it saw."""

    def __init__(self, stream: graphwire.RunStream | graphwire.ThreadStream) -> None:
        self.seqs: list[int] = []
        self._moved = asyncio.Event()
        self._stream = stream
        self._task = asyncio.create_task(self._read())
        self._task.add_done_callback(lambda task: task.cancelled() or task.exception())  # a test may have seen enough

    async def _read(self) -> None:
        async for event in self._stream:
            self.seqs.append(event.seq)
            self._moved.set()

    async def reached(self, seq: int) -> None:
        """Waits until an event has been handed out."""
        while seq not in self.seqs:
            self._moved.clear()
            await asyncio.wait_for(self._moved.wait(), SOON)

    async def ended(self) -> list[int]:
        """What it saw to the end. Raises what the stream raised."""
        await asyncio.wait_for(self._task, SOON)
        return self.seqs


def steps(factor: float = 1.0) -> Iterator[float]:
    """The waits between tries without progress, for dice that always show the same."""
    seconds = 0.1
    while True:
        yield min(seconds, 5.0) * factor
        seconds *= 2


AT = (*IDS, ("graphwire-after-seq", "0"))


async def begun(client: graphwire.Client, stage: Stage, **options: Any) -> tuple[Reader, Made, graphwire.RunStream]:
    """A run whose first event was handed out."""
    run = client.stream("agent", {}, **options)
    reader = Reader(run)
    call = await stage.made()
    call.take(*AT)
    call.send(batch(metadata()))
    await reader.reached(1)
    return reader, call, run


async def finished(reader: Reader, call: Made, *seqs: int) -> list[int]:
    """What a reader has seen when a call has brought events of these numbers, the last of them the run's end."""
    call.take(*AT)
    call.send(batch(*(values(seq, "{}") for seq in seqs[:-1]), end(seqs[-1])))
    call.end(grpc.StatusCode.OK)
    return await reader.ended()
