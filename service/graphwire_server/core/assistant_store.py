"""Assistants that callers have made: what may be asked of their rows.

Owns which assistants are meant, how they are sorted, and the port to their rows. A row has versions, and one of them is the one that runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from graphwire_server.core.model import Assistant, JsonObject, Page, RunConfig


class AssistantSort(StrEnum):
    """By what assistants are sorted; ties by id, in the same direction."""

    NAME = "name"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    GRAPH_ID = "graph_id"
    ASSISTANT_ID = "assistant_id"

    def key(self, assistant: Assistant) -> tuple[str | datetime, str]:
        """What an assistant is sorted by. Text is compared by code points, as every engine does."""
        return getattr(assistant, self.value), assistant.assistant_id


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantQuery:
    """Which assistants are meant; empty parts do not filter.

    Attributes:
        graph_id: Those of this graph.
        name: Those whose name contains this, in any case: both are compared after `str.casefold`.
        metadata: Those whose metadata has these keys with these values, as metadata of threads is matched.
    """

    graph_id: str = ""
    name: str = ""
    metadata: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantChange:
    """What a new version has otherwise than the one that runs. None stays as it is; metadata is merged key by key."""

    graph_id: str | None = None
    name: str | None = None
    description: str | None = None
    config: RunConfig | None = None
    context: JsonObject | None = None
    metadata: JsonObject = field(default_factory=dict)


class AssistantStore(Protocol):
    """Rows of assistants and their versions.

    Each call is one transaction, durable and atomic as those of `Store`; two changes at once make two versions. All raise StoreUnavailable when the engine does
    not answer.
    """

    async def create(self, assistant: Assistant) -> None:
        """Adds an assistant with its first version. Raises AssistantExists."""
        ...

    async def get(self, assistant_id: str) -> Assistant | None:
        """An assistant in the version that runs, or None. Called for each run of one, so it is to be quick."""
        ...

    async def update(self, assistant_id: str, change: AssistantChange, now: datetime) -> Assistant:
        """Makes a version of the one that runs and a change (`assistant_changes.changed`), numbered one above all that the assistant has, and lets it run.
        Raises AssistantNotFound.
        """
        ...

    async def versions(self, assistant_id: str, metadata: JsonObject, page: Page) -> Sequence[Assistant]:
        """A page of the versions whose metadata matches, the newest first. Raises AssistantNotFound."""
        ...

    async def set_latest(self, assistant_id: str, version: int) -> Assistant | None:
        """Lets a version run, and returns it; None where the assistant has no such version. Raises AssistantNotFound."""
        ...

    async def delete(self, assistant_id: str) -> None:
        """Deletes an assistant with its versions and its crons. Raises AssistantNotFound."""
        ...

    async def search(
        self, query: AssistantQuery, page: Page, sort: AssistantSort, *, descending: bool
    ) -> Sequence[Assistant]:
        """A page of the assistants that match, each in the version that runs."""
        ...

    async def count(self, query: AssistantQuery) -> int:
        """How many match."""
        ...
