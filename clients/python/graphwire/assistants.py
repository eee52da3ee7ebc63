"""Assistants and the graphs that they run.

Owns the calls of the assistant service, and the values that they return.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self

from graphwire._requests import chosen, optional_config, optional_json, pick
from graphwire.channel import Wire
from graphwire.model import moment
from graphwire.options import Config
from graphwire.payload import from_json, to_plain
from graphwire.v1 import assistant_pb2
from graphwire.v1 import assistant_service_pb2 as pb

Sort = Literal["name", "create_time", "update_time", "graph_id", "assistant_id"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assistant:
    """A graph with a configuration and a name.

    Args:
        assistant_id: The assistant: a UUID.
        graph_id: The graph's name in langgraph.json.
        name: The assistant's name; the graph's name for the graph's own assistant.
        description: What it is for; empty where nobody said.
        config: The configuration that its runs start from.
        context: The context that its runs start from; None where there is none.
        metadata: Its metadata.
        version: 1, and one more for each update.
        create_time: When it was created.
        update_time: When this version was made.
    """

    assistant_id: str
    graph_id: str
    name: str
    description: str
    config: dict[str, Any]
    context: Any  # the JSON edge
    metadata: dict[str, Any]
    version: int
    create_time: datetime
    update_time: datetime

    @classmethod
    def read(cls, proto: assistant_pb2.Assistant) -> Self:
        """The value of a message."""
        return cls(
            assistant_id=proto.assistant_id,
            graph_id=proto.graph_id,
            name=proto.name,
            description=proto.description,
            config=to_plain(proto.config),
            context=from_json(proto.context),
            metadata=from_json(proto.metadata) or {},
            version=proto.version,
            create_time=moment(proto.create_time),
            update_time=moment(proto.update_time),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node of a drawn graph: its id, what a reader should see, and its metadata where it has some."""

    id: str
    name: str
    metadata: Any = None  # the JSON edge


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """An edge of a drawn graph, by the ids of its nodes; `label` is the condition's name, where there is one."""

    source: str
    target: str
    label: str = ""
    conditional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A graph: its nodes, start and end included, its edges, and the same as Mermaid text."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    mermaid: str

    @classmethod
    def read(cls, proto: pb.GetAssistantGraphResponse) -> Self:
        """The value of a message."""
        return cls(
            nodes=tuple(Node(id=n.id, name=n.name, metadata=from_json(n.metadata)) for n in proto.nodes),
            edges=tuple(
                Edge(source=e.source, target=e.target, label=e.label, conditional=e.conditional) for e in proto.edges
            ),
            mermaid=proto.mermaid,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Schemas:
    """JSON Schemas of a graph; None for one that the graph cannot state."""

    graph_id: str
    input_schema: Any  # the JSON edge
    output_schema: Any  # the JSON edge
    state_schema: Any  # the JSON edge
    config_schema: Any  # the JSON edge
    context_schema: Any  # the JSON edge

    @classmethod
    def read(cls, proto: assistant_pb2.GraphSchemas) -> Self:
        """The value of a message."""
        return cls(
            graph_id=proto.graph_id,
            input_schema=from_json(proto.input_schema),
            output_schema=from_json(proto.output_schema),
            state_schema=from_json(proto.state_schema),
            config_schema=from_json(proto.config_schema),
            context_schema=from_json(proto.context_schema),
        )


class Assistants:
    """The calls of `client.assistants`. An assistant is named by its id, or by the name of its graph.

    All calls raise `GraphwireError`: `NotFound` for an assistant that does not exist.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def get(self, assistant: str) -> Assistant:
        """An assistant."""
        request = pb.GetAssistantRequest(assistant_id=assistant)
        return Assistant.read((await self._wire.call(self._wire.assistants.GetAssistant, request)).assistant)

    async def create(
        self,
        graph_id: str,
        *,
        assistant_id: str | None = None,
        name: str = "",
        description: str = "",
        config: Config | None = None,
        context: object = None,
        metadata: object = None,
        if_exists: Literal["reject", "keep"] | None = None,
    ) -> Assistant:
        """Creates an assistant.

        Args:
            graph_id: The graph's name in langgraph.json.
            assistant_id: Its id: a UUID. Left out, the server chooses.
            name: Its name. Default: `Untitled`.
            description: What it is for.
            config: The configuration that its runs start from.
            context: The context that its runs start from: a mapping. Not together with `configurable` in the config.
            metadata: Its metadata, which its runs inherit: a mapping.
            if_exists: What happens when the id is taken. Default: reject, with `AlreadyExists`.
        """
        request = pb.CreateAssistantRequest(
            graph_id=graph_id,
            assistant_id=assistant_id,
            name=name,
            description=description,
            config=optional_config(config, "config"),
            context=optional_json(context, "context"),
            metadata=optional_json(metadata, "metadata"),
            if_exists=chosen(if_exists, "if_exists"),
        )
        return Assistant.read((await self._wire.call(self._wire.assistants.CreateAssistant, request)).assistant)

    async def update(
        self,
        assistant_id: str,
        *,
        graph_id: str | None = None,
        name: str | None = None,
        description: str | None = None,
        config: Config | None = None,
        context: object = None,
        metadata: object = None,
    ) -> Assistant:
        """Makes a new version of an assistant, which runs from then on; runs that were created before keep what they have. What is left out stays as it is. A
        graph's own assistant raises `FailedPrecondition`.

        Args:
            assistant_id: The assistant: a UUID.
            graph_id: The graph's name in langgraph.json.
            name: Its name.
            description: What it is for.
            config: The configuration that its runs start from, as a whole. With `configurable` it takes the place of a context as well.
            context: The context that its runs start from, as a whole: a mapping. It takes the place of `configurable` as well.
            metadata: What is merged into its metadata, key by key: a mapping.
        """
        request = pb.UpdateAssistantRequest(
            assistant_id=assistant_id,
            graph_id=graph_id,
            name=name,
            description=description,
            config=optional_config(config, "config"),
            context=optional_json(context, "context"),
            metadata=optional_json(metadata, "metadata"),
        )
        return Assistant.read((await self._wire.call(self._wire.assistants.UpdateAssistant, request)).assistant)

    async def search(
        self,
        *,
        graph_id: str = "",
        name: str = "",
        metadata: object = None,
        sort_by: Sort = "name",
        descending: bool = False,
        page_size: int = 100,
    ) -> AsyncIterator[Assistant]:
        """The assistants that match, page after page.

        Args:
            graph_id: Only assistants of this graph. Empty means any.
            name: Only assistants whose name contains this, in any case. Empty means any.
            metadata: Only assistants whose metadata has all these keys with these values.
            sort_by: By what they are sorted.
            descending: Whether the largest or newest comes first.
            page_size: How many each call fetches: 1 to 1000.
        """
        request = pb.SearchAssistantsRequest(
            graph_id=graph_id,
            name=name,
            metadata=optional_json(metadata, "metadata"),
            sort_by=pick(assistant_pb2.AssistantSort, "ASSISTANT_SORT_", sort_by, "sort_by"),
            descending=descending,
            page_size=page_size,
        )
        while True:
            page = await self._wire.call(self._wire.assistants.SearchAssistants, request)
            for assistant in page.assistants:
                yield Assistant.read(assistant)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def count(self, *, graph_id: str = "", name: str = "", metadata: object = None) -> int:
        """How many assistants match, as in `search`."""
        request = pb.CountAssistantsRequest(graph_id=graph_id, name=name, metadata=optional_json(metadata, "metadata"))
        return (await self._wire.call(self._wire.assistants.CountAssistants, request)).count

    async def delete(self, assistant: str, *, delete_threads: bool = False) -> None:
        """Deletes an assistant with its versions. A graph's own raises `FailedPrecondition`: it lives as long as its graph.

        Args:
            assistant: The assistant: a UUID.
            delete_threads: Whether the threads whose last run was its are deleted as well, before it. While a run is on one of them, the call raises
                `FailedPrecondition` and nothing is deleted.
        """
        request = pb.DeleteAssistantRequest(assistant_id=assistant, delete_threads=delete_threads)
        await self._wire.call(self._wire.assistants.DeleteAssistant, request)

    async def versions(
        self, assistant: str, *, metadata: object = None, page_size: int = 100
    ) -> AsyncIterator[Assistant]:
        """The versions of an assistant, the newest first, page after page.

        Args:
            assistant: The assistant, or the name of a graph.
            metadata: Only versions whose metadata has all these keys with these values.
            page_size: How many each call fetches: 1 to 1000.
        """
        request = pb.ListAssistantVersionsRequest(
            assistant_id=assistant, metadata=optional_json(metadata, "metadata"), page_size=page_size
        )
        while True:
            page = await self._wire.call(self._wire.assistants.ListAssistantVersions, request)
            for version in page.versions:
                yield Assistant.read(version)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def set_latest(self, assistant: str, version: int) -> Assistant:
        """Makes a version of an assistant the one that runs; the next update is made of it. One that it does not have raises `InvalidArgument`."""
        request = pb.SetLatestAssistantVersionRequest(assistant_id=assistant, version=version)
        return Assistant.read(
            (await self._wire.call(self._wire.assistants.SetLatestAssistantVersion, request)).assistant
        )

    async def graph(self, assistant: str, *, xray: int = 0) -> Graph:
        """An assistant's graph; `xray` is how many levels of subgraphs are drawn in place of their nodes: 0 to 100."""
        request = pb.GetAssistantGraphRequest(assistant_id=assistant, xray=xray)
        return Graph.read(await self._wire.call(self._wire.assistants.GetAssistantGraph, request))

    async def schemas(self, assistant: str) -> Schemas:
        """The JSON Schemas of an assistant's graph."""
        request = pb.GetAssistantSchemasRequest(assistant_id=assistant)
        return Schemas.read((await self._wire.call(self._wire.assistants.GetAssistantSchemas, request)).schemas)

    async def subgraphs(self, assistant: str, *, namespace: str = "", recurse: bool = False) -> dict[str, Schemas]:
        """The graphs inside an assistant's graph: their schemas, by namespace (levels joined by `|`).

        Args:
            assistant: The assistant, or the name of a graph.
            namespace: Only the subgraph of this namespace. Empty means all.
            recurse: Whether subgraphs of subgraphs are listed as well.
        """
        request = pb.ListSubgraphsRequest(assistant_id=assistant, namespace=namespace, recurse=recurse)
        answer = await self._wire.call(self._wire.assistants.ListSubgraphs, request)
        return {subgraph.namespace: Schemas.read(subgraph.schemas) for subgraph in answer.subgraphs}
