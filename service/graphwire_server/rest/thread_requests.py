"""What callers say about threads, as values of the core.

Owns the shapes of bodies and queries for threads and their states, and the step from them to what the core takes.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from graphwire_server.core.errors import InvalidField, NotOffered
from graphwire_server.core.model import (
    MAX_PAGE,
    CheckpointRef,
    Page,
    StateUpdate,
    ThreadQuery,
    ThreadSort,
    ThreadStatus,
)
from graphwire_server.core.spec import check_uuid
from graphwire_server.core.threads import MOST_SUPERSTEPS
from graphwire_server.core.ttl import Ttl, TtlStrategy
from graphwire_server.rest.run_requests import CheckpointBody, CommandBody, JsonObject
from graphwire_server.rest.shapes import Shape, Words

Status = Literal["idle", "busy", "interrupted", "error"]
Select = list[
    Literal[
        "thread_id", "created_at", "updated_at", "state_updated_at", "metadata", "config", "context", "status", "values",
        "interrupts", "error",
    ]
]  # fmt: skip
Limit = Annotated[int, Field(ge=1, le=1000)]
Offset = Annotated[int, Field(ge=0, lt=2**62)]


class StateUpdateBody(Shape):
    """One change of a state, as if a node had returned it."""

    values: Any = None
    """The change, as the node would return it. null is none: then `as_node` alone counts."""
    command: CommandBody | None = None
    """A command that the node seems to have returned, instead of `values`: update and goto count."""
    as_node: str | None = None
    """The node; `__input__` is the graph's input. Default: the one that ran last."""

    def update(self) -> StateUpdate:
        """The change."""
        command = None if self.command is None else self.command.command()
        return StateUpdate(values=self.values, as_node=self.as_node, command=command)


class SuperstepBody(Shape):
    """What the nodes of one superstep have returned."""

    updates: list[StateUpdateBody]
    """The changes: at least one."""


class TtlBody(Shape):
    """How long a thread lives."""

    ttl: float
    """Minutes after its last change: 0 (for ever) to ten years."""
    strategy: Literal["delete", "keep_latest"] = "delete"
    """What goes then: the thread, or all its states but the latest."""


Life = float | TtlBody


def life(given: Life | None) -> Ttl | None:
    """The time to live that a body has; a number alone is minutes. Raises InvalidField."""
    if given is None:
        return None
    said = given if isinstance(given, TtlBody) else TtlBody(ttl=given)
    try:
        after = timedelta(minutes=said.ttl)
    except OverflowError:
        raise InvalidField("ttl", "is out of bounds: it is in minutes, and at most ten years") from None
    return Ttl(after=after, strategy=TtlStrategy(said.strategy))


class ThreadBody(Shape):
    """A thread to create."""

    thread_id: str | None = None
    """Its id: a UUID. Default: a new one."""
    metadata: JsonObject | None = None
    """Its metadata. `graph_id` in it names the graph that will run on it."""
    if_exists: Literal["raise", "do_nothing"] | None = None
    """What happens where the id is taken: 409, or the thread that is there. Default: raise."""
    ttl: Life | None = None
    """How long it lives: minutes after its last change, or those with a strategy. Default: the server's, which is for ever unless langgraph.json says
    otherwise. A thread that exists stays as it is."""
    supersteps: Annotated[list[SuperstepBody], Field(max_length=MOST_SUPERSTEPS)] | None = None
    """What its state begins with: supersteps, each written as a checkpoint; at most 1000. They need `graph_id` in the metadata. Where one cannot be written,
    there is no thread. A thread that exists stays as it is."""

    @property
    def history(self) -> tuple[tuple[StateUpdate, ...], ...]:
        """What its state begins with."""
        return tuple(tuple(each.update() for each in superstep.updates) for superstep in self.supersteps or ())

    @property
    def graph(self) -> str | None:
        """The graph that will run on it, where the metadata names one (the SDKs put it there)."""
        named = (self.metadata or {}).get("graph_id")
        return named if isinstance(named, str) and named else None


class ThreadPatch(Shape):
    """A change of a thread."""

    metadata: JsonObject | None = None
    """What is merged into its metadata, key by key."""
    ttl: Life | None = None
    """How long it lives from now on: minutes after its last change, or those with a strategy; 0 is for ever. Default: as before."""


class ThreadQueryParts(Shape):
    """How a thread is shown."""

    include: Words
    """`ttl`: how long it lives, in the field `ttl`. Repeated or comma-separated."""

    def with_ttl(self) -> bool:
        """Whether how long it lives is wanted. Raises InvalidField."""
        asked = words(self.include)
        for name in asked - {"ttl"}:
            raise InvalidField("include", f"{name!r} is no such part; there is ttl")
        return "ttl" in asked


class PruneBody(Shape):
    """Threads to prune."""

    thread_ids: list[str]
    """The threads: 1 to 1000 UUIDs. Those that do not exist are passed over."""
    strategy: Literal["delete", "keep_latest"] = "delete"
    """What goes: the threads, or all their states but the latest."""


class ThreadCountBody(Shape):
    """Which threads."""

    metadata: JsonObject | None = None
    """Those with these keys and values."""
    status: Status | None = None
    """Those with this status."""
    values: JsonObject | None = None
    """Those whose latest state has these keys and values."""
    ids: Annotated[list[str], Field(max_length=MAX_PAGE)] | None = None
    """Those with these ids: at most 1000 UUIDs."""

    def query(self) -> ThreadQuery:
        """The threads that are meant. Raises InvalidField."""
        return ThreadQuery(
            metadata=self.metadata or {},
            values=self.values or {},
            status=None if self.status is None else ThreadStatus(self.status),
            thread_ids=tuple(check_uuid("ids", each) for each in self.ids or ()),
        )


class ThreadSearchBody(ThreadCountBody):
    """Which threads, and how they are listed."""

    limit: Limit = 10
    """The most: 1 to 1000."""
    offset: Offset = 0
    """How many to pass over."""
    sort_by: Literal["thread_id", "status", "created_at", "updated_at", "state_updated_at"] | None = None
    """By what they are sorted. Default: updated_at."""
    sort_order: Literal["asc", "desc"] | None = None
    """Which comes first. Default: desc."""
    select: Select | None = None
    """Only these fields of each."""
    extract: dict[str, str] | None = None
    """Parts of each, in its field `extracted`: paths such as `values.messages[-1].content` by names of your choice, at most 10. Where nothing stands, it is null."""

    @property
    def page(self) -> Page:
        """The slice, with one more row, which tells whether there is another page (wire fact 83)."""
        return Page(offset=self.offset, limit=self.limit + 1)

    @property
    def sort(self) -> ThreadSort:
        """By what they are sorted."""
        return ThreadSort(self.sort_by or "updated_at")


class StateQuery(Shape):
    """How a state is read."""

    subgraphs: bool = False
    """Whether the states of subgraphs that wait are in their tasks."""
    select: Words
    """Only these fields; `values.KEY` is one key of the values. Repeated or comma-separated. Default: all."""


class CheckpointStateBody(Shape):
    """Which state."""

    checkpoint: CheckpointBody
    """The checkpoint."""
    subgraphs: bool = False
    """Whether the states of subgraphs that wait are in their tasks."""
    select: list[str] | None = None
    """Only these fields; `values.KEY` is one key of the values. Default: all."""


class StateBody(Shape):
    """A change of a thread's state."""

    values: JsonObject | list[Any] | None = None
    """The change, as if a node had returned it."""
    as_node: str | None = None
    """The node. Default: the one that ran last."""
    checkpoint: CheckpointBody | None = None
    """The checkpoint to go on from. Default: the latest."""
    checkpoint_id: str | None = None
    """The same by its id: a UUID."""

    def at(self, thread_id: str) -> CheckpointRef:
        """The checkpoint to go on from. Raises InvalidField."""
        return (self.checkpoint or CheckpointBody()).reference(thread_id, self.checkpoint_id)


class HistoryQuery(Shape):
    """Which states a thread has had."""

    limit: Limit = 1
    """The most: 1 to 1000 (wire fact 70)."""
    before: str | None = None
    """Those older than this checkpoint: a UUID."""
    select: Words
    """Only these fields of each; `values.KEY` is one key of the values. Repeated or comma-separated. Default: all."""

    def before_id(self, thread_id: str) -> str | None:
        """The checkpoint that all are older than. Raises InvalidField."""
        return check_uuid("before", self.before) if self.before else None


class Before(CheckpointBody):
    """A checkpoint, or a configuration that names it."""

    configurable: CheckpointBody | None = None
    """The configuration's part that names it."""

    def older_than(self, thread_id: str) -> str | None:
        """The checkpoint's id. Raises InvalidField."""
        if self.configurable is not None:
            return self.configurable.reference(thread_id, field="before.configurable").checkpoint_id
        return self.reference(thread_id, field="before").checkpoint_id


class HistoryBody(Shape):
    """Which states a thread has had."""

    limit: Limit = 1
    """The most: 1 to 1000 (wire fact 70)."""
    before: str | Before | None = None
    """Those older than this checkpoint: its id, the checkpoint, or a configuration that names it."""
    metadata: JsonObject | None = None
    """Those with these keys and values in their metadata."""
    checkpoint: CheckpointBody | None = None
    """The subgraph whose history is meant: `checkpoint_ns`."""
    select: list[str] | None = None
    """Only these fields of each; `values.KEY` is one key of the values. Default: all."""

    def before_id(self, thread_id: str) -> str | None:
        """The checkpoint that all are older than. Raises InvalidField."""
        if isinstance(self.before, Before):
            return self.before.older_than(thread_id)
        return check_uuid("before", self.before) if self.before else None


class WatchQuery(Shape):
    """What of a thread's stream is wanted."""

    stream_modes: Words
    """`run_modes` (default) and `lifecycle`: repeated or comma-separated. This version does not offer `state_update` (501)."""
    stream_mode: Words
    """The same; the SDKs call it so (wire fact 41)."""

    def lifecycle_only(self) -> bool:
        """Whether only starts and ends of runs are wanted. Raises InvalidField, NotOffered."""
        asked = words((*self.stream_modes, *self.stream_mode))
        for mode in asked - {"run_modes", "lifecycle"}:
            if mode == "state_update":
                raise NotOffered("the stream mode state_update")
            raise InvalidField("stream_modes", f"{mode!r} is none of run_modes, lifecycle, state_update")
        return asked == {"lifecycle"}


def words(given: Sequence[str]) -> set[str]:
    """The words of a query: repeated, separated by commas, or as a JSON array, which the JavaScript SDK sends."""
    parts = (part.strip(' "') for each in given for part in each.strip("[]").split(","))
    return {part for part in parts if part}
