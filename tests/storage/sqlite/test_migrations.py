import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from graphwire_server.core.model import Outcome, RunStatus, ThreadStatus
from graphwire_server.storage.sqlite.database import DATABASE_FILE, Database
from graphwire_server.storage.sqlite.directory import DataDirUnusable
from graphwire_server.storage.sqlite.migrations import MIGRATIONS, prepare, version
from graphwire_server.storage.sqlite.store import SqliteStore
from tests.storage.suite.samples import at, run, thread

OURS = Path(__file__).parent / "schema.sql"


def schema(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        assert version(connection) == len(MIGRATIONS)
        statements = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
        return [" ".join(sql.split()) for (sql,) in statements]


@pytest.mark.parametrize("steps", range(len(MIGRATIONS) + 1))
def test_a_migrated_schema_equals_a_fresh_one(tmp_path: Path, steps: int) -> None:
    old, fresh = tmp_path / "old.sqlite", tmp_path / "fresh.sqlite"
    prepare(tmp_path, fresh)
    prepare(tmp_path, old, MIGRATIONS[:steps])
    prepare(tmp_path, old)
    assert schema(old) == schema(fresh)
    prepare(tmp_path, old)
    assert schema(old) == schema(fresh)


def test_the_schema_is_the_one_that_stands_in_schema_sql(tmp_path: Path) -> None:
    prepare(tmp_path, tmp_path / DATABASE_FILE)
    written = [" ".join(sql.split()) for sql in OURS.read_text().split(";")]
    # The library's tables are its own to change.
    ours = [
        sql for sql in schema(tmp_path / DATABASE_FILE) if "TABLE checkpoints" not in sql and "TABLE writes" not in sql
    ]
    assert ours == [sql for sql in written if sql]


def test_a_step_that_fails_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / DATABASE_FILE
    prepare(tmp_path, path)
    broken = (*MIGRATIONS, ("broken", ("CREATE TABLE half (x)", "CREATE NONSENSE")))
    with pytest.raises(DataDirUnusable):
        prepare(tmp_path, path, broken)
    assert not any("half" in sql for sql in schema(path))


FIRST_VERSION = """
INSERT INTO threads (thread_id, created_at, updated_at, status, metadata, interrupts, last_seq, reserved_seq)
VALUES ('t1', 1740830400123457, 1740830400123457, 'busy', '{}', '[]', 4, 104);
INSERT INTO runs (run_id, thread_id, assistant_id, graph_id, status, created_at, updated_at, spec, attempt, outcome, first_seq, last_seq)
VALUES
    ('ended', 't1', 'a', 'joke', 'success', 1740830400123457, 1740830400123457, '{"assistant": "joke", "thread_id": "t1"}', 1, '{"status": "success"}', 1, 4),
    ('running', 't1', 'a', 'joke', 'running', 1740830400123457, 1740830400123457, '{"assistant": "joke", "thread_id": "t1"}', 1, NULL, 5, 0),
    ('waiting', 't1', 'a', 'joke', 'pending', 1740830400123457, 1740830400123457, '{"assistant": "joke", "thread_id": "t1"}', 1, NULL, 0, 0);
"""


async def test_what_the_first_version_wrote_can_be_read(tmp_path: Path) -> None:
    prepare(tmp_path, tmp_path / DATABASE_FILE, MIGRATIONS[:1])
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection:
        connection.executescript(FIRST_VERSION)

    async with Database.open(tmp_path) as database:
        store = SqliteStore(database)
        found = [await store.get_run(run_id) for run_id in ("ended", "running", "waiting")]
        unfinished = await store.unfinished_runs()
        the_thread = await store.get_thread("t1")

    waiting = run("waiting", "t1", assistant_id="a", status=RunStatus.PENDING)
    running = replace(waiting, run_id="running", status=RunStatus.RUNNING, first_seq=5, started_at=at(0))
    success = Outcome(status=RunStatus.SUCCESS)
    ended = replace(running, run_id="ended", status=RunStatus.SUCCESS, outcome=success, first_seq=1, last_seq=4)
    assert found == [ended, running, waiting]
    assert unfinished == [running, waiting]
    assert the_thread == thread("t1", status=ThreadStatus.BUSY, last_seq=4, reserved_seq=104)


async def test_the_runs_of_the_first_version_go_on(tmp_path: Path) -> None:
    prepare(tmp_path, tmp_path / DATABASE_FILE, MIGRATIONS[:1])
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection:
        connection.executescript(FIRST_VERSION)

    async with Database.open(tmp_path) as database:
        store = SqliteStore(database)
        running, _ = await store.unfinished_runs()
        await store.release_run(running, 104, lost=True, now=at(1))
        again = await store.start_next("t1", seq_block=100, now=at(2))

    assert again is not None
    assert (again.run_id, again.attempt, again.losses, again.first_seq) == ("running", 2, 1, 105)
