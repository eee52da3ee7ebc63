"""StoreService: the store over gRPC.

Owns which call of the core each RPC is, and what an item looks like.
"""

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from graphwire.v1 import store_pb2
from graphwire.v1 import store_service_pb2 as pb
from graphwire_server.core.errors import InvalidField
from graphwire_server.core.items import UNSAID, Item, Items, Unsaid
from graphwire_server.rpc import pages
from graphwire_server.rpc.json_carrier import Fill, filler, parse_object

_LONGEST = 315_576_000_000
"""The most seconds of a protobuf duration that is valid."""


class StoreService:
    """The RPCs of StoreService.

    Args:
        items: The store.
    """

    def __init__(self, items: Items) -> None:
        self._items = items

    async def put_item(self, request: pb.PutItemRequest) -> pb.PutItemResponse:
        """Keeps an item."""
        await self._items.put(
            tuple(request.namespace),
            request.key,
            parse_object("value", request.value),
            fields=_fields(request),
            ttl=_ttl(request),
        )
        return pb.PutItemResponse()

    async def get_item(self, request: pb.GetItemRequest) -> pb.GetItemResponse:
        """Returns an item."""
        refresh = request.refresh_ttl if request.HasField("refresh_ttl") else None
        found = await self._items.get(tuple(request.namespace), request.key, refresh=refresh)
        answer = pb.GetItemResponse()
        write_item(answer.item, found, filler(request.payload_format))
        return answer

    async def delete_item(self, request: pb.DeleteItemRequest) -> pb.DeleteItemResponse:
        """Removes an item."""
        await self._items.delete(tuple(request.namespace), request.key)
        return pb.DeleteItemResponse()

    async def search_items(self, request: pb.SearchItemsRequest) -> pb.SearchItemsResponse:
        """Lists items."""
        page = pages.page(request.page_size, request.page_token)
        found = await self._items.search(
            tuple(request.namespace_prefix),
            wanted=parse_object("filter", request.filter) if request.HasField("filter") else None,
            query=request.query,
            page=page,
            refresh=request.refresh_ttl if request.HasField("refresh_ttl") else None,
        )
        answer = pb.SearchItemsResponse(next_page_token=pages.next_token(page, len(found)))
        for item in found:
            write_item(answer.items.add(), item, filler(request.payload_format))
        return answer

    async def list_namespaces(self, request: pb.ListNamespacesRequest) -> pb.ListNamespacesResponse:
        """Lists namespaces."""
        page = pages.page(request.page_size, request.page_token, default=100)
        found = await self._items.namespaces(
            prefix=tuple(request.prefix),
            suffix=tuple(request.suffix),
            max_depth=request.max_depth if request.HasField("max_depth") else None,
            page=page,
        )
        answer = pb.ListNamespacesResponse(next_page_token=pages.next_token(page, len(found)))
        for labels in found:
            answer.namespaces.add(labels=labels)
        return answer


def write_item(made: store_pb2.Item, item: Item, fill: Fill) -> None:
    """Writes an item."""
    made.namespace.extend(item.namespace)
    made.key = item.key
    fill(made.value, item.value)
    made.create_time.FromDatetime(item.created_at)
    made.update_time.FromDatetime(item.updated_at)
    if item.score is not None:
        made.score = item.score


def _fields(request: pb.PutItemRequest) -> list[str] | None:
    if request.not_indexed:
        return []
    return list(request.fields.paths) if request.HasField("fields") else None


def _ttl(request: pb.PutItemRequest) -> timedelta | Unsaid | None:
    if request.never_expires:
        return None
    return _time(request.ttl) if request.HasField("ttl") else UNSAID


def _time(given: Duration) -> timedelta:
    """A length of time. One that is shorter than a microsecond is one."""
    if not 0 <= given.seconds <= _LONGEST or not 0 <= given.nanos < 10**9:
        raise InvalidField("ttl", "must be more than 0 and at most a hundred years")
    return timedelta(seconds=given.seconds, microseconds=-(-given.nanos // 1000))
