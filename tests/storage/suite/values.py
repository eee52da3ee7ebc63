"""Threads by the values of their latest states."""

from typing import Any, TypedDict

import pytest
from langgraph.graph import START, StateGraph

from graphwire_server.core.model import Page, RunStatus, ThreadQuery, ThreadSort, ThreadStatus
from graphwire_server.engine.request import graph_config
from tests.storage.suite.engine import Engine
from tests.storage.suite.graphs import on
from tests.storage.suite.life import finish
from tests.storage.suite.samples import success, thread
from tests.storage.suite.undo import begun, bound

ALL = Page(limit=100)
VALUES: dict[str, dict[str, Any]] = {
    "ice": {"topic": "ice", "n": 1, "deep": {"a": {"b": 1}, "c": [1, 2]}},
    "fire": {"topic": "fire", "n": 2.0, "flag": True, "deep": {}},
    "odd": {"topic": 'say "ice"\\n', "n": None, "deep": {"a": "ü", "": 0}},
    "long": {"topic": "x" * 100_000, "n": 1},
}


class Given(TypedDict, total=False):
    topic: str
    n: Any
    flag: bool
    deep: dict[str, Any]


def graph(engine: Engine) -> Any:
    return StateGraph(Given).add_node("only", lambda _: {}).add_edge(START, "only").compile(checkpointer=engine.saver)


async def leave(engine: Engine, thread_id: str, values: dict[str, Any]) -> None:
    """What a run leaves."""
    await graph(engine).ainvoke(values, on(thread_id))


async def found(engine: Engine, values: dict[str, Any], **query: Any) -> set[str]:
    asked = ThreadQuery(values=values, **query)
    threads = await engine.store.search_threads(asked, ALL, ThreadSort.THREAD_ID, ascending=True)
    assert await engine.store.count_threads(asked) == len(threads)
    return {each.thread_id for each in threads}


class ValueCases:
    @pytest.mark.parametrize(
        ("values", "ids"),
        [
            ({"topic": "ice"}, {"ice"}),
            ({"topic": 'say "ice"\\n'}, {"odd"}),
            ({"topic": "x" * 100_000}, {"long"}),
            ({"n": 1}, {"ice", "long"}),
            ({"n": 2}, {"fire"}),
            ({"n": None}, {"odd"}),
            ({"flag": True}, {"fire"}),
            ({"flag": 1}, set()),
            ({"deep": {"a": {"b": 1}}}, {"ice"}),
            ({"deep": {}}, {"ice", "fire", "odd"}),
            ({"deep": {"c": [1, 2]}}, {"ice"}),
            ({"deep": {"c": [1]}}, set()),
            ({"deep": {"a": "ü", "": 0}}, {"odd"}),
            ({"topic": "ice", "n": 2}, set()),
            ({"topic": "nothing"}, set()),
            ({"__start__": {}}, set()),
        ],
    )
    async def test_values_are_searched_by_containment(
        self, engine: Engine, values: dict[str, Any], ids: set[str]
    ) -> None:
        await engine.store.create_thread(thread("empty"))
        for thread_id, left in VALUES.items():
            await engine.store.create_thread(thread(thread_id))
            await leave(engine, thread_id, left)
        assert await found(engine, values) == ids
        assert await found(engine, values) == ids

    async def test_the_latest_state_counts_whatever_made_it(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("t1"))
        await leave(engine, "t1", {"topic": "ice"})
        assert await found(engine, {"topic": "ice"}) == {"t1"}
        await leave(engine, "t1", {"topic": "fire"})
        assert await found(engine, {"topic": "ice"}) == set()
        await graph(engine).aupdate_state(on("t1"), {"topic": "edited"})
        assert await found(engine, {"topic": "edited"}) == {"t1"}
        await engine.store.copy_thread("t1", "t2", thread("t1").created_at)
        assert await found(engine, {"topic": "edited"}) == {"t1", "t2"}
        await engine.store.delete_thread("t1")
        assert await found(engine, {"topic": "edited"}) == {"t2"}

    async def test_what_was_undone_is_not_found(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("t1"))
        await leave(engine, "t1", {"topic": "ice"})
        value = await begun(engine, 1)
        assert value.status is RunStatus.RUNNING
        await graph(bound(engine, value)).ainvoke({"topic": "fire"}, graph_config(value))
        assert await found(engine, {"topic": "fire"}) == {"t1"}
        await engine.store.undo_run(value)
        assert await found(engine, {"topic": "fire"}) == set()
        assert await found(engine, {"topic": "ice"}) == {"t1"}
        await finish(engine.store, value, success(), 4)

    async def test_all_parts_of_a_query_hold(self, engine: Engine) -> None:
        for thread_id in ("a", "b", "c"):
            status = ThreadStatus.ERROR if thread_id == "c" else ThreadStatus.IDLE
            await engine.store.create_thread(thread(thread_id, metadata={"even": thread_id == "b"}, status=status))
            await leave(engine, thread_id, {"topic": "ice"})
        ice = {"topic": "ice"}
        assert await found(engine, ice, thread_ids=("a", "c")) == {"a", "c"}
        assert await found(engine, ice, metadata={"even": True}) == {"b"}
        assert await found(engine, ice, status=ThreadStatus.IDLE) == {"a", "b"}

    async def test_more_states_than_are_read_at_a_time(self, engine: Engine) -> None:
        for number in range(230):
            await engine.store.create_thread(thread(f"t{number:03}"))
            await leave(engine, f"t{number:03}", {"topic": "even" if number % 2 else "odd", "n": number})
        query = ThreadQuery(values={"topic": "odd"})
        page = await engine.store.search_threads(query, Page(offset=1, limit=2), ThreadSort.THREAD_ID, ascending=True)
        assert [each.thread_id for each in page] == ["t002", "t004"]
        assert await engine.store.count_threads(query) == 115
