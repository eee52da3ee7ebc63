"""The v2 event protocol over a WebSocket.

Owns its wire: messages in and out, their form, and how a connection ends. A caller who takes no bytes is cut off, as on every stream.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Mapping

import orjson
from starlette.types import Receive, Scope, Send

from graphwire_server.core.errors import GraphwireError, InvalidField
from graphwire_server.core.headers import HeaderRule
from graphwire_server.core.runs import Runs
from graphwire_server.core.spec import check_uuid
from graphwire_server.core.streams import Streams
from graphwire_server.core.threads import Threads
from graphwire_server.rest.calls import abort
from graphwire_server.rest.errors import internal, status_of
from graphwire_server.rest.shapes import parse
from graphwire_server.rest.v2.commands import Commands, command
from graphwire_server.rest.v2.envelopes import failure
from graphwire_server.rest.v2.session import SOURCE_ENDED, Closed, Session
from graphwire_server.rest.v2.starting import Sent

_log = logging.getLogger("graphwire.rest")

_MOST_REASON = 120
"""How many bytes of a reason fit into the frame that ends a connection."""
_GOODBYE = 1.0
"""How long a goodbye may wait for a caller that does not read, in seconds."""
_GONE = 1006
"""The code of a connection that ended without one."""


class ProtocolSocket:
    """The ASGI application of the protocol's WebSockets.

    Args:
        threads: The threads of this server.
        runs: Its runs.
        streams: The answers that last and are open.
        headers: Which headers of a request its nodes may read.
    """

    def __init__(self, threads: Threads, runs: Runs, streams: Streams, headers: HeaderRule) -> None:
        self._threads = threads
        self._runs = runs
        self._streams = streams
        self._headers = headers
        self._commands = Commands(threads, runs)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection."""
        begun = time.monotonic()
        await receive()  # that somebody wants to connect
        await send({"type": "websocket.accept"})
        line = _Line(scope, send, self._streams.limits.write_timeout.total_seconds())
        try:
            with self._streams:
                await self._serve(scope, receive, line)
        except GraphwireError as error:
            await line.close(Closed(4000 + status_of(error), error.message))
        except Closed as closed:
            await line.close(closed)
        except (TimeoutError, OSError):
            await line.close(Closed(SOURCE_ENDED, "the caller does not read"))
        finally:
            seconds = round(time.monotonic() - begun, 4)
            _log.debug("socket ended", extra={"operation": "thread_socket", "code": line.code, "seconds": seconds})

    async def _serve(self, scope: Scope, receive: Receive, line: "_Line") -> None:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        session = Session(
            thread_id=check_uuid("thread_id", scope["path_params"]["thread_id"]),
            sent=Sent(headers=self._headers.select(headers)),
            threads=self._threads,
            runs=self._runs,
            commands=self._commands,
            way=line,
        )
        try:
            while (message := await receive())["type"] != "websocket.disconnect":
                given = message.get("text")
                await _take(session, line, message.get("bytes") or b"" if given is None else given.encode())
        finally:
            await session.end()


async def _take(session: Session, line: "_Line", text: bytes) -> None:
    """Answers one message. Whatever is wrong with it is an answer."""
    value: object = None
    try:
        value = parse(text)
        await session.answer(command(value))
    except InvalidField as error:
        await line.say(orjson.dumps(failure("invalid_argument", error.message, _id_of(value))))
    except (Closed, TimeoutError, OSError):
        raise
    except Exception:  # noqa: BLE001  a defect must not reach the caller in detail
        request_id = str(uuid.uuid4())
        _log.exception("command failed", extra={"request_id": request_id})
        await line.say(orjson.dumps(failure("unknown_error", internal(request_id).message, _id_of(value))))


def _id_of(value: object) -> int | None:
    """The number of a command whose form is wrong, where it has one: its caller waits for an answer to it."""
    number = value.get("id") if isinstance(value, Mapping) else None
    return number if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 1 << 53 else None


class _Line:
    """The way to one caller (protocol `Way`)."""

    def __init__(self, scope: Scope, send: Send, patience: float) -> None:
        self._scope = scope
        self._send = send
        self._patience = patience
        self.code = _GONE

    async def say(self, *texts: bytes) -> None:
        """Sends messages."""
        if self.code != _GONE:
            raise ConnectionAbortedError("the connection was closed")
        async with asyncio.timeout(self._patience):
            for text in texts:
                await self._send({"type": "websocket.send", "text": text.decode()})

    async def close(self, closed: Closed) -> None:
        """Ends the connection: with a goodbye, or at once where the caller does not read."""
        if self.code != _GONE:
            return
        self.code = closed.code
        reason = closed.reason.encode()[:_MOST_REASON].decode(errors="ignore")
        try:
            async with asyncio.timeout(_GOODBYE):
                await self._send({"type": "websocket.close", "code": closed.code, "reason": reason})
        except (TimeoutError, OSError):
            abort(self._scope)
