"""What threads are and what they remember, as plain typed values.

Owns the values of threads, states and checkpoints, and how each is read from its message.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from graphwire.model import Interrupt, moment, thread_status
from graphwire.payload import from_json, to_json, to_plain
from graphwire.v1 import run_pb2, thread_pb2


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Which checkpoint of a thread is meant.

    Args:
        checkpoint_id: The checkpoint: a UUID. Empty means the latest.
        thread_id: The thread: a UUID. Empty means that of the request.
        checkpoint_ns: The namespace of a subgraph, levels joined by `|`. Empty means the root graph.
        checkpoint_map: The checkpoints of the graphs above, as the server gave them.
    """

    checkpoint_id: str = ""
    thread_id: str = ""
    checkpoint_ns: str = ""
    checkpoint_map: dict[str, Any] | None = None

    @classmethod
    def read(cls, proto: run_pb2.CheckpointRef) -> Self:
        """The value of a message."""
        return cls(
            checkpoint_id=proto.checkpoint_id,
            thread_id=proto.thread_id,
            checkpoint_ns=proto.checkpoint_ns,
            checkpoint_map=from_json(proto.checkpoint_map),
        )

    def write(self) -> run_pb2.CheckpointRef:
        """The message of this value."""
        return run_pb2.CheckpointRef(
            checkpoint_id=self.checkpoint_id,
            thread_id=self.thread_id,
            checkpoint_ns=self.checkpoint_ns,
            checkpoint_map=None if self.checkpoint_map is None else to_json(self.checkpoint_map, "checkpoint_map"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ttl:
    """How long a thread lives. The time counts from its last change, so whoever uses a thread keeps it.

    Args:
        after: How long after the thread's last change: seconds, or a timedelta, which is what the server's answers have. 0 is for ever, and puts the
            server's default aside.
        strategy: What goes then: `delete` the thread, or `keep_latest`, all its states but the latest.
        expire_time: When the time passes, unless the thread changes before. The server says it; None in what is asked for.
    """

    after: float | timedelta
    strategy: Literal["delete", "keep_latest"] = "delete"
    expire_time: datetime | None = None

    @classmethod
    def read(cls, proto: thread_pb2.ThreadTtl) -> Self:
        """The value of a message."""
        return cls(
            after=proto.after.ToTimedelta(),
            strategy="keep_latest" if proto.strategy == thread_pb2.TTL_STRATEGY_KEEP_LATEST else "delete",
            expire_time=moment(proto.expire_time) if proto.HasField("expire_time") else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A conversation: runs that follow one another and share a state.

    Args:
        thread_id: The thread: a UUID.
        create_time: When it was created.
        update_time: When it was last changed.
        metadata: Its metadata.
        status: `idle`, `busy`, `interrupted` or `error`.
        values: Its state's values. None in the basic view, and where no run has used it.
        interrupts: The interrupts that wait for an answer, by the id of their task. Empty in the basic view.
        error: The error of its last run, where that failed.
        last_seq: A cursor for what comes next.
        ttl: How long it lives; None for ever.
        state_update_time: When a run or an edit last left a state on it; None where none has.
        config: The config of the run that used it last, such as `{"configurable": {...}}`; None where none has.
        extracted: What stands at the paths that a search was asked to extract, by their names.
    """

    thread_id: str
    create_time: datetime
    update_time: datetime
    metadata: dict[str, Any]
    status: str
    values: Any  # the JSON edge
    interrupts: dict[str, tuple[Interrupt, ...]]
    error: str | None
    last_seq: int
    ttl: Ttl | None
    state_update_time: datetime | None
    config: dict[str, Any] | None
    extracted: dict[str, Any]

    @classmethod
    def read(cls, proto: thread_pb2.Thread) -> Self:
        """The value of a message."""
        return cls(
            thread_id=proto.thread_id,
            create_time=moment(proto.create_time),
            update_time=moment(proto.update_time),
            metadata=from_json(proto.metadata) or {},
            status=thread_status(proto.status),
            values=from_json(proto.values),
            interrupts={task.task_id: tuple(map(Interrupt.read, task.interrupts)) for task in proto.interrupts},
            error=proto.error if proto.HasField("error") else None,
            last_seq=proto.last_seq,
            ttl=Ttl.read(proto.ttl) if proto.HasField("ttl") else None,
            state_update_time=moment(proto.state_update_time) if proto.HasField("state_update_time") else None,
            config=to_plain(proto.config) if proto.HasField("config") else None,
            extracted={name: from_json(value) for name, value in proto.extracted.items()},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StateTask:
    """A task of a state.

    Args:
        id: The task: a UUID.
        name: Its node.
        error: The error's text, where it failed.
        interrupts: The interrupts that it raised.
        result: What it wrote; None where it has not run.
        checkpoint: Where its subgraph's state is, where it has one.
        state: Its subgraph's state, where the request asked for subgraphs.
    """

    id: str
    name: str
    error: str | None
    interrupts: tuple[Interrupt, ...]
    result: Any  # the JSON edge
    checkpoint: Checkpoint | None
    state: "ThreadState | None"

    @classmethod
    def read(cls, proto: thread_pb2.StateTask) -> Self:
        """The value of a message."""
        return cls(
            id=proto.id,
            name=proto.name,
            error=proto.error if proto.HasField("error") else None,
            interrupts=tuple(Interrupt.read(item) for item in proto.interrupts),
            result=from_json(proto.result),
            checkpoint=Checkpoint.read(proto.checkpoint) if proto.HasField("checkpoint") else None,
            state=ThreadState.read(proto.state) if proto.HasField("state") else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadState:
    """A thread's state at one checkpoint.

    Args:
        values: The values.
        next: The nodes that run next; empty where the graph has reached its end.
        tasks: Their tasks.
        checkpoint: The checkpoint; None where the thread has none.
        parent_checkpoint: The one before it; None for the first.
        metadata: The checkpoint's metadata.
        create_time: When it was made; None where the thread has none.
        interrupts: All interrupts that wait for an answer.
    """

    values: Any  # the JSON edge
    next: tuple[str, ...]
    tasks: tuple[StateTask, ...]
    checkpoint: Checkpoint | None
    parent_checkpoint: Checkpoint | None
    metadata: dict[str, Any]
    create_time: datetime | None
    interrupts: tuple[Interrupt, ...]

    @classmethod
    def read(cls, proto: thread_pb2.ThreadState) -> Self:
        """The value of a message."""
        return cls(
            values=from_json(proto.values),
            next=tuple(proto.next),
            tasks=tuple(StateTask.read(task) for task in proto.tasks),
            checkpoint=Checkpoint.read(proto.checkpoint) if proto.HasField("checkpoint") else None,
            parent_checkpoint=Checkpoint.read(proto.parent_checkpoint) if proto.HasField("parent_checkpoint") else None,
            metadata=from_json(proto.metadata) or {},
            create_time=moment(proto.create_time) if proto.HasField("create_time") else None,
            interrupts=tuple(Interrupt.read(item) for item in proto.interrupts),
        )
