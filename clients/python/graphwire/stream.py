"""The readers of events: a run's, and those of all runs of a thread.

Owns one call that streams: its start, its batches, its end. The invariant: every event comes whole, once and in order, and `last_seq` never runs
ahead of what was handed out, so it is always a safe cursor.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from types import TracebackType
from typing import ClassVar, Protocol, Self, TypeAlias

import grpc

from graphwire._fragments import Fragments, lost
from graphwire.channel import cut_off, task_cancelled
from graphwire.errors import from_rpc
from graphwire.event import Event
from graphwire.v1.event_pb2 import StreamEvent
from graphwire.v1.run_service_pb2 import JoinRunResponse, StreamRunResponse
from graphwire.v1.thread_service_pb2 import WatchThreadResponse

Batch: TypeAlias = StreamRunResponse | JoinRunResponse | WatchThreadResponse


class Call(Protocol):
    """What a stream needs of a gRPC call."""

    def __aiter__(self) -> AsyncIterator[Batch]: ...

    async def initial_metadata(self) -> grpc.aio.Metadata:
        """The metadata that comes before the first message."""

    def cancel(self) -> bool:
        """Ends the call."""


class EventStream:
    """Events as they come: an async iterator of `Event`, and an async context manager.

    The call starts when the stream is entered, or when its first event is asked for. Leaving the context, or `aclose`, ends it; a stream that is
    dropped without either is left at once.

    One task at a time iterates. If that task is cancelled, the call is ended, and `last_seq` is where to go on.

    Args:
        start: Makes the call.
    """

    _cut: ClassVar[str]
    """What is wrong where the server ends the call well and the stream is not complete."""

    def __init__(self, start: Callable[[], Call]) -> None:
        self._start = start
        self._call: Call | None = None
        self._batches: AsyncIterator[Batch] | None = None
        self._batch: Iterator[StreamEvent] = iter(())
        self._fragments = Fragments()
        self._thread_id: str | None = None
        self._last_seq: int | None = None
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
            GraphwireError: The service failed the stream, as `Unavailable` or `SlowReader`; go on with a new one from `last_seq`.
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
    def thread_id(self) -> str:
        """The thread: a UUID. Known once the stream has been entered, or has given its first event.

        Raises:
            RuntimeError: It is not known yet.
        """
        return _known(self._thread_id)

    @property
    def last_seq(self) -> int | None:
        """The number of the last event that was handed out: the cursor to go on from. None before the first."""
        return self._last_seq

    async def started(self) -> Self:
        """Waits until the server has taken the call, and returns the stream: its ids are known then, and nothing passes by.

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
        self._told({str(key): str(value) for key, value in metadata})
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
            self._name(batch.events[0].run_id, batch.events[0].thread_id)

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
        """Ends the stream well, or says that something is missing."""
        self._over = True
        if not self._complete or self._fragments.open:
            raise lost(self._cut)

    @property
    def _complete(self) -> bool:
        """Whether the stream may end well."""
        return False

    def _told(self, metadata: Mapping[str, str]) -> None:
        self._thread_id = metadata.get("graphwire-thread-id")

    def _name(self, run_id: str, thread_id: str) -> None:
        """Learns the ids from the first event, where they did not come before it."""
        self._thread_id = thread_id

    def _seen(self, event: Event) -> Event:
        self._last_seq = event.seq
        self._thread_id = event.thread_id
        return event


class RunStream(EventStream):
    """The events of a run.

    The iteration ends after the event `end`. A graph that fails raises nothing: `error` and `end` say so. Leaving the stream leaves the run: it goes
    on, unless `on_disconnect="cancel"` was asked for.

    Args:
        start: Makes the call.
        run_id: The run, where it is known.
    """

    _cut = "the stream ended before the run's terminal event"

    def __init__(self, start: Callable[[], Call], *, run_id: str | None = None) -> None:
        super().__init__(start)
        self._run_id = run_id
        self._end: Event | None = None

    @property
    def run_id(self) -> str:
        """The run: a UUID. Known once the stream has been entered, or has given its first event.

        Raises:
            RuntimeError: It is not known yet.
        """
        return _known(self._run_id)

    @property
    def end(self) -> Event | None:
        """The terminal event, once it has been handed out."""
        return self._end

    @property
    def _complete(self) -> bool:
        return self._end is not None

    def _told(self, metadata: Mapping[str, str]) -> None:
        super()._told(metadata)
        self._run_id = metadata.get("graphwire-run-id", self._run_id)

    def _name(self, run_id: str, thread_id: str) -> None:
        super()._name(run_id, thread_id)
        self._run_id = run_id

    def _seen(self, event: Event) -> Event:
        self._run_id = event.run_id
        if event.mode == "end":
            self._end = event
        return super()._seen(event)


class ThreadStream(EventStream):
    """The events of all runs of a thread, each with its `run_id`.

    The iteration does not end by itself: between runs it waits, and what ends it is an error, or `aclose`. Leaving it changes nothing for the runs.
    """

    _cut = "the watch ended, and nothing said why"


def _known(value: str | None) -> str:
    if value is None:
        raise RuntimeError("not known yet: enter the stream with `async with`, or await started()")
    return value
