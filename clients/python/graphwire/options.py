"""How a run is asked for, in Python's own terms.

Owns the options of `stream`, `invoke`, `create` and `create_batch`. Every JSON option is an ordinary Python value. An option that is left out, or None,
means the server's default. What this server does not offer it refuses (`NotOffered`); nothing is ignored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any, Final, Literal, Required, TypeAlias, TypedDict

from graphwire.state import Checkpoint

Names: TypeAlias = str | Sequence[str]
"""One name, or several."""

Span: TypeAlias = float | timedelta
"""A length of time: seconds, or a timedelta."""


PayloadFormat: TypeAlias = Literal["text", "value"]
"""How JSON travels in an answer: as text, or as protobuf's values."""


class Unset(Enum):
    """The one value that means: not given. None is an answer that a person may give."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class Goto:
    """A node to run next, with an input of its own.

    Args:
        node: The node's name.
        input: What the node gets instead of the graph's state. Left out, it gets the state.
    """

    node: str
    input: object = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """An instruction to a graph instead of an input. At least one of the three is set.

    Args:
        resume: The answer to what an interrupted run waits for; or a dict from interrupt ids to answers. None is an answer too.
        update: A change of the state, as if a node had returned it.
        goto: The nodes to run next: a name, a `Goto`, or several.
    """

    resume: object = UNSET
    update: object = UNSET
    goto: str | Goto | Sequence[str | Goto] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StateUpdate:
    """One change of a thread's state, as if a node had returned it.

    Args:
        values: The change. None means none: then only `as_node` counts.
        as_node: The node that seems to have returned it; `__input__` is the graph's input. Default: the last node that ran, where the graph can tell.
        command: A command that the node seems to have returned, instead of values: update and goto count.
    """

    values: object = None
    as_node: str | None = None
    command: Command | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which events of a stream are delivered. What is empty does not filter; `metadata`, `error` and `end` always come.

    Args:
        modes: Stream modes, out of those that the run streams.
        namespaces: Subgraphs, levels joined by `|`, each a node's name or `node_name:task_id`. The empty string is the root graph alone.
        nodes: Nodes, for events that come from one.
        tags: Tags of model calls, for messages and callback events.
    """

    modes: Names = ()
    namespaces: Names = ()
    nodes: Names = ()
    tags: Names = ()


class Config(TypedDict, total=False):
    """LangGraph's configuration of a run: the keys of its `RunnableConfig` that travel."""

    tags: Sequence[str] | None
    """Tags of the run, which its model calls inherit."""
    recursion_limit: int | None
    """The most supersteps that the run may take: 1 or more. Default: 25."""
    configurable: Mapping[str, Any] | None  # the JSON edge
    """What nodes read from `config["configurable"]`. Together with `context` it is refused."""
    metadata: Mapping[str, Any] | None  # the JSON edge
    """Metadata for callbacks and traces."""
    max_concurrency: int | None
    """The most nodes that run at once: 1 or more. Default: no bound."""
    run_name: str | None
    """The name of the run in traces. Default: the graph's name."""


class RunOptions(TypedDict, total=False):
    """What `create` takes beside the assistant and the input; `invoke` and `stream` take more."""

    thread_id: str | None
    """The thread to run on: a UUID. Left out, the run is stateless: it has a thread of its own, which ends with it."""
    command: Command | None
    """An instruction instead of an input: resume, update, goto."""
    config: Config | None
    """LangGraph's configuration, merged over the assistant's."""
    context: object
    """What nodes read from `runtime.context`: a JSON object."""
    metadata: object
    """Metadata of the run: a JSON object."""
    checkpoint_id: str | None
    """The checkpoint of the thread to go on from: a UUID. Default: the latest."""
    checkpoint: Checkpoint | None
    """The checkpoint to go on from, where it is a subgraph's."""
    interrupt_before: Names | None
    """Nodes before which the run stops; `*` means every node."""
    interrupt_after: Names | None
    """Nodes after which the run stops; `*` means every node."""
    stream_mode: Names | None
    """What the run streams: values, updates, messages-tuple, messages, debug, custom, events, tasks, checkpoints, tools. Default: values."""
    stream_subgraphs: bool | None
    """Whether events of subgraphs are streamed as well. Default: False."""
    stream_resumable: bool | None
    """Whether readers may come back to the run with a cursor, while it executes and for 120 s after its end, also to a stateless run. Its events are kept in the
    server's database, through restarts, the newest 128 MiB; a cursor that is no longer kept raises `CursorExpired`. Default: for `stream` what `keep_events`
    of `connect` says, which is True; else False."""
    durability: Literal["sync", "async", "exit"] | None
    """When checkpoints are written: before the next superstep, while it runs (the default), or at the end."""
    multitask_strategy: Literal["enqueue", "reject", "interrupt", "rollback"] | None
    """What happens while other runs are on the thread, those that wait included: the new one waits for them (enqueue), is refused with `FailedPrecondition`
    (reject), cancels them, which keeps what they have done (interrupt), or cancels and deletes them and undoes it (rollback). Default: enqueue."""
    if_not_exists: Literal["reject", "create"] | None
    """What happens when the thread does not exist. Default: reject, with `NotFound`."""
    on_completion: Literal["delete", "keep"] | None
    """What happens to the thread of a stateless run when it ends. Default: delete."""
    start_after: Span | None
    """How long the run waits before it may start, in seconds or as a timedelta: 0 to 3650 days. Its thread counts as busy, and other runs start before it.
    Default: 0."""
    timeout: Span | None
    """How long the run may take from its first start, in seconds or as a timedelta: more than 0, at most 3650 days. It then ends with status `timeout`. Default:
    the server's limit."""
    webhook: str | None
    """The URL that is called when the run has ended, however it did: http or https, on a host of the Internet unless the server is set otherwise, else
    `InvalidArgument`. `Run.webhook_delivery` tells what became of the call. Default: none."""
    feedback_keys: Names | None
    """Keys for which feedback will be given, for graphs that are traced. Accepted and without effect: the server traces nothing by itself."""
    request_id: str | None
    """A key of your choice against doubled runs, at most 128 characters: for 24 hours, a second request with the same key gives the run of the first, and `stream`
    attaches to it from its start. So a call that broke can be made again. With another request it raises `AlreadyExists`, where the run is gone
    `NotFound`. Default: for `stream` a random one, since it makes broken calls again by itself; else none."""
    request_id_ttl: Span | None
    """How long the server knows the key, in seconds or as a timedelta: more than 0, at most 24 hours. Default: 24 hours; for a random one of `stream` 10 minutes, or the
    client's `patience` where that is longer."""


class NewRun(RunOptions, total=False):
    """One run of a batch: what `create` takes, by name."""

    assistant: Required[str]
    """The assistant, or the name of a graph."""
    input: object
    """The graph's input, as in `create`."""


class InvokeOptions(RunOptions, total=False):
    """What `invoke` takes."""

    on_disconnect: Literal["continue", "cancel"] | None
    """What happens to the run when this call is cut off. Default: continue."""


class StreamOptions(InvokeOptions, total=False):
    """What `stream` takes."""

    filter: Filter | None
    """Which of the run's events this stream delivers. Default: all."""
    payload_format: PayloadFormat | None
    """How JSON travels to this stream, for those who read the generated messages: `text` is exact and the fastest; in `value` all numbers are doubles.
    Default: text."""
