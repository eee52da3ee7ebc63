"""What runs, threads and assistants are.

Owns the values that the layers hand to one another. Values are frozen; a change is a new value. JSON that came in with a
request is kept as Python objects, JSON that goes out as text in bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias

from graphwire_server.core.delivery import Delivery
from graphwire_server.core.ttl import Ttl

JsonValue: TypeAlias = Any  # the JSON edge: whatever a JSON parser returns
JsonObject: TypeAlias = Mapping[str, Any]  # the JSON edge: a parsed JSON object


class RunStatus(StrEnum):
    """Where a run is in its life (wire fact 60). `core/lifecycle.py` has the moves between them."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    ERROR = "error"
    TIMEOUT = "timeout"
    INTERRUPTED = "interrupted"

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        return self not in (RunStatus.PENDING, RunStatus.RUNNING)


class ThreadStatus(StrEnum):
    """What a thread is doing (wire fact 60)."""

    IDLE = "idle"
    BUSY = "busy"
    INTERRUPTED = "interrupted"
    ERROR = "error"


class MultitaskStrategy(StrEnum):
    """What happens to a run that is created while another is on its thread (wire fact 66)."""

    ENQUEUE = "enqueue"
    REJECT = "reject"
    INTERRUPT = "interrupt"
    ROLLBACK = "rollback"


class CancelAction(StrEnum):
    """What becomes of the work of a run that is cancelled (wire facts 62 and 63)."""

    INTERRUPT = "interrupt"
    ROLLBACK = "rollback"


class Durability(StrEnum):
    """When a run's checkpoints are written."""

    SYNC = "sync"
    ASYNC = "async"
    EXIT = "exit"


STREAM_MODES = (
    "values",
    "updates",
    "messages-tuple",
    "messages",
    "debug",
    "custom",
    "events",
    "tasks",
    "checkpoints",
    "tools",
)
"""The stream modes that a run may ask for (seed 000 and LangGraph's own)."""

DEFAULT_STREAM_MODES = ("values",)
"""What a run streams that does not say (wire A6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupt:
    """A question of a node to a person. `value` and `response_schema` are JSON text."""

    id: str
    value: bytes
    response_schema: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunError:
    """Why a run failed, fit for the caller's eyes (wire fact 23)."""

    type: str
    message: str
    retryable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointRef:
    """Which checkpoint of a thread is meant; `checkpoint_id` None is the latest, `checkpoint_ns` empty the root graph."""

    checkpoint_id: str | None = None
    checkpoint_ns: str = ""
    checkpoint_map: JsonObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Goto:
    """A node to run next, with an input of its own where `has_input` says so."""

    node: str
    has_input: bool = False
    input: JsonValue = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """An instruction to a graph instead of an input."""

    has_resume: bool = False
    resume: JsonValue = None
    update: JsonValue = None
    goto: tuple[Goto, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """LangGraph's per-run configuration."""

    tags: tuple[str, ...] = ()
    recursion_limit: int | None = None
    configurable: JsonObject | None = None
    metadata: JsonObject | None = None
    max_concurrency: int | None = None
    run_name: str | None = None


KEYS_FOR = timedelta(hours=24)
"""How long a caller's key against doubled runs is known, unless the caller says less (design, promise 9)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """What a caller asks a graph to do: all that decides how the run executes.

    `has_input` tells no input from JSON null (wire A6). `stream_modes` are those of `STREAM_MODES`. `keep_output` says whether somebody may ask a
    stateless run for its output, which nothing else keeps. `stream_resumable` says that readers may come back for its events. `headers` are those of
    the request that nodes may read in `configurable`, and that nothing streams (wire facts 20 and 74). `start_after` is how long the run waits before it
    may start, 0 by default; `timeout` how long it may take from its first start, None for the server's limit; `request_id` the caller's key against doubled
    runs, empty for none, and `request_ttl` how long that is known; `webhook` the URL that is called when it has ended, None for none. `inherited` is the metadata
    that the run's assistant and thread brought, and `cron_id` the cron that made it, empty for none; callers set neither.
    """

    assistant: str
    thread_id: str | None = None
    has_input: bool = False
    input: JsonValue = None
    command: Command | None = None
    config: RunConfig = RunConfig()
    context: JsonObject | None = None
    metadata: JsonObject = field(default_factory=dict)
    checkpoint: CheckpointRef | None = None
    interrupt_before: tuple[str, ...] = ()
    interrupt_after: tuple[str, ...] = ()
    stream_modes: tuple[str, ...] = DEFAULT_STREAM_MODES
    stream_subgraphs: bool = False
    stream_resumable: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    durability: Durability | None = None
    multitask_strategy: MultitaskStrategy = MultitaskStrategy.ENQUEUE
    create_thread: bool = False
    keep_thread: bool = False
    keep_output: bool = True
    start_after: timedelta = timedelta(0)
    timeout: timedelta | None = None
    request_id: str = ""
    request_ttl: timedelta = KEYS_FOR
    webhook: str | None = None
    inherited: JsonObject = field(default_factory=dict)
    cron_id: str = ""

    @property
    def all_metadata(self) -> JsonObject:
        """The run's metadata: its assistant's, its thread's, its configuration's and its own, each over those before it (wire fact 75)."""
        return {**self.inherited, **(self.config.metadata or {}), **self.metadata}

    @property
    def stateless(self) -> bool:
        """Whether the run gets a thread of its own that ends with it."""
        return self.thread_id is None and not self.keep_thread


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended: what the terminal event says, and the output of runs of which nothing else keeps it: stateless ones, and those that stopped.

    `lingering` names the synchronous nodes whose threads still ran when the run was cut short: a thread cannot be stopped. What they write afterwards is
    refused.
    """

    status: RunStatus
    error: RunError | None = None
    interrupts: tuple[Interrupt, ...] = ()
    task_interrupts: tuple["TaskInterrupts", ...] = ()
    next: tuple[str, ...] = ()
    checkpoint_id: str = ""
    values: bytes | None = None
    lingering: tuple[str, ...] = ()

    @property
    def stopped(self) -> bool:
        """Whether nodes remain that a later run can go on with."""
        return bool(self.interrupts or self.next)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskInterrupts:
    """The interrupts of one task (wire fact 22)."""

    task_id: str
    interrupts: tuple[Interrupt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of a graph. `outcome` is None until it has ended.

    Attributes:
        attempt: How often it was started, at least 1: one more each time that another process takes it up.
        losses: How often it was found without a process that executes it.
        delivery: The call of its webhook; None where it has none, and until it has ended.
        first_seq: The number of its first event, 0 until it starts. Where its events are not kept, that of its last attempt: those before went with
            their process (design, promise 3).
        last_seq: The number of its last event, 0 until it has ended.
        due_at: When it may start; None is at once.
        started_at: When it was first started, None until then. Its time limit counts from here.
        cancel: That it is to stop, and what becomes of its work; None where nobody has asked.
    """

    run_id: str
    thread_id: str
    assistant_id: str
    graph_id: str
    status: RunStatus
    created_at: datetime
    updated_at: datetime
    spec: RunSpec
    attempt: int = 1
    outcome: Outcome | None = None
    first_seq: int = 0
    last_seq: int = 0
    due_at: datetime | None = None
    started_at: datetime | None = None
    cancel: CancelAction | None = None
    losses: int = 0
    delivery: Delivery | None = None

    @property
    def stateless(self) -> bool:
        """Whether the run's thread ends with it."""
        return self.spec.stateless

    def due(self, now: datetime) -> bool:
        """Whether it may start."""
        return self.due_at is None or self.due_at <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestKey:
    """A caller's key against doubled runs (design, promise 9).

    Attributes:
        request_id: The key.
        fingerprint: Tells requests apart that use one key for different runs.
        now: When the request came. A key that has expired by then is as if it had never been used.
        expires_at: Until when this one is known.
    """

    request_id: str
    fingerprint: str
    now: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """What became of a request for a run.

    Attributes:
        run: The run as stored: the new one or, where `existing`, that of an earlier request with the same key.
        existing: Whether the run was there before.
        met: The runs on the thread that its strategy has asked to stop, as they are after that.
    """

    run: Run
    existing: bool = False
    met: tuple[Run, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A conversation.

    `last_seq` is the number of its newest event, as of the end of its last run: what a run that executes has appended since is known to the log
    alone. `reserved_seq` is a number that none of those passes (design, promise 3). `standing` is its status while no run is on it, as its last run or an
    edit of its state left it. `ttl` is how long it lives after its last change, None for ever. `state_updated_at` is when a run or an edit last left
    a state on it, None where none has. `config` is that of the run that used it last.
    """

    thread_id: str
    created_at: datetime
    updated_at: datetime
    status: ThreadStatus = ThreadStatus.IDLE
    metadata: JsonObject = field(default_factory=dict)
    graph_id: str | None = None
    assistant_id: str | None = None
    interrupts: tuple[TaskInterrupts, ...] = ()
    error: str | None = None
    last_seq: int = 0
    reserved_seq: int = 0
    standing: ThreadStatus = ThreadStatus.IDLE
    ttl: Ttl | None = None
    state_updated_at: datetime | None = None
    config: RunConfig = RunConfig()

    @property
    def expires_at(self) -> datetime | None:
        """When its time passes, unless it changes before; None is never."""
        return None if self.ttl is None else self.updated_at + self.ttl.after


@dataclass(frozen=True, slots=True, kw_only=True)
class Assistant:
    """A graph with a configuration."""

    assistant_id: str
    graph_id: str
    name: str
    created_at: datetime
    updated_at: datetime
    description: str = ""
    config: RunConfig = RunConfig()
    context: JsonObject | None = None
    metadata: JsonObject = field(default_factory=dict)
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StateTask:
    """A task of a state."""

    id: str
    name: str
    error: str | None
    interrupts: tuple[Interrupt, ...]
    result: bytes | None
    checkpoint: CheckpointRef | None
    state: "ThreadState | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadState:
    """A thread's state at one checkpoint; without a checkpoint where it has none (wire fact 68)."""

    values: bytes
    next: tuple[str, ...]
    tasks: tuple[StateTask, ...]
    checkpoint: CheckpointRef | None
    parent_checkpoint: CheckpointRef | None
    metadata: bytes
    created_at: datetime | None
    interrupts: tuple[Interrupt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadQuery:
    """Which threads are meant; empty parts do not filter. `values` are those of the latest state, as its checkpoint has them."""

    metadata: JsonObject = field(default_factory=dict)
    values: JsonObject = field(default_factory=dict)
    status: ThreadStatus | None = None
    thread_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StateUpdate:
    """One change of a state, as if a node had returned it: `values`, or a command with an update and nodes to go to."""

    values: JsonValue = None
    as_node: str | None = None
    command: Command | None = None


class ThreadSort(StrEnum):
    """By what threads are sorted."""

    UPDATED_AT = "updated_at"
    CREATED_AT = "created_at"
    THREAD_ID = "thread_id"
    STATUS = "status"
    STATE_UPDATED_AT = "state_updated_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A slice of a list: `offset` from 0, `limit` from 1 to `MAX_PAGE`."""

    offset: int = 0
    limit: int = 10


MAX_PAGE = 1000
"""The most rows of one page (wire fact 83)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphInfo:
    """A graph of langgraph.json."""

    graph_id: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphNode:
    """A node of a drawn graph; `metadata` is a JSON object."""

    id: str
    name: str
    metadata: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphEdge:
    """An edge of a drawn graph."""

    source: str
    target: str
    label: str = ""
    conditional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A graph's nodes and edges, and the same as Mermaid text."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    mermaid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Schemas:
    """JSON Schemas of a graph; None where the graph cannot state one."""

    graph_id: str
    input: bytes | None
    output: bytes | None
    state: bytes | None
    config: bytes | None
    context: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgraphInfo:
    """A graph inside a graph."""

    namespace: str
    schemas: Schemas


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How many events the log holds for readers that lag or come back.

    Attributes:
        thread_bytes: The most bytes of events that one thread holds, beside spare ones; the oldest go first.
        spare_bytes: What all threads together may hold beyond that, for readers that lag behind large events.
        ended_bytes: The most bytes of all threads together on which no run is.
        ended_for: How long a thread's events stay after its last run and its last reader, and how long the events of a resumable run are kept after its
            end (wire A1, RESUMABLE_STREAM_TTL_SECONDS).
        kept_bytes: The most bytes of events that one resumable run keeps in the store; the oldest go first.
    """

    thread_bytes: int = 32 << 20
    spare_bytes: int = 0
    ended_bytes: int = 16 << 20
    ended_for: timedelta = timedelta(seconds=120)
    kept_bytes: int = 128 << 20
