"""The file: brought up to date from any version, refused from a newer one, and whole after a kill."""

from pathlib import Path

import apsw
import pytest

from graphwire_server.storage.sqlite.directory import DatabaseTooNew, DataDirUnusable
from graphwire_server.storage.sqlite.items import schema
from graphwire_server.storage.sqlite.items.store import SqliteItems
from tests.storage.items.shelf import USERS, shelf


async def test_a_file_is_opened_again_with_all_that_it_has(tmp_path: Path) -> None:
    for n in range(2):
        with SqliteItems.open(tmp_path) as store:
            await shelf(store).items.put(USERS, f"k{n}", {"n": 1})

    with SqliteItems.open(tmp_path) as store:
        kept = shelf(store)
        assert set(await kept.found(wanted={"n": 1})) == {"k0", "k1"}
        assert await kept.items.namespaces() == [USERS]


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / schema.FILE))
    connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(DatabaseTooNew), SqliteItems.open(tmp_path):
        pass


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / schema.FILE).write_text("not a database, and longer than a header would be" * 20)

    with pytest.raises(DataDirUnusable), SqliteItems.open(tmp_path):
        pass


def test_a_commit_waits_for_no_disk(tmp_path: Path) -> None:
    connection = schema.connect(schema.prepare(tmp_path))

    assert [next(connection.execute(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous")] == [("wal",), (1,)]
    connection.close()


def test_the_fields_of_an_item_are_found_by_the_item(tmp_path: Path) -> None:
    """A trigger's old.id is an integer to SQLite; were the column of no type, the index could not be used, and a put would look at all fields."""
    connection = schema.connect(schema.prepare(tmp_path))

    plan = connection.execute("EXPLAIN QUERY PLAN DELETE FROM fields WHERE item IN (SELECT id FROM items)")

    assert any("fields_by_item" in row[3] or "USING COVERING INDEX" in row[3] for row in plan)
    connection.close()
