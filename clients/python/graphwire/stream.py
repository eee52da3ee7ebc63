"""The reader of a run's events.

Owns one call that streams: its start, its batches, the joining of fragments, its end. The invariant: every event comes whole, once and in
order, and `last_seq` never runs ahead of what was handed out, so it is always a safe cursor.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import Protocol, Self, TypeAlias

import grpc

from graphwire.channel import cut_off, task_cancelled
from graphwire.errors import GraphwireError, from_rpc
from graphwire.event import Event
from graphwire.v1.event_pb2 import EventFragment, StreamEvent
from graphwire.v1.run_service_pb2 import JoinRunResponse, StreamRunResponse

Batch: TypeAlias = StreamRunResponse | JoinRunResponse


class Call(Protocol):
    """What a stream needs of a gRPC call."""

    def __aiter__(self) -> AsyncIterator[Batch]: ...

    async def initial_metadata(self) -> grpc.aio.Metadata:
        """The metadata that comes before the first message."""

    def cancel(self) -> bool:
        """Ends the call."""


class RunStream:
    """The events of a run: an async iterator of `Event`, and an async context manager.

    The call starts when the stream is entered, or when its first event is asked for. Leaving the context, or `aclose`, leaves the
    run: it goes on, unless `on_disconnect="cancel"` was asked for. A stream that is dropped without either is left at once.
    The iteration ends after the event `end`. A graph that fails raises nothing: `error` and `end` say so.

    One task at a time iterates. If that task is cancelled, the call is ended, and `last_seq` is where to go on.

    Args:
        start: Makes the call.
        run_id: The run, where it is known.
    """

    def __init__(self, start: Callable[[], Call], *, run_id: str | None = None) -> None:
        self._start = start
        self._call: Call | None = None
        self._batches: AsyncIterator[Batch] | None = None
        self._batch: Iterator[StreamEvent] = iter(())
        self._fragments = _Fragments()
        self._run_id = run_id
        self._thread_id: str | None = None
        self._last_seq: int | None = None
        self._end: Event | None = None
        self._over = False

    async def __aenter__(self) -> Self:
        try:
            return await self.started()
        except BaseException:
            await self.aclose()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        # gRPC's call and its iterator refer to each other, so a dropped call would live until the next round of the collector.
        if self._call is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._call.cancel)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """The next event.

        Raises:
            GraphwireError: The service failed the stream, as `Unavailable` or `SlowReader`; go on with `join` from `last_seq`.
        """
        while True:
            for part in self._batch:
                whole = self._fragments.whole(part)
                if whole is not None:
                    return self._seen(Event(proto=whole))
            batch = await self._read()
            if batch is None:
                raise StopAsyncIteration
            self._batch = iter(batch.events)

    @property
    def run_id(self) -> str:
        """The run: a UUID. Known once the stream has been entered, or has given its first event.

        Raises:
            RuntimeError: It is not known yet.
        """
        return _known(self._run_id)

    @property
    def thread_id(self) -> str:
        """The run's thread: a UUID. Known once the stream has been entered, or has given its first event.

        Raises:
            RuntimeError: It is not known yet.
        """
        return _known(self._thread_id)

    @property
    def last_seq(self) -> int | None:
        """The number of the last event that was handed out: the cursor for `join`. None before the first."""
        return self._last_seq

    @property
    def end(self) -> Event | None:
        """The terminal event, once it has been handed out."""
        return self._end

    async def started(self) -> Self:
        """Waits until the server has taken the call, and returns the stream: `run_id` and `thread_id` are known then.

        No event is needed for that. Entering the stream does it as well.

        Raises:
            GraphwireError: The server refused the call.
        """
        if self._over or self._thread_id is not None:
            return self
        call = self._open()
        try:
            metadata = await call.initial_metadata()
        except asyncio.CancelledError:
            self._cut_off()
            return self
        found = {str(key): str(value) for key, value in metadata}
        self._run_id = found.get("graphwire-run-id", self._run_id)
        self._thread_id = found.get("graphwire-thread-id")
        if (
            self._thread_id is None
        ):  # it was refused, or comes through something that drops metadata: the next message tells
            await self._look_ahead()
        return self

    async def aclose(self) -> None:
        """Ends the call, if it has not ended. May be called at any time, by any task, and again; a task that iterates sees the end."""
        self._over = True
        self._batch = iter(())
        if self._call is not None:
            self._call.cancel()

    def _open(self) -> Call:
        if self._call is None:
            self._loop = asyncio.get_running_loop()
            self._call = self._start()
            self._batches = aiter(self._call)
        return self._call

    async def _look_ahead(self) -> None:
        batch = await self._read()
        if batch is not None and batch.events:
            self._batch = iter(batch.events)
            self._run_id, self._thread_id = batch.events[0].run_id, batch.events[0].thread_id

    async def _read(self) -> Batch | None:
        """The next batch, or None at the end."""
        if self._over:
            return None
        self._open()
        assert self._batches is not None  # noqa: S101  _open has set it
        try:
            return await anext(self._batches)
        except StopAsyncIteration:
            self._finish()
        except grpc.aio.AioRpcError as error:
            self._over = True
            raise from_rpc(error) from error
        except asyncio.CancelledError:
            self._cut_off()
        return None

    def _cut_off(self) -> None:
        """Answers a CancelledError by who ended the call: this task, `aclose` (then it is a plain end), or the client."""
        closed, self._over = self._over, True
        if task_cancelled():
            raise  # noqa: PLE0704  called from except clauses only
        if not closed:
            raise cut_off() from None

    def _finish(self) -> None:
        """Ends the stream well, or says that something is missing: no run ends without its terminal event."""
        self._over = True
        if self._end is None or self._fragments.open:
            raise _lost("the stream ended before the run's terminal event")

    def _seen(self, event: Event) -> Event:
        self._last_seq = event.seq
        self._run_id, self._thread_id = event.run_id, event.thread_id
        if event.mode == "end":
            self._end = event
        return event


class _Fragments:
    """Joins the pieces of events that are too large for one message."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._seq = 0

    @property
    def open(self) -> bool:
        """Whether pieces of an event are still to come."""
        return bool(self._pieces)

    def whole(self, event: StreamEvent) -> StreamEvent | None:
        """The event, joined if it came in pieces; None while pieces are to come. Raises GraphwireError where one is missing."""
        if not event.HasField("fragment"):
            if self._pieces:
                raise _lost(f"event {self._seq} came without its last piece")
            return event
        return self._joined(event.seq, event.fragment)

    def _joined(self, seq: int, piece: EventFragment) -> StreamEvent | None:
        if piece.index != len(self._pieces) or (self._pieces and seq != self._seq):
            raise _lost(f"event {seq} came without its piece {len(self._pieces)}")
        self._seq = seq
        self._pieces.append(piece.data)
        if len(self._pieces) < piece.count:
            return None
        data, self._pieces = b"".join(self._pieces), []
        return StreamEvent.FromString(data)


def _known(value: str | None) -> str:
    if value is None:
        raise RuntimeError("not known yet: enter the stream with `async with`, or await started()")
    return value


def _lost(message: str) -> GraphwireError:
    """Something that the contract promises did not come. Going on from `last_seq` is safe."""
    return GraphwireError(message, code=grpc.StatusCode.DATA_LOSS, reason="STREAM_CUT")
