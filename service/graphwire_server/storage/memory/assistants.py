"""Rows of assistants in memory.

Owns the versions of each assistant, and which of them runs. Each call ends without an await, so on one event loop it is a transaction.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from graphwire_server.core.assistant_changes import changed
from graphwire_server.core.assistant_store import AssistantChange, AssistantQuery, AssistantSort
from graphwire_server.core.errors import AssistantExists, AssistantNotFound
from graphwire_server.core.model import Assistant, JsonObject, Page
from graphwire_server.storage.containment import contains
from graphwire_server.storage.memory.crons import MemoryCrons


@dataclass(slots=True)
class _Kept:
    """An assistant: its versions, the first first, and the number of the one that runs."""

    versions: list[Assistant]
    runs: int = 1

    @property
    def latest(self) -> Assistant:
        return self.versions[self.runs - 1]


class MemoryAssistants:
    """The `AssistantStore` port in memory.

    Args:
        crons: The crons, of which those of an assistant go with it.
    """

    def __init__(self, crons: MemoryCrons | None = None) -> None:
        self._kept: dict[str, _Kept] = {}
        self._crons = crons or MemoryCrons()

    async def create(self, assistant: Assistant) -> None:
        """Adds an assistant with its first version. Raises AssistantExists."""
        if assistant.assistant_id in self._kept:
            raise AssistantExists(assistant.assistant_id)
        self._kept[assistant.assistant_id] = _Kept([assistant])

    async def get(self, assistant_id: str) -> Assistant | None:
        """An assistant in the version that runs, or None."""
        kept = self._kept.get(assistant_id)
        return None if kept is None else kept.latest

    async def update(self, assistant_id: str, change: AssistantChange, now: datetime) -> Assistant:
        """Makes a version of the one that runs and a change, and lets it run. Raises AssistantNotFound."""
        kept = self._known(assistant_id)
        made = changed(kept.latest, change, len(kept.versions) + 1, now)
        kept.versions.append(made)
        kept.runs = made.version
        return made

    async def versions(self, assistant_id: str, metadata: JsonObject, page: Page) -> Sequence[Assistant]:
        """A page of the versions whose metadata matches, the newest first. Raises AssistantNotFound."""
        found = [each for each in reversed(self._known(assistant_id).versions) if contains(each.metadata, metadata)]
        return found[page.offset :][: page.limit]

    async def set_latest(self, assistant_id: str, version: int) -> Assistant | None:
        """Lets a version run, and returns it; None where there is no such version. Raises AssistantNotFound."""
        kept = self._known(assistant_id)
        if not 1 <= version <= len(kept.versions):
            return None
        kept.runs = version
        return kept.latest

    async def delete(self, assistant_id: str) -> None:
        """Deletes an assistant with its versions and its crons. Raises AssistantNotFound."""
        self._known(assistant_id)
        del self._kept[assistant_id]
        self._crons.drop_assistant(assistant_id)

    async def search(
        self, query: AssistantQuery, page: Page, sort: AssistantSort, *, descending: bool
    ) -> Sequence[Assistant]:
        """A page of the assistants that match, each in the version that runs."""
        return sorted(self._matching(query), key=sort.key, reverse=descending)[page.offset :][: page.limit]

    async def count(self, query: AssistantQuery) -> int:
        """How many match."""
        return sum(1 for _ in self._matching(query))

    def _known(self, assistant_id: str) -> _Kept:
        kept = self._kept.get(assistant_id)
        if kept is None:
            raise AssistantNotFound(assistant_id)
        return kept

    def _matching(self, query: AssistantQuery) -> Iterator[Assistant]:
        name = query.name.casefold()
        for kept in self._kept.values():
            each = kept.latest
            named = query.graph_id in ("", each.graph_id) and name in each.name.casefold()
            if named and contains(each.metadata, query.metadata):
                yield each
