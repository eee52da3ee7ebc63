"""Requests made from Python values.

Owns the translation of options into the messages of the API. The invariant: a mistake that can be seen here raises TypeError or ValueError
with the option's name before anything is sent; what is right or wrong beyond that, the server says.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, TypeVar, cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.duration_pb2 import Duration

from graphwire.options import UNSET, Command, Config, Filter, Goto, Names, NewRun, Span, StateUpdate
from graphwire.payload import to_json
from graphwire.state import Checkpoint, Ttl
from graphwire.v1 import cron_pb2, event_pb2, json_pb2, run_pb2, run_service_pb2, thread_pb2

RunRequest = TypeVar(
    "RunRequest",
    run_service_pb2.StreamRunRequest,
    run_service_pb2.InvokeRunRequest,
    run_service_pb2.CreateRunRequest,
)

KEY_SECONDS, MOST_KEY_SECONDS = 600, 86_400
"""How long a key of this client's own is known at least, and a key at most: keys take room on the server."""

_ENUMS: Mapping[str, tuple[Any, str]] = {  # Any: the stubs give every enum a wrapper class of its own
    "durability": (run_pb2.Durability, "DURABILITY_"),
    "multitask_strategy": (run_pb2.MultitaskStrategy, "MULTITASK_STRATEGY_"),
    "if_not_exists": (run_pb2.IfNotExists, "IF_NOT_EXISTS_"),
    "on_completion": (run_pb2.OnCompletion, "ON_COMPLETION_"),
    "on_run_completed": (run_pb2.OnCompletion, "ON_COMPLETION_"),
    "on_disconnect": (run_pb2.DisconnectMode, "DISCONNECT_MODE_"),
    "action": (run_pb2.CancelAction, "CANCEL_ACTION_"),
    "status": (run_pb2.RunStatus, "RUN_STATUS_"),
    "thread_status": (thread_pb2.ThreadStatus, "THREAD_STATUS_"),
    "if_exists": (thread_pb2.IfExists, "IF_EXISTS_"),
    "view": (thread_pb2.ThreadView, "THREAD_VIEW_"),
    "sort_by": (thread_pb2.ThreadSort, "THREAD_SORT_"),
    "strategy": (thread_pb2.TtlStrategy, "TTL_STRATEGY_"),
    "cron_sort": (cron_pb2.CronSort, "CRON_SORT_"),
    "payload_format": (json_pb2.PayloadFormat, "PAYLOAD_FORMAT_"),
}
"""Options that are chosen by name: the enum, and the prefix of its names."""


def run_request(kind: type[RunRequest], assistant: str, given: object, options: Mapping[str, Any]) -> RunRequest:
    """The request for a run.

    Args:
        kind: Which of the three requests.
        assistant: The assistant, or the name of a graph.
        given: The graph's input; None means none.
        options: Those of `StreamOptions` that the request has.

    Raises:
        TypeError: An option does not exist, or has the wrong type.
        ValueError: A value of an option is not one of its names, or JSON has no form for it.
    """
    fields = run_fields(options, kind.DESCRIPTOR)
    if given is not None:
        fields["input"] = to_json(given, "input")
    return kind(assistant_id=assistant, **fields)


def run_fields(options: Mapping[str, Any], request: Descriptor) -> dict[str, Any]:
    """The fields of a request for a run, of options by name; those that are None are left out.

    Args:
        options: The options.
        request: The request, which has fields of their names.

    Raises:
        TypeError: An option does not exist, or has the wrong type.
        ValueError: A value of an option is not one of its names, or JSON has no form for it.
    """
    unknown = sorted(name for name in options if name not in _OPTIONS or name not in request.fields_by_name)
    if unknown:
        raise TypeError(f"unknown option {unknown[0]!r}; those that there are stand in graphwire.options")
    return {name: _OPTIONS[name](value, name) for name, value in options.items() if value is not None}


def batch_request(runs: Iterable[NewRun]) -> run_service_pb2.BatchCreateRunsRequest:
    """The request for several runs.

    Raises:
        TypeError: As `run_request`, or a run names no assistant; the run's place in the batch stands in front.
        ValueError: As `run_request`, likewise.
    """
    made = run_service_pb2.BatchCreateRunsRequest()
    for index, run in enumerate(runs):
        options = dict(as_mapping(run))
        try:
            if "assistant" not in options:
                raise TypeError("assistant is missing")
            asked = run_request(
                run_service_pb2.CreateRunRequest, options.pop("assistant"), options.pop("input", None), options
            )
        except TypeError as error:
            raise TypeError(f"[{index}] {error}") from error
        except ValueError as error:
            raise ValueError(f"[{index}] {error}") from error
        made.requests.append(asked)
    return made


def key_lifetime(patience: float) -> Duration:
    """How long the server is to know a key that this client has made: as long as it may still come back with it.

    Args:
        patience: For how many seconds the client goes on trying.
    """
    return Duration(seconds=int(min(max(KEY_SECONDS, patience), MOST_KEY_SECONDS)))


def optional_config(value: Config | None, name: str) -> run_pb2.RunConfig | None:
    """A configuration that may be absent. Raises TypeError and ValueError."""
    return None if value is None else _config(value, name)


def optional_json(value: object, name: str) -> Any:
    """A JSON option that may be absent."""
    return None if value is None else to_json(value, name)


def chosen(value: str | None, name: str) -> Any:
    """The number of an option that is chosen by name; 0 for None, which the server reads as its default.

    Raises:
        ValueError: There is no such name.
    """
    if value is None:
        return 0
    wrapper, prefix = _ENUMS[name]
    return pick(wrapper, prefix, value, name)


def pick(wrapper: Any, prefix: str, value: str, name: str) -> Any:
    """The number of a name in an enum. Raises ValueError where there is no such name."""
    known = {key.removeprefix(prefix).lower(): number for key, number in wrapper.items() if number}
    if value not in known:
        raise ValueError(f"{name}: {value!r} is not one of {', '.join(known)}")
    return known[value]


def names(value: Names | None, _name: str = "") -> list[str]:
    """One name or several, as a list. A plain string is one name, not its letters."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def event_filter(value: Filter | None, _name: str = "") -> event_pb2.EventFilter | None:
    """The filter of a stream; None where all events are wanted."""
    if value is None:
        return None
    return event_pb2.EventFilter(
        modes=names(value.modes),
        namespaces=names(value.namespaces),
        nodes=names(value.nodes),
        tags=names(value.tags),
    )


def superstep(updates: Iterable[StateUpdate], name: str) -> thread_pb2.Superstep:
    """What the nodes of one superstep have returned.

    Raises:
        TypeError: JSON has no form for a value; the change is named, as in `supersteps[0].updates[1].values`.
        ValueError: Likewise.
    """
    return thread_pb2.Superstep(
        updates=[_update(update, f"{name}.updates[{index}]") for index, update in enumerate(updates)]
    )


def time_to_live(value: Ttl | None) -> thread_pb2.ThreadTtl | None:
    """How long a thread lives.

    Raises:
        TypeError: The time is neither seconds nor a timedelta.
        ValueError: It cannot be sent, or the strategy is not one of its names.
    """
    if value is None:
        return None
    return thread_pb2.ThreadTtl(after=_span(value.after, "ttl.after"), strategy=chosen(value.strategy, "strategy"))


def _update(value: StateUpdate, name: str) -> thread_pb2.StateUpdate:
    return thread_pb2.StateUpdate(
        values=optional_json(value.values, f"{name}.values"),
        as_node=value.as_node,
        command=None if value.command is None else _command(value.command, f"{name}.command"),
    )


def _command(value: Command, name: str) -> run_pb2.Command:
    return run_pb2.Command(
        resume=None if value.resume is UNSET else to_json(value.resume, f"{name}.resume"),
        update=None if value.update is UNSET else to_json(value.update, f"{name}.update"),
        goto=[_goto(item, f"{name}.goto") for item in _several(value.goto)],
    )


def _several(value: str | Goto | Iterable[str | Goto]) -> Iterable[str | Goto]:
    return (value,) if isinstance(value, str | Goto) else value


def _goto(value: str | Goto, name: str) -> run_pb2.Goto:
    if isinstance(value, str):
        return run_pb2.Goto(node=value)
    return run_pb2.Goto(node=value.node, input=None if value.input is UNSET else to_json(value.input, f"{name}.input"))


def _config(value: Config, name: str) -> run_pb2.RunConfig:
    unknown = sorted(value.keys() - Config.__annotations__.keys())
    if unknown:
        raise ValueError(f"{name}: unknown key {unknown[0]!r}; the keys are {', '.join(Config.__annotations__)}")
    return run_pb2.RunConfig(
        tags=value.get("tags"),
        recursion_limit=value.get("recursion_limit"),
        configurable=optional_json(value.get("configurable"), "config.configurable"),
        metadata=optional_json(value.get("metadata"), "config.metadata"),
        max_concurrency=value.get("max_concurrency"),
        run_name=value.get("run_name"),
    )


def _checkpoint(value: Checkpoint, _name: str) -> run_pb2.CheckpointRef:
    return value.write()


def _span(value: Span, name: str) -> Duration:
    """A length of time. Whether it is one that can be meant, such as more than 0, the server says."""
    if isinstance(value, bool) or not isinstance(value, int | float | timedelta):
        raise TypeError(f"{name} must be seconds, or a timedelta, not {type(value).__name__}")
    made = Duration()
    try:
        if isinstance(value, timedelta):
            made.FromTimedelta(value)
        else:
            made.FromNanoseconds(round(value * 10**9))
    except (OverflowError, ValueError):  # infinite, no number, or beyond what a message carries
        raise ValueError(f"{name}: {value!r} is not a length of time that can be sent") from None
    return made


def _text(value: str, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    return value


def _as_is(value: object, _name: str) -> object:
    return value


_OPTIONS: Mapping[str, Callable[..., Any]] = {
    "input": to_json,
    "thread_id": _text,
    "command": _command,
    "config": _config,
    "context": to_json,
    "metadata": to_json,
    "checkpoint_id": _text,
    "checkpoint": _checkpoint,
    "interrupt_before": names,
    "interrupt_after": names,
    "stream_mode": names,
    "stream_subgraphs": _as_is,
    "stream_resumable": _as_is,
    "durability": chosen,
    "multitask_strategy": chosen,
    "if_not_exists": chosen,
    "on_completion": chosen,
    "on_run_completed": chosen,
    "on_disconnect": chosen,
    "start_after": _span,
    "timeout": _span,
    "webhook": _text,
    "feedback_keys": names,
    "request_id": _text,
    "request_id_ttl": _span,
    "filter": event_filter,
    "payload_format": chosen,
}
"""For each option of a run, what makes its field."""


def as_mapping(options: object) -> Mapping[str, Any]:
    """The options of a call by name; a TypedDict is no Mapping to the type checker."""
    return cast("Mapping[str, Any]", options)
