"""The application: routes, keys, other origins, the prefix, and the user's own routes.

Owns in which order a request passes these. From the outside in: other origins (so that a browser may read refusals too), the prefix, the user's app if
there is one (its middleware, then its routes), the key, the routes of this surface.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Match, Mount, Route, Router, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from graphwire_server.core.errors import shortened
from graphwire_server.core.keys import ApiKeys
from graphwire_server.core.tally import Tally
from graphwire_server.rest.calls import Answer, BodyLimits, Operations, Resource
from graphwire_server.rest.custom import CustomApp
from graphwire_server.rest.keys import OPEN, KeyCheck, local_path
from graphwire_server.rest.origins import OriginCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteOptions:
    """How the application is put together.

    Attributes:
        keys: The keys that callers show; none means that nobody is asked.
        cors: The arguments of Starlette's CORSMiddleware.
        limits: Bounds of request bodies.
        tally: Counts the requests.
        prefix: What all paths begin with; empty for nothing.
        custom: The user's own app, whose routes come first; None where there is none.
        keys_first: Whether a key is asked for before the middleware of the user's app runs.
        keys_for_custom: Whether the routes of the user's app need a key.
    """

    keys: ApiKeys
    cors: Mapping[str, Any]
    limits: BodyLimits
    tally: Tally
    prefix: str = ""
    custom: CustomApp | None = None
    keys_first: bool = False
    keys_for_custom: bool = False


def site(table: Operations, options: SiteOptions, sockets: Mapping[str, ASGIApp] = MappingProxyType({})) -> ASGIApp:
    """The application.

    Args:
        table: The operations, by path and method.
        options: What surrounds them.
        sockets: What answers WebSockets, by path.
    """
    routes = [Route(path, endpoint=Resource(methods, options.limits, options.tally)) for path, methods in table.items()]
    doors = [WebSocketRoute(path, endpoint=OriginCheck(socket, options.cors)) for path, socket in sockets.items()]
    app: ASGIApp = Router([*routes, *doors], redirect_slashes=False, default=_nothing_here)
    if options.custom:
        app = _beside_custom(app, routes, options.custom, options)
    elif options.keys:
        app = KeyCheck(app, options.keys, _openness((), options), options.tally)
    if options.prefix:
        app = Router([Mount(options.prefix, app=app)], redirect_slashes=False, default=_nothing_here)
    return CORSMiddleware(app, **options.cors)


def _openness(custom: tuple[BaseRoute, ...], options: SiteOptions) -> Any:
    """Which requests need no key: what is open to all, and the user's own routes unless they ask for one."""
    own = () if options.keys_for_custom else custom

    def is_open(scope: Scope) -> bool:
        return local_path(scope) in OPEN or any(route.matches(scope)[0] is Match.FULL for route in own)

    return is_open


def _beside_custom(own: ASGIApp, routes: list[Route], custom: CustomApp, options: SiteOptions) -> ASGIApp:
    """The user's app with this surface behind its routes. The document and its page stay ours: they describe both."""
    app = custom.app
    theirs = tuple(app.router.routes)
    app.router.routes[:0] = [route for route in routes if route.path in ("/openapi.json", "/docs")]
    app.router.routes.append(Mount("/", app=own))
    if options.keys:
        check = Middleware(KeyCheck, keys=options.keys, is_open=_openness(theirs, options), tally=options.tally)
        app.user_middleware.insert(0 if options.keys_first else len(app.user_middleware), check)
    return custom


async def _nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000})
        return
    body = {
        "detail": f"there is nothing at {shortened(scope['path'])}; /docs lists the paths",
        "code": "ROUTE_NOT_FOUND",
    }
    await Answer(value=body, status=404).send(scope, receive, send)
