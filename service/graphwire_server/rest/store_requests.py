"""What callers say about the store.

Owns the shapes of bodies and queries for items, and their step to the core's arguments.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from graphwire_server.core.errors import InvalidField
from graphwire_server.core.items import LONGEST_TTL, MOST_LABELS, UNSAID, Namespace, Unsaid
from graphwire_server.core.model import MAX_PAGE, JsonObject, Page
from graphwire_server.rest.shapes import Shape
from graphwire_server.rest.thread_requests import Limit, Offset

Labels = list[str]

_LONGEST_TTL = LONGEST_TTL / timedelta(minutes=1)


class ItemBody(Shape):
    """Which item."""

    namespace: Labels
    """The labels that lead to it: 1 to 64, of 1 to 1024 characters without a period. The first must not be `langgraph` where an item is put."""
    key: str
    """Its name there: 1 to 4096 characters."""


class PutItemBody(ItemBody):
    """An item to keep, in place of the one with its key."""

    value: dict[str, Any]
    """Its content: a JSON object."""
    index: Literal[False] | list[str] | None = None
    """The paths whose texts a query finds; false is none. Default: those that langgraph.json names. No effect where it names no embedding function."""
    ttl: Annotated[float, Field(gt=0, le=_LONGEST_TTL)] | None = None
    """For how many minutes it is kept; null is for good. Default: what langgraph.json says."""

    def fields(self) -> list[str] | None:
        """The paths; None is those of langgraph.json."""
        return [] if self.index is False else self.index

    def kept(self) -> timedelta | Unsaid | None:
        """For how long. A time of less than a microsecond is one."""
        if not self.given("ttl"):
            return UNSAID
        return None if self.ttl is None else max(timedelta(minutes=self.ttl), timedelta.resolution)


class GetItemQuery(Shape):
    """Which item."""

    namespace: str = ""
    """The labels that lead to it, with periods between them. Required."""
    key: str = ""
    """Its name there. Required."""
    refresh_ttl: bool | None = None
    """Whether the time that it is kept for begins anew. Default: what langgraph.json says, and true where it does not."""

    def labels(self) -> Namespace:
        """The labels. Raises InvalidField where the query names none."""
        if not self.namespace:
            raise InvalidField("namespace", "must be labels with periods between them")
        return tuple(self.namespace.split("."))


class SearchItemsBody(Shape):
    """Which items."""

    namespace_prefix: Labels = Field(default_factory=list)
    """Those whose namespace begins with these labels, whole ones. Default: all."""
    filter: dict[str, Any] | None = None
    """Those whose value has all of this: fields with the values that they equal, or with operators: $eq, $ne, $gt, $gte, $lt, $lte."""
    limit: Limit = 10
    """The most: 1 to 1000."""
    offset: Offset = 0
    """How many to pass over."""
    query: str | None = None
    """A text. Where langgraph.json names an embedding function, the nearest items come first, with a score; else it ranks nothing."""
    refresh_ttl: bool | None = None
    """Whether the time that they are kept for begins anew. Default: what langgraph.json says, and true where it does not."""

    def wanted(self) -> JsonObject:
        """The filter."""
        return self.filter or {}

    def page(self) -> Page:
        """Which of them."""
        return Page(offset=self.offset, limit=self.limit)


class NamespacesBody(Shape):
    """Which namespaces."""

    prefix: Labels | None = None
    """Those that begin with these labels; `*` is any one label."""
    suffix: Labels | None = None
    """Those that end with these labels; `*` is any one label."""
    max_depth: Annotated[int, Field(ge=1, le=MOST_LABELS)] | None = None
    """How many labels of each are shown. Default: all."""
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 100
    """The most: 1 to 1000."""
    offset: Offset = 0
    """How many to pass over."""

    def page(self) -> Page:
        """Which of them."""
        return Page(offset=self.offset, limit=self.limit)
