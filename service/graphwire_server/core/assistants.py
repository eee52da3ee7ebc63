"""Assistants: which graph a name means, and with which configuration.

Owns the system assistants, one for each graph, which are in memory, and what callers may do with those that they make, which are rows. Whoever runs a graph by its name
waits for no row. The invariant: a system assistant is as its graph says, and nobody changes or deletes it.
"""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from graphwire_server.core.assistant_changes import check_parts, check_text
from graphwire_server.core.assistant_store import AssistantChange, AssistantQuery, AssistantSort, AssistantStore
from graphwire_server.core.assistant_threads import AssistantThreads
from graphwire_server.core.errors import (
    UUID_TEXT,
    AssistantExists,
    AssistantNotFound,
    GraphNotFound,
    InvalidField,
    SystemAssistant,
)
from graphwire_server.core.model import (
    Assistant,
    Drawing,
    GraphInfo,
    JsonObject,
    Page,
    RunConfig,
    Schemas,
    SubgraphInfo,
)
from graphwire_server.core.ports import Clock, Graphs
from graphwire_server.core.spec import check_uuid

NAMESPACE = uuid.UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8")
"""The namespace of system assistants' ids (wire fact 77)."""

MAX_XRAY = 100
"""The most levels of subgraphs that a drawing opens."""

MOST_VERSIONS = 2**31 - 1
"""The highest number of a version."""

UNTITLED = "Untitled"
"""The name of an assistant that was given none."""


def system_id(graph_id: str) -> str:
    """The id of a graph's own assistant: a version 5 UUID of the graph's name (wire fact 77)."""
    return str(uuid.uuid5(NAMESPACE, graph_id))


class Assistants:
    """The assistants of this server.

    Args:
        graphs: The graphs of langgraph.json.
        store: Rows of the assistants that callers have made.
        threads: The threads of an assistant's runs, for those that go with it.
        clock: The time.
    """

    def __init__(self, graphs: Graphs, store: AssistantStore, threads: AssistantThreads, clock: Clock) -> None:
        self._graphs = graphs
        self._store = store
        self._threads = threads
        self._clock = clock
        now = clock()
        self._by_id = {made.assistant_id: made for made in (_system(info, now) for info in graphs.list())}
        self._by_graph = {made.graph_id: made for made in self._by_id.values()}

    @property
    def graphs(self) -> Sequence[str]:
        """The names of all graphs, in the order of langgraph.json."""
        return tuple(self._by_graph)

    def own(self, assistant: Assistant) -> bool:
        """Whether an assistant is a graph's own."""
        return assistant.assistant_id in self._by_id

    async def get(self, name: str) -> Assistant:
        """The assistant of an id, or of a graph's name, in the version that runs. Raises AssistantNotFound, and InvalidField where the name is empty."""
        system = self._system(name)
        if system is not None:
            return system
        assistant_id = name.lower()
        found = await self._store.get(assistant_id) if UUID_TEXT.fullmatch(assistant_id) else None
        if found is None:
            raise AssistantNotFound(name)
        return found

    async def runnable(self, name: str) -> Assistant:
        """The assistant, whose graph is there. Raises as `get`, and GraphNotFound where langgraph.json no longer has its graph."""
        assistant = await self.get(name)
        self._check_graph(assistant.graph_id)
        return assistant

    async def create(
        self,
        graph_id: str,
        *,
        assistant_id: str | None = None,
        name: str = "",
        description: str = "",
        config: RunConfig | None = None,
        context: JsonObject | None = None,
        metadata: JsonObject | None = None,
        keep_existing: bool = False,
    ) -> Assistant:
        """Creates an assistant, whose first version is 1.

        Args:
            graph_id: The graph's name in langgraph.json.
            assistant_id: Its id; None for a new one.
            name: Its name; empty is UNTITLED.
            description: What it is for.
            config: The configuration that its runs start from.
            context: The context that they start from. Not together with `config.configurable`, unless both say the same.
            metadata: Its metadata, which its runs inherit.
            keep_existing: Whether an existing assistant of this id is returned, as it is, instead of refused.

        Raises:
            InvalidField: Something is wrong with it.
            GraphNotFound: There is no such graph.
            AssistantExists: The id is taken.
        """
        now = self._clock()
        config = config or RunConfig()
        check_parts(config, context)
        made = Assistant(
            assistant_id=str(uuid.uuid4()) if assistant_id is None else check_uuid("assistant_id", assistant_id),
            graph_id=self._check_graph(graph_id),
            name=check_text("name", name) or UNTITLED,
            description=check_text("description", description),
            config=config,
            context=context,
            metadata=metadata or {},
            created_at=now,
            updated_at=now,
        )
        try:
            if self.own(made):
                raise AssistantExists(made.assistant_id)
            await self._store.create(made)
        except AssistantExists:
            if not keep_existing:
                raise
            return await self.get(made.assistant_id)
        return made

    async def update(self, name: str, change: AssistantChange) -> Assistant:
        """Makes a new version of an assistant and lets it run. Runs that were created before keep what they were created with. Two updates at once make two versions.

        Raises:
            AssistantNotFound: There is no such assistant.
            SystemAssistant: It is a graph's own.
            InvalidField: Something is wrong with the change.
            GraphNotFound: There is no such graph.
        """
        assistant_id = self._changeable(name, "changed")
        if change.graph_id is not None:
            self._check_graph(change.graph_id)
        check_parts(change.config or RunConfig(), change.context)
        if change.name is not None:
            change = replace(change, name=check_text("name", change.name) or UNTITLED)
        check_text("description", change.description or "")
        return await self._store.update(assistant_id, change, self._clock())

    async def search(
        self,
        query: AssistantQuery,
        page: Page,
        sort: AssistantSort = AssistantSort.NAME,
        *,
        descending: bool = False,
    ) -> Sequence[Assistant]:
        """A page of the assistants that match, those of graphs among them.

        Args:
            query: Which assistants.
            page: Which of them.
            sort: By what they are sorted; ties by id.
            descending: Whether the largest comes first.
        """
        own = self._own_matching(query)
        # Before a row of the page there may be any number of the own: so many rows earlier the page may begin.
        first = max(0, page.offset - len(own))
        rows = Page(offset=first, limit=page.offset + page.limit - first)
        stored = await self._store.search(query, rows, sort, descending=descending)
        merged = sorted((*own, *stored), key=sort.key, reverse=descending)
        return merged[page.offset - first :][: page.limit]

    async def count(self, query: AssistantQuery) -> int:
        """How many assistants match, as `search` understands it."""
        return len(self._own_matching(query)) + await self._store.count(query)

    async def delete(self, name: str, *, delete_threads: bool = False) -> None:
        """Deletes an assistant with its versions. Runs that were created with it go on.

        Args:
            name: The assistant.
            delete_threads: Whether the threads whose metadata names it as `assistant_id`, which are those whose last run was its, are deleted as well, before it. See
                `AssistantThreads.delete` for threads that are busy.

        Raises:
            AssistantNotFound: There is no such assistant.
            SystemAssistant: It is a graph's own (wire fact 78).
            ThreadBusy: A run is on one of the threads; the assistant stays.
        """
        assistant_id = self._changeable(name, "deleted")
        if delete_threads:
            await self.get(assistant_id)
            await self._threads.delete(assistant_id)
        await self._store.delete(assistant_id)

    async def versions(self, name: str, page: Page, metadata: JsonObject | None = None) -> Sequence[Assistant]:
        """A page of the versions of an assistant whose metadata matches, the newest first: a graph's own has one. Raises AssistantNotFound."""
        system, wanted = self._system(name), metadata or {}
        if system is None:
            return await self._store.versions(_stored_id(name), wanted, page)
        return [each for each in (system,) if _has(each, wanted)][page.offset :][: page.limit]

    async def set_latest(self, name: str, version: int) -> Assistant:
        """Makes a version the one that runs, and returns it. The next update is made of it, and numbered above all.

        Raises:
            AssistantNotFound: There is no such assistant.
            InvalidField: It has no such version.
        """
        system = self._system(name)
        if system is not None and version != system.version:
            raise InvalidField("version", f"must be {system.version}, the only one that the assistant has")
        if not 1 <= version <= MOST_VERSIONS:
            raise InvalidField("version", f"must be 1 to {MOST_VERSIONS}")
        found = system or await self._store.set_latest(_stored_id(name), version)
        if found is None:
            raise InvalidField("version", f"the assistant has no version {version}; list those that it has")
        return found

    async def draw(self, name: str, xray: int) -> Drawing:
        """An assistant's graph with `xray` levels of subgraphs, 0 to MAX_XRAY. Raises AssistantNotFound, GraphNotFound, InvalidField."""
        if not 0 <= xray <= MAX_XRAY:
            raise InvalidField("xray", f"must be 0 to {MAX_XRAY}")
        return await self._graphs.draw(await self.runnable(name), xray)

    async def schemas(self, name: str) -> Schemas:
        """The JSON Schemas of an assistant's graph. Raises AssistantNotFound, GraphNotFound."""
        return await self._graphs.schemas(await self.runnable(name))

    async def subgraphs(self, name: str, namespace: str, recurse: bool) -> Sequence[SubgraphInfo]:
        """The graphs inside an assistant's graph. Raises AssistantNotFound, GraphNotFound."""
        return await self._graphs.subgraphs(await self.runnable(name), namespace or None, recurse)

    def _system(self, name: str) -> Assistant | None:
        if not name:
            raise InvalidField("assistant_id", "must be an assistant's id or the name of a graph")
        return self._by_graph.get(name) or self._by_id.get(name.lower())

    def _changeable(self, name: str, how: str) -> str:
        """The id of an assistant that is no graph's own."""
        system = self._system(name)
        if system is not None:
            raise SystemAssistant(system.assistant_id, how)
        return _stored_id(name)

    def _check_graph(self, graph_id: str) -> str:
        if not graph_id:
            raise InvalidField("graph_id", "must be the name of a graph in langgraph.json")
        if graph_id not in self._by_graph:
            raise GraphNotFound(graph_id)
        return graph_id

    def _own_matching(self, query: AssistantQuery) -> Sequence[Assistant]:
        return [
            made
            for made in self._by_id.values()
            if (not query.graph_id or made.graph_id == query.graph_id)
            and query.name.casefold() in made.name.casefold()
            and _has(made, query.metadata)
        ]


def _has(system: Assistant, wanted: JsonObject) -> bool:
    """Whether a system assistant's metadata, which is flat, has these keys with these values."""
    return all(key in system.metadata and system.metadata[key] == value for key, value in wanted.items())


def _stored_id(name: str) -> str:
    """The id of an assistant that is no graph's own, in canonical form. Raises AssistantNotFound where it cannot be one."""
    if not UUID_TEXT.fullmatch(name.lower()):
        raise AssistantNotFound(name)
    return name.lower()


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
