"""What each client saw, written down as it happens.

Owns the record alone: every event with its number and bytes, with which cursor the client joined and when, and how its stream ended. Whether
what was seen keeps the promises is judged elsewhere (`promises.py`).
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import grpc
import grpc.aio
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

from graphwire.v1.event_pb2 import StreamEvent

StreamCall: TypeAlias = "grpc.aio.UnaryStreamCall[Any, Any]"


class Seen(NamedTuple):
    """One event, as one client saw it; `data` is the whole event, `at` the server's clock when it was appended."""

    seq: int
    run_id: str
    kind: str
    data: bytes
    at: float

    @property
    def event(self) -> StreamEvent:
        return StreamEvent.FromString(self.data)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended: its code, and of its ErrorInfo the reason and the metadata."""

    code: grpc.StatusCode
    reason: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    details: tuple[Message, ...] = ()

    @property
    def after_seq(self) -> int:
        return int(self.metadata["after_seq"])


OK = Ending(grpc.StatusCode.OK)
LEFT = Ending(grpc.StatusCode.CANCELLED, "LEFT")
"""The client itself left."""

_EOF: object = getattr(grpc.aio, "EOF")  # noqa: B009  the stubs do not know it


@dataclass(slots=True)
class History:
    """What one client saw of one stream.

    `after_seq` is the cursor that it joined with. `known_before` is the highest number that any client had seen when it asked to join, and
    `joined_at` is when it was told that it had: together they say what a live reader must not and must see. `started_behind` is the cursor that the server
    told it with that.
    """

    client: str
    after_seq: int | None = None
    known_before: int = 0
    joined_at: float = float("inf")
    started_behind: int = 0
    run_id: str = ""
    thread_id: str = ""
    seen: list[Seen] = field(default_factory=list)
    ending: Ending | None = None

    @property
    def seqs(self) -> list[int]:
        return [seen.seq for seen in self.seen]

    @property
    def kinds(self) -> list[str]:
        return [seen.kind for seen in self.seen]

    @property
    def cursor(self) -> int:
        """Where it can go on: behind what it saw, or where its stream started."""
        return max(self.last_seq, self.started_behind)

    @property
    def last_seq(self) -> int:
        """The cursor to join again with."""
        return self.seen[-1].seq if self.seen else self.after_seq or 0


class Watcher:
    """One client's stream, recorded while it is read."""

    def __init__(self, call: StreamCall, history: History, recorder: "Recorder") -> None:
        self.call = call
        self.history = history
        self._recorder = recorder
        self._got: deque[Seen] = deque()
        self._moved = asyncio.Event()

    async def joined(self) -> "Watcher":
        """Waits until the server has said which run or thread it is: from then on, nothing passes by."""
        told = dict(await self.call.initial_metadata())
        self.history.run_id = str(told.get("graphwire-run-id", ""))
        self.history.thread_id = str(told.get("graphwire-thread-id", ""))
        if self.history.thread_id:
            self.history.joined_at = time.time()
            self.history.started_behind = int(told.get("graphwire-after-seq", 0))
        return self

    async def events(self) -> AsyncIterator[Seen]:
        """Reads on, from wherever it was left, to the end. What a message brings is recorded when it comes, all at once."""
        while self._got:
            yield self._got.popleft()
        try:
            while (message := await self._message()) is not None:
                self._got.extend(self._note(event) for event in message.events)
                while self._got:
                    yield self._got.popleft()
        except grpc.aio.AioRpcError as error:
            self.history.ending = ending(error)
        else:
            self.history.ending = OK
        finally:
            self._moved.set()

    async def read(self, upto: int | None = None) -> History:
        """Reads to the end, or `upto` a number or beyond."""
        async for seen in self.events():
            if upto is not None and seen.seq >= upto:
                break
        return self.history

    async def first(self, kind: str) -> Seen:
        """Reads up to the first event of a kind."""
        async for seen in self.events():
            if seen.kind == kind:
                return seen
        raise AssertionError(f"{self.history.client}: the stream ended without {kind}: {self.history.kinds}")

    async def reached(self, seq: int) -> None:
        """Waits until whoever reads this stream has come to a number, or to its end."""
        while self.history.last_seq < seq and self.history.ending is None:
            self._moved.clear()
            await self._moved.wait()

    async def leave(self) -> History:
        """Cancels the call."""
        self.call.cancel()
        self.history.ending = LEFT
        return self.history

    async def _message(self) -> Any:
        """The next message; None at the end of the stream."""
        message: Any = await self.call.read()
        return None if message is _EOF else message

    def _note(self, event: StreamEvent) -> Seen:
        time_of = event.time.seconds + event.time.nanos / 1e9
        seen = Seen(event.seq, event.run_id, event.WhichOneof("payload") or "", event.SerializeToString(), time_of)
        self.history.seen.append(seen)
        self._moved.set()
        self.history.run_id = self.history.run_id or event.run_id  # of a watched thread, its first run
        self.history.thread_id = self.history.thread_id or event.thread_id
        self._recorder.newest = max(self._recorder.newest, seen.seq)
        return seen


class Recorder:
    """The histories of all clients of one thread."""

    def __init__(self) -> None:
        self.histories: list[History] = []
        self.newest = 0

    def watch(self, client: str, call: StreamCall, after_seq: int | None = None) -> Watcher:
        """Starts the record of a call that was just made."""
        history = History(client, after_seq, known_before=self.newest)
        self.histories.append(history)
        return Watcher(call, history, self)


def ending(error: grpc.aio.AioRpcError) -> Ending:
    """What a failed call says."""
    trailing: Iterable[tuple[str, Any]] = error.trailing_metadata() or ()  # type: ignore[assignment]  # the stubs do not know that it iterates
    rich = dict(trailing).get("grpc-status-details-bin")
    return _rich(error.code(), Status.FromString(rich)) if rich else Ending(error.code())


def _rich(code: grpc.StatusCode, status: Status) -> Ending:
    details: list[Message] = []
    info = error_details_pb2.ErrorInfo()
    for packed in status.details:
        for kind in (error_details_pb2.BadRequest, error_details_pb2.ResourceInfo, error_details_pb2.RetryInfo):
            if packed.Is(kind.DESCRIPTOR):
                made = kind()
                packed.Unpack(made)
                details.append(made)
        if packed.Is(info.DESCRIPTOR):
            packed.Unpack(info)
    assert status.code == code.value[0], "the rich status must say the call's own code"
    return Ending(code, info.reason, dict(info.metadata), tuple(details))
