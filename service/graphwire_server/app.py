"""The composition root: it alone knows every layer.

Owns what is made of what, and the order in which a server starts and stops. The invariant: nothing listens before what it needs is open, and
nothing closes before what needs it has ended.
"""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import uuid_utils

from graphwire_server.config import Settings
from graphwire_server.core.assistants import Assistants
from graphwire_server.core.model import Retention
from graphwire_server.core.runs import Limits, Runs
from graphwire_server.core.threads import Threads
from graphwire_server.core.worker import Worker
from graphwire_server.engine.catalogue import Catalogue
from graphwire_server.engine.execution import GraphExecutor
from graphwire_server.engine.manifest import apply_env, read_manifest
from graphwire_server.engine.states import GraphStates
from graphwire_server.rpc.assistant_service import AssistantService
from graphwire_server.rpc.calls import StreamLimits, Streams
from graphwire_server.rpc.run_service import RunService
from graphwire_server.rpc.server import GrpcServer, ServerOptions
from graphwire_server.rpc.thread_service import ThreadService
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
        catalogue: Its graphs.
    """

    grpc_port: int
    catalogue: Catalogue


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
        PortTaken: The port cannot be listened on.
    """
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
        server = GrpcServer(
            _options(settings),
            runs=RunService(runs),
            threads=ThreadService(threads),
            assistants=AssistantService(assistants),
            streams=streams,
        )
        port = server.bind()
        async with _stopping_in_order(server, worker, logs):
            await runs.recover()
            await server.start()
            yield Serving(grpc_port=port, catalogue=catalogue)


@asynccontextmanager
async def _stopping_in_order(server: GrpcServer, worker: Worker, logs: MemoryLog) -> AsyncIterator[None]:
    """Drains as wire section D says: no more calls, runs end or are cut short, streams that wait end with UNAVAILABLE, the socket closes."""
    try:
        async with worker:
            try:
                yield
            finally:
                _log.info("draining", extra={"runs": len(worker)})
                await server.drain()
    finally:
        logs.close()
        await server.stop()
        _log.info("stopped")


def _options(settings: Settings) -> ServerOptions:
    return ServerOptions(
        host=settings.host,
        port=settings.grpc_port,
        max_request_bytes=settings.max_request_bytes,
        max_connection_age=settings.max_connection_age,
        channelz=settings.channelz,
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return str(uuid_utils.uuid7())
