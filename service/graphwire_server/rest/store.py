"""The store over HTTP.

Owns which call of the core each route of the store is, and what an item looks like.
"""

from graphwire_server.core.errors import ItemNotFound
from graphwire_server.core.items import Item, Items
from graphwire_server.rest.answers import Json, time_text
from graphwire_server.rest.calls import Answer, Call, Reply
from graphwire_server.rest.json_text import made
from graphwire_server.rest.store_requests import GetItemQuery, ItemBody, NamespacesBody, PutItemBody, SearchItemsBody


class StoreRoutes:
    """The operations of the store.

    Args:
        items: The store.
    """

    def __init__(self, items: Items) -> None:
        self._items = items

    async def put(self, call: Call) -> Reply:
        """Keeps an item."""
        body: PutItemBody = call.body
        await self._items.put(tuple(body.namespace), body.key, body.value, fields=body.fields(), ttl=body.kept())
        return Answer(status=204, empty=True)

    async def get(self, call: Call) -> Reply:
        """Returns an item; null where there is none (wire fact 84)."""
        query: GetItemQuery = call.query
        try:
            found = await self._items.get(query.labels(), query.key, refresh=query.refresh_ttl)
        except ItemNotFound:
            return Answer(value=None)
        return Answer(value=item_json(found))

    async def delete(self, call: Call) -> Reply:
        """Removes an item."""
        body: ItemBody = call.body
        await self._items.delete(tuple(body.namespace), body.key)
        return Answer(status=204, empty=True)

    async def search(self, call: Call) -> Reply:
        """Lists items."""
        body: SearchItemsBody = call.body
        found = await self._items.search(
            tuple(body.namespace_prefix),
            wanted=body.wanted(),
            query=body.query or "",
            page=body.page(),
            refresh=body.refresh_ttl,
        )
        return Answer(value={"items": [{**item_json(item), "score": item.score} for item in found]})

    async def namespaces(self, call: Call) -> Reply:
        """Lists namespaces."""
        body: NamespacesBody = call.body
        found = await self._items.namespaces(
            prefix=tuple(body.prefix or ()),
            suffix=tuple(body.suffix or ()),
            max_depth=body.max_depth,
            page=body.page(),
        )
        return Answer(value={"namespaces": found})


def item_json(item: Item) -> Json:
    """An item."""
    return {
        "namespace": item.namespace,
        "key": item.key,
        "value": made(item.value),
        "created_at": time_text(item.created_at),
        "updated_at": time_text(item.updated_at),
    }
