"""WebSocket connections.

Owns what uvicorn leaves open of them: a way to end one whose caller does not read, and that its end at the server's is no defect. How large a message may be,
and how often a sign of life is asked for, are uvicorn's options (`server.py`). Imported when the first caller wants one.
"""

import asyncio
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request


class BoundedSocket(WebSocketsSansIOProtocol):
    """A connection with bounds."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        app = self.app

        async def contained(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            except asyncio.CancelledError:
                # uvicorn alone cancels this task, at the server's end. It would take that for a defect, and log it.
                self.transport.abort()

        self.app = contained

    def handle_connect(self, event: Request) -> None:
        """Begins a connection, with a way to end it."""
        super().handle_connect(event)
        if hasattr(self, "scope"):  # else it was refused
            self.scope["extensions"]["graphwire.abort"] = self.transport.abort  # type: ignore[assignment]  # its type has no room for callables
