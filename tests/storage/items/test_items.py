import json
from datetime import timedelta

import pytest

from graphwire_server.core.errors import InvalidField, ItemNotFound
from graphwire_server.core.items import ItemStore, Keeping
from graphwire_server.core.model import Page
from tests.storage.items.shelf import USERS, Shelf, shelf, value_of

HOUR = timedelta(hours=1)


async def test_an_item_is_read_as_it_was_written(kept: Shelf) -> None:
    value = {"ü": ["a", {"b": None}], "n": 2**70, "f": 0.1, "t": True, "nul": "\0", 'quote"\\': "\n"}

    await kept.items.put(("users", "1"), "k", value)
    item = await kept.items.get(("users", "1"), "k")

    assert (item.namespace, item.key, item.score) == (("users", "1"), "k", None)
    assert item.created_at == item.updated_at
    assert json.loads(item.value) == value


async def test_a_second_write_replaces_the_value_and_keeps_the_time_of_creation(kept: Shelf) -> None:
    await kept.fill(USERS, k={"a": 1, "b": 2})
    first = await kept.items.get(USERS, "k")

    await kept.fill(USERS, k={"a": 3})
    second = await kept.items.get(USERS, "k")

    assert value_of(second) == {"a": 3}
    assert second.created_at == first.created_at
    assert second.updated_at > first.updated_at
    assert await kept.found(wanted={"b": 2}) == []


async def test_what_is_not_there_is_not_found_and_may_be_deleted(kept: Shelf) -> None:
    await kept.fill(USERS, k={})
    await kept.items.delete(USERS, "other")
    await kept.items.delete(USERS, "k")
    await kept.items.delete(USERS, "k")

    with pytest.raises(ItemNotFound, match="there is no item 'k' in 'users'"):
        await kept.items.get(USERS, "k")


async def test_a_prefix_is_made_of_whole_labels(kept: Shelf) -> None:
    for number, namespace in enumerate([("a",), ("a", "b"), ("a-b",), ("a!",), ("ab",), ("A",), ("a", "b", "c")]):
        await kept.items.put(namespace, f"k{number}", {})

    assert await kept.found(("a",)) == ["k6", "k1", "k0"]
    assert await kept.found(("a", "b")) == ["k6", "k1"]
    assert await kept.found(("a", "b", "c", "d")) == []
    assert len(await kept.found()) == 7


async def test_the_last_written_comes_first_and_pages_do_not_overlap(kept: Shelf) -> None:
    await kept.fill(USERS, **{f"k{n}": {"n": n} for n in range(25)})
    await kept.fill(USERS, k3={"n": 3})

    first = await kept.found(USERS, page=Page(limit=10))
    second = await kept.found(USERS, page=Page(limit=10, offset=10))
    third = await kept.found(USERS, page=Page(limit=10, offset=20))

    assert first[:2] == ["k3", "k24"]
    assert len({*first, *second, *third}) == 25
    assert len(third) == 5


async def test_namespaces_are_listed_once_in_order_and_cut_to_a_depth(kept: Shelf) -> None:
    for namespace in [("b", "1", "x"), ("b", "2", "x"), ("a",), ("b", "1", "y"), ("b-c", "x")]:
        await kept.fill(namespace, one={}, two={})
    found = kept.items.namespaces

    assert await found() == [("a",), ("b-c", "x"), ("b", "1", "x"), ("b", "1", "y"), ("b", "2", "x")]
    assert await found(prefix=("b",)) == [("b", "1", "x"), ("b", "1", "y"), ("b", "2", "x")]
    assert await found(prefix=("b",), max_depth=2) == [("b", "1"), ("b", "2")]
    assert await found(max_depth=1, page=Page(limit=2, offset=1)) == [("b",), ("b-c",)]
    assert await found(suffix=("x",)) == [("b-c", "x"), ("b", "1", "x"), ("b", "2", "x")]
    assert await found(prefix=("b", "*", "x")) == [("b", "1", "x"), ("b", "2", "x")]
    assert await found(prefix=("*", "1"), suffix=("*", "y")) == [("b", "1", "y")]
    assert await found(prefix=("c",)) == []


async def test_a_namespace_without_items_is_gone(kept: Shelf) -> None:
    await kept.fill(USERS, k={})
    await kept.items.delete(USERS, "k")

    assert await kept.items.namespaces() == []


async def test_an_item_is_gone_when_its_time_has_passed_whoever_asks(kept: Shelf) -> None:
    await kept.items.put(USERS, "short", {"text": "a"}, ttl=HOUR)
    await kept.items.put(USERS, "long", {"text": "a"})

    kept.clock.forward(HOUR)

    with pytest.raises(ItemNotFound):
        await kept.items.get(USERS, "short")
    assert await kept.found(USERS) == ["long"]
    assert await kept.found(wanted={"text": "a"}) == ["long"]
    assert await kept.found(query="a") == ["long"]
    await kept.items.delete(USERS, "long")
    assert await kept.items.namespaces() == []


async def test_a_read_begins_the_time_anew_unless_it_says_otherwise(kept: Shelf) -> None:
    for key in ("got", "searched", "left"):
        await kept.items.put((key,), "k", {}, ttl=HOUR)
    kept.clock.forward(HOUR * 0.75)
    await kept.items.get(("got",), "k")
    await kept.items.search(("searched",))
    await kept.items.get(("left",), "k", refresh=False)
    await kept.items.search(("left",), refresh=False)

    kept.clock.forward(HOUR * 0.75)

    assert await kept.items.namespaces() == [("got",), ("searched",)]


async def test_langgraph_json_says_how_long_items_are_kept_and_whether_reads_count(store: ItemStore) -> None:
    kept = shelf(store, Keeping(ttl=HOUR, refresh_on_read=False))
    await kept.items.put(USERS, "said nothing", {})
    await kept.items.put(USERS, "for good", {}, ttl=None)
    await kept.items.put(USERS, "refreshed", {}, ttl=HOUR)
    kept.clock.forward(HOUR * 0.75)
    await kept.items.get(USERS, "said nothing")
    await kept.items.get(USERS, "refreshed", refresh=True)

    kept.clock.forward(HOUR * 0.75)

    assert await kept.found(USERS) == ["refreshed", "for good"]


async def test_a_write_over_what_has_expired_is_a_new_item(kept: Shelf) -> None:
    await kept.items.put(USERS, "k", {}, ttl=HOUR)
    kept.clock.forward(HOUR)

    await kept.items.put(USERS, "k", {})
    item = await kept.items.get(USERS, "k")

    assert item.created_at == item.updated_at


async def test_what_has_expired_is_removed_when_it_is_due_and_not_more_often_than_said(store: ItemStore) -> None:
    kept = shelf(store, Keeping(sweep_interval=timedelta(minutes=10)))
    for hours in (1, 3):
        await kept.items.put(USERS, f"k{hours}", {"a": hours}, ttl=HOUR * hours)
    assert [round((at - kept.clock.now) / HOUR) for at in kept.expected] == [1, 3]
    kept.clock.forward(HOUR)

    due = await kept.items.expire(kept.clock())

    assert due is not None
    assert round((due - kept.clock.now) / HOUR) == 2
    await kept.items.put(USERS, "soon", {}, ttl=timedelta(minutes=1))
    assert kept.expected[-1] - kept.clock.now > timedelta(minutes=9)
    kept.clock.forward(HOUR * 3)
    assert await kept.items.expire(kept.clock()) is None


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("namespace", ((), "k", {})),
        ("namespace", (("langgraph", "x"), "k", {})),
        ("namespace[1]", (("a", ""), "k", {})),
        ("namespace[0]", (("a.b",), "k", {})),
        ("namespace[0]", (("a\0",), "k", {})),
        ("namespace[0]", (("\ud800",), "k", {})),
        ("namespace[0]", (("x" * 1025,), "k", {})),
        ("namespace", (("x",) * 65, "k", {})),
        ("key", (USERS, "", {})),
        ("key", (USERS, "x" * 4097, {})),
        ("key", (USERS, "\0", {})),
        ("value", (USERS, "k", [])),
    ],
)
async def test_what_cannot_be_kept_is_refused_by_name(kept: Shelf, field: str, arguments: tuple) -> None:  # type: ignore[type-arg]  # wrong on purpose
    with pytest.raises(InvalidField) as caught:
        await kept.items.put(*arguments)

    assert caught.value.field == field
    assert await kept.found() == []


async def test_a_time_that_nothing_can_be_kept_for_is_refused(kept: Shelf) -> None:
    for ttl in (timedelta(0), -HOUR, timedelta(days=40_000)):
        with pytest.raises(InvalidField, match="ttl: must be more than 0"):
            await kept.items.put(USERS, "k", {}, ttl=ttl)
