"""Threads by what they have in common."""

from typing import Any

import pytest

from graphwire_server.core.model import Page, ThreadQuery, ThreadSort, ThreadStatus
from tests.storage.suite.engine import Engine
from tests.storage.suite.samples import at, thread, with_metadata

ALL = Page(limit=100)
METADATA: dict[str, dict[str, Any]] = {
    "nested": {"a": {"b": {"c": 1, "d": 2}}, "x": 1},
    "list": {"a": [1, {"b": 2}], "x": 1.0},
    "null": {"a": None},
    "truth": {"x": True, "zero": 0},
    "keys": {"a.b": 1, 'say "hi"': 2, "it's": 3, "": 4, "$": 5},
    "text": {"x": "1", "big": 2**70, "near": 2**53 + 1},
    "empty": {"a": {}},
}


class SearchCases:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, set(METADATA)),
            ({"a": {"b": {"c": 1}}}, {"nested"}),
            ({"a": {"b": {"c": 1, "d": 3}}}, set()),
            ({"a": {}}, {"nested", "empty"}),
            ({"a": [1, {"b": 2}]}, {"list"}),
            ({"a": [1]}, set()),
            ({"a": None}, {"null"}),
            ({"b": None}, set()),
            ({"x": 1}, {"nested", "list"}),
            ({"x": True}, {"truth"}),
            ({"zero": False}, set()),
            ({"x": "1"}, {"text"}),
            ({"a.b": 1}, {"keys"}),
            ({'say "hi"': 2, "it's": 3, "": 4, "$": 5}, {"keys"}),
            ({"big": 2**70}, {"text"}),
            ({"big": 2**70 + 1}, set()),
            ({"near": 2**53}, set()),
        ],
    )
    async def test_metadata_is_searched_by_containment(
        self, engine: Engine, query: dict[str, Any], found: set[str]
    ) -> None:
        for thread_id, metadata in METADATA.items():
            await engine.store.create_thread(thread(thread_id, metadata=metadata))
        threads = await engine.store.search_threads(with_metadata(query), ALL, ThreadSort.CREATED_AT, ascending=True)
        assert {each.thread_id for each in threads} == found
        assert await engine.store.count_threads(with_metadata(query)) == len(found)

    async def test_all_parts_of_a_query_hold(self, engine: Engine) -> None:
        for number in range(4):
            status = ThreadStatus.IDLE if number % 2 else ThreadStatus.ERROR
            await engine.store.create_thread(thread(f"t{number}", status=status, metadata={"n": number}))
        idle = ThreadQuery(status=ThreadStatus.IDLE)
        assert await engine.store.count_threads(idle) == 2
        both = ThreadQuery(status=ThreadStatus.IDLE, thread_ids=("t0", "t1", "nobody"))
        found = await engine.store.search_threads(both, ALL, ThreadSort.THREAD_ID, ascending=True)
        assert [each.thread_id for each in found] == ["t1"]
        all_three = ThreadQuery(status=ThreadStatus.IDLE, thread_ids=("t1", "t3"), metadata={"n": 3})
        assert await engine.store.count_threads(all_three) == 1

    @pytest.mark.parametrize(
        ("sort", "ascending"),
        [
            (ThreadSort.CREATED_AT, "abcd"),
            (ThreadSort.UPDATED_AT, "dcab"),
            (ThreadSort.THREAD_ID, "abcd"),
            (ThreadSort.STATUS, "cadb"),
            (ThreadSort.STATE_UPDATED_AT, "acdb"),
        ],
    )
    async def test_order_and_pages(self, engine: Engine, sort: ThreadSort, ascending: str) -> None:
        for thread_id, updated, status in (
            ("b", 7, "interrupted"),
            ("a", 7, "error"),
            ("d", 1, "idle"),
            ("c", 2, "busy"),
        ):
            created = {"a": 0, "b": 1, "c": 2, "d": 2}[thread_id]
            left = at(3) if thread_id == "b" else None  # of the others, the time of creation counts
            await engine.store.create_thread(
                thread(
                    thread_id,
                    second=created,
                    updated_at=at(updated),
                    status=ThreadStatus(status),
                    state_updated_at=left,
                )
            )
        query = ThreadQuery()
        up = await engine.store.search_threads(query, ALL, sort, ascending=True)
        down = await engine.store.search_threads(query, ALL, sort, ascending=False)
        assert "".join(each.thread_id for each in up) == ascending
        assert down == up[::-1]
        page = await engine.store.search_threads(query, Page(offset=1, limit=2), sort, ascending=True)
        assert page == up[1:3]
