"""Threads by their values, and parts of threads and states, over HTTP."""

from typing import Any
from uuid import uuid4

import pytest

from tests.conformance.http.api import Api, Json
from tests.conformance.http.held import at_gate
from tests.faults.gate import Gate

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _joke(api: Api, topic: str, **body: Json) -> str:
    thread_id = await api.thread(**body)
    await api.post(f"/threads/{thread_id}/runs/wait", {"assistant_id": "joke", "input": {"topic": topic}})
    return thread_id


async def _found(api: Api, **body: Any) -> list[str]:
    found = await api.post("/threads/search", {"select": ["thread_id"], "sort_by": "created_at", **body})
    assert await api.post("/threads/count", body) == len(found)
    return [thread["thread_id"] for thread in found]


async def test_threads_by_their_values(api: Api) -> None:
    mark = {"mark": str(uuid4())}
    ice, fire = [await _joke(api, topic, metadata=mark) for topic in ("ice", "fire")]
    await api.thread(metadata=mark)

    assert await _found(api, values={"topic": "ice and cats"}, metadata=mark) == [ice]
    assert await _found(api, values={"topic": "ice"}, metadata=mark) == []
    assert await _found(api, values={"topic": "fire and cats"}, ids=[ice, fire]) == [fire]
    await api.post(f"/threads/{fire}/state", {"values": {"topic": "ice and cats"}, "as_node": "refine_topic"})
    assert await _found(api, values={"topic": "ice and cats"}, metadata=mark) == [fire, ice]
    await api.client.delete(f"/threads/{ice}")
    assert await _found(api, values={"topic": "ice and cats"}, metadata=mark) == [fire]


async def test_a_thread_whose_run_was_rolled_back_has_the_values_before_it(api: Api, gate: Gate) -> None:
    mark = {"mark": str(uuid4())}
    thread_id = await _joke(api, "ice", metadata=mark)
    async with at_gate(api, gate) as held:
        assert await _found(api, values={"name": "nobody"}, ids=[held.thread.rpartition("/")[2]]) == []

    assert await _found(api, values={"topic": "ice and cats"}, metadata=mark) == [thread_id]


async def test_the_time_of_the_last_state(api: Api) -> None:
    mark = {"mark": str(uuid4())}
    first, second = await api.thread(metadata=mark), await _joke(api, "ice", metadata=mark)
    await api.client.patch(f"/threads/{first}", json={"metadata": {"n": 1}})
    found = await api.post("/threads/search", {"metadata": mark, "sort_by": "state_updated_at", "sort_order": "desc"})

    assert [thread["thread_id"] for thread in found] == [second, first]
    assert found[1]["state_updated_at"] == found[1]["created_at"] < found[1]["updated_at"]
    assert found[0]["state_updated_at"] > found[0]["created_at"]


async def test_a_thread_shows_the_config_of_its_last_run(api: Api) -> None:
    path = f"/threads/{await api.thread()}"
    before = await api.get(path)
    config = {"configurable": {"user": "me"}, "tags": ["a"]}
    await api.post(f"{path}/runs/wait", {"assistant_id": "joke", "input": {"topic": "ice"}, "config": config})

    assert (before["config"], (await api.get(path))["config"]) == ({}, config)


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ({"select": "values.joke"}, {"values"}),
        ({"select": ["next", "values"]}, {"next", "values"}),
        ({"select": '["next","tasks"]'}, {"next", "tasks"}),
        ({"select": "next,interrupts"}, {"next", "interrupts"}),
    ],
)
async def test_parts_of_a_state(api: Api, query: Json, left: set[str]) -> None:
    path = f"/threads/{await _joke(api, 'ice')}"

    assert set(await api.get(f"{path}/state", **query)) == left
    assert [set(each) for each in await api.get(f"{path}/history", limit=2, **query)] == [left, left]


WRONG: list[tuple[str, str, Any, str]] = [
    ("POST", "/threads/search", {"values": [1]}, "values"),
    ("POST", "/threads/count", {"values": "x"}, "values"),
    ("POST", "/threads/count", {"ids": ["x"]}, "ids"),
    ("POST", "/threads/search", {"extract": {"a": "values[x]"}}, "extract.a"),
    ("POST", "/threads/search", {"extract": {"a": 5}}, "extract.a"),
    ("POST", "/threads/search", {"extract": {str(n): "values" for n in range(11)}}, "extract"),
    ("POST", "/threads/search", {"select": ["weather"]}, "select[0]"),
    ("GET", "/threads/{thread}/state?select=weather", None, "select[0]"),
    ("GET", "/threads/{thread}/history?select=weather", None, "select[0]"),
    ("POST", "/threads/{thread}/history", {"select": ["next", "weather"]}, "select[1]"),
]


@pytest.mark.parametrize(("method", "path", "body", "field"), WRONG)
async def test_what_is_wrong_is_named(api: Api, method: str, path: str, body: Any, field: str) -> None:
    answer = await api.client.request(method, path.format(thread=await api.thread()), json=body)

    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "INVALID_FIELD", field)
