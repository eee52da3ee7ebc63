"""Runs that callers ask for, as values of the core.

Owns the shape of a run's body (wire A6), and the step from it to what the core takes. Rules that hold on every transport are not here.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from graphwire_server.core.errors import InvalidField
from graphwire_server.core.model import (
    DEFAULT_STREAM_MODES,
    CheckpointRef,
    Command,
    Durability,
    Goto,
    MultitaskStrategy,
    RunConfig,
    RunSpec,
)
from graphwire_server.core.spec import LONGEST_TIME, check_uuid
from graphwire_server.rest.shapes import Shape

JsonObject = dict[str, Any]
LONGEST = LONGEST_TIME.total_seconds()
"""The most seconds that a run waits or takes."""
StreamMode = Literal[
    "values", "updates", "messages-tuple", "messages", "debug", "custom", "events", "tasks", "checkpoints", "tools"
]


class Send(Shape):
    """A node to run next with an input of its own."""

    node: Annotated[str, Field(min_length=1)]
    """The node's name."""
    input: Any = None
    """What it gets."""


class CommandBody(Shape):
    """An instruction to a graph instead of an input."""

    resume: Any = None
    """The answer to what an interrupted run waits for; or a map of interrupt ids to answers."""
    update: JsonObject | list[Any] | None = None
    """A change of the state: an object, or an array of [key, value] pairs."""
    goto: str | Send | list[str | Send] | None = None
    """The nodes to run next."""

    def command(self) -> Command | None:
        """The command; None where it says nothing at all."""
        steps = self.goto if isinstance(self.goto, list) else [] if self.goto is None else [self.goto]
        goto = tuple(
            Goto(node=s) if isinstance(s, str) else Goto(node=s.node, has_input=True, input=s.input) for s in steps
        )
        # Programs that send all fields say null for those that they do not mean; null alone is an answer.
        has_resume = self.resume is not None or (self.given("resume") and self.update is None and not goto)
        if not (has_resume or goto or self.update is not None):
            return None
        return Command(has_resume=has_resume, resume=self.resume, update=self.update, goto=goto)


class ConfigBody(Shape):
    """LangGraph's configuration of a run."""

    tags: list[str] | None = None
    """Tags of the run, which its model calls inherit."""
    recursion_limit: Annotated[int, Field(ge=1)] | None = None
    """The most supersteps: 1 or more. Default: 25."""
    configurable: JsonObject | None = None
    """What nodes read from `config["configurable"]`; together with `context` it is refused with 400."""
    metadata: JsonObject | None = None
    """Metadata for callbacks and traces."""
    max_concurrency: Annotated[int, Field(ge=1)] | None = None
    """The most nodes that run at once. Default: no bound."""
    run_name: str | None = None
    """The name of the run in traces. Default: the graph's name."""

    def config(self) -> RunConfig:
        """The configuration, without the checkpoint that it may name."""
        given = {key: value for key, value in (self.configurable or {}).items() if key not in _CHECKPOINT_KEYS}
        return RunConfig(
            tags=tuple(self.tags or ()),
            recursion_limit=self.recursion_limit,
            configurable=given or None,
            metadata=self.metadata,
            max_concurrency=self.max_concurrency,
            run_name=self.run_name,
        )


_CHECKPOINT_KEYS = frozenset({"thread_id", "checkpoint_id", "checkpoint_ns", "checkpoint_map"})


class CheckpointBody(Shape):
    """Which checkpoint of a thread is meant."""

    thread_id: str | None = None
    """The thread; the request's own."""
    checkpoint_ns: str | None = None
    """The subgraph; empty is the root graph."""
    checkpoint_id: str | None = None
    """The checkpoint: a UUID. Default: the latest."""
    checkpoint_map: JsonObject | None = None
    """The checkpoints of the graphs above, by namespace."""

    def reference(self, thread_id: str | None, short: str | None = None, field: str = "checkpoint") -> CheckpointRef:
        """The checkpoint.

        Args:
            thread_id: The request's own thread; None where it has none.
            short: The checkpoint's id, where the request says it beside this too.
            field: Where in the request this stands.

        Raises:
            InvalidField: It belongs to another thread, or an id is no UUID, or the two differ.
        """
        if self.thread_id and thread_id and self.thread_id.lower() != thread_id.lower():
            raise InvalidField(f"{field}.thread_id", "must be the request's own thread")
        at = check_uuid(f"{field}.checkpoint_id", self.checkpoint_id) if self.checkpoint_id else None
        named = check_uuid("checkpoint_id", short) if short else at
        if at not in (None, named):
            raise InvalidField("checkpoint_id", f"and {field}.checkpoint_id differ; send one of them")
        return CheckpointRef(
            checkpoint_id=named, checkpoint_ns=self.checkpoint_ns or "", checkpoint_map=self.checkpoint_map
        )


class RunBody(Shape):
    """A run to create. Fields that are not named here are ignored (wire A6)."""

    assistant_id: str
    """The assistant's id (a UUID), or the name of a graph."""
    input: Any = None
    """The graph's input: any JSON. null goes on from the checkpoint."""
    command: CommandBody | None = None
    """An instruction instead of an input."""
    config: ConfigBody | None = None
    """LangGraph's configuration, merged over the assistant's."""
    context: JsonObject | None = None
    """What nodes read from `runtime.context`."""
    metadata: JsonObject | None = None
    """Metadata of the run."""
    checkpoint: CheckpointBody | None = None
    """The checkpoint of the thread to go on from."""
    checkpoint_id: str | None = None
    """The same by its id: a UUID."""
    interrupt_before: Literal["*"] | list[str] | None = None
    """Nodes before which the run stops; `*` is every node."""
    interrupt_after: Literal["*"] | list[str] | None = None
    """Nodes after which the run stops; `*` is every node."""
    stream_mode: StreamMode | list[StreamMode] | None = None
    """What the run streams. Default: values."""
    stream_subgraphs: bool | None = None
    """Whether events of subgraphs are streamed too. Default: false."""
    stream_resumable: bool | None = None
    """Whether readers may come back for the run's events: they are kept, through restarts, for 120 s after its end. Default: false."""
    multitask_strategy: Literal["reject", "enqueue", "interrupt", "rollback"] | None = None
    """What happens while others are on the thread, those that wait included: the run waits for them (enqueue), is refused with 409 (reject), or cancels them,
    which keeps what they have done (interrupt) or undoes it and deletes them (rollback). Default: enqueue."""
    if_not_exists: Literal["reject", "create"] | None = None
    """What happens where the thread does not exist. Default: reject."""
    durability: Literal["sync", "async", "exit"] | None = None
    """When checkpoints are written. Default: async."""
    checkpoint_during: bool | None = None
    """Older form of `durability`: true is async, false is exit."""
    on_disconnect: Literal["cancel", "continue"] | None = None
    """What happens to the run when its caller goes away (stream and wait). Default: continue."""
    on_completion: Literal["delete", "keep"] | None = None
    """What becomes of a stateless run's thread. Default: delete."""
    after_seconds: Annotated[float, Field(ge=0, le=LONGEST)] | None = None
    """How long the run waits before it may start, in seconds: 0 to ten years. Its thread counts as busy, and other runs start before it. Default: 0."""
    timeout_seconds: Annotated[float, Field(gt=0, le=LONGEST)] | None = None
    """How long the run may take from its first start, in seconds: more than 0, at most ten years. It then ends with the status timeout and an error event. Default:
    the server's limit. The documented surface does not have it."""
    webhook: str | None = None
    """The URL that is called when the run has ended, however that was: http or https, at most 2048 characters, on a host of the Internet unless the
    server is set otherwise. docs/webhooks.md has the call. Default: none."""
    feedback_keys: list[str] | None = None
    """Taken, and without effect: this server gives no feedback addresses."""
    langsmith_tracer: JsonObject | None = None
    """Taken, and without effect: tracing is set up by LangSmith's own variables."""

    @property
    def cancels(self) -> bool:
        """Whether the run is cancelled when its caller is gone."""
        return self.on_disconnect == "cancel"

    def spec(
        self, thread_id: str | None, headers: Mapping[str, str], *, keep_output: bool, request_id: str = ""
    ) -> RunSpec:
        """The run that is asked for.

        Args:
            thread_id: The thread of the path; None is a stateless run.
            headers: Headers of the request that nodes may read (wire fact 74).
            keep_output: Whether somebody may ask a stateless run for its output.
            request_id: The caller's key against doubled runs; empty for none.

        Raises:
            InvalidField: A field cannot be meant.
        """
        config = self.config or ConfigBody()
        modes = (
            self.stream_mode if isinstance(self.stream_mode, list) else [self.stream_mode or DEFAULT_STREAM_MODES[0]]
        )
        return RunSpec(
            assistant=self.assistant_id,
            thread_id=thread_id,
            has_input=self.input is not None,
            input=self.input,
            command=self.command.command() if self.command else None,
            config=config.config(),
            context=self.context,
            metadata=self.metadata or {},
            checkpoint=self._checkpoint(thread_id, config),
            interrupt_before=_nodes(self.interrupt_before),
            interrupt_after=_nodes(self.interrupt_after),
            stream_modes=tuple(modes) or DEFAULT_STREAM_MODES,
            stream_subgraphs=bool(self.stream_subgraphs),
            stream_resumable=bool(self.stream_resumable),
            headers=headers,
            durability=self._durability(),
            multitask_strategy=MultitaskStrategy(self.multitask_strategy or "enqueue"),
            create_thread=self.if_not_exists == "create",
            keep_thread=self.on_completion == "keep" and thread_id is None,
            keep_output=keep_output,
            start_after=timedelta(seconds=self.after_seconds or 0),
            timeout=None if self.timeout_seconds is None else timedelta(seconds=self.timeout_seconds),
            request_id=request_id,
            webhook=self.webhook,
        )

    def _durability(self) -> Durability | None:
        if self.durability is not None:
            return Durability(self.durability)
        if self.checkpoint_during is None:
            return None
        return Durability.ASYNC if self.checkpoint_during else Durability.EXIT

    def _checkpoint(self, thread_id: str | None, config: ConfigBody) -> CheckpointRef | None:
        """The checkpoint, wherever the request names it: in `checkpoint`, in `checkpoint_id`, or in the configuration (wire fact 56)."""
        found = (self.checkpoint or CheckpointBody()).reference(thread_id, self.checkpoint_id)
        if found.checkpoint_id or found.checkpoint_ns or found.checkpoint_map:
            return found
        configured = (config.configurable or {}).get("checkpoint_id")
        if configured is None or thread_id is None:
            return None
        return CheckpointRef(checkpoint_id=check_uuid("config.configurable.checkpoint_id", str(configured)))


def _nodes(given: str | list[str] | None) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given or ())
