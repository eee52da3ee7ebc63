"""What callers say about assistants.

Owns the shapes of bodies and queries for assistants.
"""

from typing import Annotated, Literal

from pydantic import Field

from graphwire_server.core.assistant_store import AssistantChange, AssistantQuery, AssistantSort
from graphwire_server.core.assistants import MAX_XRAY
from graphwire_server.core.errors import InvalidField
from graphwire_server.core.model import Page
from graphwire_server.rest.run_requests import ConfigBody, JsonObject
from graphwire_server.rest.shapes import Shape
from graphwire_server.rest.thread_requests import Limit, Offset


class AssistantBody(Shape):
    """An assistant to create."""

    graph_id: str
    """The graph's name in langgraph.json; an unknown one is 404."""
    assistant_id: str | None = None
    """Its id: a UUID. Default: a new one."""
    if_exists: Literal["raise", "do_nothing"] | None = None
    """What happens where the id is taken: 409, or the assistant that is there. Default: raise."""
    name: str | None = None
    """Its name. Default: Untitled."""
    description: str | None = None
    """What it is for."""
    config: ConfigBody | None = None
    """The configuration that its runs start from."""
    context: JsonObject | None = None
    """The context that its runs start from; together with a `configurable` that says something else it is refused with 400."""
    metadata: JsonObject | None = None
    """Its metadata, which its runs inherit."""


class AssistantPatch(Shape):
    """What a new version of an assistant has otherwise. What is absent or null stays."""

    graph_id: str | None = None
    """The graph's name in langgraph.json; an unknown one is 404."""
    name: str | None = None
    """Its name."""
    description: str | None = None
    """What it is for."""
    config: ConfigBody | None = None
    """The configuration that its runs start from, as a whole. One with `configurable` takes the place of the context as well."""
    context: JsonObject | None = None
    """The context that its runs start from, as a whole. It takes the place of `configurable` as well."""
    metadata: JsonObject | None = None
    """What is merged into its metadata, key by key."""

    def change(self) -> AssistantChange:
        """The change."""
        return AssistantChange(
            graph_id=self.graph_id,
            name=self.name,
            description=self.description,
            config=None if self.config is None else self.config.config(),
            context=self.context,
            metadata=self.metadata or {},
        )


class AssistantCountBody(Shape):
    """Which assistants."""

    metadata: JsonObject | None = None
    """Those with these keys and values."""
    graph_id: str | None = None
    """Those of this graph."""
    name: str | None = None
    """Those whose name contains this, in any case."""

    def query(self) -> AssistantQuery:
        """Which assistants."""
        return AssistantQuery(graph_id=self.graph_id or "", name=self.name or "", metadata=self.metadata or {})


class AssistantSearchBody(AssistantCountBody):
    """Which assistants, and how they are listed."""

    limit: Limit = 10
    """The most: 1 to 1000."""
    offset: Offset = 0
    """How many to pass over."""
    sort_by: Literal["assistant_id", "graph_id", "name", "created_at", "updated_at"] | None = None
    """By what they are sorted. Default: name."""
    sort_order: Literal["asc", "desc"] | None = None
    """Which comes first. Default: asc."""
    select: (
        list[
            Literal[
                "assistant_id", "graph_id", "name", "description", "config", "context", "created_at", "updated_at",
                "metadata", "version",
            ]
        ]
        | None
    ) = None  # fmt: skip
    """Only these fields of each."""

    @property
    def page(self) -> Page:
        """The page, and one row more: whether there is a next one."""
        return Page(offset=self.offset, limit=self.limit + 1)

    @property
    def sort(self) -> AssistantSort:
        """By what they are sorted."""
        return AssistantSort(self.sort_by or "name")


class DeleteQuery(Shape):
    """What goes with an assistant."""

    delete_threads: bool = False
    """Whether the threads whose metadata names it as `assistant_id` are deleted, before it. While a run is on one of them, it is refused with 409."""


class VersionsBody(Shape):
    """Which versions of an assistant."""

    metadata: JsonObject | None = None
    """Those with these keys and values."""
    limit: Limit = 10
    """The most: 1 to 1000."""
    offset: Offset = 0
    """How many to pass over."""


class LatestBody(Shape):
    """Which version is the latest."""

    version: Annotated[int, Field(ge=1)]
    """The version."""


class DrawQuery(Shape):
    """How a graph is drawn."""

    xray: str | None = None
    """How many levels of subgraphs are drawn: true is all, false none, or a number."""

    def levels(self) -> int:
        """How many levels. Raises InvalidField."""
        word = (self.xray or "false").lower()
        if word in ("true", "false"):
            return MAX_XRAY if word == "true" else 0
        if not word.isdecimal() or len(word) > 3:
            raise InvalidField("xray", f"must be true, false, or 0 to {MAX_XRAY}")
        return int(word)


class SubgraphsQuery(Shape):
    """Which subgraphs."""

    recurse: bool = False
    """Whether those inside subgraphs are listed too."""
