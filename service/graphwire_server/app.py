"""The composition root: it alone knows every layer.

Owns what is made of what, and the order in which a server starts and stops. The invariant: nothing listens before what it needs is open, and
nothing closes before what needs it has ended.
"""

import importlib.metadata
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import uuid_utils

from graphwire_server.config import Settings
from graphwire_server.core.assistants import Assistants
from graphwire_server.core.model import Retention
from graphwire_server.core.runs import Limits, Runs
from graphwire_server.core.streams import StreamLimits, Streams
from graphwire_server.core.threads import Threads
from graphwire_server.core.worker import Worker
from graphwire_server.engine.catalogue import Catalogue
from graphwire_server.engine.execution import GraphExecutor
from graphwire_server.engine.loading import load_app
from graphwire_server.engine.manifest import Manifest, apply_env, read_manifest
from graphwire_server.engine.states import GraphStates
from graphwire_server.rest.assistants import AssistantRoutes
from graphwire_server.rest.calls import BodyLimits
from graphwire_server.rest.custom import CustomApp
from graphwire_server.rest.meta import MetaRoutes
from graphwire_server.rest.openapi import document
from graphwire_server.rest.routes import Routes
from graphwire_server.rest.runs import RunRoutes
from graphwire_server.rest.server import HttpOptions, HttpServer
from graphwire_server.rest.site import SiteOptions, site
from graphwire_server.rest.threads import ThreadRoutes
from graphwire_server.rpc.assistant_service import AssistantService
from graphwire_server.rpc.run_service import RunService
from graphwire_server.rpc.server import GrpcServer, ServerCertificate, ServerOptions
from graphwire_server.rpc.thread_service import ThreadService
from graphwire_server.security import Security, Tls, read_security
from graphwire_server.storage.memory.log import MemoryLog
from graphwire_server.storage.memory.saver import MemorySaver
from graphwire_server.storage.memory.store import MemoryStore
from graphwire_server.storage.sqlite.checkpoints import InlineSaver
from graphwire_server.storage.sqlite.database import Database
from graphwire_server.storage.sqlite.store import SqliteStore

_log = logging.getLogger("graphwire.app")


class EngineNotOffered(Exception):
    """The environment chooses an engine that this version does not have; the text is one line for whoever started the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A server that is ready.

    Attributes:
        grpc_port: The port of its gRPC face.
        http_port: The port of its HTTP face; None where it has none.
        catalogue: Its graphs.
    """

    grpc_port: int
    http_port: int | None
    catalogue: Catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """What both faces stand on."""

    runs: Runs
    threads: Threads
    assistants: Assistants
    streams: Streams


def check_engines(environ: Mapping[str, str]) -> None:
    """Refuses an environment that chooses an engine which this version lacks, since data would silently go elsewhere. Raises EngineNotOffered."""
    for name in ("DATABASE_URI", "REDIS_URI"):
        if environ.get(name):
            raise EngineNotOffered(f"{name} is set, but this version keeps its data in SQLite alone; unset it")


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Serving]:
    """A server from its start to its stop.

    Raises:
        ManifestError: The graphs cannot be loaded.
        DataDirError: The data directory cannot be used.
        PortTaken: The port of the gRPC face cannot be listened on.
        HttpPortTaken: That of the HTTP face cannot.
        CustomAppFailed: The user's own app cannot be served.
        SecurityError: Keys or certificates cannot be read.
    """
    security = read_security(settings)
    manifest = read_manifest(settings.config)
    apply_env(manifest)
    catalogue = Catalogue.load(manifest)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database.open(settings.data_dir))
        saver = InlineSaver(database)
        logs = MemoryLog(Retention(thread_bytes=settings.log_bytes_per_thread))
        executor = GraphExecutor(catalogue, saver, saver.last_checkpoint_id, MemorySaver)
        worker = Worker(executor, logs, _now, settings.drain_grace)
        store, states = SqliteStore(database), GraphStates(catalogue, saver)
        assistants = Assistants(catalogue, _now)
        runs = Runs(
            store=store,
            ephemeral=MemoryStore(),
            logs=logs,
            states=states,
            assistants=assistants,
            worker=worker,
            limits=Limits(runs=settings.max_runs),
            clock=_now,
            new_id=_new_id,
        )
        threads = Threads(store=store, logs=logs, states=states, assistants=assistants, clock=_now, new_id=_new_id)
        streams = Streams(StreamLimits(streams=settings.max_streams, write_timeout=settings.write_timeout))
        core = Core(runs=runs, threads=threads, assistants=assistants, streams=streams)
        faces: list[Face] = [_grpc(core, settings, security)]
        if not settings.no_http:
            faces.append(await stack.enter_async_context(_http(core, settings, security, manifest)))
        ports = [face.bind() for face in faces]
        async with _stopping_in_order(faces, worker, logs):
            await runs.recover()
            for face in faces:
                await face.start()
            yield Serving(grpc_port=ports[0], http_port=ports[1] if len(ports) > 1 else None, catalogue=catalogue)


class Face(Protocol):
    """One of the two transports."""

    def bind(self) -> int:
        """Takes the port and returns it; nothing is answered yet."""
        ...

    async def start(self) -> None:
        """Answers calls."""
        ...

    async def drain(self) -> None:
        """Says that no more calls are wanted. Open calls go on."""
        ...

    async def stop(self) -> None:
        """Ends what is still open and stops listening."""
        ...


@asynccontextmanager
async def _stopping_in_order(faces: Sequence[Face], worker: Worker, logs: MemoryLog) -> AsyncIterator[None]:
    """Drains as wire section D says: no more calls, runs end or are cut short, streams that wait end with UNAVAILABLE, the sockets close."""
    try:
        async with worker:
            try:
                yield
            finally:
                _log.info("draining", extra={"runs": len(worker)})
                for face in faces:
                    await face.drain()
    finally:
        logs.close()
        for face in faces:
            await face.stop()
        _log.info("stopped")


def _grpc(core: Core, settings: Settings, security: Security) -> GrpcServer:
    return GrpcServer(
        _options(settings, security.tls),
        runs=RunService(core.runs),
        threads=ThreadService(core.threads),
        assistants=AssistantService(core.assistants),
        streams=core.streams,
        keys=security.keys,
    )


@asynccontextmanager
async def _http(core: Core, settings: Settings, security: Security, manifest: Manifest) -> AsyncIterator[HttpServer]:
    web = manifest.http
    loaded = load_app(manifest)
    custom = None if loaded is None else CustomApp(loaded)
    meta = MetaRoutes(core.threads, _info(), lambda: made_document)
    routes = Routes(
        runs=RunRoutes(core.runs, core.streams, web.configurable_headers),
        threads=ThreadRoutes(core.threads, core.assistants, core.streams),
        assistants=AssistantRoutes(core.assistants),
        meta=meta,
    )
    table = routes.table(web.disabled)
    made_document = document(
        table, _version(), web.mount_prefix, keys=bool(security.keys), custom=custom.paths() if custom else None
    )
    options = SiteOptions(
        keys=security.keys,
        cors=asdict(web.cors),
        prefix=web.mount_prefix,
        custom=custom,
        keys_first=web.middleware_order == "auth_first",
        keys_for_custom=web.enable_custom_route_auth,
        limits=BodyLimits(most_bytes=settings.max_request_bytes),
    )
    async with custom.alive() if custom else nullcontext():
        yield HttpServer(_http_options(settings), site(table, options), draining=meta.drain)


def _info() -> Mapping[str, Any]:
    flags = {"assistants": True, "crons": False, "store": False, "webhooks": False, "langsmith": False}
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
    )


def _options(settings: Settings, tls: Tls | None) -> ServerOptions:
    return ServerOptions(
        host=settings.host,
        port=settings.grpc_port,
        max_request_bytes=settings.max_request_bytes,
        max_connection_age=settings.max_connection_age,
        channelz=settings.channelz,
        tls=None if tls is None else ServerCertificate(cert=tls.cert, key=tls.key, client_ca=tls.client_ca),
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return str(uuid_utils.uuid7())
