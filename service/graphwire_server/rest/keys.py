"""The key that a caller shows.

Owns which requests need one. Which keys are right is the core's matter. Open without a key is what tells nothing of this deployment: whether it is
well, and what the documented surface looks like.
"""

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from graphwire_server.core.errors import Unauthenticated
from graphwire_server.core.keys import ApiKeys
from graphwire_server.core.tally import Tally
from graphwire_server.rest.calls import Reply, Report, guarded

OPEN = frozenset({"/", "/ok", "/info", "/docs", "/openapi.json"})
"""Paths that need no key."""


class KeyCheck:
    """Lets requests with a right key pass (ASGI middleware).

    Args:
        app: What they pass to.
        keys: The keys.
        is_open: Whether a request needs none.
        tally: Counts those that are refused.
    """

    def __init__(self, app: ASGIApp, keys: ApiKeys, is_open: Callable[[Scope], bool], tally: Tally) -> None:
        self._app = app
        self._keys = keys
        self._is_open = is_open
        self._tally = tally

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it with 401."""
        if scope["type"] == "lifespan" or self._is_open(scope):
            return await self._app(scope, receive, send)
        try:
            self._keys.check({name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]})
        except Unauthenticated as error:
            return await self._refuse(error, scope, receive, send)
        return await self._app(scope, receive, send)

    async def _refuse(self, error: Unauthenticated, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": error.message})
            return

        async def reply() -> Reply:
            raise error

        await guarded(Report("key_check", self._tally), reply, scope, receive, send)


def local_path(scope: Scope) -> str:
    """The path of a request without the prefix that the server is mounted at."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) or "/"
