"""A stream of server-sent events, as an answer.

Owns how batches of events become bytes on one caller's line, and what a stream says that fails after its head was sent.
"""

import asyncio
import logging
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from graphwire_server.core.errors import Draining, GraphwireError, SlowReader
from graphwire_server.core.events import End, Error, Event
from graphwire_server.core.follow import Batches
from graphwire_server.core.streams import Streams
from graphwire_server.rest.calls import Headers
from graphwire_server.rest.errors import internal
from graphwire_server.rest.frames import HEARTBEAT, error_frame, frames, numbered_frames, run_error_frame, thread_frames
from graphwire_server.rest.lines import Line, let_go

_log = logging.getLogger("graphwire.rest")

AFTER_SEQ = "graphwire-after-seq"
"""The header with the cursor behind which a stream starts: where a reader goes on that is cut off before its first event."""

HEAD = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"connection", b"keep-alive"),
)
"""The headers of a stream (wire fact 2): nothing on the way may keep its bytes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a stream delivers.

    Attributes:
        batches: The events.
        headers: Headers of the answer, such as where to come back to.
        numbered: Whether frames have ids, so that a caller can come back (wire fact 10).
        watched: Whether it is a thread's stream, which goes on behind a run's end and says that the run is done (wire fact 43).
        gone: Called when the caller went away before the end.
    """

    batches: Batches
    headers: Headers = ()
    numbered: bool = False
    watched: bool = False
    gone: Callable[[], None] = let_go

    @property
    def framer(self) -> Callable[[Sequence[Event]], bytes]:
        """How a batch becomes bytes."""
        if self.watched:
            return thread_frames
        return numbered_frames if self.numbered else frames


class EventStream:
    """A stream (protocol `Reply`).

    Args:
        opened: The source, for as long as it is open. What it raises on entry is an ordinary failure of the request.
        streams: The open streams.
    """

    def __init__(self, opened: AbstractAsyncContextManager[Source], streams: Streams) -> None:
        self._opened = opened
        self._streams = streams

    async def send(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Writes the stream to its end. Cancelling it ends it where it is, and its caller counts as gone."""
        with self._streams:
            async with self._opened as source:
                line = Line(scope, receive, send, self._streams.limits, HEARTBEAT)
                done = False
                try:
                    await line.open(HEAD, (*source.headers, (AFTER_SEQ, str(source.batches.after_seq))))
                    done = await line.attend(lambda: _pump(line, source))
                finally:
                    if not done:
                        source.gone()
                return 200 if done else 499


class FailedStream:
    """A stream that is one error event and ends (protocol `Reply`): the answer to whoever joins a run that does not exist (wire fact 12)."""

    def __init__(self, error: str, message: str) -> None:
        self._frame = error_frame(error, message)

    async def send(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Writes the event."""
        await send({"type": "http.response.start", "status": 200, "headers": list(HEAD)})
        await send({"type": "http.response.body", "body": self._frame})
        return 200


async def _pump(line: Line, source: Source) -> None:
    """Writes all batches. A failure travels as the last event; but one that the caller heals by coming back cuts the line, since SDKs come back to a
    line that broke, and take an error event for the end of the run (wire facts 39 and 40).
    """
    try:
        await _write_all(line, source)
    except GraphwireError as error:
        if isinstance(error, Draining) or (isinstance(error, SlowReader) and source.numbered):
            line.cut()
        else:
            await line.close(error_frame(type(error).__name__, error.message))
    except (asyncio.CancelledError, TimeoutError):
        raise
    except Exception:  # noqa: BLE001  the head is sent, so a defect travels as the last event
        request_id = str(uuid.uuid4())
        _log.exception("stream failed", extra={"request_id": request_id})
        await line.close(error_frame("InternalError", internal(request_id).message))
    else:
        await line.close()


async def _write_all(line: Line, source: Source) -> None:
    framed, before = source.framer, None
    async for batch in source.batches:
        content = batch.made(framed)
        last = batch[-1].payload
        if type(last) is End and last.error is not None:
            content += _unseen_error(last, batch[-2] if len(batch) > 1 else before)
        if content:
            await line.write(content)
        before = batch[-1]


def _unseen_error(end: End, before: Event | None) -> bytes:
    """The error of a run that ended before this reader came: its error event is gone, and without one the end would look like success."""
    if end.error is None or (before is not None and type(before.payload) is Error):
        return b""
    return run_error_frame(end.error)
