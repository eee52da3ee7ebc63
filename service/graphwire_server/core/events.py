"""What an event of a run is, on its way from the engine to the readers.

Owns the event and its payloads, one class for each stream mode. Free-form parts are JSON text in bytes, made once by the
engine; the transports frame the same bytes. The invariant: nothing here changes after it was appended. Payloads that are
made for each token are named tuples, since a frozen dataclass of that many fields costs five times as much to make.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, NamedTuple, TypeAlias

from graphwire_server.core.model import CancelAction, Interrupt, RunError, RunStatus

ALWAYS = frozenset({"metadata", "error", "end"})
"""Kinds of events that no filter hides (design, promise 4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """A run, or a new attempt at it, begins (wire fact 11)."""

    mode: ClassVar[str] = "metadata"
    run_id: str
    attempt: int
    assistant_id: str
    graph_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """The whole state after a superstep, without `__interrupt__` (wire fact 21)."""

    mode: ClassVar[str] = "values"
    state: bytes
    interrupts: tuple[Interrupt, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Updates:
    """What one node returned; or, with `update` None, the interrupts that stopped the superstep."""

    mode: ClassVar[str] = "updates"
    node: str
    update: bytes | None
    interrupts: tuple[Interrupt, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageOrigin:
    """Where a message comes from: one object shared by all its pieces."""

    node: str
    step: int
    tags: tuple[str, ...]
    model: str
    checkpoint_ns: str
    metadata: bytes


class ToolCallChunk(NamedTuple):
    """A piece of a tool call: `position` is the call's place in its message, `args` a fragment of JSON text."""

    position: int | None
    id: str
    name: str
    args: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A tool call of a whole message; `args` is a JSON object."""

    id: str
    name: str
    args: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUsage:
    """Tokens that a model call used; `details` is a JSON object or None."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    details: bytes | None


class MessageExtras(NamedTuple):
    """What most pieces of a message do not have. One shared empty value stands for all those."""

    name: str = ""
    reasoning: str = ""
    content_blocks: tuple[bytes, ...] = ()
    tool_call_chunks: tuple[ToolCallChunk, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    usage: TokenUsage | None = None
    finish_reason: str = ""
    tool_call_id: str = ""
    extra: bytes | None = None


NO_EXTRAS = MessageExtras()
"""The extras of a plain piece of text."""


class Message(NamedTuple):
    """One piece of a chat message, or with `complete` a whole one (wire fact 15).

    Attributes:
        id: The message's id; all its pieces have it.
        type: Who speaks: ai, human, system, tool, function, chat.
        text: The text of this piece.
        origin: Where the message comes from.
        extras: What most pieces do not have.
        first: Whether this is the message's first piece.
        complete: Whether it is a whole message.
        dump: All fields of the piece, as LangChain says them in JSON; None for a piece of text of a model, which the fields above say wholly.
        so_far: The message as it is with this piece, in the same form, where the run was asked for `messages` (wire fact 16); else None.
    """

    id: str
    type: str
    text: str
    origin: MessageOrigin
    extras: MessageExtras
    first: bool
    complete: bool
    dump: bytes | None = None
    so_far: bytes | None = None

    @property
    def mode(self) -> str:
        """The stream mode."""
        return "messages"

    @property
    def node(self) -> str:
        """The node that called the model."""
        return self.origin.node

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of the model call."""
        return self.origin.tags


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStart:
    """A node is about to run (wire fact 18)."""

    mode: ClassVar[str] = "tasks"
    id: str
    name: str
    input: bytes
    triggers: tuple[str, ...]
    metadata: bytes | None

    @property
    def node(self) -> str:
        """The node."""
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """A node has run, failed or interrupted."""

    mode: ClassVar[str] = "tasks"
    id: str
    name: str
    result: bytes
    error: str | None
    interrupts: tuple[Interrupt, ...]

    @property
    def node(self) -> str:
        """The node."""
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointTask:
    """A task as a checkpoint knows it."""

    id: str
    name: str
    error: str | None
    interrupts: tuple[Interrupt, ...]
    result: bytes | None
    state: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A checkpoint was made. `config` and `parent_config` have no internals of the server (wire fact 20)."""

    mode: ClassVar[str] = "checkpoints"
    checkpoint_id: str
    checkpoint_ns: str
    parent_checkpoint_id: str
    step: int
    source: str
    next: tuple[str, ...]
    tasks: tuple[CheckpointTask, ...]
    values: bytes
    metadata: bytes
    config: bytes
    parent_config: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Debug:
    """One of the three above, with its step and the graph's own time."""

    mode: ClassVar[str] = "debug"
    step: int
    time: datetime
    detail: "TaskStart | TaskResult | Checkpoint | Raw"

    @property
    def node(self) -> str | None:
        """The task's node; None for a checkpoint."""
        return self.detail.node if isinstance(self.detail, TaskStart | TaskResult) else None


class Custom(NamedTuple):
    """What a node wrote with its stream writer."""

    data: bytes
    node: str

    @property
    def mode(self) -> str:
        """The stream mode."""
        return "custom"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """One LangChain callback event (wire fact 19)."""

    mode: ClassVar[str] = "events"
    event: str
    name: str
    runnable_run_id: str
    parent_ids: tuple[str, ...]
    tags: tuple[str, ...]
    data: bytes
    metadata: bytes
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """An event of a stream mode that has no class here."""

    mode: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """The graph raised an exception (wire fact 23)."""

    mode: ClassVar[str] = "error"
    error: RunError


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The run has ended. Always its last event (design, promise 4)."""

    mode: ClassVar[str] = "end"
    status: RunStatus
    error: RunError | None
    interrupts: tuple[Interrupt, ...]
    next: tuple[str, ...]
    checkpoint_id: str
    event_count: int
    cancel: CancelAction | None = None
    lingering: tuple[str, ...] = ()


Payload: TypeAlias = (
    Metadata
    | Values
    | Updates
    | Message
    | TaskStart
    | TaskResult
    | Checkpoint
    | Debug
    | Custom
    | Callback
    | Raw
    | Error
    | End
)


class Event:
    """One event of a run, as the log holds it.

    Attributes:
        seq: The event's number on its thread, from 1.
        run_id: The run: a UUID.
        thread_id: The thread: a UUID.
        time: When it was appended: seconds since 1970, UTC.
        namespace: The path of the subgraph it comes from; empty at the root.
        payload: What happened.
        weight: About how many bytes the event holds, for bounds.
    """

    __slots__ = ("_asked", "_frames", "namespace", "payload", "run_id", "seq", "thread_id", "time", "weight")

    def __init__(
        self,
        seq: int,
        run_id: str,
        thread_id: str,
        time: float,
        namespace: tuple[str, ...],
        payload: Payload,
        weight: int,
    ) -> None:
        self.seq = seq
        self.run_id = run_id
        self.thread_id = thread_id
        self.time = time
        self.namespace = namespace
        self.payload = payload
        self.weight = weight
        self._asked = False
        self._frames: dict[Callable[[Event], bytes], bytes] | None = None

    def framed(self, encode: Callable[["Event"], bytes]) -> bytes:
        """The event as a transport frames it, shared by all readers of that transport but the first (design, encode once).

        Most events have one reader, and what that one is sent is not held: it would double what the log holds (measured: a tenth of the cost of
        a token). A second reader shows that there are several, and from then on the frame is.
        """
        if self._frames is None:
            if not self._asked:
                self._asked = True
                return encode(self)
            self._frames = {}
        frame = self._frames.get(encode)
        if frame is None:
            frame = self._frames[encode] = encode(self)
        return frame

    def __repr__(self) -> str:
        return f"Event({self.seq}, {self.payload!r})"
