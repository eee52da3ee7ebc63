"""The store as graphs know it: LangGraph's operations, one after another."""

from datetime import timedelta
from typing import Any

import pytest
from langgraph.store.base import GetOp, InvalidNamespaceError, ListNamespacesOp, MatchCondition, PutOp, SearchOp

from graphwire_server.core.errors import InvalidField
from graphwire_server.core.items import Items, Keeping
from graphwire_server.engine.memory import GraphStore
from graphwire_server.storage.memory.items import MemoryItems
from tests.unit.core.fakes import Clock

A = ("users", "a")


def store(**keeping: Any) -> tuple[GraphStore, Items]:
    items = Items(MemoryItems(), Clock(), Keeping(**keeping))
    return GraphStore(items), items


async def test_both_kinds_of_calls_mean_the_same_items() -> None:
    graph, items = store()

    graph.put(A, "k", {"n": 2**70})
    item = await graph.aget(A, "k")
    await graph.aput(A, "l", {"n": 1})
    found = graph.search(("users",), filter={"n": {"$gt": 1}})
    graph.delete(A, "l")

    assert item is not None
    assert (item.value, item.namespace, item.key) == ({"n": 2**70}, A, "k")
    assert [(each.key, each.score) for each in found] == [("k", None)]
    assert graph.get(A, "l") is await graph.aget(A, "nothing") is None
    assert (await items.get(A, "k")).value == b'{"n":%d}' % 2**70


def test_operations_of_one_batch_see_those_before_them() -> None:
    graph, _ = store()
    conditions = (MatchCondition("prefix", ("users", "*")), MatchCondition("suffix", ("a",)))

    results = graph.batch(
        [
            PutOp(A, "k", {"n": 1}),
            GetOp(A, "k"),
            PutOp(A, "k", None),
            GetOp(A, "k"),
            PutOp(A, "l", {}),
            SearchOp((), limit=5),
            ListNamespacesOp(conditions, max_depth=1),
        ]
    )

    written, read, deleted, gone, _, found, names = results
    assert written is deleted is gone is None
    assert getattr(read, "value", None) == {"n": 1}
    assert [each.key for each in found] == ["l"]  # type: ignore[union-attr]  # a list of items
    assert names == [("users",)]


async def test_times_to_live_are_minutes_and_the_servers_by_default() -> None:
    graph, items = store(ttl=timedelta(minutes=10))
    clock: Any = items._clock
    await graph.aput(A, "default", {})
    await graph.aput(A, "short", {}, ttl=1)
    await graph.aput(A, "kept", {}, ttl=None)

    clock.now += timedelta(minutes=5)
    after_five = {item.key for item in await graph.asearch((), refresh_ttl=False)}
    clock.now += timedelta(minutes=6)
    after_eleven = {item.key for item in await graph.asearch(())}

    assert (after_five, after_eleven) == ({"default", "kept"}, {"kept"})


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((("a.b",), "k", {}), InvalidNamespaceError),
        ((("langgraph",), "k", {}), InvalidNamespaceError),
        (((), "k", {}), InvalidNamespaceError),
        ((A, "", {}), InvalidField),
        ((A, "k", {"x": object()}), TypeError),
        ((A, "k", {"x": {1, 2}}), TypeError),
    ],
)
def test_what_cannot_be_kept_is_refused(arguments: Any, error: type[Exception]) -> None:
    graph, _ = store()

    with pytest.raises(error):
        graph.put(*arguments)


def test_two_prefixes_cannot_be_said_at_once() -> None:
    graph, _ = store()
    both = (MatchCondition("prefix", ("a",)), MatchCondition("prefix", ("b",)))

    with pytest.raises(ValueError, match="one prefix and one suffix"):
        graph.batch([ListNamespacesOp(both)])
