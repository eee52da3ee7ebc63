"""The store: shapes and codes, what is refused, and what is not there."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.conformance.http.api import Api, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOTE: Json = {"text": "ä", "n": 2**70, "tags": ["a", None], "at": {"x": 1.5}}


async def _put(api: Api, namespace: list[str], key: str, value: Json, **more: Any) -> None:
    answer = await api.client.put("/store/items", json={"namespace": namespace, "key": key, "value": value, **more})
    assert (answer.status_code, answer.content) == (204, b"")


async def _get(api: Api, namespace: str, key: str, **more: Any) -> Any:
    answer = await api.client.get("/store/items", params={"namespace": namespace, "key": key, **more})
    return answer.json()


async def test_an_item_is_put_read_replaced_and_deleted(api: Api) -> None:
    user = str(uuid4())
    await _put(api, ["notes", user], "k", {"old": True})
    first = await _get(api, f"notes.{user}", "k")
    await _put(api, ["notes", user], "k", NOTE)
    item = await _get(api, f"notes.{user}", "k", refresh_ttl="true")

    assert sorted(item) == ["created_at", "key", "namespace", "updated_at", "value"]
    assert (item["namespace"], item["key"], item["value"]) == (["notes", user], "k", NOTE)
    assert item["created_at"] == first["created_at"] < item["updated_at"]
    answers = [
        await api.client.request("DELETE", "/store/items", json={"namespace": ["notes", user], "key": "k"})
        for _ in range(2)
    ]
    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 2
    assert await _get(api, f"notes.{user}", "k") is None


async def test_a_search_by_prefix_filter_and_page(api: Api) -> None:
    user = str(uuid4())
    for n in range(5):
        await _put(api, [user, "deep"], f"k{n}", {"n": n, "even": n % 2 == 0})
    await _put(api, [f"{user}2"], "other", {"n": 3})

    found = await api.post(
        "/store/items/search",
        {"namespace_prefix": [user], "filter": {"n": {"$gte": 1}, "even": True}, "limit": 1, "offset": 1},
    )
    everything = await api.post("/store/items/search", {"namespacePrefix": [user], "query": "no embedding here"})

    assert [(item["key"], item["score"], item["value"]["n"]) for item in found["items"]] == [("k2", None, 2)]
    assert [item["key"] for item in everything["items"]] == ["k4", "k3", "k2", "k1", "k0"]


async def test_namespaces_are_listed(api: Api) -> None:
    user = str(uuid4())
    for labels in (["a", "x"], ["a", "y"], ["b", "x"]):
        await _put(api, [user, *labels], "k", {})

    async def listed(**body: Any) -> Any:
        return (await api.post("/store/namespaces", {"prefix": [user], **body}))["namespaces"]

    assert await listed(suffix=["x"]) == [[user, "a", "x"], [user, "b", "x"]]
    assert await listed(max_depth=2, limit=1, offset=1) == [[user, "b"]]
    assert await listed(prefix=[user, "*", "y"], maxDepth=3) == [[user, "a", "y"]]


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("PUT", "", {"namespace": [], "key": "k", "value": {}}, "namespace"),
        ("PUT", "", {"namespace": ["a.b"], "key": "k", "value": {}}, "namespace[0]"),
        ("PUT", "", {"namespace": ["a", ""], "key": "k", "value": {}}, "namespace[1]"),
        ("PUT", "", {"namespace": ["a", 1], "key": "k", "value": {}}, "namespace[1]"),
        ("PUT", "", {"namespace": "a", "key": "k", "value": {}}, "namespace"),
        ("PUT", "", {"namespace": ["langgraph"], "key": "k", "value": {}}, "namespace"),
        ("PUT", "", {"namespace": ["a"], "key": "", "value": {}}, "key"),
        ("PUT", "", {"namespace": ["a"], "value": {}}, "key"),
        ("PUT", "", {"namespace": ["a"], "key": "k"}, "value"),
        ("PUT", "", {"namespace": ["a"], "key": "k", "value": [1]}, "value"),
        ("PUT", "", {"namespace": ["a"], "key": "k", "value": None}, "value"),
        ("PUT", "", {"namespace": ["a"], "key": "k", "value": {}, "ttl": 0}, "ttl"),
        ("PUT", "", {"namespace": ["a"], "key": "k", "value": {}, "ttl": "5"}, "ttl"),
        ("PUT", "", {"namespace": ["a"], "key": "k", "value": {}, "index": True}, "index"),
        ("PUT", "", None, "body"),
        ("GET", "?key=k", None, "namespace"),
        ("GET", "?namespace=a", None, "key"),
        ("GET", "?namespace=a..b&key=k", None, "namespace[1]"),
        ("GET", "?namespace=a&key=k&refresh_ttl=perhaps", None, "refresh_ttl"),
        ("DELETE", "", {"namespace": ["a"]}, "key"),
        ("POST", "/search", {"namespace_prefix": ["a"], "limit": 0}, "limit"),
        ("POST", "/search", {"namespace_prefix": ["a"], "limit": 1001}, "limit"),
        ("POST", "/search", {"namespace_prefix": ["a"], "offset": -1}, "offset"),
        ("POST", "/search", {"namespace_prefix": ["a.b"]}, "namespace_prefix[0]"),
        ("POST", "/search", {"filter": {"n": {"$in": [1]}}}, "filter.n"),
        ("POST", "/search", {"filter": [1]}, "filter"),
    ],
)
async def test_what_is_wrong_names_its_field(api: Api, method: str, path: str, body: Json, field: str) -> None:
    answer = await api.client.request(method, f"/store/items{path}", json=body)

    assert answer.status_code == 422
    assert (answer.json()["code"], answer.json()["field"]) == ("INVALID_FIELD", field)
    assert answer.json()["detail"].startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"prefix": [""]}, "prefix[0]"),
        ({"suffix": ["a.b"]}, "suffix[0]"),
        ({"max_depth": 0}, "max_depth"),
        ({"limit": 0}, "limit"),
    ],
)
async def test_a_list_of_namespaces_that_cannot_be_meant(api: Api, body: Json, field: str) -> None:
    answer = await api.client.post("/store/namespaces", json=body)

    assert (answer.status_code, answer.json()["field"]) == (422, field)


async def test_writers_at_once_lose_nothing(api: Api) -> None:
    user = str(uuid4())

    async def write(writer: int) -> None:
        for n in range(50):
            await _put(api, [user, f"w{writer}"], f"k{n}", {"n": n})
            await _put(api, [user, "shared"], f"k{n}", {"writer": writer})

    await asyncio.gather(write(0), write(1))

    found = [
        (await api.post("/store/items/search", {"namespace_prefix": [user, labels], "limit": 1000}))["items"]
        for labels in ("w0", "w1", "shared")
    ]
    assert [sorted(item["key"] for item in items) for items in found] == [sorted(f"k{n}" for n in range(50))] * 3
    assert all(item["value"]["writer"] in (0, 1) for item in found[2])


async def test_a_large_item_is_kept_whole(api: Api) -> None:
    value = {"text": "x" * 5_000_000}

    await _put(api, ["large"], "k", value)

    assert (await _get(api, "large", "k"))["value"] == value
