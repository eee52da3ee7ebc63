"""Assistants: each graph has one (wire facts 76 to 78)."""

import uuid
from typing import Any

import pytest

from tests.conformance.http.api import Api, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

SYSTEM = uuid.UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8")
NOBODY = "00000000-0000-4000-8000-000000000000"


def _id(graph: str) -> str:
    return str(uuid.uuid5(SYSTEM, graph))


async def test_the_assistant_of_a_graph(api: Api) -> None:
    assistant = await api.get(f"/assistants/{_id('joke')}")

    assert (assistant["assistant_id"], assistant["graph_id"], assistant["name"]) == (_id("joke"), "joke", "joke")
    assert (assistant["version"], assistant["metadata"], assistant["config"]) == (1, {"created_by": "system"}, {})


async def test_runs_take_the_id_and_the_name(api: Api) -> None:
    for name in ("joke", _id("joke"), _id("joke").upper()):
        run = await api.post(f"/threads/{await api.thread()}/runs", {"assistant_id": name, "input": {"topic": "ice"}})
        assert run["assistant_id"] == _id("joke")


async def test_assistants_are_searched_and_counted(api: Api) -> None:
    async def names(**body: Any) -> list[str]:
        return [each["name"] for each in await api.post("/assistants/search", body)]

    everything = await names(limit=100)
    assert everything == sorted(everything)
    assert {"joke", "chat", "deep"} < set(everything)
    assert await names(graph_id="joke") == ["joke"]
    assert await names(name="COUNT") == ["counter"]
    assert await names(metadata={"created_by": "nobody"}) == []
    assert await names(limit=100, sort_order="desc") == everything[::-1]
    assert await api.post("/assistants/count") == len(everything)
    assert await api.post("/assistants/count", {"graph_id": "joke"}) == 1


async def test_pages_of_assistants_name_the_next_one(api: Api) -> None:
    total = await api.post("/assistants/count")

    first = await api.client.post("/assistants/search", json={"limit": 2, "select": ["name"]})
    last = await api.client.post("/assistants/search", json={"limit": 100, "offset": 2, "select": ["name"]})

    assert (first.headers["x-pagination-total"], first.headers["x-pagination-next"]) == ("3", "2")
    assert (last.headers["x-pagination-total"], last.headers.get("x-pagination-next")) == (str(total), None)
    assert [each.keys() for each in first.json()] == [{"name"}] * 2
    assert len(last.json()) == total - 2


@pytest.mark.parametrize(
    ("xray", "nodes"),
    [
        (None, ["__start__", "open_up", "middle", "__end__"]),
        ("false", ["__start__", "open_up", "middle", "__end__"]),
        ("0", ["__start__", "open_up", "middle", "__end__"]),
        ("1", ["__start__", "open_up", "middle:inner", "__end__"]),
        ("2", ["__start__", "open_up", "middle:inner:speak", "__end__"]),
        ("true", ["__start__", "open_up", "middle:inner:speak", "__end__"]),
    ],
)
async def test_a_graph_is_drawn_to_any_depth(api: Api, xray: str | None, nodes: list[str]) -> None:
    drawing = await api.get(f"/assistants/{_id('deep')}/graph", **({} if xray is None else {"xray": xray}))

    named = [node["id"].replace("\\3a", ":") for node in drawing["nodes"]]
    assert set(named) == set(nodes)
    assert {"source", "target"} <= drawing["edges"][0].keys()
    assert {(edge["source"], edge["target"]) for edge in drawing["edges"]} >= {("__start__", "open_up")}


async def test_edges_of_a_choice_are_conditional(api: Api) -> None:
    edges = (await api.get(f"/assistants/{_id('chat')}/graph"))["edges"]

    assert {(edge["source"], edge["target"]) for edge in edges if edge.get("conditional")} == {
        ("agent", "tools"),
        ("agent", "__end__"),
    }


async def test_the_schemas_of_a_graph(api: Api) -> None:
    schemas = await api.get(f"/assistants/{_id('context')}/schemas")

    names = {"graph_id", "input_schema", "output_schema", "state_schema", "config_schema", "context_schema"}
    assert schemas.keys() == names
    assert schemas["graph_id"] == "context"
    assert schemas["input_schema"]["properties"].keys() == {"text", "seen"}
    assert schemas["context_schema"]["properties"].keys() == {"tone"}


async def test_the_graphs_in_a_graph(api: Api) -> None:
    path = f"/assistants/{_id('deep')}/subgraphs"

    top, everything = await api.get(path), await api.get(path, recurse="true")

    assert top.keys() == {"middle"}
    assert everything.keys() == {"middle", "middle|inner"}
    assert (await api.get(f"{path}/middle")).keys() == {"middle"}
    assert "messages" in top["middle"]["state_schema"]["properties"]
    assert await api.get(f"/assistants/{_id('joke')}/subgraphs") == {}


async def test_versions(api: Api) -> None:
    path = f"/assistants/{_id('joke')}"
    assistant = await api.get(path)

    assert await api.post(f"{path}/versions") == [assistant]
    assert await api.post(f"{path}/versions", {"offset": 1}) == []
    assert await api.post(f"{path}/versions", {"metadata": {"created_by": "you"}}) == []
    assert await api.post(f"{path}/latest", {"version": 1}) == assistant


REFUSED: list[tuple[str, str, Json | None, int, str]] = [
    ("DELETE", "", None, 409, "SYSTEM_ASSISTANT"),
    ("POST", "/latest", {"version": 2}, 422, "INVALID_FIELD"),
    ("POST", "/latest", {}, 422, "INVALID_FIELD"),
    ("POST", "/latest", {"version": "1"}, 422, "INVALID_FIELD"),
    ("POST", "/versions", {"limit": 0}, 422, "INVALID_FIELD"),
    ("GET", "/graph?xray=x", None, 422, "INVALID_FIELD"),
    ("GET", "/graph?xray=-1", None, 422, "INVALID_FIELD"),
    ("GET", "/graph?xray=999", None, 422, "INVALID_FIELD"),
    ("PATCH", "", {"name": "x"}, 409, "SYSTEM_ASSISTANT"),
    ("DELETE", "?delete_threads=maybe", None, 422, "INVALID_FIELD"),
]


@pytest.mark.parametrize(("method", "what", "body", "status", "code"), REFUSED)
async def test_what_is_refused(api: Api, method: str, what: str, body: Json | None, status: int, code: str) -> None:
    answer = await api.client.request(method, f"/assistants/{_id('joke')}{what}", json=body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("what", ["", "/graph", "/schemas", "/subgraphs"])
@pytest.mark.parametrize(("name", "status"), [(NOBODY, 404), ("nobody", 422)])
async def test_an_unknown_assistant(api: Api, what: str, name: str, status: int) -> None:
    answer = await api.client.get(f"/assistants/{name}{what}")

    assert (answer.status_code, answer.json()["code"]) == (status, "ASSISTANT_NOT_FOUND")
