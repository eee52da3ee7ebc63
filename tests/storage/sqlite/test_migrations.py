import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from graphwire_server.storage.sqlite.database import DATABASE_FILE
from graphwire_server.storage.sqlite.directory import DataDirUnusable
from graphwire_server.storage.sqlite.migrations import MIGRATIONS, prepare, version

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
