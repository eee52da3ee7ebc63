from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from graphwire_server.core.errors import GraphNotFound
from graphwire_server.core.model import GraphEdge, GraphInfo, Schemas
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


async def test_a_schema_that_cannot_be_stated_is_none(home: Project) -> None:
    catalogue = serve(home, TYPES, "bad_context", "functional")

    assert (await catalogue.schemas(own("bad_context"))).context is None
    functional = await catalogue.schemas(own("functional"))
    assert functional.input is None
    assert orjson.loads(functional.output or b"")["type"] == "integer"


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
