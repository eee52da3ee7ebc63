"""The graphs that this server serves.

Owns the graphs of one langgraph.json and how each is had for a use. What they are drawn as and what their schemas are is read from the
graphs here, and never runs a node. The invariant: a graph or a builder gives the same object to every use, a factory a fresh one.
"""

import copy
import warnings
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import MISSING, fields, is_dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

import orjson
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.graph import Graph as DrawnGraph
from langchain_core.utils.pydantic import create_model_v2
from langgraph.channels.base import BaseChannel
from langgraph.graph.state import CompiledStateGraph
from langgraph.pregel import Pregel
from langgraph.store.base import BaseStore
from langgraph_sdk.runtime import AccessContext
from pydantic import BaseModel

from graphwire_server.core.errors import GraphNotFound
from graphwire_server.core.model import Assistant, Drawing, GraphEdge, GraphInfo, GraphNode, Schemas, SubgraphInfo
from graphwire_server.engine.chunks import without_internals
from graphwire_server.engine.factory import RUNS, Factory, Graph, Use, with_store
from graphwire_server.engine.loading import Loader
from graphwire_server.engine.manifest import Manifest

_SHAPE: AccessContext = "assistants.read"
_STATES: AccessContext = "threads.read"

Opening: TypeAlias = Callable[[str, AbstractAsyncContextManager[Graph]], AbstractAsyncContextManager[Graph]]
"""How a use of a factory is opened."""


class Catalogue:
    """The graphs of langgraph.json: the core's port `Graphs`, and the way to a graph for the engine.

    Args:
        graphs: What each graph is and what opens it, in the order of the file.
    """

    def __init__(self, graphs: Sequence[tuple[GraphInfo, Graph | Factory]]) -> None:
        self._infos = tuple(info for info, _ in graphs)
        self._graphs: Mapping[str, Graph | Factory] = {info.graph_id: graph for info, graph in graphs}
        self._opening: Opening = lambda _, use: use
        self._store: BaseStore | None = None

    @classmethod
    def load(cls, manifest: Manifest, loader: Loader | None = None) -> "Catalogue":
        """Imports all graphs of a langgraph.json. The variables that it sets must be set before: see `apply_env`.

        Args:
            manifest: The content of langgraph.json.
            loader: What loads other things of the file too, so that each of the user's files runs once.

        Raises:
            ManifestError: A graph cannot be had. It is the first one that is wrong.
        """
        loader = loader or Loader(manifest)
        return cls(
            [
                (GraphInfo(graph_id=entry.graph_id, description=entry.description), loader.load(entry))
                for entry in manifest.graphs
            ]
        )

    def open(
        self,
        graph_id: str,
        config: RunnableConfig | None = None,
        *,
        access: AccessContext | None = None,
        context: object = None,
    ) -> AbstractAsyncContextManager[Graph]:
        """A graph, for as long as the context is open.

        Args:
            graph_id: Its name.
            config: The run's configuration, for a factory.
            access: What the graph is wanted for, for a factory that asks. Default: a run where there is a config, else a reading of state.
            context: The run's context, for a factory that asks.

        Raises:
            GraphNotFound: No graph has this name.
            ManifestError: On entry, if a factory gave something that is not a graph. What it raises itself is passed on.
        """
        graph = self._graphs.get(graph_id)
        if graph is None:
            raise GraphNotFound(graph_id)
        if isinstance(graph, Factory):
            access = access or (_STATES if config is None else RUNS)
            use = Use(config=config or {}, access=access, context=context, store=self._store)
            return self._opening(graph_id, graph.open(use))
        return nullcontext(graph)

    def opening(self, how: Opening) -> "Catalogue":
        """The same graphs, with factories opened in a certain way.

        Args:
            how: Gets a graph's name and a use of its factory that is not open yet, and gives the use that is opened instead.
        """
        other = copy.copy(self)
        other._opening = how  # noqa: SLF001  its own copy
        return other

    def storing(self, store: BaseStore) -> "Catalogue":
        """The same graphs with a store, whatever they were compiled with: what a node keeps is to be found by whoever asks the server."""
        other = copy.copy(self)
        other._store = store  # noqa: SLF001  its own copy
        other._graphs = {  # noqa: SLF001  likewise
            name: graph if isinstance(graph, Factory) else with_store(graph, store)
            for name, graph in self._graphs.items()
        }
        return other

    def makes(self, graph_id: str) -> bool:
        """Whether a graph is made anew for each use, by a factory."""
        return isinstance(self._graphs.get(graph_id), Factory)

    def list(self) -> Sequence[GraphInfo]:
        """All graphs, in the order of the file."""
        return self._infos

    async def draw(self, assistant: Assistant, xray: int) -> Drawing:
        """The nodes and edges of an assistant's graph, with `xray` levels of subgraphs drawn in place of their nodes; 0 draws none."""
        async with self._read(assistant) as graph:
            # To LangGraph True and 1 are not the same: True means all levels.
            return _drawing(await graph.aget_graph(_config(assistant), xray=xray or False))

    async def schemas(self, assistant: Assistant) -> Schemas:
        """The JSON Schemas of an assistant's graph."""
        async with self._read(assistant) as graph:
            return _schemas(assistant.graph_id, graph)

    async def subgraphs(self, assistant: Assistant, namespace: str | None, recurse: bool) -> Sequence[SubgraphInfo]:
        """The graphs inside an assistant's graph.

        Args:
            assistant: The assistant.
            namespace: The names of the nodes that lead to the one graph that is meant, joined by `|`; None means all.
            recurse: Whether the graphs inside them are listed as well.
        """
        async with self._read(assistant) as graph:
            return [
                SubgraphInfo(namespace=name, schemas=_schemas(assistant.graph_id, inner))
                async for name, inner in graph.aget_subgraphs(namespace=namespace, recurse=recurse)
            ]

    def _read(self, assistant: Assistant) -> AbstractAsyncContextManager[Graph]:
        """An assistant's graph as it stands, which runs nothing. A factory makes that of the assistant's configuration."""
        context = assistant.context or assistant.config.configurable
        return self.open(assistant.graph_id, _config(assistant), access=_SHAPE, context=context)


def _config(assistant: Assistant) -> RunnableConfig:
    """The configuration that an assistant's runs start from."""
    config, ids = assistant.config, {"assistant_id": assistant.assistant_id, "graph_id": assistant.graph_id}
    made: RunnableConfig = {
        "tags": list(config.tags),
        "metadata": {**assistant.metadata, **(config.metadata or {})},
        "configurable": {**without_internals(config.configurable or assistant.context), **ids},
    }
    if config.recursion_limit is not None:
        made["recursion_limit"] = config.recursion_limit
    return made


def _drawing(drawn: DrawnGraph) -> Drawing:
    return Drawing(
        nodes=tuple(
            GraphNode(id=node.id, name=node.name, metadata=_metadata(node.metadata)) for node in drawn.nodes.values()
        ),
        edges=tuple(
            GraphEdge(
                source=edge.source,
                target=edge.target,
                label="" if edge.data is None else str(edge.data),
                conditional=edge.conditional,
            )
            for edge in drawn.edges
        ),
        mermaid=drawn.draw_mermaid(),
    )


def _metadata(metadata: Mapping[str, Any] | None) -> bytes | None:
    return orjson.dumps(metadata, default=str, option=orjson.OPT_NON_STR_KEYS) if metadata else None


def _schemas(graph_id: str, graph: object) -> Schemas:
    if not isinstance(graph, Pregel):  # a graph on another server states none
        return Schemas(graph_id=graph_id, input=None, output=None, state=None, config=None, context=None)
    context = _schema(graph.get_context_jsonschema)
    return Schemas(
        graph_id=graph_id,
        input=_schema(graph.get_input_jsonschema) or _schema(lambda: _declared(graph, "Input")),
        output=_schema(graph.get_output_jsonschema) or _schema(lambda: _declared(graph, "Output")),
        state=_schema(lambda: _object(graph, "State", graph.stream_channels_list)),
        config=context,  # the context is the one part of `configurable` that a graph declares (wire fact 72)
        context=context,
    )


def _schema(make: Callable[[], dict[str, Any] | None]) -> bytes | None:
    """A schema as JSON text; None where there is none, or the types have no schema."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pydantic warns of each default that it cannot state
            schema = make()
        return None if schema is None else orjson.dumps(schema)
    except Exception:  # noqa: BLE001  the types are the user's, and may fail in any way
        return None


def _declared(graph: Graph, part: Literal["Input", "Output"]) -> dict[str, Any] | None:
    """The schema of what a graph takes or gives, from its channels.

    For types that Pydantic cannot take whole: before Python 3.12 each `typing.TypedDict`, and each that has one field without a schema.
    """
    if not isinstance(graph, CompiledStateGraph):
        return None
    declared: type = graph.builder.input_schema if part == "Input" else graph.builder.output_schema
    return _object(graph, part, tuple(graph.builder.schemas[declared]), _required(declared))


def _required(declared: type) -> frozenset[str]:
    """The fields that a TypedDict, a dataclass or a model cannot be without."""
    if is_dataclass(declared):
        given = (each.name for each in fields(declared) if each.default is MISSING and each.default_factory is MISSING)
        return frozenset(given)
    if issubclass(declared, BaseModel):
        return frozenset(name for name, each in declared.model_fields.items() if each.is_required())
    required: frozenset[str] = getattr(declared, "__required_keys__", frozenset())
    return required


def _object(graph: Graph, part: str, names: Sequence[str], required: Container[str] = ()) -> dict[str, Any]:
    """The schema of some of a graph's channels. One whose type has no schema stands there as one that takes anything."""
    fields: dict[str, Any] = {}
    for name in names:
        channel = graph.channels.get(name)
        if isinstance(channel, BaseChannel):
            kind = channel.UpdateType
            fields[name] = (kind if _has_schema(kind) else Any, ... if name in required else None)
    return create_model_v2(graph.get_name(part), field_definitions=fields).model_json_schema()


def _has_schema(kind: object) -> bool:
    model = partial(create_model_v2, "Field", field_definitions={"it": (kind, None)})
    return _schema(lambda: model().model_json_schema()) is not None
