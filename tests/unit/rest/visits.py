"""A whole site on a core of fakes, and a client of it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx

from graphwire_server.core.headers import HeaderRule
from graphwire_server.core.items import Items, Keeping
from graphwire_server.core.keys import ApiKeys
from graphwire_server.core.streams import StreamLimits, Streams
from graphwire_server.core.tally import Load, Tally
from graphwire_server.rest.assistants import AssistantRoutes
from graphwire_server.rest.calls import BodyLimits, Operations
from graphwire_server.rest.crons import CronRoutes
from graphwire_server.rest.meta import MetaRoutes
from graphwire_server.rest.metrics import Metrics
from graphwire_server.rest.routes import Routes
from graphwire_server.rest.runs import RunRoutes
from graphwire_server.rest.site import SiteOptions, site
from graphwire_server.rest.store import StoreRoutes
from graphwire_server.rest.threads import ThreadRoutes
from graphwire_server.rest.v2_paths import ProtocolPaths
from graphwire_server.storage.memory.items import MemoryItems
from tests.unit.core.fakes import Clock, House, house, running
from tests.unit.core.office import crons_of
from tests.unit.rest.wire import browsing

INFO = {"version": "1", "flags": {"assistants": True, "crons": False}}
DOCUMENT: Mapping[str, Any] = {
    "info": {"title": "t", "version": "1", "description": "d"},
    "paths": {},
    "components": {"schemas": {}},
}
CORS: Mapping[str, Any] = {
    "allow_origins": ("*",),
    "allow_methods": ("*",),
    "allow_headers": ("*",),
    "expose_headers": ("content-location", "location", "x-pagination-next", "x-pagination-total"),
}
LIMITS = StreamLimits(heartbeat=timedelta(hours=1))
"""No sign of life comes while a test runs."""


def routes(made: House, limits: StreamLimits = LIMITS) -> Routes:
    streams, assistants = Streams(limits), made.assistants
    return Routes(
        runs=RunRoutes(made.runs, streams, HeaderRule()),
        threads=ThreadRoutes(made.threads, made.pruning, assistants, streams),
        assistants=AssistantRoutes(assistants),
        store=StoreRoutes(Items(MemoryItems(), Clock(), Keeping())),
        crons=CronRoutes(crons_of(made, made.store.crons, lambda at: None), made.clock),
        meta=MetaRoutes(made.threads, INFO, lambda: DOCUMENT, lambda: Metrics(Tally(), lambda: LOAD)),
        protocol=ProtocolPaths(made.threads, made.runs, streams, HeaderRule()),
    )


LOAD = Load(executing=1, waiting=2, slots=3, streams=4, held_bytes=5)


def table(made: House, disabled: frozenset[str] = frozenset()) -> Operations:
    return routes(made).table(disabled)


def options(**given: Any) -> SiteOptions:
    return SiteOptions(
        **{"keys": ApiKeys(), "cors": CORS, "limits": BodyLimits(most_bytes=1 << 20), "tally": Tally(), **given}
    )


@asynccontextmanager
async def visiting(made: House | None = None, **given: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a site: on a core that is given, or on a new one."""
    made = made or house()
    async with running(made), browsing(site(table(made), options(**given))) as client:
        yield client
