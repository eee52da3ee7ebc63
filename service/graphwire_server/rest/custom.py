"""The user's own app.

Owns its life: its lifespan begins before anything is answered and ends behind the last answer.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send


class CustomAppFailed(Exception):
    """The user's app cannot be served; the text is one line for the person who started the server."""


class CustomApp:
    """A Starlette or FastAPI application.

    Args:
        app: What langgraph.json names. Raises CustomAppFailed where it is another kind of application.
    """

    def __init__(self, app: object) -> None:
        if not isinstance(app, Starlette):
            raise CustomAppFailed(
                f"http.app: it is a {type(app).__name__}; it must be a Starlette or FastAPI application"
            )
        self.app = app
        self._state: Mapping[str, Any] = {}

    @asynccontextmanager
    async def alive(self) -> AsyncIterator[None]:
        """The app's lifespan. Raises CustomAppFailed where it does not start."""
        async with AsyncExitStack() as stack:
            try:
                state = await stack.enter_async_context(self.app.router.lifespan_context(self.app))
            except Exception as error:
                text = f"http.app: its lifespan failed at start: {type(error).__name__}: {error}"
                raise CustomAppFailed(" ".join(text.split())) from error
            self._state = state or {}
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request, with what the lifespan left for all of them."""
        scope.setdefault("state", {}).update(self._state)
        await self.app(scope, receive, send)

    def paths(self) -> Mapping[str, Any]:
        """What its own document says of its paths; nothing where it has none."""
        describe = getattr(self.app, "openapi", None)
        return describe() if callable(describe) else {}
