"""The store through the client: what is sent, and what is made of the answer."""

from datetime import timedelta
from typing import Any

import grpc
import pytest

from graphwire import NotFound, sync
from graphwire.v1 import store_pb2
from graphwire.v1 import store_service_pb2 as pb
from graphwire.v1.json_pb2 import Json
from tests.unit.client.scripted import rich_status, serving, serving_threads

PUT: dict[str, Any] = {"namespace": ["a", "b"], "key": "k", "value": Json(text='{"n":1}')}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, {}),
        ({"index": False}, {"not_indexed": True}),
        ({"index": ["x", "y[*]"]}, {"fields": pb.IndexedFields(paths=["x", "y[*]"])}),
        ({"index": ()}, {"fields": pb.IndexedFields()}),
        ({"ttl": None}, {"never_expires": True}),
        ({"ttl": 1.5}, {"ttl": timedelta(seconds=1.5)}),
        ({"ttl": timedelta(hours=1)}, {"ttl": timedelta(hours=1)}),
    ],
)
async def test_an_item_is_put(given: Any, sent: Any) -> None:
    seen: list[pb.PutItemRequest] = []

    async def put(request: pb.PutItemRequest, _context: Any) -> pb.PutItemResponse:
        seen.append(request)
        return pb.PutItemResponse()

    async with serving(PutItem=put) as client:
        await client.store.put(("a", "b"), "k", {"n": 1}, **given)

    assert seen == [pb.PutItemRequest(**PUT, **sent)]


async def test_an_item_that_is_not_there_is_none_and_other_things_are_not() -> None:
    async def get(request: pb.GetItemRequest, context: Any) -> pb.GetItemResponse:
        reason = "ITEM_NOT_FOUND" if request.key == "k" else "ASSISTANT_NOT_FOUND"
        await context.abort_with_status(rich_status(grpc.StatusCode.NOT_FOUND, reason, "no"))
        raise AssertionError

    async with serving(GetItem=get) as client:
        assert await client.store.get(["a"], "k") is None
        with pytest.raises(NotFound):
            await client.store.get(["a"], "other")


async def test_lists_fetch_page_after_page() -> None:
    async def search(request: pb.SearchItemsRequest, _context: Any) -> pb.SearchItemsResponse:
        assert request == pb.SearchItemsRequest(
            namespace_prefix=["a"],
            filter=Json(text='{"n":1}'),
            query="q",
            refresh_ttl=False,
            page_size=1,
            page_token=request.page_token,
        )
        item = store_pb2.Item(namespace=["a"], key=f"k{request.page_token}", value=Json(text="{}"), score=0.5)
        return pb.SearchItemsResponse(items=[item], next_page_token="" if request.page_token else "2")

    async def names(request: pb.ListNamespacesRequest, _context: Any) -> pb.ListNamespacesResponse:
        assert (list(request.prefix), list(request.suffix), request.max_depth) == (["a"], ["*"], 2)
        token = "" if request.page_token else "2"
        return pb.ListNamespacesResponse(namespaces=[pb.Namespace(labels=["a", token])], next_page_token=token)

    async with serving(SearchItems=search, ListNamespaces=names) as client:
        found = client.store.search(["a"], filter={"n": 1}, query="q", refresh_ttl=False, page_size=1)
        items = [(item.key, item.score, item.value) async for item in found]
        listed = [each async for each in client.store.namespaces(prefix=["a"], suffix=["*"], max_depth=2)]

    assert items == [("k", 0.5, {}), ("k2", 0.5, {})]
    assert listed == [("a", "2"), ("a", "")]


async def test_a_text_is_no_namespace() -> None:
    async with serving() as client:
        with pytest.raises(TypeError, match="such as \\('users',\\)"):
            await client.store.delete("users", "k")


def test_programs_without_asyncio() -> None:
    def delete(request: pb.DeleteItemRequest, _context: Any) -> pb.DeleteItemResponse:
        assert request == pb.DeleteItemRequest(namespace=["a"], key="k")
        return pb.DeleteItemResponse()

    def names(_request: pb.ListNamespacesRequest, _context: Any) -> pb.ListNamespacesResponse:
        return pb.ListNamespacesResponse(namespaces=[pb.Namespace(labels=["a"])])

    with serving_threads(DeleteItem=delete, ListNamespaces=names) as address, sync.connect(address) as client:
        client.store.delete(["a"], "k")
        assert list(client.store.namespaces()) == [("a",)]
