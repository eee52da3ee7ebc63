"""A server's core without a graph, a wire or a clock: what tests plug into its ports."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from graphwire_server.core.assistants import Assistants
from graphwire_server.core.errors import StoreUnavailable
from graphwire_server.core.events import Event, Payload, Values
from graphwire_server.core.follow import Filter
from graphwire_server.core.model import (
    CheckpointRef,
    Drawing,
    GraphInfo,
    JsonObject,
    JsonValue,
    Outcome,
    Retention,
    Run,
    RunSpec,
    RunStatus,
    Schemas,
    SubgraphInfo,
    ThreadState,
    ThreadStatus,
)
from graphwire_server.core.ports import Append
from graphwire_server.core.remains import Sleep
from graphwire_server.core.runs import Limits, Runs
from graphwire_server.core.threads import EMPTY_STATE, Threads
from graphwire_server.core.worker import Worker
from graphwire_server.storage.memory.log import MemoryLog
from graphwire_server.storage.memory.store import MemoryStore

THREAD = "018f2d3c-0a6b-7c1e-9b1a-2f6f1c3b5a7d"
OTHER = "018f2d3c-0a6b-7c1e-9b1a-2f6f1c3b5a7e"
SOON = 5.0
ALL = Filter()


class Clock:
    """A clock that moves a second each time that it is read."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


class Graphs:
    def list(self) -> Sequence[GraphInfo]:
        return (GraphInfo(graph_id="agent", description="talks"), GraphInfo(graph_id="writer"))

    async def draw(self, graph_id: str, xray: int) -> Drawing:
        return Drawing(nodes=(), edges=(), mermaid=f"{graph_id} {xray}")

    async def schemas(self, graph_id: str) -> Schemas:
        return Schemas(graph_id=graph_id, input=None, output=None, state=None, config=None, context=None)

    async def subgraphs(self, graph_id: str, namespace: str | None, recurse: bool) -> Sequence[SubgraphInfo]:
        return [SubgraphInfo(namespace=f"{namespace} {recurse}", schemas=await self.schemas(graph_id))]


@dataclass
class States:
    """States by checkpoint id; the latest under None."""

    known: dict[str | None, ThreadState] = field(default_factory=dict)
    updates: list[tuple[JsonValue, str | None]] = field(default_factory=list)
    asked: list[tuple[str, str | None, int]] = field(default_factory=list)

    async def get(self, graph_id: str, thread_id: str, at: CheckpointRef, *, subgraphs: bool) -> ThreadState | None:
        return self.known.get(at.checkpoint_id, EMPTY_STATE if at.checkpoint_id is None else None)

    async def update(
        self, graph_id: str, thread_id: str, at: CheckpointRef, values: JsonValue, as_node: str | None
    ) -> CheckpointRef:
        self.updates.append((values, as_node))
        return CheckpointRef(checkpoint_id="made")

    async def history(
        self, graph_id: str, thread_id: str, *, ns: str, before: str | None, metadata: JsonObject, limit: int
    ) -> Sequence[ThreadState]:
        self.asked.append((ns, before, limit))
        return list(self.known.values())


Script = Callable[[Run, Append], Awaitable[Outcome]]


def emit(append: Append, count: int = 1) -> None:
    for number in range(count):
        append((), Values(state=b"%d" % number), 10)


async def succeed(run: Run, append: Append) -> Outcome:
    emit(append)
    return Outcome(status=RunStatus.SUCCESS, checkpoint_id="c" if not run.stateless else "")


class Executor:
    """Does what its script says; `started` and `release` let a test hold a run where it is."""

    def __init__(self, script: Script = succeed) -> None:
        self.script = script
        self.started = asyncio.Event()
        self.release = asyncio.Event()
        self.executed: list[str] = []

    async def execute(self, run: Run, append: Append) -> Outcome:
        self.executed.append(run.run_id)
        self.started.set()
        return await self.script(run, append)

    async def held(self, run: Run, append: Append) -> Outcome:
        """A script: one event, then it waits for the test."""
        emit(append)
        await self.release.wait()
        return Outcome(status=RunStatus.SUCCESS)

    async def stopped_at(self, run: Run) -> Outcome:
        return Outcome(status=RunStatus.INTERRUPTED, next=("more",), checkpoint_id="kept")


class Store(MemoryStore):
    """A store that notes how runs were finished, and is away when a test wants."""

    def __init__(self) -> None:
        super().__init__()
        self.away = 0
        self.finished: list[Run] = []
        self.on_finish: Callable[[Run], None] = lambda run: None

    async def finish_run(self, run: Run, thread_status: ThreadStatus) -> None:
        if self.away:
            self.away -= 1
            raise StoreUnavailable("away")
        self.on_finish(run)
        await super().finish_run(run, thread_status)
        self.finished.append(run)


@dataclass
class House:
    """A core that is ready."""

    store: Store
    ephemeral: Store
    logs: MemoryLog
    executor: Executor
    worker: Worker
    states: States
    runs: Runs
    threads: Threads

    async def events(self, spec: RunSpec, wanted: Filter = ALL) -> list[Event]:
        async with asyncio.timeout(SOON), self.runs.stream(spec, wanted) as (_, batches):
            return [event async for batch in batches for event in batch]

    async def join(self, run: Run, after_seq: int | None = None) -> list[Event]:
        async with asyncio.timeout(SOON), self.runs.join(run.run_id, None, after_seq, ALL) as (_, batches):
            return [event async for batch in batches for event in batch]

    async def end(self, run: Run) -> Run:
        async with asyncio.timeout(SOON):
            return await self.runs.wait(run)

    async def begun(self) -> None:
        async with asyncio.timeout(SOON):
            await self.executor.started.wait()


def house(
    executor: Executor | None = None,
    *,
    store: Store | None = None,
    retention: Retention | None = None,
    grace: timedelta = timedelta(0),
    limit: int = 100,
    clock: Clock | None = None,
    sleep: Sleep = asyncio.sleep,
) -> House:
    """A core on memory engines. Open its `worker`, or use `running`."""
    clock, numbers = clock or Clock(), iter(range(1, 10_000))

    def new_id() -> str:
        return f"00000000-0000-7000-8000-{next(numbers):012x}"

    executor, store, ephemeral, states = executor or Executor(), store or Store(), Store(), States()
    logs = MemoryLog(retention or Retention(), lambda: clock.now.timestamp())  # noqa: PLW0108  the time moves
    assistants = Assistants(Graphs(), clock)
    worker = Worker(executor, logs, clock, grace, retention, sleep)
    runs = Runs(
        store=store,
        ephemeral=ephemeral,
        logs=logs,
        states=states,
        assistants=assistants,
        worker=worker,
        limits=Limits(runs=limit),
        clock=clock,
        new_id=new_id,
    )
    threads = Threads(store=store, logs=logs, states=states, assistants=assistants, clock=clock, new_id=new_id)
    return House(store, ephemeral, logs, executor, worker, states, runs, threads)


@asynccontextmanager
async def running(made: House) -> AsyncIterator[House]:
    async with made.worker:
        yield made


def on_thread(**fields: object) -> RunSpec:
    """A run of the agent on the thread, which is made where it is missing."""
    return RunSpec(assistant="agent", thread_id=THREAD, create_thread=True, **fields)  # type: ignore[arg-type]  # a test's shorthand


def kinds(events: Sequence[Event]) -> list[str]:
    return [event.payload.mode for event in events]


def payloads(events: Sequence[Event]) -> list[Payload]:
    return [event.payload for event in events]
