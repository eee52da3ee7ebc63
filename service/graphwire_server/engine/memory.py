"""The store as graphs know it.

Owns the step from LangGraph's operations to the store of the server, and back: what a node writes through `runtime.store` is what both transports read. The calls of a
synchronous node wait in its thread; none of them needs an event loop, so they work on every one, also where a node calls them on the loop itself.
"""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import orjson
from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    TTLConfig,
    validate_op_namespace,
)

from graphwire_server.core import items as core
from graphwire_server.core.errors import ItemNotFound
from graphwire_server.core.items import Items
from graphwire_server.core.model import JsonObject, Page
from graphwire_server.core.work import Work

_MINUTE = timedelta(minutes=1)
_LONG_NUMBER = re.compile(rb"\d{19}")


class GraphStore(BaseStore):
    """The server's store, for nodes and factories.

    Args:
        items: The store.
    """

    supports_ttl = True

    def __init__(self, items: Items) -> None:
        self._items = items
        keeping = items.keeping
        self.ttl_config = TTLConfig(
            refresh_on_read=keeping.refresh_on_read,
            omit_expired=True,
            default_ttl=None if keeping.ttl is None else keeping.ttl / _MINUTE,
        )

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Does one operation after another, in the caller's thread."""
        results: list[Result] = []
        for op in ops:
            try:
                results.append(_result(self._work(op).result()))
            except ItemNotFound:
                results.append(None)
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Does one operation after another."""
        results: list[Result] = []
        for op in ops:
            try:
                results.append(_result(await self._work(op)))
            except ItemNotFound:
                results.append(None)
        return results

    def _work(self, op: Op) -> Work[Any]:
        validate_op_namespace(op)
        match op:
            case PutOp(value=None):
                return self._items.delete(op.namespace, op.key)
            case PutOp():
                return self._put(op)
            case GetOp():
                return self._items.get(op.namespace, op.key, refresh=op.refresh_ttl)
            case SearchOp():
                page = Page(limit=op.limit, offset=op.offset)
                return self._items.search(
                    op.namespace_prefix, wanted=op.filter, query=op.query or "", page=page, refresh=op.refresh_ttl
                )
            case ListNamespacesOp():
                return self._namespaces(op)

    def _put(self, op: PutOp) -> Work[None]:
        fields = [] if op.index is False else op.index
        ttl = None if op.ttl is None else op.ttl * _MINUTE
        return self._items.put(op.namespace, op.key, _json(op.value), fields=fields, ttl=ttl)

    def _namespaces(self, op: ListNamespacesOp) -> Work[list[core.Namespace]]:
        conditions = op.match_conditions or ()
        paths = {each.match_type: each.path for each in conditions}
        if len(paths) < len(conditions):
            raise ValueError("namespaces are listed by one prefix and one suffix at most")
        return self._items.namespaces(
            prefix=paths.get("prefix", ()),
            suffix=paths.get("suffix", ()),
            max_depth=op.max_depth,
            page=Page(limit=op.limit, offset=op.offset),
        )


def _json(value: Mapping[str, Any] | None) -> JsonObject:
    """The value as JSON has it. Raises TypeError for what JSON cannot say: better than to find null in its place one day."""
    try:
        made: JsonObject = orjson.loads(orjson.dumps(dict(value or {})))
    except TypeError:
        made = json.loads(json.dumps(dict(value or {}), allow_nan=False))  # integers beyond 64 bits
    return made


def _value(text: bytes) -> dict[str, Any]:
    """Orjson makes doubles of integers beyond 64 bits, so text that may have some is read by the standard library."""
    made: dict[str, Any] = json.loads(text) if _LONG_NUMBER.search(text) else orjson.loads(text)
    return made


def _result(found: Any) -> Result:
    if isinstance(found, core.Item):
        return Item(**_parts(found))
    if isinstance(found, list):
        return [SearchItem(**_parts(each), score=each.score) if isinstance(each, core.Item) else each for each in found]
    return None


def _parts(item: core.Item) -> dict[str, Any]:
    return {
        "namespace": item.namespace,
        "key": item.key,
        "value": _value(item.value),
        "created_at": item.created_at,
        "updated_at": item.updated_at,
    }
