"""Requests for runs and filters as values of the core.

Owns the step from a proto request to what the core takes, and names the field that is wrong. Rules that hold on every transport are not here.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from graphwire.v1 import run_pb2, thread_pb2
from graphwire.v1.event_pb2 import EventFilter
from graphwire.v1.run_service_pb2 import CancelRunsRequest, CreateRunRequest, InvokeRunRequest, StreamRunRequest
from graphwire_server.core.errors import InvalidField
from graphwire_server.core.follow import EVERYTHING, Filter
from graphwire_server.core.model import (
    DEFAULT_STREAM_MODES,
    KEYS_FOR,
    CancelAction,
    CheckpointRef,
    Command,
    Durability,
    Goto,
    MultitaskStrategy,
    RunConfig,
    RunSpec,
    RunStatus,
    ThreadSort,
    ThreadStatus,
)
from graphwire_server.core.selection import ActiveStatus
from graphwire_server.core.spec import LONGEST_TIME, check_modes, check_uuid
from graphwire_server.rpc.json_carrier import parse, parse_object
from graphwire_server.rpc.payloads import RUN_STATUS

RunRequest = StreamRunRequest | CreateRunRequest | InvokeRunRequest

E = TypeVar("E", bound=int)
T = TypeVar("T")

_STRATEGIES = {
    run_pb2.MULTITASK_STRATEGY_UNSPECIFIED: MultitaskStrategy.ENQUEUE,
    run_pb2.MULTITASK_STRATEGY_ENQUEUE: MultitaskStrategy.ENQUEUE,
    run_pb2.MULTITASK_STRATEGY_REJECT: MultitaskStrategy.REJECT,
    run_pb2.MULTITASK_STRATEGY_INTERRUPT: MultitaskStrategy.INTERRUPT,
    run_pb2.MULTITASK_STRATEGY_ROLLBACK: MultitaskStrategy.ROLLBACK,
}
_DURABILITIES = {
    run_pb2.DURABILITY_UNSPECIFIED: None,
    run_pb2.DURABILITY_SYNC: Durability.SYNC,
    run_pb2.DURABILITY_ASYNC: Durability.ASYNC,
    run_pb2.DURABILITY_EXIT: Durability.EXIT,
}
IF_EXISTS = {
    thread_pb2.IF_EXISTS_UNSPECIFIED: False,
    thread_pb2.IF_EXISTS_REJECT: False,
    thread_pb2.IF_EXISTS_KEEP: True,
}
"""Whether what has the id already is kept and returned."""

_IF_NOT_EXISTS = {
    run_pb2.IF_NOT_EXISTS_UNSPECIFIED: False,
    run_pb2.IF_NOT_EXISTS_REJECT: False,
    run_pb2.IF_NOT_EXISTS_CREATE: True,
}
_ON_COMPLETION = {
    run_pb2.ON_COMPLETION_UNSPECIFIED: None,
    run_pb2.ON_COMPLETION_DELETE: False,
    run_pb2.ON_COMPLETION_KEEP: True,
}
_DISCONNECT = {
    run_pb2.DISCONNECT_MODE_UNSPECIFIED: False,
    run_pb2.DISCONNECT_MODE_CONTINUE: False,
    run_pb2.DISCONNECT_MODE_CANCEL: True,
}
_ACTIONS = {
    run_pb2.CANCEL_ACTION_UNSPECIFIED: CancelAction.INTERRUPT,
    run_pb2.CANCEL_ACTION_INTERRUPT: CancelAction.INTERRUPT,
    run_pb2.CANCEL_ACTION_ROLLBACK: CancelAction.ROLLBACK,
}
_ACTIVE: Mapping[run_pb2.RunStatus.ValueType, ActiveStatus] = {
    run_pb2.RUN_STATUS_UNSPECIFIED: "all",
    run_pb2.RUN_STATUS_PENDING: "pending",
    run_pb2.RUN_STATUS_RUNNING: "running",
}
_RUN_STATUSES = {run_pb2.RUN_STATUS_UNSPECIFIED: None} | {wire: status for status, wire in RUN_STATUS.items()}
_THREAD_STATUSES = {
    thread_pb2.THREAD_STATUS_UNSPECIFIED: None,
    thread_pb2.THREAD_STATUS_IDLE: ThreadStatus.IDLE,
    thread_pb2.THREAD_STATUS_BUSY: ThreadStatus.BUSY,
    thread_pb2.THREAD_STATUS_INTERRUPTED: ThreadStatus.INTERRUPTED,
    thread_pb2.THREAD_STATUS_ERROR: ThreadStatus.ERROR,
}
_THREAD_SORTS = {
    thread_pb2.THREAD_SORT_UNSPECIFIED: ThreadSort.UPDATED_AT,
    thread_pb2.THREAD_SORT_UPDATE_TIME: ThreadSort.UPDATED_AT,
    thread_pb2.THREAD_SORT_CREATE_TIME: ThreadSort.CREATED_AT,
    thread_pb2.THREAD_SORT_THREAD_ID: ThreadSort.THREAD_ID,
    thread_pb2.THREAD_SORT_STATUS: ThreadSort.STATUS,
    thread_pb2.THREAD_SORT_STATE_UPDATE_TIME: ThreadSort.STATE_UPDATED_AT,
}


def choose(field: str, table: Mapping[E, T], number: E) -> T:
    """What an enum's number means. Raises InvalidField for a number that this version does not know."""
    try:
        return table[number]
    except KeyError:
        raise InvalidField(field, f"{number} is not a value that this version knows: 0 to {max(table)}") from None


def run_spec(request: RunRequest) -> RunSpec:
    """The run that a request asks for. `feedback_keys` and `langsmith_tracer` ask for what a server that traces nothing cannot do otherwise than not at
    all, so they are taken.

    Raises:
        InvalidField: A field cannot be read.
    """
    given = request.HasField
    keep = choose("on_completion", _ON_COMPLETION, request.on_completion)
    if keep is False and given("thread_id"):
        raise InvalidField("on_completion", "is for runs without thread_id; a run on a thread never deletes it")
    return RunSpec(
        assistant=request.assistant_id,
        thread_id=request.thread_id if given("thread_id") else None,
        has_input=given("input"),
        input=parse("input", request.input) if given("input") else None,
        command=run_command("command", request.command) if given("command") else None,
        config=run_config("config", request.config) if given("config") else RunConfig(),
        context=parse_object("context", request.context) if given("context") else None,
        metadata=parse_object("metadata", request.metadata) if given("metadata") else {},
        checkpoint=checkpoint_ref(request, request.thread_id if given("thread_id") else None),
        interrupt_before=tuple(request.interrupt_before),
        interrupt_after=tuple(request.interrupt_after),
        stream_modes=tuple(request.stream_mode) or DEFAULT_STREAM_MODES,
        stream_subgraphs=request.stream_subgraphs,
        stream_resumable=request.stream_resumable,
        durability=choose("durability", _DURABILITIES, request.durability),
        multitask_strategy=choose("multitask_strategy", _STRATEGIES, request.multitask_strategy),
        create_thread=choose("if_not_exists", _IF_NOT_EXISTS, request.if_not_exists),
        keep_thread=bool(keep),
        keep_output=not isinstance(request, StreamRunRequest),
        start_after=span("start_after", request.start_after),
        timeout=span("timeout", request.timeout) if given("timeout") else None,
        request_id=request.request_id,
        webhook=request.webhook or None,
        request_ttl=span("request_id_ttl", request.request_id_ttl) if given("request_id_ttl") else KEYS_FOR,
    )


def span(field: str, duration: Duration) -> timedelta:
    """A duration, in whole microseconds: what is finer is rounded down, so that less than 0 stays less than 0. Raises InvalidField."""
    if abs(duration.nanos) >= 10**9 or duration.seconds * duration.nanos < 0:
        raise InvalidField(field, "is not a duration: nanos must be less than a second, and have the sign of seconds")
    try:
        return timedelta(seconds=duration.seconds, microseconds=duration.nanos // 1000)
    except OverflowError:
        raise InvalidField(
            field, f"{duration.seconds} seconds is out of bounds: at most {LONGEST_TIME.days} days"
        ) from None


def batch_specs(given: Sequence[CreateRunRequest]) -> list[RunSpec]:
    """The runs that a batch asks for. Raises as `run_spec` does, with the field under `requests[...]`."""
    specs = []
    for index, request in enumerate(given):
        try:
            specs.append(run_spec(request))
        except InvalidField as error:
            raise InvalidField(f"requests[{index}].{error.field}", error.problem, error.http_status) from error
    return specs


@contextmanager
def batch_fields() -> Iterator[None]:
    """Names the fields of a batch that the core found wrong, such as `[3].thread_id`, as the request has them: `requests[3].thread_id`."""
    try:
        yield
    except InvalidField as error:
        raise InvalidField(f"requests{error.field.removeprefix('[]')}", error.problem, error.http_status) from error


def run_command(field: str, command: run_pb2.Command) -> Command:
    """An instruction to a graph. Raises InvalidField."""
    return Command(
        has_resume=command.HasField("resume"),
        resume=parse(f"{field}.resume", command.resume) if command.HasField("resume") else None,
        update=parse(f"{field}.update", command.update) if command.HasField("update") else None,
        goto=tuple(
            Goto(
                node=step.node,
                has_input=step.HasField("input"),
                input=parse(f"{field}.goto.input", step.input) if step.HasField("input") else None,
            )
            for step in command.goto
        ),
    )


def run_config(field: str, config: run_pb2.RunConfig) -> RunConfig:
    """LangGraph's configuration. Raises InvalidField."""
    given = config.HasField
    return RunConfig(
        tags=tuple(config.tags),
        recursion_limit=config.recursion_limit if given("recursion_limit") else None,
        configurable=parse_object(f"{field}.configurable", config.configurable) if given("configurable") else None,
        metadata=parse_object(f"{field}.metadata", config.metadata) if given("metadata") else None,
        max_concurrency=config.max_concurrency if given("max_concurrency") else None,
        run_name=config.run_name if given("run_name") else None,
    )


def checkpoint_ref(request: Message, thread_id: str | None) -> CheckpointRef | None:
    """The checkpoint that a request means by `checkpoint_id`, by `checkpoint`, or by both; None where by neither. Raises InvalidField."""
    short: str | None = getattr(request, "checkpoint_id") if request.HasField("checkpoint_id") else None  # noqa: B009  several messages
    whole: run_pb2.CheckpointRef | None = getattr(request, "checkpoint") if request.HasField("checkpoint") else None  # noqa: B009  as above
    short = None if short is None else check_uuid("checkpoint_id", short)
    if whole is None:
        return None if short is None else CheckpointRef(checkpoint_id=short)
    named = check_uuid("checkpoint.checkpoint_id", whole.checkpoint_id) if whole.checkpoint_id else None
    if short is not None and named is not None and short != named:
        raise InvalidField("checkpoint_id", "and checkpoint.checkpoint_id differ; send one of them")
    if whole.thread_id and thread_id is not None and whole.thread_id.lower() != thread_id.lower():
        raise InvalidField("checkpoint.thread_id", "must be the request's own thread")
    above = (
        parse_object("checkpoint.checkpoint_map", whole.checkpoint_map) if whole.HasField("checkpoint_map") else None
    )
    return CheckpointRef(checkpoint_id=named or short, checkpoint_ns=whole.checkpoint_ns, checkpoint_map=above)


def cancels(mode: run_pb2.DisconnectMode.ValueType) -> bool:
    """Whether the run is cancelled when its caller is gone. Raises InvalidField."""
    return choose("on_disconnect", _DISCONNECT, mode)


def cancel_action(number: run_pb2.CancelAction.ValueType) -> CancelAction:
    """What becomes of the work of a run that is cancelled. Raises InvalidField."""
    return choose("action", _ACTIONS, number)


def run_status(number: run_pb2.RunStatus.ValueType) -> RunStatus | None:
    """The status that a request asks for; None for any. Raises InvalidField."""
    return choose("status", _RUN_STATUSES, number)


def active_status(request: CancelRunsRequest) -> ActiveStatus | None:
    """Which runs that have not ended a request means by status; None where by id alone. Raises InvalidField."""
    if request.run_ids and not request.status:
        return None
    if request.status not in _ACTIVE:
        raise InvalidField("status", "must be pending or running: runs that have ended cannot be cancelled")
    return _ACTIVE[request.status]


def thread_status(number: thread_pb2.ThreadStatus.ValueType) -> ThreadStatus | None:
    """The status that a request asks for; None for any. Raises InvalidField."""
    return choose("status", _THREAD_STATUSES, number)


def thread_sort(number: thread_pb2.ThreadSort.ValueType) -> ThreadSort:
    """By what threads are sorted. Raises InvalidField."""
    return choose("sort_by", _THREAD_SORTS, number)


def event_filter(wanted: EventFilter) -> Filter:
    """The filter of a stream. Raises InvalidField for a mode that does not exist."""
    if not wanted.ByteSize():
        return EVERYTHING
    modes = check_modes("filter.modes", tuple(wanted.modes))
    return Filter(
        modes=frozenset("messages" if mode == "messages-tuple" else mode for mode in modes),
        namespaces=tuple(tuple(path.split("|")) if path else () for path in wanted.namespaces),
        nodes=frozenset(wanted.nodes),
        tags=frozenset(wanted.tags),
    )
