"""What callers say about assistants.

Owns the shapes of bodies and queries for assistants.
"""

from typing import Annotated, Literal

from pydantic import Field

from graphwire_server.core.assistants import MAX_XRAY
from graphwire_server.core.errors import InvalidField
from graphwire_server.rest.run_requests import JsonObject
from graphwire_server.rest.shapes import Shape
from graphwire_server.rest.thread_requests import Limit, Offset


class AssistantCountBody(Shape):
    """Which assistants."""

    metadata: JsonObject | None = None
    """Those with these keys and values."""
    graph_id: str | None = None
    """Those of this graph."""
    name: str | None = None
    """Those whose name contains this, in any case."""


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
