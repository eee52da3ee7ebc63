from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from graphwire_server.core.errors import GraphNotFound
from graphwire_server.core.model import GraphEdge, GraphInfo, RunConfig, Schemas
from graphwire_server.core.ports import Graphs
from graphwire_server.engine.catalogue import Catalogue
from graphwire_server.engine.manifest import ManifestError, read_manifest
from tests.support.project import GRAPH, Project, project
from tests.unit.engine.graphs import own

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(name="home")
def a_home(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as it:
        yield it


@pytest.fixture(name="examples")
def the_examples() -> Iterator[Catalogue]:
    with project(EXAMPLES):
        yield Catalogue.load(read_manifest(EXAMPLES / "langgraph.json"))


def serve(home: Project, code: str, *names: str) -> Catalogue:
    """A catalogue of some attributes of one file."""
    home.write("graphs.py", f"{GRAPH}\n{code}")
    return Catalogue.load(home.manifest({name: f"./graphs.py:{name}" for name in names}))


# -- the list ------------------------------------------------------------------------------------------------------------


def test_the_list_has_the_order_of_the_file(home: Project) -> None:
    home.write("graphs.py", GRAPH)
    entry = {"path": "./graphs.py:graph", "description": "first in the file"}

    graphs: Graphs = Catalogue.load(home.manifest({"z": entry, "a": "./graphs.py:builder"}))

    assert graphs.list() == (GraphInfo(graph_id="z", description="first in the file"), GraphInfo(graph_id="a"))


def test_loading_stops_at_the_first_graph_that_is_wrong(home: Project) -> None:
    with pytest.raises(
        ManifestError, match=r"langgraph\.json:4: graph 'b': \./graphs\.py has no attribute 'b'; it has"
    ):
        serve(home, "a = graph\n", "a", "b", "c")


async def test_an_unknown_graph(home: Project) -> None:
    catalogue = serve(home, "", "graph")

    with pytest.raises(GraphNotFound):
        catalogue.open("other")
    for call in (
        catalogue.draw(own("other"), 0),
        catalogue.schemas(own("other")),
        catalogue.subgraphs(own("other"), None, False),
    ):
        with pytest.raises(GraphNotFound, match="graph 'other' does not exist"):
            await call


# -- graphs and builders -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["graph", "builder"])
async def test_a_graph_is_the_same_for_every_use(home: Project, name: str) -> None:
    catalogue = serve(home, "", name)

    async with catalogue.open(name) as first, catalogue.open(name, {"configurable": {"x": 1}}) as second:
        assert first is second
        assert await first.ainvoke({"text": "hi"}) == {"text": "HI"}


# -- drawings ------------------------------------------------------------------------------------------------------------

BRANCHES = """
from typing import Literal

def route(state: State) -> Literal["shout", "rest"]: return "shout"
def rest(state: State): return {}

branching = StateGraph(State).add_node(shout).add_node("rest", rest, metadata={"kind": "calm", 1: object})
branching.add_conditional_edges(START, route, {"loud": "shout", "rest": "rest"})
"""


async def test_a_drawing_has_nodes_edges_and_mermaid(home: Project) -> None:
    drawing = await serve(home, BRANCHES, "branching").draw(own("branching"), 0)

    assert [node.id for node in drawing.nodes] == ["__start__", "shout", "rest", "__end__"]
    assert drawing.nodes[0].metadata is None
    assert orjson.loads(drawing.nodes[2].metadata or b"") == {"kind": "calm", "1": "<class 'object'>"}
    assert GraphEdge(source="__start__", target="shout", label="loud", conditional=True) in drawing.edges
    assert GraphEdge(source="shout", target="__end__") in drawing.edges
    assert "graph TD;" in drawing.mermaid


@pytest.mark.parametrize(
    ("xray", "nodes"),
    [(0, ["tidy", "desk"]), (1, ["tidy", "desk:count", "desk:sign"]), (9, ["tidy", "desk:count", "desk:sign"])],
)
async def test_a_drawing_shows_as_many_levels_as_asked(examples: Catalogue, xray: int, nodes: list[str]) -> None:
    drawing = await examples.draw(own("subgraph"), xray)

    assert [node.id for node in drawing.nodes if not node.id.startswith("__")] == nodes


# -- schemas -------------------------------------------------------------------------------------------------------------

TYPES = """
from dataclasses import dataclass
from langgraph.func import entrypoint

class Opaque:
    def __init__(self, inner): self.inner = inner

class Mixed(TypedDict):
    text: str
    opaque: Opaque

class Answer(TypedDict, total=False):
    opaque: Opaque

@dataclass
class Context:
    tone: str = "plain"

class Broken:
    def __init__(self): ...

mixed = StateGraph(Mixed, output_schema=Answer, context_schema=Context).add_node(shout).add_edge(START, "shout")
bad_context = StateGraph(State, context_schema=Broken).add_node(shout).add_edge(START, "shout")

@entrypoint()
def functional(x: Opaque) -> int: return 1
"""


def fields(schema: bytes | None) -> dict[str, Any]:
    assert schema is not None
    properties: dict[str, dict[str, Any]] = orjson.loads(schema)["properties"]
    return {name: value.get("type", "any") for name, value in properties.items()}


async def test_schemas_of_a_graph(home: Project) -> None:
    schemas = await serve(home, TYPES, "graph").schemas(own("graph"))

    assert schemas.graph_id == "graph"
    assert fields(schemas.input) == fields(schemas.output) == fields(schemas.state) == {"text": "string"}
    assert orjson.loads(schemas.input or b"")["required"] == ["text"]
    assert schemas.config is None
    assert schemas.context is None


async def test_a_field_without_a_schema_takes_anything(home: Project) -> None:
    schemas = await serve(home, TYPES, "mixed").schemas(own("mixed"))

    assert fields(schemas.input) == fields(schemas.state) == {"text": "string", "opaque": "any"}
    assert fields(schemas.output) == {"opaque": "any"}
    assert orjson.loads(schemas.input or b"")["required"] == ["text", "opaque"]
    assert "required" not in orjson.loads(schemas.output or b"")


async def test_the_context_is_what_a_config_may_have(home: Project) -> None:
    schemas = await serve(home, TYPES, "mixed").schemas(own("mixed"))

    assert fields(schemas.context) == {"tone": "string"}
    assert schemas.config == schemas.context


KINDS = """
import operator
from dataclasses import dataclass, field
from typing import Annotated
import typing
import typing_extensions
from pydantic import BaseModel, Field

class Opaque:
    def __init__(self, inner): self.inner = inner

@dataclass
class Plain:
    text: str
    seen: Annotated[list[str], operator.add] = field(default_factory=list)
    count: int | None = None

class Model(BaseModel):
    text: str = Field(description="what it is about")
    seen: Annotated[list[str], operator.add] = []
    count: int | None = None

class Typed(typing.TypedDict):
    text: str
    seen: typing_extensions.NotRequired[Annotated[list[str], operator.add]]
    count: typing_extensions.NotRequired[int | None]

class Extended(typing_extensions.TypedDict):
    text: str
    seen: typing_extensions.NotRequired[Annotated[list[str], operator.add]]
    count: typing_extensions.NotRequired[int | None]

@dataclass
class PlainContext:
    tone: str = "plain"

class ModelContext(BaseModel):
    tone: str = "plain"

class TypedContext(typing_extensions.TypedDict, total=False):
    tone: str

@dataclass
class OpaquePlain:
    text: str
    opaque: Opaque | None = None

class OpaqueModel(BaseModel, arbitrary_types_allowed=True):
    text: str
    opaque: Opaque | None = None

def of(state, context=None):
    return StateGraph(state, context_schema=context).add_node("shout", lambda state: {}).add_edge(START, "shout")

dataclass_, model, typed, extended = of(Plain, PlainContext), of(Model, ModelContext), of(Typed, TypedContext), of(Extended)
opaque_dataclass, opaque_model = of(OpaquePlain), of(OpaqueModel)
"""


@pytest.mark.parametrize("name", ["dataclass_", "model", "typed", "extended"])
async def test_a_state_may_be_a_dataclass_a_model_or_a_typed_dict(home: Project, name: str) -> None:
    schemas = await serve(home, KINDS, name).schemas(own(name))

    for schema in (schemas.input, schemas.output):
        assert fields(schema) == {"text": "string", "seen": "array", "count": "any"}
        assert orjson.loads(schema or b"")["required"] == ["text"]
        assert orjson.loads(schema or b"")["properties"]["count"]["anyOf"] == [{"type": "integer"}, {"type": "null"}]
        assert orjson.loads(schema or b"")["properties"]["seen"]["items"] == {"type": "string"}
    assert fields(schemas.state) == {"text": "string", "seen": "array", "count": "any"}
    assert (schemas.context and fields(schemas.context)) == (None if name == "extended" else {"tone": "string"})
    assert schemas.config == schemas.context


@pytest.mark.parametrize("name", ["opaque_dataclass", "opaque_model"])
async def test_what_a_state_needs_is_known_where_a_field_has_no_schema(home: Project, name: str) -> None:
    schemas = await serve(home, KINDS, name).schemas(own(name))

    assert fields(schemas.input) == {"text": "string", "opaque": "any"}
    assert orjson.loads(schemas.input or b"")["required"] == ["text"]


async def test_a_schema_that_cannot_be_stated_is_none(home: Project) -> None:
    catalogue = serve(home, TYPES, "bad_context", "functional")

    assert (await catalogue.schemas(own("bad_context"))).context is None
    functional = await catalogue.schemas(own("functional"))
    assert functional.input is None
    assert orjson.loads(functional.output or b"")["type"] == "integer"


# -- factories -----------------------------------------------------------------------------------------------------------

MADE = """
from dataclasses import dataclass

from langchain_core.runnables import RunnableConfig
from langgraph.runtime import Runtime

@dataclass
class Size:
    nodes: int

def built(names):
    builder = StateGraph(State)
    for name in names:
        builder.add_node(name, StateGraph(State).add_node(f"in_{name}", shout).add_edge(START, f"in_{name}").compile())
        builder.add_edge(START, name)
    return builder.compile()

def by_config(config: RunnableConfig): return built(config["configurable"].get("nodes", ["plain"]))
def by_context(runtime: Runtime[Size]): return built([f"n{n}" for n in range(runtime.context.nodes if runtime.context else 1)])
def by_name(config: RunnableConfig): return built([config["configurable"]["assistant_id"][:4], config["metadata"].get("team", "none")])
"""


@pytest.mark.parametrize(
    ("name", "parts", "nodes"),
    [
        ("by_config", {}, {"plain"}),
        ("by_config", {"config": RunConfig(configurable={"nodes": ["a", "b"]})}, {"a", "b"}),
        ("by_config", {"context": {"nodes": ["a"], "__pregel_send": 1}}, {"a"}),
        ("by_context", {}, {"n0"}),
        ("by_context", {"context": {"nodes": 2, "unknown": 1}}, {"n0", "n1"}),
        ("by_context", {"config": RunConfig(configurable={"nodes": 2})}, {"n0", "n1"}),
        ("by_name", {"metadata": {"team": "fun"}}, {"018f", "fun"}),
    ],
)
async def test_a_factory_makes_the_graph_of_the_assistant(
    home: Project, name: str, parts: dict[str, Any], nodes: set[str]
) -> None:
    catalogue, assistant = serve(home, MADE, name), own(name, **parts)

    drawing, xray = await catalogue.draw(assistant, 0), await catalogue.draw(assistant, 1)
    inside = await catalogue.subgraphs(assistant, None, True)

    assert {node.id for node in drawing.nodes} == {"__start__", *nodes, "__end__"}
    assert {f"{node}:in_{node}" for node in nodes} <= {node.id for node in xray.nodes} | {
        node.id.replace("\\3a", ":") for node in xray.nodes
    }
    assert {each.namespace for each in inside} == nodes
    assert fields((await catalogue.schemas(assistant)).state) == {"text": "string"}


# -- subgraphs -----------------------------------------------------------------------------------------------------------

NESTED = """
from langgraph.pregel.remote import RemoteGraph

middle = StateGraph(State).add_node("inner", graph).add_edge(START, "inner").compile()
outer = StateGraph(State).add_node("middle", middle).add_edge(START, "middle")
far = StateGraph(State).add_node("away", RemoteGraph("x", url="http://127.0.0.1:9")).add_edge(START, "away")
"""


@pytest.mark.parametrize(
    ("namespace", "recurse", "found"),
    [
        (None, False, ["middle"]),
        (None, True, ["middle", "middle|inner"]),
        ("middle", False, ["middle"]),
        ("middle|inner", True, ["middle|inner"]),
        ("nowhere", True, []),
    ],
)
async def test_subgraphs(home: Project, namespace: str | None, recurse: bool, found: list[str]) -> None:
    infos = await serve(home, NESTED, "outer").subgraphs(own("outer"), namespace, recurse)

    assert [info.namespace for info in infos] == found
    assert [fields(info.schemas.input) for info in infos] == [{"text": "string"}] * len(found)
    assert {info.schemas.graph_id for info in infos} <= {"outer"}


async def test_a_subgraph_on_another_server_states_no_schemas(home: Project) -> None:
    infos = await serve(home, NESTED, "far").subgraphs(own("far"), None, False)

    assert [info.schemas for info in infos] == [
        Schemas(graph_id="far", input=None, output=None, state=None, config=None, context=None)
    ]
