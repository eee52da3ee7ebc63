"""What only this engine has to show for an undone run: what it costs, and what it leaves in the tables."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from langgraph.types import Command

from graphwire_server.engine.request import graph_config
from graphwire_server.storage.sqlite.database import Database
from tests.storage.sqlite.engines import engine_of
from tests.storage.suite.checkpoints import config, put
from tests.storage.suite.graphs import two_steps
from tests.storage.suite.life import admit, finish
from tests.storage.suite.samples import run, success
from tests.storage.suite.undo import asking, begun, bound, everything, whole_run

MANY = 10_000
FILL_CHECKPOINTS = """
INSERT INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, type, checkpoint, metadata)
SELECT 't1', ns.value, printf('%08d', n.value), 'msgpack', zeroblob(1000), '{"run_id": "another"}'
FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ?) SELECT value FROM n) AS n,
    json_each('["", "sub:1", "sub:1|deep:2"]') AS ns
"""


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database.open(tmp_path) as database:
        yield database


def rows(database: Database, table: str) -> int:
    return int(database.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608  our own tables


async def test_what_earlier_runs_have_left_costs_nothing(database: Database) -> None:
    engine = engine_of(database)
    await whole_run(engine, 1, two_steps, {"steps": ["x"]})
    await database.write(lambda connection: connection.execute(FILL_CHECKPOINTS, (MANY // 3,)).rowcount)
    before = rows(database, "checkpoints")
    value = await begun(engine, 2)
    await two_steps(bound(engine, value)).ainvoke({"steps": ["x"]}, graph_config(value))
    steps: list[int] = []
    database.connection.set_progress_handler(lambda: steps.append(100), 100)

    await engine.store.undo_run(value)

    database.connection.set_progress_handler(None, 0)
    assert rows(database, "checkpoints") == before > MANY - 3
    assert sum(steps) < 3000, "steps of SQLite's machine; a look at each checkpoint would be ten thousands"


async def test_an_undone_run_leaves_no_row(database: Database) -> None:
    engine = engine_of(database)
    await whole_run(engine, 1, asking, {"steps": ["start"]})
    before = [rows(database, table) for table in ("checkpoints", "writes")]
    value = await begun(engine, 2)
    await asking(bound(engine, value)).ainvoke(Command(resume="yes"), graph_config(value))
    assert [rows(database, table) for table in ("checkpoints", "writes")] != before

    await engine.store.undo_run(value)

    assert [rows(database, table) for table in ("checkpoints", "writes")] == before


async def test_writes_on_a_runs_own_checkpoints_are_not_preserved(database: Database) -> None:
    engine = engine_of(database)
    value = await begun(engine, 1)
    mine = bound(engine, value)
    stored = await put(mine, config(), 1)
    ran: list[str] = []
    database.connection.set_trace_callback(ran.append)

    await mine.saver.aput_writes(stored, [("x", 1)], "task")

    database.connection.set_trace_callback(None)
    assert rows(database, "preserved_writes") == 0
    assert len(ran) == 6, "BEGIN, SAVEPOINT, the check, the write, RELEASE, COMMIT"


async def test_writes_on_a_checkpoint_of_another_run_are_preserved_once(database: Database) -> None:
    engine = engine_of(database)
    await whole_run(engine, 1, asking, {"steps": ["start"]})
    preserved = rows(database, "writes")
    value = await begun(engine, 2)

    await asking(bound(engine, value)).ainvoke(Command(resume="yes"), graph_config(value))

    standing = database.connection.execute("SELECT DISTINCT checkpoint_id FROM preserved_writes").fetchall()
    assert len(standing) == 1
    assert 1 < rows(database, "preserved_writes") <= 1 + preserved


async def test_an_ended_run_leaves_nothing_preserved(database: Database) -> None:
    engine = engine_of(database)
    await whole_run(engine, 1, asking, {"steps": ["start"]})

    await whole_run(engine, 2, asking, Command(resume="yes"))

    assert rows(database, "preserved_writes") == 0


async def test_what_is_preserved_is_there_after_the_process_has_died(tmp_path: Path) -> None:
    async with Database.open(tmp_path) as database:
        engine = engine_of(database)
        await whole_run(engine, 1, asking, {"steps": ["start"]})
        before = await everything(engine)
        value = await begun(engine, 2)
        await asking(bound(engine, value)).ainvoke(Command(resume="yes"), graph_config(value))
    async with Database.open(tmp_path) as database:
        engine = engine_of(database)
        (found,) = await engine.store.unfinished_runs()

        await engine.store.undo_run(found)

        assert await everything(engine) == before


async def test_stateless_rows_touch_no_checkpoint(database: Database) -> None:
    engine = engine_of(database)
    await put(engine, config(), 1)
    stateless = type(engine.store)(database, stateless=True)  # type: ignore[call-arg]  # it is the embedded engine's
    value = await admit(stateless, run(str(UUID(int=1)), "t1"))

    await stateless.undo_run(value)
    await finish(stateless, value, success(), 4, leaves_nothing=True)

    assert rows(database, "checkpoints") == 1
    assert rows(database, "stateless_threads") == 0
