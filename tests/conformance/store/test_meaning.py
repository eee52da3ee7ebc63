"""Search by what items mean, with the embedding function that langgraph.json names."""

from uuid import uuid4

import grpc
import httpx
import pytest

from graphwire.errors import from_rpc
from graphwire.v1.store_service_pb2 import IndexedFields, PutItemRequest, SearchItemsRequest
from tests.support.serving import Server, text

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_nearest_comes_first_over_both_transports(server: Server, http: httpx.AsyncClient) -> None:
    user = str(uuid4())
    for key, value in {"a": "aaab", "b": "abbb", "c": "cc"}.items():
        await http.put("/store/items", json={"namespace": [user], "key": key, "value": {"text": value}})
    await http.put("/store/items", json={"namespace": [user], "key": "off", "value": {"text": "a"}, "index": False})
    body = {"namespace_prefix": [user], "query": "a", "limit": 2}

    found = (await http.post("/store/items/search", json=body)).json()["items"]
    page = await server.store.SearchItems(SearchItemsRequest(namespace_prefix=[user], query="a", page_size=2))
    unranked = (await http.post("/store/items/search", json={"namespace_prefix": [user]})).json()["items"]

    assert [item["key"] for item in found] == ["a", "b"]
    assert found[0]["score"] > found[1]["score"] > 0
    assert [(item.key, item.score) for item in page.items] == [(item["key"], item["score"]) for item in found]
    assert [(item["key"], item["score"]) for item in unranked] == [(key, None) for key in ("off", "c", "b", "a")]


async def test_the_fields_that_a_writer_names(server: Server) -> None:
    user = str(uuid4())
    fields = IndexedFields(paths=["parts[*].is"])
    value = text('{"text": "c", "parts": [{"is": "a"}, {"is": "b"}]}')
    await server.store.PutItem(PutItemRequest(namespace=[user], key="k", value=value, fields=fields))

    scores = [
        (await server.store.SearchItems(SearchItemsRequest(namespace_prefix=[user], query=query))).items[0].score
        for query in ("a", "b", "c")
    ]

    assert scores == [1, 1, 0]


async def test_a_function_that_fails_says_so_and_nothing_is_kept(server: Server, http: httpx.AsyncClient) -> None:
    user = str(uuid4())

    put = await http.put("/store/items", json={"namespace": [user], "key": "k", "value": {"text": "fail"}})
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await server.store.SearchItems(SearchItemsRequest(query="fail"))
    found = (await http.post("/store/items/search", json={"namespace_prefix": [user]})).json()["items"]

    assert (put.status_code, put.json()["code"], put.headers["retry-after"]) == (503, "EMBEDDING_FAILED", "1")
    assert "provider" not in put.text
    assert (from_rpc(caught.value).reason, found) == ("EMBEDDING_FAILED", [])
