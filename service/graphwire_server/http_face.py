"""Composes the HTTP face: a part of the composition root that is imported only where the face is served.

Owns which routes there are, what they stand on, and what the user's own app adds.
"""

import importlib.metadata
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from typing import Any

from graphwire_server.composed import Core
from graphwire_server.config import Settings
from graphwire_server.engine.loading import load_app
from graphwire_server.engine.manifest import Manifest
from graphwire_server.rest.assistants import AssistantRoutes
from graphwire_server.rest.calls import BodyLimits
from graphwire_server.rest.crons import CronRoutes
from graphwire_server.rest.custom import CustomApp
from graphwire_server.rest.meta import MetaRoutes, Metrics
from graphwire_server.rest.openapi import document
from graphwire_server.rest.routes import Routes
from graphwire_server.rest.runs import RunRoutes
from graphwire_server.rest.server import HttpOptions, HttpServer
from graphwire_server.rest.site import SiteOptions, site
from graphwire_server.rest.store import StoreRoutes
from graphwire_server.rest.threads import ThreadRoutes
from graphwire_server.rest.v2_paths import ProtocolPaths
from graphwire_server.security import Security


@asynccontextmanager
async def http_face(
    core: Core, settings: Settings, security: Security, manifest: Manifest
) -> AsyncIterator[HttpServer]:
    """The HTTP face, with the user's own app alive.

    Args:
        core: What it stands on.
        settings: The options of the server.
        security: Its keys and certificates.
        manifest: langgraph.json, for its part `http`.

    Raises:
        ManifestError: The user's own app cannot be loaded.
        CustomAppFailed: It does not start.
    """
    web = manifest.http
    loaded = load_app(manifest)
    custom = None if loaded is None else CustomApp(loaded)

    @cache
    def described() -> Mapping[str, Any]:
        # Made when somebody asks for the first time: it takes as long as a tenth of a start, and most servers are never asked.
        paths = custom.paths() if custom else None
        return document(table, _version(), web.mount_prefix, keys=bool(security.keys), custom=paths)

    @cache
    def metrics() -> Metrics:
        from graphwire_server.rest import metrics as shown  # noqa: PLC0415  its library takes a tenth of a start, and most servers are never asked

        return shown.Metrics(core.tally, core.load)

    meta = MetaRoutes(core.threads, _info(core, manifest), described, metrics)
    routes = Routes(
        runs=RunRoutes(core.runs, core.streams, web.configurable_headers),
        threads=ThreadRoutes(core.threads, core.pruning, core.assistants, core.streams),
        assistants=AssistantRoutes(core.assistants),
        crons=CronRoutes(core.crons, lambda: datetime.now(UTC)),
        store=StoreRoutes(core.items),
        meta=meta,
        protocol=ProtocolPaths(core.threads, core.runs, core.streams, web.configurable_headers),
    )
    table = routes.table(web.disabled)
    options = SiteOptions(
        keys=security.keys,
        cors=asdict(web.cors),
        prefix=web.mount_prefix,
        custom=custom,
        keys_first=web.middleware_order == "auth_first",
        keys_for_custom=web.enable_custom_route_auth,
        limits=BodyLimits(most_bytes=settings.max_request_bytes),
        tally=core.tally,
    )
    async with custom.alive() if custom else nullcontext():
        app = site(table, options, routes.sockets(web.disabled))
        yield HttpServer(_http_options(settings), app, draining=meta.drain)


def _info(core: Core, manifest: Manifest) -> Mapping[str, Any]:
    flags = {
        "assistants": True,
        "crons": core.crons.offered,
        "store": True,
        "webhooks": manifest.webhooks.policy.offered,
        "langsmith": False,
    }
    return {"version": _version(), "langgraph_py_version": importlib.metadata.version("langgraph"), "flags": flags}


def _version() -> str:
    return importlib.metadata.version("graphwire")


def _http_options(settings: Settings) -> HttpOptions:
    return HttpOptions(
        host=settings.host,
        port=settings.http_port,
        tls_cert=settings.tls_cert,
        tls_key=settings.tls_key,
        tls_client_ca=settings.tls_client_ca,
        most_message_bytes=settings.max_request_bytes,
    )
