"""Composes what is behind both faces: a part of the composition root.

Owns what the core, the engine and the storage are made of, and the order in which they open and close. The invariant: nothing closes before what stands on it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import uuid_utils

from graphwire_server.composed import Core
from graphwire_server.config import Settings
from graphwire_server.core.assistant_threads import AssistantThreads
from graphwire_server.core.assistants import Assistants
from graphwire_server.core.crons import Crons
from graphwire_server.core.deliveries import Deliveries
from graphwire_server.core.expiry import Expiry
from graphwire_server.core.firings import Firings
from graphwire_server.core.lull import Lull
from graphwire_server.core.model import Retention
from graphwire_server.core.ports import Executor, Later, States
from graphwire_server.core.pruning import Pruning
from graphwire_server.core.recovery import Recovery
from graphwire_server.core.runs import Limits, Runs
from graphwire_server.core.streams import StreamLimits, Streams
from graphwire_server.core.sweeper import Sweeper
from graphwire_server.core.tally import Load, Tally
from graphwire_server.core.threads import Threads
from graphwire_server.core.ttl import Ttl, TtlPolicy
from graphwire_server.core.webhooks import UrlPolicy
from graphwire_server.core.worker import Work, Worker
from graphwire_server.engine.catalogue import Catalogue
from graphwire_server.engine.embedding import Embedding
from graphwire_server.engine.execution import GraphExecutor, Savers
from graphwire_server.engine.isolation import IsolatedExecutor, IsolatedStates, opened_there
from graphwire_server.engine.loops import GraphLoops
from graphwire_server.engine.manifest import Manifest
from graphwire_server.engine.memory import GraphStore
from graphwire_server.engine.searching import values_text
from graphwire_server.engine.states import GraphStates
from graphwire_server.engine.threads import NodeThreads
from graphwire_server.engine.watchdog import SERVER, Watchdog
from graphwire_server.memory import remembering
from graphwire_server.schedules import CronSchedules
from graphwire_server.storage.memory.log import MemoryLog
from graphwire_server.storage.memory.saver import MemorySaver
from graphwire_server.storage.sqlite.assistants import SqliteAssistants
from graphwire_server.storage.sqlite.checkpoints import InlineSaver
from graphwire_server.storage.sqlite.crons import SqliteCrons
from graphwire_server.storage.sqlite.database import Database
from graphwire_server.storage.sqlite.deliveries import SqliteDeliveries
from graphwire_server.storage.sqlite.pruning import SqlitePruner
from graphwire_server.storage.sqlite.searched import SearchedValues
from graphwire_server.storage.sqlite.store import SqliteStore
from graphwire_server.webhooks import deliveries, url_policy


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What is behind both faces."""

    core: Core
    worker: Worker
    logs: MemoryLog
    recovery: Recovery
    firings: Firings


@dataclass(frozen=True, slots=True, kw_only=True)
class _Engine:
    """What knows graphs: which there are, what executes them, and what they have left."""

    catalogue: Catalogue
    executor: Executor
    states: States


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What all nouns of the core stand on."""

    settings: Settings
    store: SqliteStore
    stateless: SqliteStore
    deliveries: SqliteDeliveries
    assistants: SqliteAssistants
    crons: SqliteCrons
    saver: InlineSaver
    retention: Retention
    logs: MemoryLog
    pruner: SqlitePruner
    sweeper: Sweeper
    life: Ttl | None
    expiry: Expiry
    later: Later
    tally: Tally


@asynccontextmanager
async def house(
    settings: Settings, manifest: Manifest, graphs: Catalogue, threads: NodeThreads, embedding: Embedding | None
) -> AsyncIterator[House]:
    """What is behind both faces, on the embedded engine.

    Args:
        settings: The options of the server.
        manifest: What langgraph.json says.
        graphs: Its graphs.
        threads: The pool in which the loop runs synchronous nodes.
        embedding: The embedding function that langgraph.json names; None where it names none.

    Raises:
        DataDirError: The data directory cannot be used.
        SecurityError: The secret of webhooks cannot be used.
    """
    async with (
        _ground(settings, manifest.ttl) as ground,
        remembering(settings.data_dir, manifest.store, embedding, _now, ground.later) as items,
        _engine(ground, graphs.storing(GraphStore(items)), threads) as engine,
        deliveries(
            manifest.webhooks,
            settings,
            store=ground.deliveries,
            states=engine.states,
            clock=_now,
            later=ground.later,
            tally=ground.tally,
        ) as calls,
    ):
        worker = _worker(ground, engine, calls)
        assistants = _assistants(ground, engine, worker)
        made = _threads(ground, engine, assistants, worker)
        streams = Streams(StreamLimits(streams=settings.max_streams, write_timeout=settings.write_timeout))
        policy = url_policy(manifest.webhooks, settings)
        runs = _runs(ground, engine, assistants, worker, policy)
        firings = Firings(rows=ground.crons, schedules=CronSchedules(), fire=runs.fire, clock=_now, later=ground.later)
        yield House(
            core=Core(
                runs=runs,
                threads=made,
                pruning=Pruning(made, ground.pruner),
                assistants=assistants,
                crons=_crons(ground, assistants, policy, firings),
                items=items,
                streams=streams,
                tally=ground.tally,
                load=partial(_load, worker, streams, ground.logs),
            ),
            worker=worker,
            logs=ground.logs,
            recovery=Recovery(ground.store, ground.stateless, worker, _now, settings.max_losses),
            firings=firings,
        )


@asynccontextmanager
async def _ground(settings: Settings, policy: TtlPolicy) -> AsyncIterator[_Ground]:
    retention = Retention(
        thread_bytes=settings.log_bytes_per_thread,
        spare_bytes=settings.log_bytes_spare,
        ended_for=settings.resumable_ttl,
        kept_bytes=settings.kept_bytes_per_run,
    )
    lull, later = Lull(), _later()
    async with Database.open(settings.data_dir, lull=lull) as database:
        saver, pruner, logs = InlineSaver(database), SqlitePruner(database), MemoryLog(retention, lull=lull)
        searched = SearchedValues(database, saver.serde, values_text)
        store = SqliteStore(database, ttl=policy.default, searched=searched)
        sweeper = Sweeper(pruner=pruner, logs=logs, policy=policy, clock=_now, later=later)
        async with Expiry(store, _now, later) as expiry, sweeper:
            yield _Ground(
                settings=settings,
                store=store,
                stateless=SqliteStore(database, stateless=True),
                deliveries=SqliteDeliveries(database),
                assistants=SqliteAssistants(database),
                crons=SqliteCrons(database),
                saver=saver,
                retention=retention,
                logs=logs,
                pruner=pruner,
                sweeper=sweeper,
                life=policy.default,
                expiry=expiry,
                later=later,
                tally=Tally(),
            )


def _crons(ground: _Ground, assistants: Assistants, webhooks: UrlPolicy, firings: Firings) -> Crons:
    return Crons(
        rows=ground.crons,
        schedules=CronSchedules(),
        assistants=assistants,
        webhooks=webhooks,
        expect=firings.expect,
        clock=_now,
        new_id=_new_id,
        offered=ground.settings.crons,
    )


def _worker(ground: _Ground, engine: _Engine, calls: Deliveries) -> Worker:
    settings = ground.settings
    return Worker(
        executor=engine.executor,
        logs=ground.logs,
        clock=_now,
        later=ground.later,
        expiry=ground.expiry,
        deliveries=calls,
        work=Work(
            slots=settings.n_jobs_per_worker,
            most_losses=settings.max_losses,
            grace=settings.drain_grace,
            time_limit=settings.run_timeout,
            retention=ground.retention,
        ),
        tally=ground.tally,
    )


def _assistants(ground: _Ground, engine: _Engine, worker: Worker) -> Assistants:
    threads = AssistantThreads(ground.store, ground.logs, worker.see_through)
    return Assistants(engine.catalogue, ground.assistants, threads, _now)


def _runs(ground: _Ground, engine: _Engine, assistants: Assistants, worker: Worker, webhooks: UrlPolicy) -> Runs:
    return Runs(
        store=ground.store,
        ephemeral=ground.stateless,
        logs=ground.logs,
        states=engine.states,
        assistants=assistants,
        worker=worker,
        expiry=ground.expiry,
        limits=Limits(runs=ground.settings.max_runs),
        webhooks=webhooks,
        clock=_now,
        new_id=_new_id,
    )


def _threads(ground: _Ground, engine: _Engine, assistants: Assistants, worker: Worker) -> Threads:
    return Threads(
        store=ground.store,
        logs=ground.logs,
        states=engine.states,
        assistants=assistants,
        clock=_now,
        new_id=_new_id,
        see_through=worker.see_through,
        expire=ground.sweeper.expect,
        ttl=ground.life,
    )


@asynccontextmanager
async def _engine(ground: _Ground, graphs: Catalogue, threads: NodeThreads) -> AsyncIterator[_Engine]:
    """What executes graphs, on this loop or on loops of their own; the watchdog watches all of them."""
    settings, saver = ground.settings, ground.saver
    savers = Savers(of_run=saver.for_run, last_checkpoint_id=saver.last_checkpoint_id, ephemeral=MemorySaver)
    with Watchdog(settings.block_warning) as watchdog, watchdog.watching(SERVER, asyncio.get_running_loop()):
        if not settings.isolate_graphs:
            executor, states = GraphExecutor(graphs, savers, threads.lingering), GraphStates(graphs, saver)
            yield _Engine(catalogue=graphs, executor=executor, states=states)
            return
        async with GraphLoops(threads, settings.loops_per_graph, watchdog.watching) as loops:
            catalogue = graphs.opening(opened_there(loops))
            yield _Engine(
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


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return str(uuid_utils.uuid7())
