import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from graphwire_server.core.errors import StoreUnavailable, ThreadNotFound
from graphwire_server.core.model import Page, ThreadQuery, ThreadSort
from graphwire_server.storage.sqlite.checkpoints import InlineSaver
from graphwire_server.storage.sqlite.database import DATABASE_FILE, Database
from graphwire_server.storage.sqlite.directory import DatabaseTooNew, DataDirLocked, DataDirUnusable
from graphwire_server.storage.sqlite.store import SqliteStore
from tests.storage.sqlite.engines import engine_of
from tests.storage.sqlite.locked import IMPATIENT, PATIENT, locked, other_program
from tests.storage.suite.checkpoints import config, put
from tests.storage.suite.life import admit
from tests.storage.suite.samples import run, thread


async def test_what_was_written_is_there_after_reopening(tmp_path: Path) -> None:
    async with Database.open(tmp_path) as database:
        engine = engine_of(database)
        admitted = await admit(engine.store, run("r1", "t1"))
        before = await engine.store.get_thread("t1")
        stored = await put(engine, config(), 1, {"kept": True})
    async with Database.open(tmp_path) as database:
        assert await SqliteStore(database).get_thread("t1") == before
        assert await SqliteStore(database).unfinished_runs() == [admitted]
        found = await InlineSaver(database).aget_tuple(config())
    assert found is not None
    assert found.config == stored
    assert found.checkpoint["channel_values"] == {"x": {"kept": True}}


async def test_the_log_is_empty_after_the_end(tmp_path: Path) -> None:
    async with Database.open(tmp_path / "made" / "here") as database:
        await SqliteStore(database).create_thread(thread("t1"))
    assert sorted(os.listdir(tmp_path / "made" / "here")) == [DATABASE_FILE, "lock"]


async def test_a_directory_has_one_server(tmp_path: Path) -> None:
    async with Database.open(tmp_path):
        with pytest.raises(DataDirLocked) as refused:
            async with Database.open(tmp_path):
                pass
    assert str(tmp_path) in str(refused.value)
    assert refused.value.pid == str(os.getpid())
    assert "\n" not in str(refused.value)
    async with Database.open(tmp_path):
        pass


async def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a directory")
    with pytest.raises(DataDirUnusable, match=r"data directory .*file/data cannot be used: Not a directory"):
        async with Database.open(file / "data"):
            pass


async def test_a_file_that_is_not_a_database(tmp_path: Path) -> None:
    (tmp_path / DATABASE_FILE).write_text("a letter to a friend, long enough to be read as a header" * 20)
    with pytest.raises(DataDirUnusable, match="file is not a database"):
        async with Database.open(tmp_path):
            pass


async def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection:
        connection.execute("PRAGMA user_version = 999")
    with pytest.raises(DatabaseTooNew, match="schema 999"):
        async with Database.open(tmp_path):
            pass


async def test_a_locked_database_is_waited_for(tmp_path: Path) -> None:
    async with Database.open(tmp_path, PATIENT) as database:
        store = SqliteStore(database)
        with locked(tmp_path):
            create = asyncio.ensure_future(store.create_thread(thread("t1")))
            search = asyncio.ensure_future(
                store.search_threads(ThreadQuery(), Page(), ThreadSort.CREATED_AT, ascending=True)
            )
            await asyncio.sleep(0.02)
            assert not create.done()
            assert await store.get_thread("t1") is None
        await create
        assert [each.thread_id for each in await search] == ["t1"]


async def test_a_database_that_stays_locked_is_unavailable(tmp_path: Path) -> None:
    async with Database.open(tmp_path, IMPATIENT) as database:
        engine = engine_of(database)
        store = engine.store
        with locked(tmp_path):
            results = await asyncio.gather(
                store.create_thread(thread("t1")), put(engine, config(), 1), return_exceptions=True
            )
            assert [type(result) for result in results] == [StoreUnavailable] * 2
        await store.create_thread(thread("t1"))
        assert await store.get_thread("t1") is not None
        assert engine.last.last_checkpoint_id("t1") is None


async def test_a_full_disk_is_unavailable_until_there_is_room(tmp_path: Path) -> None:
    async with Database.open(tmp_path) as database:
        engine = engine_of(database)
        store, saver = engine.store, engine.saver
        await store.create_thread(thread("t1"))
        pages = database.connection.execute("PRAGMA page_count").fetchone()[0]
        database.connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreUnavailable) as full:
            await put(engine, config(), 1, "x" * 100_000)
        assert "full" in str(full.value.__cause__)
        with pytest.raises(StoreUnavailable):
            await store.create_thread(thread("t2", metadata={"long": "x" * 100_000}))
        database.connection.execute("PRAGMA max_page_count = 1000000")
        await put(engine, config(), 2, "x" * 100_000)
        await store.create_thread(thread("t2", metadata={"long": "x" * 100_000}))
        found = await saver.aget_tuple(config())
    assert found is not None
    assert found.metadata["step"] == 2


async def test_deleting_is_one_transaction_with_the_checkpoints(tmp_path: Path) -> None:
    async with Database.open(tmp_path) as database:
        engine = engine_of(database)
        store, saver = engine.store, engine.saver
        stored = await put(engine, config(), 1)
        await saver.aput_writes(stored, [("x", 1)], "task")
        with pytest.raises(ThreadNotFound):
            await store.delete_thread("t1")
        assert engine.last.last_checkpoint_id("t1") is not None
        await store.create_thread(thread("t1"))
        commits: list[str] = []
        database.connection.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
        await store.delete_thread("t1")
        database.connection.set_trace_callback(None)
        assert len(commits) == 1
        with other_program(tmp_path) as connection:
            for table in ("threads", "checkpoints", "writes"):
                assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # noqa: S608 - constants
