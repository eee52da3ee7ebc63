"""Long threads lose their old checkpoints in parts, each a short transaction."""

import sqlite3
from contextlib import closing
from pathlib import Path

from graphwire_server.storage.sqlite.database import Database
from graphwire_server.storage.sqlite.migrations import prepare
from graphwire_server.storage.sqlite.pruning import ANY, DUE, NEXT, PART_BYTES, PART_ROWS
from tests.storage.sqlite.engines import engine_of
from tests.storage.suite.checkpoints import config, listed, put
from tests.storage.suite.samples import thread


async def test_many_checkpoints_go_in_parts(tmp_path: Path) -> None:
    async with Database.open(tmp_path) as database:
        engine = engine_of(database)
        await engine.store.create_thread(thread("t1"))
        at = config()
        for step in range(PART_ROWS + 2):
            at = await put(engine, at, step)
        parts = [await engine.pruner.trim_thread("t1") for _ in range(2)]
        left = await listed(engine, config())

    assert parts == [True, False]
    assert [each.config for each in left] == [at]


async def test_heavy_checkpoints_go_in_more_parts(tmp_path: Path) -> None:
    async with Database.open(tmp_path) as database:
        engine = engine_of(database)
        await engine.store.create_thread(thread("t1"))
        at = config()
        for step in range(4):
            at = await put(engine, at, step, b"x" * PART_BYTES)
        await engine.saver.aput_writes(at, [("x", 1)], "task")
        parts = [await engine.pruner.trim_thread("t1") for _ in range(3)]
        (left,) = await listed(engine, config())

    assert parts == [True, True, False]
    assert (left.config, left.parent_config) == (at, None)
    assert left.pending_writes == [("task", "x", 1)]


async def test_small_namespaces_share_a_part(tmp_path: Path) -> None:
    async with Database.open(tmp_path) as database:
        engine = engine_of(database)
        await engine.store.create_thread(thread("t1"))
        for number in range(20):
            await put(engine, await put(engine, config(ns=f"sub {number}"), 1), 2)
        more = await engine.pruner.trim_thread("t1")
        left = await listed(engine, {"configurable": {"thread_id": "t1"}})

    assert (more, len(left)) == (False, 20)


def test_what_is_due_is_found_by_the_index(tmp_path: Path) -> None:
    prepare(tmp_path, tmp_path / "database")
    with closing(sqlite3.connect(tmp_path / "database")) as connection:
        for statement, parameters in ((ANY, ()), (NEXT, ()), (DUE, (1, 1))):
            plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            assert all("threads_expiring" in row[-1] for row in plan), plan
