"""How a stream's events are asked for: the first time, and each time after.

Owns the requests. The invariant: a run is created by one `request_id` alone, and once it is known, it is joined.
"""

from collections.abc import AsyncIterator
from typing import Protocol, TypeAlias

import grpc

from graphwire.channel import Wire
from graphwire.v1.run_service_pb2 import JoinRunRequest, JoinRunResponse, StreamRunRequest, StreamRunResponse
from graphwire.v1.thread_service_pb2 import WatchThreadRequest, WatchThreadResponse

Batch: TypeAlias = StreamRunResponse | JoinRunResponse | WatchThreadResponse


class Call(Protocol):
    """What a stream needs of a gRPC call."""

    def __aiter__(self) -> AsyncIterator[Batch]: ...

    async def initial_metadata(self) -> grpc.aio.Metadata:
        """The metadata that comes before the first message; empty where the call was refused."""

    def cancel(self) -> bool:
        """Ends the call."""


class Route(Protocol):
    """How events are asked for."""

    @property
    def asked(self) -> int | None:
        """The cursor of the first request; None where it had none."""

    def starts_at(self, cursor: int | None, *, taken: bool) -> bool:
        """Whether the next call would lose nothing.

        Args:
            cursor: The number of the last event that is not needed again; None where nothing says it.
            taken: Whether the server had taken a call of this stream.
        """

    def call(self, cursor: int | None, run_id: str | None) -> Call:
        """Makes the next call.

        Args:
            cursor: As in `starts_at`.
            run_id: The run, where it is known.
        """


class RunRoute:
    """The way to a run that this stream creates: StreamRun until the run is known, then JoinRun."""

    asked = None

    def __init__(self, wire: Wire, request: StreamRunRequest) -> None:
        self._wire = wire
        self._request = request

    def starts_at(self, cursor: int | None, *, taken: bool) -> bool:
        """Always: without a cursor, the run's start is where this stream starts."""
        return True

    def call(self, cursor: int | None, run_id: str | None) -> Call:
        """As in `Route`."""
        if run_id is None:
            return self._wire.runs.StreamRun(self._request, metadata=self._wire.metadata)
        first = self._request
        request = JoinRunRequest(
            run_id=run_id,
            after_seq=cursor or 0,
            filter=first.filter if first.HasField("filter") else None,
            payload_format=first.payload_format,
            on_disconnect=first.on_disconnect,
        )
        return self._wire.runs.JoinRun(request, metadata=self._wire.metadata)


class JoinRoute:
    """The way to a run that exists, or to a thread: the same request, behind the cursor."""

    def __init__(self, wire: Wire, request: JoinRunRequest | WatchThreadRequest) -> None:
        self._wire = wire
        self._request = request
        self.asked = request.after_seq if request.HasField("after_seq") else None

    def starts_at(self, cursor: int | None, *, taken: bool) -> bool:
        """Not where the server took the call and did not say where it starts: what happens from another now on leaves a gap."""
        return cursor is not None or not taken

    def call(self, cursor: int | None, run_id: str | None) -> Call:
        """As in `Route`."""
        if cursor is not None:
            self._request.after_seq = cursor
        if isinstance(self._request, JoinRunRequest):
            return self._wire.runs.JoinRun(self._request, metadata=self._wire.metadata)
        return self._wire.threads.WatchThread(self._request, metadata=self._wire.metadata)
