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
        ("POST", f"{PATH}/latest", {"version": 2**70}, 422, "INVALID_FIELD"),
        ("POST", "/assistants", {}, 422, "INVALID_FIELD"),
        ("POST", "/assistants", None, 422, "INVALID_FIELD"),
        ("POST", "/assistants", {"graph_id": "nobody"}, 404, "GRAPH_NOT_FOUND"),
        ("POST", "/assistants", {"graph_id": "agent", "assistant_id": "x"}, 422, "INVALID_FIELD"),
        ("POST", "/assistants", {"graph_id": "agent", "assistant_id": AGENT}, 409, "ASSISTANT_EXISTS"),
        ("POST", "/assistants", {"graph_id": "agent", "if_exists": "perhaps"}, 422, "INVALID_FIELD"),
        ("POST", "/assistants", {"graph_id": "agent", "metadata": [1]}, 422, "INVALID_FIELD"),
        (
            "POST",
            "/assistants",
            {"graph_id": "agent", "context": {"a": 1}, "config": {"configurable": {"a": 2}}},
            400,
            "INVALID_FIELD",
        ),
        ("PATCH", PATH, {"name": "x"}, 409, "SYSTEM_ASSISTANT"),
        ("PATCH", f"/assistants/{OTHER}", {"name": "x"}, 404, "ASSISTANT_NOT_FOUND"),
        ("PATCH", "/assistants/nobody", {"name": "x"}, 422, "ASSISTANT_NOT_FOUND"),
        ("DELETE", f"{PATH}?delete_threads=perhaps", None, 422, "INVALID_FIELD"),
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


async def test_the_life_of_an_assistant() -> None:
    given = {
        "graph_id": "agent",
        "assistant_id": OTHER,
        "name": "Ann",
        "context": {"tone": "dry"},
        "metadata": {"a": 1},
    }
    async with visiting() as client:
        made = (await client.post("/assistants", json=given)).json()
        again = (await client.post("/assistants", json={**given, "name": "Bob", "if_exists": "do_nothing"})).json()
        patched = (await client.patch(f"/assistants/{OTHER}", json={"name": "Cy", "metadata": {"b": 2}})).json()
        versions = (await client.post(f"/assistants/{OTHER}/versions", json={"metadata": {"a": 1}, "limit": 1})).json()
        latest = (await client.post(f"/assistants/{OTHER}/latest", json={"version": 1})).json()
        gone = await client.delete(f"/assistants/{OTHER}?delete_threads=true")
        after = await client.get(f"/assistants/{OTHER}")

    assert again == latest == made
    assert (made["name"], made["description"], made["version"]) == ("Ann", None, 1)
    assert made["config"] == {"configurable": {"tone": "dry"}}
    assert made["context"] == {"tone": "dry"}
    assert (patched["name"], patched["metadata"], patched["version"]) == ("Cy", {"a": 1, "b": 2}, 2)
    assert patched["context"] == {"tone": "dry"}
    assert versions == [patched]
    assert (gone.status_code, gone.content, after.status_code) == (204, b"", 404)


async def test_what_was_read_can_be_written_back() -> None:
    async with visiting() as client:
        made = (await client.post("/assistants", json={"graph_id": "agent", "context": {"tone": "dry"}})).json()
        fields = {name: made[name] for name in ("graph_id", "name", "config", "context", "metadata")}
        again = await client.patch(f"/assistants/{made['assistant_id']}", json=fields)

    assert {name: again.json()[name] for name in fields} == fields
