"""Where the v2 event protocol stands.

Owns its part of the table of routes. The protocol itself is imported when somebody first asks for it: most servers are asked for other things, and starts are short.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Receive, Scope, Send

from graphwire_server.core.headers import HeaderRule
from graphwire_server.core.runs import Runs
from graphwire_server.core.streams import Streams
from graphwire_server.core.threads import Threads
from graphwire_server.rest.calls import Call, Operation, Operations, Reply
from graphwire_server.rest.idempotency import DESCRIBED
from graphwire_server.rest.v2_requests import CommandEnvelope, EventsBody

if TYPE_CHECKING:
    from graphwire_server.rest.v2.routes import ProtocolRoutes

EVENTS = "/threads/{thread_id}/stream/events"
COMMANDS = "/threads/{thread_id}/commands"


class ProtocolPaths:
    """The operations of the v2 event protocol.

    Args:
        threads: The threads of this server.
        runs: Its runs.
        streams: The answers that last and are open.
        headers: Which headers of a request its nodes may read.
    """

    def __init__(self, threads: Threads, runs: Runs, streams: Streams, headers: HeaderRule) -> None:
        @cache
        def routes() -> "ProtocolRoutes":
            from graphwire_server.rest.v2.routes import ProtocolRoutes  # noqa: PLC0415  see the module's docstring

            return ProtocolRoutes(threads, runs, streams, headers)

        @cache
        def socket() -> ASGIApp:
            from graphwire_server.rest.v2.socket import ProtocolSocket  # noqa: PLC0415  see the module's docstring

            return ProtocolSocket(threads, runs, streams, headers)

        self._routes = routes
        self._socket = socket

    def sockets(self) -> dict[str, ASGIApp]:
        """What answers WebSockets, by path."""

        async def connected(scope: Scope, receive: Receive, send: Send) -> None:
            await self._socket()(scope, receive, send)

        return {EVENTS: _Socket(connected)}

    def operations(self) -> Operations:
        """The table."""
        return {
            EVENTS: {
                "POST": Operation(
                    name="stream_thread_events",
                    summary="Streams a thread by the v2 event protocol: envelopes of the channels that are asked for.",
                    run=self._events,
                    body=EventsBody,
                    headers={"Last-Event-ID": "The same as `since`, where the body has none."},
                    stream=True,
                    wrong_body=400,
                )
            },
            COMMANDS: {
                "POST": Operation(
                    name="send_thread_command",
                    summary="Does what a command of the v2 event protocol says. A command that fails is answered with 200 and an error.",
                    run=self._command,
                    body=CommandEnvelope,
                    headers=DESCRIBED,
                    answers={200: dict[str, Any]},
                    wrong_body=400,
                )
            },
        }

    async def _events(self, call: Call) -> Reply:
        return await self._routes().events(call)

    async def _command(self, call: Call) -> Reply:
        return await self._routes().command(call)


class _Socket:
    """An application that Starlette takes for one: a function it would take for something that gets a WebSocket of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)
