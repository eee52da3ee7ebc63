"""A server's core without a graph, a wire or a clock: what tests plug into its ports."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast

from graphwire_server.core.assistant_threads import AssistantThreads
from graphwire_server.core.assistants import Assistants
from graphwire_server.core.deliveries import Deliveries, Pace
from graphwire_server.core.delivery import Delivery
from graphwire_server.core.errors import StoreUnavailable
from graphwire_server.core.events import Event, Payload, Values
from graphwire_server.core.expiry import Expiry
from graphwire_server.core.follow import Filter
from graphwire_server.core.lull import Lull
from graphwire_server.core.model import (
    Assistant,
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
    StateUpdate,
    SubgraphInfo,
    ThreadState,
)
from graphwire_server.core.ports import Append, Ending, NewId, Room
from graphwire_server.core.pruning import Pruning
from graphwire_server.core.recovery import Recovery
from graphwire_server.core.runs import Limits, Runs
from graphwire_server.core.threads import EMPTY_STATE, Threads
from graphwire_server.core.webhooks import Answer, UrlPolicy
from graphwire_server.core.worker import Work, Worker
from graphwire_server.storage.memory.assistants import MemoryAssistants
from graphwire_server.storage.memory.deliveries import MemoryDeliveries
from graphwire_server.storage.memory.log import MemoryLog
from graphwire_server.storage.memory.store import MemoryStore

THREAD = "018f2d3c-0a6b-7c1e-9b1a-2f6f1c3b5a7d"
OTHER = "018f2d3c-0a6b-7c1e-9b1a-2f6f1c3b5a7e"
SOON = 15.0
ALL = Filter()


class Clock:
    """A clock that moves a second each time that it is read."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


class Alarm:
    def __init__(self, at: datetime, act: Callable[[], object]) -> None:
        self.at = at
        self.act = act
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Alarms:
    """What will be done at its time. It is done when a test moves the clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._set: list[Alarm] = []

    def __call__(self, delay: timedelta, act: Callable[[], object]) -> Alarm:
        alarm = Alarm(self._clock.now + delay, act)
        self._set.append(alarm)
        return alarm

    @property
    def waiting(self) -> list[Alarm]:
        self._set = [alarm for alarm in self._set if not alarm.cancelled]
        return self._set

    def move(self, by: timedelta) -> None:
        """Moves the clock, and does what is due then, the earliest first."""
        self._clock.now += by
        while due := [alarm for alarm in self.waiting if alarm.at <= self._clock.now]:
            first = min(due, key=lambda alarm: alarm.at)
            self._set.remove(first)
            first.act()


class Graphs:
    def list(self) -> Sequence[GraphInfo]:
        return (GraphInfo(graph_id="agent", description="talks"), GraphInfo(graph_id="writer"))

    async def draw(self, assistant: Assistant, xray: int) -> Drawing:
        return Drawing(nodes=(), edges=(), mermaid=f"{assistant.graph_id} {xray}")

    async def schemas(self, assistant: Assistant) -> Schemas:
        return Schemas(graph_id=assistant.graph_id, input=None, output=None, state=None, config=None, context=None)

    async def subgraphs(self, assistant: Assistant, namespace: str | None, recurse: bool) -> Sequence[SubgraphInfo]:
        return [SubgraphInfo(namespace=f"{namespace} {recurse}", schemas=await self.schemas(assistant))]


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

    async def bulk_update(
        self, graph_id: str, thread_id: str, supersteps: Sequence[Sequence[StateUpdate]]
    ) -> CheckpointRef:
        self.updates.extend((update.values, update.as_node) for updates in supersteps for update in updates)
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
        self.went_on: list[bool] = []
        self.begun = False
        self.room: Room | None = None

    async def execute(self, run: Run, append: Append, *, goes_on: bool = False, room: Room | None = None) -> Outcome:
        self.room = room
        self.executed.append(run.run_id)
        self.went_on.append(goes_on)
        self.started.set()
        return await self.script(run, append)

    async def has_begun(self, run: Run) -> bool:
        return self.begun

    async def held(self, run: Run, append: Append) -> Outcome:
        """A script: one event, then it waits for the test."""
        emit(append)
        await self.release.wait()
        return Outcome(status=RunStatus.SUCCESS)

    async def stopped_at(self, run: Run) -> Outcome:
        return Outcome(status=RunStatus.INTERRUPTED, next=("more",), checkpoint_id="kept")


class Receiver:
    """What webhooks call: takes what its script says, and notes it."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.taken: list[tuple[Delivery, bytes]] = []
        self.called = asyncio.Event()

    async def send(self, delivery: Delivery, body: bytes) -> Answer:
        self.taken.append((delivery, body))
        self.called.set()
        return self.answers.pop(0) if self.answers else Answer(status=200)


async def the_id(run: Run) -> bytes:
    return run.run_id.encode()


class Store(MemoryStore):
    """A store that notes how runs were finished, and is away when a test wants."""

    def __init__(self, deliveries: MemoryDeliveries | None = None) -> None:
        super().__init__(deliveries=deliveries)
        self.away = 0
        self.finished: list[Run] = []
        self.undone: list[str] = []
        self.on_finish: Callable[[Run], None] = lambda run: None

    async def finish_run(self, ending: Ending) -> bool:
        if self.away:
            self.away -= 1
            raise StoreUnavailable("away")
        self.on_finish(ending.run)
        done = await super().finish_run(ending)
        if done:
            self.finished.append(ending.run)
        return done

    async def undo_run(self, run: Run) -> None:
        self.undone.append(run.run_id)
        await super().undo_run(run)


class Link:
    """The way of one process to a store. Once it is cut, nothing of that process gets there any more."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.cut = False

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        call = getattr(self.store, name)

        async def through(*args: object, **named: object) -> object:
            if self.cut:
                raise StoreUnavailable("the process is dead")
            return await call(*args, **named)

        return through


async def crash(made: "House", *links: Link) -> None:
    """The process dies: from this moment on it writes nothing, and its callers hear nothing but that it is gone."""
    for link in links:
        link.cut = True
    await made.worker.__aexit__(None, None, None)
    made.logs.close()


@dataclass
class House:
    """A core that is ready."""

    store: Store
    ephemeral: Store
    logs: MemoryLog
    executor: Executor
    clock: Clock
    alarms: Alarms
    expiry: Expiry
    worker: Worker
    states: States
    assistants: Assistants
    runs: Runs
    threads: Threads
    recovery: Recovery
    receiver: Receiver
    deliveries: Deliveries

    @property
    def pruning(self) -> Pruning:
        return Pruning(self.threads, self.store)

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


def _ids(first: int) -> NewId:
    """Ids that rise."""
    numbers = iter(range(first, first + 10_000))
    return lambda: f"00000000-0000-7000-8000-{next(numbers):012x}"


def _assistants(store: Store, logs: MemoryLog, worker: Worker, clock: Clock) -> Assistants:
    theirs = AssistantThreads(store, logs, worker.see_through)
    return Assistants(Graphs(), MemoryAssistants(), theirs, clock)


def _threads(
    store: Store, logs: MemoryLog, states: States, assistants: Assistants, worker: Worker, clock: Clock, new_id: NewId
) -> Threads:
    return Threads(
        store=store,
        logs=logs,
        states=states,
        assistants=assistants,
        clock=clock,
        new_id=new_id,
        see_through=worker.see_through,
        expire=lambda at: None,
    )


def _deliveries(rows: MemoryDeliveries, receiver: Receiver, clock: Clock, alarms: Alarms) -> Deliveries:
    return Deliveries(
        store=rows,
        sender=receiver,
        body=the_id,
        clock=clock,
        later=alarms,
        pace=Pace(grace=timedelta(0)),
        chance=lambda: 1.0,
    )


def house(
    executor: Executor | None = None,
    *,
    store: Store | Link | None = None,
    ephemeral: Store | Link | None = None,
    retention: Retention | None = None,
    grace: timedelta = timedelta(0),
    limit: int = 100,
    slots: int = 100,
    time_limit: timedelta = timedelta(days=1),
    most_losses: int = 3,
    clock: Clock | None = None,
    first_id: int = 1,
    states: States | None = None,
    logs: MemoryLog | None = None,
    receiver: Receiver | None = None,
    webhooks: UrlPolicy | None = None,
    deliveries: MemoryDeliveries | None = None,
) -> House:
    """A core on memory engines. Open its `worker`, or use `running`."""
    clock, new_id, retention = clock or Clock(), _ids(first_id), retention or Retention()
    executor, states = executor or Executor(), states or States()
    rows = deliveries or (store.deliveries if isinstance(store, Store) else MemoryDeliveries())
    store, ephemeral = cast("Store", store or Store(rows)), cast("Store", ephemeral or Store(rows))
    logs = logs if logs is not None else MemoryLog(retention, lambda: clock.now.timestamp(), Lull(0))  # noqa: PLW0108  the time moves
    alarms, receiver = Alarms(clock), receiver or Receiver()
    expiry = Expiry(store, clock, alarms)
    work = Work(slots=slots, grace=grace, time_limit=time_limit, retention=retention)
    calls = _deliveries(rows, receiver, clock, alarms)
    worker = Worker(executor=executor, logs=logs, clock=clock, later=alarms, expiry=expiry, deliveries=calls, work=work)
    assistants = _assistants(store, logs, worker, clock)
    runs = Runs(
        store=store,
        ephemeral=ephemeral,
        logs=logs,
        states=states,
        assistants=assistants,
        worker=worker,
        expiry=expiry,
        limits=Limits(runs=limit),
        webhooks=webhooks or UrlPolicy(),
        clock=clock,
        new_id=new_id,
    )
    return House(
        store=store,
        ephemeral=ephemeral,
        logs=logs,
        executor=executor,
        clock=clock,
        alarms=alarms,
        expiry=expiry,
        worker=worker,
        states=states,
        assistants=assistants,
        runs=runs,
        threads=_threads(store, logs, states, assistants, worker, clock, new_id),
        recovery=Recovery(store, ephemeral, worker, clock, most_losses),
        receiver=receiver,
        deliveries=calls,
    )


@asynccontextmanager
async def running(made: House) -> AsyncIterator[House]:
    async with made.expiry, made.deliveries, made.worker:
        yield made


def on_thread(**fields: object) -> RunSpec:
    """A run of the agent on the thread, which is made where it is missing."""
    return RunSpec(assistant="agent", thread_id=THREAD, create_thread=True, **fields)  # type: ignore[arg-type]  # a test's shorthand


def kinds(events: Sequence[Event]) -> list[str]:
    return [event.payload.mode for event in events]


def payloads(events: Sequence[Event]) -> list[Payload]:
    return [event.payload for event in events]
