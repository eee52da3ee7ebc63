"""Waiting for a value, as an answer.

Owns the answer to whoever waits for a run: a line's end now and then so that nothing on the way takes the line for dead, then the value as JSON (wire
facts 5 and 69).
"""

import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from graphwire_server.core.errors import Draining, GraphwireError
from graphwire_server.core.streams import Streams
from graphwire_server.rest.calls import Headers
from graphwire_server.rest.errors import internal, status_of
from graphwire_server.rest.json_text import dumps
from graphwire_server.rest.lines import Line

_log = logging.getLogger("graphwire.rest")

_HEAD = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A value that is waited for (protocol `Reply`).

    Attributes:
        value: Gives it, as JSON text.
        streams: The open streams.
        gone: Called when the caller went away before.
        headers: Headers of the answer.
    """

    value: Callable[[], Awaitable[bytes]]
    streams: Streams
    gone: Callable[[], None]
    headers: Headers = ()

    async def send(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Waits and writes the value. Cancelling it ends the wait; its caller counts as gone."""
        with self.streams:
            line = Line(scope, receive, send, self.streams.limits, b"\n")
            done = False
            try:
                await line.open(_HEAD, self.headers)
                done = await line.attend(lambda: self._finish(line))
            finally:
                if not done:
                    self.gone()
            return 200 if done else 499

    async def _finish(self, line: Line) -> None:
        try:
            value = await self.value()
        except Draining:
            # The run goes on at the next process. Whoever waits comes back to a line that broke (wire fact 5); a value would be the end of it.
            line.cut()
            return
        except GraphwireError as error:
            # The head is sent, so a failure looks as that of a run does (wire fact 12).
            value = failed_value(type(error).__name__, f"{status_of(error)}: {error.message}")
        except Exception:  # noqa: BLE001  the head is sent, so a defect looks as a failure does
            request_id = str(uuid.uuid4())
            _log.exception("wait failed", extra={"request_id": request_id})
            value = failed_value("InternalError", internal(request_id).message)
        await line.close(value)


def failed_value(error: str, message: str) -> bytes:
    """The value of a run that failed (wire fact 69)."""
    return dumps({"__error__": {"error": error, "message": message}})
