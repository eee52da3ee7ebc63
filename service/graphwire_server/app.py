"""The composition root: it alone knows every layer.

Owns what is made of what, and the order in which a server starts and stops. The invariant: nothing listens before what it needs is open, and
nothing closes before what needs it has ended.
"""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from graphwire_server.composed import Core
from graphwire_server.config import Settings
from graphwire_server.core.assistants import Assistants
from graphwire_server.core.worker import Worker
from graphwire_server.engine.catalogue import Catalogue
from graphwire_server.engine.embedding import load_embedding
from graphwire_server.engine.loading import Loader
from graphwire_server.engine.manifest import apply_env, read_manifest
from graphwire_server.engine.threads import NodeThreads
from graphwire_server.house import house
from graphwire_server.rpc.assistant_service import AssistantService
from graphwire_server.rpc.cron_service import CronService
from graphwire_server.rpc.run_service import RunService
from graphwire_server.rpc.server import GrpcServer, ServerCertificate, ServerOptions
from graphwire_server.rpc.store_service import StoreService
from graphwire_server.rpc.thread_service import ThreadService
from graphwire_server.security import Security, Tls, read_security
from graphwire_server.storage.memory.log import MemoryLog

_log = logging.getLogger("graphwire.app")


class EngineNotOffered(Exception):
    """The environment chooses an engine that this version does not have; the text is one line for whoever started the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A server that is ready.

    Attributes:
        grpc_port: The port of its gRPC face.
        http_port: The port of its HTTP face; None where it has none.
        assistants: Its assistants, and by them its graphs.
    """

    grpc_port: int
    http_port: int | None
    assistants: Assistants


def check_engines(environ: Mapping[str, str]) -> None:
    """Refuses an environment that chooses an engine which this version lacks, since data would silently go elsewhere. Raises EngineNotOffered."""
    for name in ("DATABASE_URI", "REDIS_URI"):
        if environ.get(name):
            raise EngineNotOffered(f"{name} is set, but this version keeps its data in SQLite alone; unset it")


@asynccontextmanager
async def serving(settings: Settings, threads: NodeThreads) -> AsyncIterator[Serving]:
    """A server from its start to its stop.

    Args:
        settings: Its options.
        threads: The pool in which the loop runs synchronous nodes.

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
    loader = Loader(manifest)
    catalogue, embedding = Catalogue.load(manifest, loader), load_embedding(manifest.store, loader)
    async with AsyncExitStack() as stack:
        behind = await stack.enter_async_context(house(settings, manifest, catalogue, threads, embedding))
        faces: list[Face] = [_grpc(behind.core, settings, security)]
        if not settings.no_http:
            from graphwire_server.http_face import http_face  # noqa: PLC0415  a server without it is ready sooner, and smaller

            faces.append(await stack.enter_async_context(http_face(behind.core, settings, security, manifest)))
        ports = [face.bind() for face in faces]
        async with _stopping_in_order(faces, behind.worker, behind.logs):
            await behind.recovery.recover()
            for face in faces:
                await face.start()
            async with behind.firings if settings.crons else nullcontext():
                yield Serving(
                    grpc_port=ports[0],
                    http_port=ports[1] if len(ports) > 1 else None,
                    assistants=behind.core.assistants,
                )


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
                _log.info("draining", extra={"runs": len(worker.jobs)})
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
        threads=ThreadService(core.threads, core.pruning),
        assistants=AssistantService(core.assistants),
        store=StoreService(core.items),
        crons=CronService(core.crons),
        streams=core.streams,
        tally=core.tally,
        keys=security.keys,
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
