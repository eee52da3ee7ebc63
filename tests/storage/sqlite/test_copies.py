"""What only this engine has to show for a copy: that it is made in SQL, with every column, and in one commit."""

import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from graphwire_server.storage.sqlite import checkpoint_rows
from graphwire_server.storage.sqlite.database import Database
from graphwire_server.storage.sqlite.store import SqliteStore
from tests.storage.sqlite.engines import engine_of
from tests.storage.suite.checkpoints import config, put
from tests.storage.suite.samples import at, thread

MANY = 10_000
FILL_CHECKPOINTS = """
INSERT INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata)
SELECT 't1', '', printf('%08d', value), printf('%08d', value - 1), 'msgpack', zeroblob(1000), '{}'
FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ?) SELECT value FROM n)
"""
FILL_WRITES = """
INSERT INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value)
SELECT thread_id, '', checkpoint_id, 'task', 'path', 0, 'x', 'msgpack', zeroblob(100) FROM checkpoints
"""


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database.open(tmp_path) as database:
        yield database


@pytest.mark.parametrize(
    ("table", "copies"), [("checkpoints", checkpoint_rows.COPY_CHECKPOINTS), ("writes", checkpoint_rows.COPY_WRITES)]
)
async def test_no_column_of_the_librarys_tables_is_left_out(database: Database, table: str, copies: str) -> None:
    columns = [row[1] for row in database.connection.execute(f"PRAGMA table_info({table})")]
    into, _, source = copies.partition("SELECT")
    assert ", ".join(columns) in into
    assert ", ".join(columns[1:]) in source


async def test_ten_thousand_checkpoints_are_copied_in_a_few_statements(database: Database) -> None:
    store = SqliteStore(database)
    await store.create_thread(thread("t1"))
    await database.write(lambda connection: connection.execute(FILL_CHECKPOINTS, (MANY,)).rowcount)
    await database.write(lambda connection: connection.execute(FILL_WRITES).rowcount)
    ran: list[str] = []
    database.connection.set_trace_callback(ran.append)
    begun = time.process_time()

    await store.copy_thread("t1", "t2", at(5))

    took = time.process_time() - begun
    database.connection.set_trace_callback(None)
    assert ran[-1] == "COMMIT"
    assert len(ran) < 12
    for table in ("checkpoints", "writes"):
        counted = f"SELECT count(*) FROM {table} WHERE thread_id = 't2'"  # noqa: S608  one of two names
        assert database.connection.execute(counted).fetchone() == (MANY,)
    assert took < 3, "it holds up the loop: some 0.1 s on an idle machine"


async def test_a_copy_that_fails_leaves_neither_row_nor_checkpoints(database: Database) -> None:
    engine = engine_of(database)
    await engine.store.create_thread(thread("t1"))
    stored = await put(engine, config(), 1, "value")
    await engine.saver.aput_writes(stored, [("x", 1)], "task")
    database.connection.execute("CREATE TRIGGER full BEFORE INSERT ON writes BEGIN SELECT RAISE(FAIL, 'full'); END")

    with pytest.raises(sqlite3.IntegrityError, match="full"):
        await engine.store.copy_thread("t1", "t2", at(5))

    assert await engine.store.get_thread("t2") is None
    assert await engine.saver.aget_tuple(config("t2")) is None
