"""StoreService: what REST says otherwise or not at all, and what is refused."""

from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from graphwire.errors import from_rpc
from graphwire.v1.json_pb2 import PAYLOAD_FORMAT_VALUE, Json
from graphwire.v1.store_service_pb2 import (
    DeleteItemRequest,
    GetItemRequest,
    ListNamespacesRequest,
    PutItemRequest,
    SearchItemsRequest,
)
from tests.support.serving import Server, text

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _refused(call: Any) -> Any:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc(caught.value)


async def test_an_item_is_put_read_and_deleted(server: Server) -> None:
    place: dict[str, Any] = {"namespace": ["rpc", "one"], "key": "k"}
    await server.store.PutItem(PutItemRequest(**place, value=text('{"n": 36893488147419103232}')))

    item = (await server.store.GetItem(GetItemRequest(**place))).item
    shown = (await server.store.GetItem(GetItemRequest(**place, payload_format=PAYLOAD_FORMAT_VALUE))).item
    await server.store.DeleteItem(DeleteItemRequest(**place))
    await server.store.DeleteItem(DeleteItemRequest(**place))
    gone = await _refused(server.store.GetItem(GetItemRequest(**place)))

    assert (list(item.namespace), item.key, item.value.text) == (["rpc", "one"], "k", '{"n":36893488147419103232}')
    assert item.create_time == item.update_time
    assert not item.HasField("score")
    assert shown.value.value.struct_value.fields["n"].number_value == 2.0**65
    assert (gone.code, gone.reason) == (grpc.StatusCode.NOT_FOUND, "ITEM_NOT_FOUND")


async def test_pages_have_tokens(server: Server) -> None:
    for n in range(5):
        await server.store.PutItem(PutItemRequest(namespace=["pages", f"n{n}"], key="k", value=text("{}")))
    items, names = [], []
    search = SearchItemsRequest(namespace_prefix=["pages"], page_size=2)
    listing = ListNamespacesRequest(prefix=["pages"], page_size=2)

    for _ in range(3):
        page = await server.store.SearchItems(search)
        items += [item.namespace[1] for item in page.items]
        search.page_token = page.next_page_token
        listed = await server.store.ListNamespaces(listing)
        names += [each.labels[1] for each in listed.namespaces]
        listing.page_token = listed.next_page_token

    assert items == ["n4", "n3", "n2", "n1", "n0"]
    assert names == sorted(items)
    assert not search.page_token + listing.page_token


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"value": text("{}")}, "namespace"),
        ({"namespace": ["a"], "value": text("{}")}, "key"),
        ({"namespace": ["a"], "key": "k"}, "value"),
        ({"namespace": ["a"], "key": "k", "value": text("[1]")}, "value"),
        ({"namespace": ["a"], "key": "k", "value": text("{}"), "ttl": Duration()}, "ttl"),
        ({"namespace": ["a"], "key": "k", "value": text("{}"), "ttl": Duration(seconds=-1)}, "ttl"),
        ({"namespace": ["a"], "key": "k", "value": text("{}"), "ttl": Duration(seconds=2**62)}, "ttl"),
        ({"namespace": ["a"], "key": "k", "value": text("{}"), "ttl": Duration(nanos=-5)}, "ttl"),
        ({"namespace": ["a"] * 65, "key": "k", "value": text("{}")}, "namespace"),
    ],
)
async def test_what_is_wrong_names_its_field(server: Server, fields: dict[str, Any], field: str) -> None:
    error = await _refused(server.store.PutItem(PutItemRequest(**fields)))

    assert (error.reason, [each.field for each in error.field_violations]) == ("INVALID_FIELD", [field])


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (SearchItemsRequest(page_size=1001), "page_size"),
        (SearchItemsRequest(page_token="x"), "page_token"),  # noqa: S106  no secret
        (SearchItemsRequest(filter=Json(text='{"n": {"$near": 1}}')), "filter.n"),
        (SearchItemsRequest(filter=Json(text="5")), "filter"),
    ],
)
async def test_a_search_that_cannot_be_meant(server: Server, request_: SearchItemsRequest, field: str) -> None:
    error = await _refused(server.store.SearchItems(request_))

    assert [each.field for each in error.field_violations] == [field]
