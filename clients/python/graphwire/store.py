"""The store: what graphs remember beyond their threads.

Owns the calls of the store service, and the values that they return. Lists are async iterators that fetch page after page: stop when you have enough.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from google.protobuf.duration_pb2 import Duration

from graphwire._requests import optional_json
from graphwire.channel import Wire
from graphwire.errors import NotFound
from graphwire.model import moment
from graphwire.payload import from_json, to_json
from graphwire.v1 import store_pb2
from graphwire.v1 import store_service_pb2 as pb


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A JSON object under a key in a namespace.

    Args:
        namespace: The labels that lead to it.
        key: Its name there.
        value: Its content.
        create_time: When it was put for the first time.
        update_time: When it was put last.
        score: How near it is to the query that found it, 1 at most; None where none ranked it.
    """

    namespace: tuple[str, ...]
    key: str
    value: dict[str, Any]
    create_time: datetime
    update_time: datetime
    score: float | None = None

    @classmethod
    def read(cls, proto: store_pb2.Item) -> Self:
        """The value of a message."""
        return cls(
            namespace=tuple(proto.namespace),
            key=proto.key,
            value=from_json(proto.value),
            create_time=moment(proto.create_time),
            update_time=moment(proto.update_time),
            score=proto.score if proto.HasField("score") else None,
        )


class Store:
    """The calls of `client.store`: the same store that nodes have as `runtime.store`. All raise `GraphwireError`.

    A namespace is a sequence of labels: `("users", "ada")`. A label has no period.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def put(
        self,
        namespace: Sequence[str],
        key: str,
        value: object,
        *,
        index: Sequence[str] | Literal[False] | None = None,
        ttl: float | timedelta | Literal["server"] | None = "server",
    ) -> None:
        """Keeps an item, in place of the one with its key. It is kept when this returns.

        Args:
            namespace: Where it belongs.
            key: Its name there.
            value: A JSON object.
            index: The paths whose texts a query finds; False means none. Default: those that langgraph.json names.
            ttl: For how long it is kept, in seconds or as a timedelta; None means for good. Default: what langgraph.json says.

        Raises:
            TypeError: JSON has no form for the value.
            ValueError: Likewise.
        """
        request = pb.PutItemRequest(namespace=_labels(namespace), key=key, value=to_json(value))
        if index is False:
            request.not_indexed = True
        elif index is not None:
            request.fields.paths.extend(_labels(index))
            request.fields.SetInParent()
        if ttl is None:
            request.never_expires = True
        elif ttl != "server":
            request.ttl.CopyFrom(_duration(ttl))
        await self._wire.call(self._wire.store.PutItem, request)

    async def get(self, namespace: Sequence[str], key: str, *, refresh_ttl: bool | None = None) -> Item | None:
        """An item; None where there is none. `refresh_ttl` says whether the time that it is kept for begins anew. Default: what langgraph.json says."""
        request = pb.GetItemRequest(namespace=_labels(namespace), key=key, refresh_ttl=refresh_ttl)
        try:
            return Item.read((await self._wire.call(self._wire.store.GetItem, request)).item)
        except NotFound as error:
            if error.reason != "ITEM_NOT_FOUND":
                raise
            return None

    async def delete(self, namespace: Sequence[str], key: str) -> None:
        """Removes an item. Nothing happens where there is none."""
        request = pb.DeleteItemRequest(namespace=_labels(namespace), key=key)
        await self._wire.call(self._wire.store.DeleteItem, request)

    async def search(
        self,
        namespace_prefix: Sequence[str] = (),
        *,
        filter: object = None,  # noqa: A002  the name that the API uses
        query: str = "",
        refresh_ttl: bool | None = None,
        page_size: int = 100,
    ) -> AsyncIterator[Item]:
        """The items that match, page after page: the last put first or, where a query ranks them, the nearest.

        Args:
            namespace_prefix: Only items whose namespace begins with these labels. Default: all.
            filter: Only items whose value has all of this: a JSON object of fields with the values that they equal, or with operators: `$eq`, `$ne`, `$gt`,
                `$gte`, `$lt`, `$lte`.
            query: A text. It ranks items where langgraph.json names an embedding function.
            refresh_ttl: As in `get`.
            page_size: How many each call fetches: 1 to 1000.
        """
        request = pb.SearchItemsRequest(
            namespace_prefix=_labels(namespace_prefix),
            filter=optional_json(filter, "filter"),
            query=query,
            refresh_ttl=refresh_ttl,
            page_size=page_size,
        )
        while True:
            page = await self._wire.call(self._wire.store.SearchItems, request)
            for item in page.items:
                yield Item.read(item)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def namespaces(
        self,
        *,
        prefix: Sequence[str] = (),
        suffix: Sequence[str] = (),
        max_depth: int | None = None,
        page_size: int = 100,
    ) -> AsyncIterator[tuple[str, ...]]:
        """The namespaces that have items, in the order of their labels, page after page.

        Args:
            prefix: Only those that begin with these labels; `*` is any one label.
            suffix: Only those that end with these labels, likewise.
            max_depth: How many labels of each are shown: 1 to 64; those that are the same then are one. Default: all.
            page_size: How many each call fetches: 1 to 1000.
        """
        request = pb.ListNamespacesRequest(
            prefix=_labels(prefix), suffix=_labels(suffix), max_depth=max_depth, page_size=page_size
        )
        while True:
            page = await self._wire.call(self._wire.store.ListNamespaces, request)
            for namespace in page.namespaces:
                yield tuple(namespace.labels)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token


def _labels(namespace: Sequence[str]) -> list[str]:
    """Labels as a list. A text is a sequence of its characters, and nobody means those."""
    if isinstance(namespace, str):
        raise TypeError(f"a sequence of texts is wanted, such as ({namespace!r},), and not a text")
    return list(namespace)


def _duration(ttl: float | timedelta) -> Duration:
    made = Duration()
    made.FromTimedelta(ttl if isinstance(ttl, timedelta) else timedelta(seconds=ttl))
    return made
