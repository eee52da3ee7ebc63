"""One event of a run, as a reader meets it.

Owns the view of a `StreamEvent` that needs no knowledge of protobuf. It copies nothing: each property reads the message, so an event
costs no more than what is looked at.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias, cast

from graphwire.model import Interrupt, RunError, run_status
from graphwire.payload import from_json, to_plain
from graphwire.v1 import event_pb2 as pb
from graphwire.v1.interrupt_pb2 import Interrupt as InterruptMessage

Payload: TypeAlias = (
    pb.MetadataEvent
    | pb.ValuesEvent
    | pb.UpdatesEvent
    | pb.MessagesEvent
    | pb.DebugEvent
    | pb.CustomEvent
    | pb.CallbackEvent
    | pb.TaskEvent
    | pb.CheckpointEvent
    | pb.ErrorEvent
    | pb.EndEvent
    | pb.RawEvent
)
"""The generated classes of the payloads: one for each mode, and `metadata`, `error`, `end` and `raw`."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Event:
    """One event of a run.

    Args:
        proto: The message as it came. All else is read from it.
    """

    proto: pb.StreamEvent

    def __repr__(self) -> str:
        return f"Event(seq={self.seq}, mode={self.mode!r}, data={self.data!r})"

    @property
    def seq(self) -> int:
        """The event's number on its thread: the cursor to go on from."""
        return self.proto.seq

    @property
    def run_id(self) -> str:
        """The run: a UUID."""
        return self.proto.run_id

    @property
    def thread_id(self) -> str:
        """The thread: a UUID."""
        return self.proto.thread_id

    @property
    def time(self) -> datetime:
        """When the server appended the event to its log, in UTC."""
        return self.proto.time.ToDatetime(tzinfo=UTC)

    @property
    def namespace(self) -> tuple[str, ...]:
        """The subgraph that the event comes from: `node_name:task_id` for each level; empty for the root graph."""
        return tuple(self.proto.namespace)

    @property
    def mode(self) -> str:
        """What happened: `values`, `updates`, `messages`, `custom`, `debug`, `events`, `tasks`, `checkpoints`, or `metadata`, `error`, `end`.

        Mode `messages-tuple` arrives as `messages`. `raw` is a mode that this version has no case for. Empty for a payload that is newer
        than this client: skip it.
        """
        return self.proto.WhichOneof("payload") or ""

    @property
    def message(self) -> Payload:
        """The payload: the generated message of `mode`, with every field typed.

        Raises:
            ValueError: The payload is newer than this client (`mode` is empty).
        """
        if not self.mode:
            raise ValueError("this event has a payload that this version of the client does not know")
        return cast("Payload", getattr(self.proto, self.mode))

    @property
    def data(self) -> Any:
        """The payload as plain Python values.

        For `values`, `updates`, `custom` and `raw`, which carry one free-form value, it is that value: the state, what the node returned
        (None where the event carries interrupts), the data. For all others it is a dict by the field names of the message. JSON is
        parsed at each access, and integers are exact.
        """
        match self.message if self.mode else None:
            case None:
                return None
            case pb.ValuesEvent(state=carrier) | pb.CustomEvent(data=carrier) | pb.RawEvent(data=carrier):
                return from_json(carrier)
            case pb.UpdatesEvent(update=carrier):
                return from_json(carrier)
            case payload:
                return to_plain(payload)

    @property
    def text(self) -> str:
        """The text of a piece of a message; empty for all other events."""
        return self.proto.messages.text

    @property
    def node(self) -> str:
        """The node that the event comes from; empty where it comes from none."""
        match self.message if self.mode else None:
            case (
                pb.UpdatesEvent(node=node)
                | pb.MessagesEvent(node=node)
                | pb.CustomEvent(node=node)
                | pb.CallbackEvent(node=node)
            ):
                return node
            case pb.TaskEvent(start=start, result=result):
                return start.name or result.name
            case pb.DebugEvent(task=task, task_result=result):
                return task.name or result.name
            case _:
                return ""

    @property
    def interrupts(self) -> tuple[Interrupt, ...]:
        """The interrupts that the event carries; empty for most."""
        found: list[InterruptMessage] = []
        match self.message if self.mode else None:
            case pb.ValuesEvent() | pb.UpdatesEvent() | pb.EndEvent() as payload:
                found = list(payload.interrupts)
            case pb.TaskEvent(result=result) | pb.DebugEvent(task_result=result):
                found = list(result.interrupts)
            case _:
                pass
        return tuple(Interrupt.read(item) for item in found)

    @property
    def error(self) -> RunError | None:
        """Why the run failed, for `error` and for the `end` of a run that failed; None for all other events."""
        match self.message if self.mode else None:
            case pb.ErrorEvent() | pb.EndEvent() as payload if payload.HasField("error"):
                return RunError.read(payload.error)
            case _:
                return None

    @property
    def status(self) -> str | None:
        """How the run ended, for `end`: `success`, `error`, `timeout` or `interrupted`. None for all other events."""
        return run_status(self.proto.end.status) if self.mode == "end" else None
