"""The composition root: it alone knows every layer.

Owns what is made of what, and the order in which a server starts and stops. The invariant: nothing listens before what it needs is open, and
nothing closes before what needs it has ended.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

import uuid_utils

from graphwire_server.composed import Core
from graphwire_server.config import Settings
from graphwire_server.core.assistants import Assistants
from graphwire_server.core.expiry import Expiry
from graphwire_server.core.lull import Lull
from graphwire_server.core.model import Retention
from graphwire_server.core.ports import Executor, Later, States
from graphwire_server.core.recovery import Recovery
from graphwire_server.core.runs import Limits, Runs
from graphwire_server.core.streams import StreamLimits, Streams
from graphwire_server.core.tally import Load, Tally
from graphwire_server.core.threads import Threads
from graphwire_server.core.worker import Work, Worker
from graphwire_server.engine.catalogue import Catalogue
from graphwire_server.engine.execution import GraphExecutor, Savers
from graphwire_server.engine.isolation import IsolatedExecutor, IsolatedStates, opened_there
from graphwire_server.engine.loops import GraphLoops
from graphwire_server.engine.manifest import apply_env, read_manifest
from graphwire_server.engine.states import GraphStates
from graphwire_server.engine.threads import NodeThreads
from graphwire_server.engine.watchdog import SERVER, Watchdog
from graphwire_server.rpc.assistant_service import AssistantService
from graphwire_server.rpc.run_service import RunService
from graphwire_server.rpc.server import GrpcServer, ServerCertificate, ServerOptions
from graphwire_server.rpc.thread_service import ThreadService
from graphwire_server.security import Security, Tls, read_security
from graphwire_server.storage.memory.log import MemoryLog
from graphwire_server.storage.memory.saver import MemorySaver
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
class Engine:
    """What knows graphs: which there are, what executes them, and what they have left."""

    catalogue: Catalogue
    executor: Executor
    states: States


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What is behind both faces."""

    core: Core
    catalogue: Catalogue
    worker: Worker
    logs: MemoryLog
    recovery: Recovery


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
    catalogue = Catalogue.load(manifest)
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(_house(settings, catalogue, threads))
        faces: list[Face] = [_grpc(house.core, settings, security)]
        if not settings.no_http:
            from graphwire_server.http_face import http_face  # noqa: PLC0415  a server without it is ready sooner, and smaller

            faces.append(await stack.enter_async_context(http_face(house.core, settings, security, manifest)))
        ports = [face.bind() for face in faces]
        async with _stopping_in_order(faces, house.worker, house.logs):
            await house.recovery.recover()
            for face in faces:
                await face.start()
            yield Serving(grpc_port=ports[0], http_port=ports[1] if len(ports) > 1 else None, catalogue=house.catalogue)


@asynccontextmanager
async def _house(settings: Settings, graphs: Catalogue, threads: NodeThreads) -> AsyncIterator[House]:
    """What is behind both faces, on the embedded engine."""
    retention = Retention(
        thread_bytes=settings.log_bytes_per_thread,
        spare_bytes=settings.log_bytes_spare,
        ended_for=settings.resumable_ttl,
        kept_bytes=settings.kept_bytes_per_run,
    )
    lull = Lull()
    async with Database.open(settings.data_dir, lull=lull) as database:
        store, stateless = SqliteStore(database), SqliteStore(database, stateless=True)
        saver, logs, later = InlineSaver(database), MemoryLog(retention, lull=lull), _later()
        tally = Tally()
        async with Expiry(store, _now, later) as expiry, _engine(settings, graphs, saver, threads) as engine:
            assistants, states = Assistants(engine.catalogue, _now), engine.states
            worker = Worker(
                executor=engine.executor,
                logs=logs,
                clock=_now,
                later=later,
                expiry=expiry,
                work=Work(
                    slots=settings.n_jobs_per_worker,
                    most_losses=settings.max_losses,
                    grace=settings.drain_grace,
                    time_limit=settings.run_timeout,
                    retention=retention,
                ),
                tally=tally,
            )
            runs = Runs(
                store=store,
                ephemeral=stateless,
                logs=logs,
                states=states,
                assistants=assistants,
                worker=worker,
                expiry=expiry,
                limits=Limits(runs=settings.max_runs),
                clock=_now,
                new_id=_new_id,
            )
            made = Threads(
                store=store,
                logs=logs,
                states=states,
                assistants=assistants,
                clock=_now,
                new_id=_new_id,
                see_through=worker.see_through,
            )
            streams = Streams(StreamLimits(streams=settings.max_streams, write_timeout=settings.write_timeout))
            yield House(
                core=Core(
                    runs=runs,
                    threads=made,
                    assistants=assistants,
                    streams=streams,
                    tally=tally,
                    load=partial(_load, worker, streams, logs),
                ),
                catalogue=engine.catalogue,
                worker=worker,
                logs=logs,
                recovery=Recovery(store, stateless, worker, _now, settings.max_losses),
            )


@asynccontextmanager
async def _engine(
    settings: Settings, graphs: Catalogue, saver: InlineSaver, threads: NodeThreads
) -> AsyncIterator[Engine]:
    """What executes graphs, on this loop or on loops of their own; the watchdog watches all of them."""
    savers = Savers(of_run=saver.for_run, last_checkpoint_id=saver.last_checkpoint_id, ephemeral=MemorySaver)
    with Watchdog(settings.block_warning) as watchdog, watchdog.watching(SERVER, asyncio.get_running_loop()):
        if not settings.isolate_graphs:
            executor, states = GraphExecutor(graphs, savers, threads.lingering), GraphStates(graphs, saver)
            yield Engine(catalogue=graphs, executor=executor, states=states)
            return
        async with GraphLoops(threads, settings.loops_per_graph, watchdog.watching) as loops:
            catalogue = graphs.opening(opened_there(loops))
            yield Engine(
                catalogue=catalogue,
                executor=IsolatedExecutor(catalogue, savers, threads.lingering, loops),
                states=IsolatedStates(catalogue, saver, loops),
            )


def _load(worker: Worker, streams: Streams, logs: MemoryLog) -> Load:
    executing = sum(job.task is not None for job in worker.jobs)
    return Load(
        executing=executing,
        waiting=len(worker.jobs) - executing,
        slots=worker.slots,
        streams=streams.open,
        held_bytes=logs.held_bytes,
    )


def _later() -> Later:
    loop = asyncio.get_running_loop()

    def later(delay: timedelta, act: Callable[[], object]) -> asyncio.TimerHandle:
        return loop.call_later(max(0.0, delay.total_seconds()), act)

    return later


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
        threads=ThreadService(core.threads),
        assistants=AssistantService(core.assistants),
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


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return str(uuid_utils.uuid7())
