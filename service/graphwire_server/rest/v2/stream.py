"""The envelopes of a thread as server-sent events.

Owns their frames, and the end of such a stream: it stays open while its thread is there, since clients take an end for the end (wire fact 50).
"""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from graphwire_server.core.errors import Draining, InvalidField, SlowReader
from graphwire_server.core.streams import Streams
from graphwire_server.core.threads import Threads
from graphwire_server.rest.event_stream import HEAD
from graphwire_server.rest.frames import HEARTBEAT
from graphwire_server.rest.lines import Line
from graphwire_server.rest.v2.channels import Subscription
from graphwire_server.rest.v2.envelopes import Numbered, encoded
from graphwire_server.rest.v2.reading import Envelopes, beyond, last_words, reading


class EnvelopeStream:
    """A stream (protocol `Reply`).

    Args:
        threads: The threads.
        streams: The open streams.
        thread_id: The thread.
        wanted: What of it.
    """

    def __init__(self, threads: Threads, streams: Streams, thread_id: str, wanted: Subscription) -> None:
        self._threads = threads
        self._streams = streams
        self._thread_id = thread_id
        self._wanted = wanted

    async def send(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Writes the stream for as long as its caller is there. Cancelling it ends it where it is."""
        with self._streams:
            async with AsyncExitStack() as stack:
                try:
                    envelopes = await stack.enter_async_context(reading(self._threads, self._thread_id, self._wanted))
                except InvalidField as error:
                    raise beyond(error) from error
                line = Line(scope, receive, send, self._streams.limits, HEARTBEAT)
                await line.open(HEAD, ())
                done = await line.attend(lambda: _pump(line, envelopes))
                return 200 if done else 499


async def _pump(line: Line, envelopes: Envelopes) -> None:
    """Writes all envelopes. Where the caller heals a failure by coming back, the line is cut, so that it does."""
    try:
        async for made in envelopes:
            await line.write(b"".join(map(_frame, made)))
    except (Draining, SlowReader):
        line.cut()
    except (asyncio.CancelledError, TimeoutError):
        raise
    except Exception as error:  # noqa: BLE001  the head is sent, so a failure travels as the last event
        await line.close(_error_frame(last_words(error)))


def _frame(numbered: Numbered) -> bytes:
    method = numbered.envelope.method.encode()
    return b"event: %b\r\ndata: %b\r\nid: %d\r\n\r\n" % (method, encoded(numbered), numbered.seq)


def _error_frame(said: dict[str, Any]) -> bytes:
    return b"event: error\r\ndata: %b\r\n\r\n" % orjson.dumps(said)
