"""What the service returns, as plain typed values.

Owns the values and how each is read from its message. JSON is parsed once, when the value is made; times are in UTC; absent is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.timestamp_pb2 import Timestamp

from graphwire.errors import RunFailed
from graphwire.payload import from_json
from graphwire.v1 import error_pb2, interrupt_pb2, run_pb2, thread_pb2, webhook_pb2


def _named(names: Mapping[int, str], prefix: str, number: int) -> str:
    """The name of a number, as Python programs write it; the number itself, as text, where it is newer than this client."""
    return names[number].removeprefix(prefix).lower() if number in names else str(number)


def _names(enum: EnumDescriptor) -> dict[int, str]:
    return {number: value.name for number, value in enum.values_by_number.items()}


_RUN_STATUS = _names(run_pb2.RunStatus.DESCRIPTOR)
_CANCEL_ACTION = _names(run_pb2.CancelAction.DESCRIPTOR)
_ON_COMPLETION = _names(run_pb2.OnCompletion.DESCRIPTOR)
_THREAD_STATUS = _names(thread_pb2.ThreadStatus.DESCRIPTOR)
_WEBHOOK_STATE = _names(webhook_pb2.WebhookState.DESCRIPTOR)


def run_status(number: run_pb2.RunStatus.ValueType) -> str:
    """A run's status: `pending`, `running`, `success`, `error`, `timeout` or `interrupted`; its number, as in `"7"`, where it is newer than this client."""
    return _named(_RUN_STATUS, "RUN_STATUS_", number)


def cancel_action(number: run_pb2.CancelAction.ValueType) -> str:
    """What becomes of the work of a run that is to stop: `interrupt` or `rollback`; its number, as text, where it is newer than this client."""
    return _named(_CANCEL_ACTION, "CANCEL_ACTION_", number)


def on_completion(number: run_pb2.OnCompletion.ValueType) -> str:
    """What becomes of the thread of a stateless run: `delete` or `keep`; its number, as text, where it is newer than this client."""
    return _named(_ON_COMPLETION, "ON_COMPLETION_", number)


def thread_status(number: thread_pb2.ThreadStatus.ValueType) -> str:
    """A thread's status: `idle`, `busy`, `interrupted` or `error`; its number, as text, where it is newer than this client."""
    return _named(_THREAD_STATUS, "THREAD_STATUS_", number)


def moment(time: Timestamp) -> datetime:
    """A time of the API, in UTC."""
    return time.ToDatetime(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupt:
    """A question of a node to a person. Answer it with `Command(resume=...)` on the same thread.

    Args:
        id: Its id: 32 hexadecimal digits. Where several wait, answer with `Command(resume={id: answer})`.
        value: What the node passed to `interrupt()`.
        response_schema: The JSON Schema of the answer, where the node gave one.
    """

    id: str
    value: Any  # the JSON edge
    response_schema: Any = None  # the JSON edge

    @classmethod
    def read(cls, proto: interrupt_pb2.Interrupt) -> Self:
        """The value of a message."""
        return cls(id=proto.id, value=from_json(proto.value), response_schema=from_json(proto.response_schema))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunError:
    """Why a run failed.

    Args:
        type: The name of the exception's class, such as `ValueError`.
        message: What the exception says, where the server may tell.
        retryable: Whether the same run may succeed when it is created again.
    """

    type: str
    message: str
    retryable: bool

    @classmethod
    def read(cls, proto: error_pb2.RunError) -> Self:
        """The value of a message."""
        return cls(type=proto.type, message=proto.message, retryable=proto.retryable)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """What became of the call of a run's webhook.

    Args:
        state: `pending`, `delivered` (the receiver answered with 2xx) or `failed` (it was given up); its number, as text, where it is newer than this client.
        attempts: How often it was tried.
        last_attempt_time: When it was last tried; None until then.
        last_status: The HTTP status of the last answer; None where there was none.
        last_error: Why the last attempt failed; empty where it did not.
        next_attempt_time: When it is tried next; None once it is settled.
        settle_time: When it was delivered or given up; None until then.
    """

    state: str
    attempts: int
    last_attempt_time: datetime | None
    last_status: int | None
    last_error: str
    next_attempt_time: datetime | None
    settle_time: datetime | None

    @classmethod
    def read(cls, proto: webhook_pb2.WebhookDelivery) -> Self:
        """The value of a message."""
        given = proto.HasField
        return cls(
            state=_named(_WEBHOOK_STATE, "WEBHOOK_STATE_", proto.state),
            attempts=proto.attempts,
            last_attempt_time=moment(proto.last_attempt_time) if given("last_attempt_time") else None,
            last_status=proto.last_status if given("last_status") else None,
            last_error=proto.last_error,
            next_attempt_time=moment(proto.next_attempt_time) if given("next_attempt_time") else None,
            settle_time=moment(proto.settle_time) if given("settle_time") else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of a graph.

    Args:
        run_id: The run: a UUID.
        thread_id: The thread that it runs on: a UUID.
        assistant_id: The assistant that runs: a UUID.
        graph_id: The graph's name.
        status: `pending`, `running`, `success`, `error`, `timeout` (it took longer than it may) or `interrupted` (it was cancelled).
        create_time: When it was created.
        update_time: When its status last changed.
        metadata: Its metadata.
        attempt: How often it was started: 1, and one more each time that it was taken up after its process died or stopped.
        stream_modes: The stream modes that it produces.
        stateless: Whether its thread ends with it.
        error: The exception, where it failed.
        interrupts: The interrupts that it ended with.
        checkpoint_id: Its last checkpoint, once it has ended; empty where it made none.
        first_seq: The number of its first event; 0 until it starts. Of a run that is not resumable, that of its last attempt.
        last_seq: The number of its last event; 0 until it has ended.
        due_time: When it may start; None where it was not delayed.
        start_time: When it was first started; None until then.
        cancel_action: That it was asked to stop, and what becomes of its work: `interrupt` or `rollback`; None where nobody has asked.
        lingering_nodes: The synchronous nodes whose threads still ran when it was cut short.
        webhook: The URL that is called when it has ended; empty for none.
        webhook_delivery: What became of that call; None where there is none, and until the run has ended.
    """

    run_id: str
    thread_id: str
    assistant_id: str
    graph_id: str
    status: str
    create_time: datetime
    update_time: datetime
    metadata: dict[str, Any]
    attempt: int
    stream_modes: tuple[str, ...]
    stateless: bool
    error: RunError | None
    interrupts: tuple[Interrupt, ...]
    checkpoint_id: str
    first_seq: int
    last_seq: int
    due_time: datetime | None
    start_time: datetime | None
    cancel_action: str | None
    lingering_nodes: tuple[str, ...]
    webhook: str
    webhook_delivery: WebhookDelivery | None

    @classmethod
    def read(cls, proto: run_pb2.Run) -> Self:
        """The value of a message."""
        return cls(
            run_id=proto.run_id,
            thread_id=proto.thread_id,
            assistant_id=proto.assistant_id,
            graph_id=proto.graph_id,
            status=run_status(proto.status),
            create_time=moment(proto.create_time),
            update_time=moment(proto.update_time),
            metadata=from_json(proto.metadata) or {},
            attempt=proto.attempt,
            stream_modes=tuple(proto.stream_modes),
            stateless=proto.stateless,
            error=RunError.read(proto.error) if proto.HasField("error") else None,
            interrupts=tuple(Interrupt.read(item) for item in proto.interrupts),
            checkpoint_id=proto.checkpoint_id,
            first_seq=proto.first_seq,
            last_seq=proto.last_seq,
            due_time=moment(proto.due_time) if proto.HasField("due_time") else None,
            start_time=moment(proto.start_time) if proto.HasField("start_time") else None,
            cancel_action=cancel_action(proto.cancel_action) if proto.HasField("cancel_action") else None,
            lingering_nodes=tuple(proto.lingering_nodes),
            webhook=proto.webhook,
            webhook_delivery=WebhookDelivery.read(proto.webhook_delivery)
            if proto.HasField("webhook_delivery")
            else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """The outcome of a run that has ended, well or not.

    Args:
        run: The run.
        values: The graph's output; None where there is none.
    """

    run: Run
    values: Any  # the JSON edge

    @property
    def error(self) -> RunError | None:
        """The exception, where the graph failed."""
        return self.run.error

    @property
    def interrupts(self) -> tuple[Interrupt, ...]:
        """The interrupts that wait for an answer. A run that stopped for one has status `success`."""
        return self.run.interrupts

    def raise_for_error(self) -> Self:
        """Itself, so that `(await client.invoke(...)).raise_for_error().values` reads well.

        Raises:
            RunFailed: The run ended with another status than `success`: its graph failed, it was cancelled, or took too long.
        """
        if self.run.status == "success":
            return self
        error = self.error
        text = f"{error.type}: {error.message}" if error else f"the run ended with status {self.run.status}"
        raise RunFailed(self.run.status, text, retryable=error.retryable if error else False)

    @classmethod
    def read(cls, proto: run_pb2.RunResult) -> Self:
        """The value of a message."""
        return cls(run=Run.read(proto.run), values=from_json(proto.values))
