"""Assistants over HTTP, on a core of fakes."""

from typing import Any

import pytest

from graphwire_server.core.assistants import system_id
from tests.unit.core.fakes import OTHER
from tests.unit.rest.visits import visiting

AGENT = system_id("agent")
PATH = f"/assistants/{AGENT}"


async def test_an_assistant() -> None:
    async with visiting() as client:
        answer = await client.get(PATH)

    made = answer.json()
    assert (made["assistant_id"], made["graph_id"], made["description"], made["version"]) == (
        AGENT,
        "agent",
        "talks",
        1,
    )


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/assistants/nobody", None, 422, "ASSISTANT_NOT_FOUND"),
        ("GET", f"/assistants/{OTHER}", None, 404, "ASSISTANT_NOT_FOUND"),
        ("GET", f"/assistants/{OTHER}/graph", None, 404, "ASSISTANT_NOT_FOUND"),
        ("GET", f"{PATH}/graph?xray=101", None, 422, "INVALID_FIELD"),
        ("GET", f"{PATH}/graph?xray=many", None, 422, "INVALID_FIELD"),
        ("DELETE", PATH, None, 409, "SYSTEM_ASSISTANT"),
        ("DELETE", f"/assistants/{OTHER}", None, 404, "ASSISTANT_NOT_FOUND"),
        ("POST", f"{PATH}/latest", {"version": 2}, 422, "INVALID_FIELD"),
        ("POST", f"{PATH}/latest", {}, 422, "INVALID_FIELD"),
        ("POST", "/assistants", {"graph_id": "agent"}, 501, "NOT_OFFERED"),
        ("PATCH", PATH, {"name": "x"}, 501, "NOT_OFFERED"),
    ],
)
async def test_what_cannot_be_done(method: str, path: str, body: Any, status: int, code: str) -> None:
    async with visiting() as client:
        answer = await client.request(method, path, json=body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({}, ["agent", "writer"]),
        ({"sort_by": "name", "sort_order": "desc"}, ["writer", "agent"]),
        ({"graph_id": "agent"}, ["agent"]),
        ({"name": "WRIT"}, ["writer"]),
        ({"metadata": {"created_by": "system"}}, ["agent", "writer"]),
        ({"metadata": {"created_by": "me"}}, []),
        ({"offset": 1}, ["writer"]),
    ],
)
async def test_assistants_are_searched(body: dict[str, Any], found: list[str]) -> None:
    async with visiting() as client:
        answer = await client.post("/assistants/search", json=body)

    assert [each["name"] for each in answer.json()] == found


async def test_a_search_has_pages_and_may_choose_fields() -> None:
    async with visiting() as client:
        answer = await client.post("/assistants/search", json={"limit": 1, "select": ["name"]})

    assert answer.json() == [{"name": "agent"}]
    assert (answer.headers["x-pagination-total"], answer.headers["x-pagination-next"]) == ("2", "1")


@pytest.mark.parametrize(("body", "count"), [({}, 2), ({"graph_id": "agent"}, 1), ({"name": "zz"}, 0)])
async def test_assistants_are_counted(body: dict[str, Any], count: int) -> None:
    async with visiting() as client:
        assert (await client.post("/assistants/count", json=body)).json() == count


@pytest.mark.parametrize(
    ("body", "versions"),
    [({}, [1]), ({"offset": 1}, []), ({"metadata": {"created_by": "system"}}, [1]), ({"metadata": {"x": 1}}, [])],
)
async def test_versions_are_listed(body: dict[str, Any], versions: list[int]) -> None:
    async with visiting() as client:
        answer = await client.post(f"{PATH}/versions", json=body)

    assert [each["version"] for each in answer.json()] == versions


async def test_the_only_version_can_be_made_the_latest() -> None:
    async with visiting() as client:
        answer = await client.post(f"{PATH}/latest", json={"version": 1})

    assert (answer.status_code, answer.json()["assistant_id"]) == (200, AGENT)


async def test_a_graph_is_drawn_and_described() -> None:
    async with visiting() as client:
        drawn, schemas = await client.get(f"{PATH}/graph?xray=true"), await client.get(f"{PATH}/schemas")

    assert drawn.json() == {"nodes": [], "edges": []}
    assert schemas.json()["graph_id"] == "agent"


@pytest.mark.parametrize(
    ("path", "namespace"), [("", "None False"), ("?recurse=true", "None True"), ("/a:b?recurse=false", "a:b False")]
)
async def test_graphs_inside_a_graph(path: str, namespace: str) -> None:
    async with visiting() as client:
        answer = await client.get(f"{PATH}/subgraphs{path}")

    assert list(answer.json()) == [namespace]
