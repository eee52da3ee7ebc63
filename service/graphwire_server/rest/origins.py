"""Which pages may open a WebSocket.

Owns the check of the header Origin: browsers let every page open one, and ask nobody before. So what CORS says of requests is said here.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send


class OriginCheck:
    """Lets connections pass whose page may ask (ASGI middleware for WebSockets).

    Args:
        app: What they pass to.
        cors: The arguments of Starlette's CORSMiddleware.
    """

    def __init__(self, app: ASGIApp, cors: Mapping[str, Any]) -> None:
        self._app = app
        self._allowed = frozenset(cors.get("allow_origins") or ())
        pattern = cors.get("allow_origin_regex")
        self._pattern = None if pattern is None else re.compile(pattern)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a connection on, or refuses it: 403, as a server says before it is one."""
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1")
        if self._passes(origin, headers.get(b"host", b"").decode("latin-1")):
            await self._app(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": "pages of this origin may not ask"})

    def _passes(self, origin: str, host: str) -> bool:
        if not origin or "*" in self._allowed or origin in self._allowed:  # only browsers say where they are
            return True
        matches = self._pattern is not None and self._pattern.fullmatch(origin) is not None
        return matches or urlsplit(origin).netloc == host
