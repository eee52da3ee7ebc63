"""Assistants: which graph a name means, and with which configuration.

Owns the system assistants, one for each graph. (Assistants that callers create come with their own rows.)
"""

import uuid
from collections.abc import Sequence
from datetime import datetime

from graphwire_server.core.errors import AssistantNotFound, InvalidField, SystemAssistant
from graphwire_server.core.model import Assistant, Drawing, GraphInfo, JsonObject, Schemas, SubgraphInfo
from graphwire_server.core.ports import Clock, Graphs

NAMESPACE = uuid.UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8")
"""The namespace of system assistants' ids (wire fact 77)."""

MAX_XRAY = 100
"""The most levels of subgraphs that a drawing opens."""


def system_id(graph_id: str) -> str:
    """The id of a graph's own assistant: a version 5 UUID of the graph's name (wire fact 77)."""
    return str(uuid.uuid5(NAMESPACE, graph_id))


class Assistants:
    """The assistants of this server.

    Args:
        graphs: The graphs of langgraph.json.
        clock: The time.
    """

    def __init__(self, graphs: Graphs, clock: Clock) -> None:
        self._graphs = graphs
        now = clock()
        self._by_id = {made.assistant_id: made for made in (_system(info, now) for info in graphs.list())}
        self._by_graph = {made.graph_id: made for made in self._by_id.values()}

    def get(self, name: str) -> Assistant:
        """The assistant of an id, or of a graph's name. Raises AssistantNotFound, and InvalidField where the name is empty."""
        if not name:
            raise InvalidField("assistant_id", "must be an assistant's id or the name of a graph")
        found = self._by_graph.get(name) or self._by_id.get(name.lower())
        if found is None:
            raise AssistantNotFound(name)
        return found

    def search(
        self,
        *,
        graph_id: str = "",
        name: str = "",
        metadata: JsonObject | None = None,
        sort: str = "name",
        descending: bool = False,
    ) -> Sequence[Assistant]:
        """The assistants that match, sorted.

        Args:
            graph_id: Only those of this graph; empty means any.
            name: Only those whose name contains this, in any case.
            metadata: Only those whose metadata has these keys with these values.
            sort: The attribute of Assistant to sort by; ties by id.
            descending: Whether the largest comes first.
        """
        wanted = metadata or {}
        found = [
            made
            for made in self._by_id.values()
            if (not graph_id or made.graph_id == graph_id)
            and name.lower() in made.name.lower()
            and all(key in made.metadata and made.metadata[key] == value for key, value in wanted.items())
        ]
        return sorted(found, key=lambda made: (getattr(made, sort), made.assistant_id), reverse=descending)

    def count(self, *, graph_id: str = "", name: str = "", metadata: JsonObject | None = None) -> int:
        """How many assistants match, as `search` understands it."""
        return len(self.search(graph_id=graph_id, name=name, metadata=metadata))

    def delete(self, name: str) -> None:
        """Deletes an assistant.

        Raises:
            AssistantNotFound: There is no such assistant.
            SystemAssistant: It is a graph's own, as all of this version are (wire fact 78).
        """
        raise SystemAssistant(self.get(name).assistant_id)

    def versions(self, name: str) -> Sequence[Assistant]:
        """The versions of an assistant, the newest first: a graph's own has one. Raises AssistantNotFound."""
        return (self.get(name),)

    def set_latest(self, name: str, version: int) -> Assistant:
        """Makes a version the one that runs, and returns it.

        Raises:
            AssistantNotFound: There is no such assistant.
            InvalidField: It has no such version.
        """
        assistant = self.get(name)
        if version != assistant.version:
            raise InvalidField("version", f"must be {assistant.version}, the only one that the assistant has")
        return assistant

    async def draw(self, name: str, xray: int) -> Drawing:
        """An assistant's graph with `xray` levels of subgraphs, 0 to MAX_XRAY. Raises AssistantNotFound, InvalidField."""
        if not 0 <= xray <= MAX_XRAY:
            raise InvalidField("xray", f"must be 0 to {MAX_XRAY}")
        return await self._graphs.draw(self.get(name).graph_id, xray)

    async def schemas(self, name: str) -> Schemas:
        """The JSON Schemas of an assistant's graph. Raises AssistantNotFound."""
        return await self._graphs.schemas(self.get(name).graph_id)

    async def subgraphs(self, name: str, namespace: str, recurse: bool) -> Sequence[SubgraphInfo]:
        """The graphs inside an assistant's graph. Raises AssistantNotFound."""
        return await self._graphs.subgraphs(self.get(name).graph_id, namespace or None, recurse)


def _system(info: GraphInfo, now: datetime) -> Assistant:
    return Assistant(
        assistant_id=system_id(info.graph_id),
        graph_id=info.graph_id,
        name=info.graph_id,
        description=info.description,
        metadata={"created_by": "system"},
        created_at=now,
        updated_at=now,
    )
