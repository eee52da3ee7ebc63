import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from langgraph.graph import START, StateGraph

from graphwire_server.core.errors import StoreUnavailable
from graphwire_server.storage.sqlite.checkpoints import InlineSaver
from graphwire_server.storage.sqlite.database import Database, Settings
from tests.storage.sqlite.engines import engine_of
from tests.storage.sqlite.locked import PATIENT, locked
from tests.storage.suite.checkpoints import config, next_checkpoint, put
from tests.storage.suite.graphs import State, on, two_steps


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database.open(tmp_path, PATIENT) as database:
        yield database


async def test_graphs_that_run_together_commit_together(database: Database) -> None:
    commits: list[str] = []
    graph = two_steps(engine_of(database))
    await graph.ainvoke({"steps": ["alone"]}, on("alone"))
    database.connection.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
    await graph.ainvoke({"steps": ["alone"]}, on("also alone"))
    alone = len(commits)
    commits.clear()
    await asyncio.gather(*(graph.ainvoke({"steps": ["x"]}, on(str(number))) for number in range(16)))
    database.connection.set_trace_callback(None)
    assert len(commits) <= 3 * alone


async def test_a_held_checkpoint_is_stored_as_it_was_when_it_was_put(database: Database, tmp_path: Path) -> None:
    saver = InlineSaver(database)
    value = ["before"]
    checkpoint = next_checkpoint(1, value)
    with locked(tmp_path):
        task = asyncio.ensure_future(saver.aput(config(), checkpoint, {"step": 1}, {}))
        await asyncio.sleep(0)
        value.append("after")
    await task
    found = await saver.aget_tuple(config())
    assert found is not None
    assert found.checkpoint["channel_values"] == {"x": ["before"]}


async def test_a_failed_write_is_ours(database: Database) -> None:
    database.connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreUnavailable) as failed:
        await put(engine_of(database), config(), 1)
    assert isinstance(failed.value.__cause__, sqlite3.OperationalError)
    database.connection.execute("PRAGMA query_only = OFF")
    await put(engine_of(database), config(), 1)


async def test_a_graph_on_another_loop(database: Database) -> None:
    engine = engine_of(database)

    async def there() -> Any:
        graph = two_steps(engine)
        result = await graph.ainvoke({"steps": ["far"]}, on("t1"))
        return result, [each async for each in graph.aget_state_history(on("t1"))]

    result, history = await asyncio.to_thread(asyncio.run, there())
    assert result["steps"] == ["far", "far 1", "far 2"]
    assert len(history) == 4


async def test_a_clone_of_the_saver_keeps_its_database(database: Database) -> None:
    engine = engine_of(database)
    clone = engine.saver.with_allowlist([("tests.storage.sqlite.test_saver", "State")])
    stored = await put(engine, config(), 1, "value")
    found = await clone.aget_tuple(config())
    assert found is not None
    assert found.config == stored
    assert [each.config async for each in clone.alist(config())] == [stored]


async def test_the_history_of_channels_that_store_differences(database: Database) -> None:
    engine = engine_of(database)
    first = await put(engine, config(), 1, "seed")
    await engine.saver.aput_writes(first, [("x", 1)], "task")
    second = await put(engine, first, 2)
    there = await engine.saver.aget_delta_channel_history(config=second, channels=["x"])
    here = engine.saver.get_delta_channel_history(config=second, channels=["x"])
    assert there == here
    assert [*here["x"]["writes"]] == [("task", "x", 1)]


async def test_a_node_that_blocks_the_loop_it_waits_for_is_ended(tmp_path: Path) -> None:
    async with Database.open(tmp_path, Settings(handover=timedelta(milliseconds=50))) as database:
        saver = InlineSaver(database)
        inner = StateGraph(State).add_node("only", lambda _: {"steps": ["inner"]}).add_edge(START, "only")
        subgraph = inner.compile(checkpointer=saver)

        async def blocking(state: State) -> dict[str, list[str]]:
            return {"steps": subgraph.invoke(state, on("inner"))["steps"]}

        graph = StateGraph(State).add_node(blocking).add_edge(START, "blocking").compile(checkpointer=saver)
        with pytest.raises(StoreUnavailable):
            await graph.ainvoke({"steps": ["x"]}, on("outer"))
        assert (await graph.aget_state(on("outer"))).next == ("blocking",)
