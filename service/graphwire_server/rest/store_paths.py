"""Where the operations of the store stand.

Owns their part of the table of routes.
"""

from graphwire_server.rest import shown
from graphwire_server.rest.calls import Operation, Operations
from graphwire_server.rest.store import StoreRoutes
from graphwire_server.rest.store_requests import GetItemQuery, ItemBody, NamespacesBody, PutItemBody, SearchItemsBody


def store_paths(store: StoreRoutes) -> Operations:
    """The store."""
    return {
        "/store/items": _item(store),
        "/store/items/search": {
            "POST": Operation(
                name="search_items",
                summary="Lists items: the last put first or, where a query ranks them, the nearest.",
                run=store.search,
                body=SearchItemsBody,
                answers={200: shown.ShownItems},
            )
        },
        "/store/namespaces": {
            "POST": Operation(
                name="list_namespaces",
                summary="Lists the namespaces that have items.",
                run=store.namespaces,
                body=NamespacesBody,
                answers={200: shown.ShownNamespaces},
            )
        },
    }


def _item(store: StoreRoutes) -> dict[str, Operation]:
    return {
        "PUT": Operation(
            name="put_item",
            summary="Keeps an item, in place of the one with its key.",
            run=store.put,
            body=PutItemBody,
            needs_body=True,
            answers={204: None},
        ),
        "GET": Operation(
            name="get_item",
            summary="Returns an item; null where there is none.",
            run=store.get,
            query=GetItemQuery,
            answers={200: shown.ShownItem | None},
        ),
        "DELETE": Operation(
            name="delete_item",
            summary="Removes an item; nothing happens where there is none.",
            run=store.delete,
            body=ItemBody,
            needs_body=True,
            answers={204: None},
        ),
    }
