"""How kept events lie in the table."""

from collections.abc import AsyncIterator
from pathlib import Path

import ormsgpack
import pytest

from graphwire_server.storage.batches import VERSION
from graphwire_server.storage.sqlite.database import Database
from graphwire_server.storage.sqlite.kept import EXPIRE_BYTES, ROW_BYTES, ROW_EVENTS
from graphwire_server.storage.sqlite.store import SqliteStore
from tests.storage.suite.kept import resumable
from tests.storage.suite.life import admit, ending
from tests.storage.suite.samples import at, event, events, numbers


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database.open(tmp_path) as database:
        yield database


def rows(database: Database) -> list[tuple[int, int, int]]:
    return database.connection.execute("SELECT first_seq, last_seq, bytes FROM events ORDER BY last_seq").fetchall()


async def test_a_row_has_a_bound_in_events(database: Database) -> None:
    await SqliteStore(database).keep_events("t1", events(1, 2 * ROW_EVENTS + 1, weight=1))

    assert rows(database) == [
        (1, ROW_EVENTS, ROW_EVENTS),
        (ROW_EVENTS + 1, 2 * ROW_EVENTS, ROW_EVENTS),
        (2 * ROW_EVENTS + 1, 2 * ROW_EVENTS + 1, 1),
    ]


async def test_a_row_has_a_bound_in_bytes_but_for_a_single_event(database: Database) -> None:
    half = ROW_BYTES // 2
    weights = [half, half, 1, 3 * ROW_BYTES, 5]

    await SqliteStore(database).keep_events("t1", [event(seq, weight=weight) for seq, weight in enumerate(weights, 1)])

    assert rows(database) == [(1, 2, ROW_BYTES), (3, 3, 1), (4, 4, 3 * ROW_BYTES), (5, 5, 5)]


async def test_events_of_a_newer_version_are_as_if_they_were_not_kept(database: Database) -> None:
    store = SqliteStore(database)
    await store.keep_events("t1", events(1, 3))
    await store.keep_events("t1", events(4, 6))
    newer = ormsgpack.packb({"version": VERSION + 1})
    database.connection.execute("UPDATE events SET batch = ? WHERE last_seq = 6", (newer,))

    assert numbers(await store.kept_events("t1", 0, 1000)) == [1, 2, 3]
    assert await store.kept_events("t1", 3, 1000) == []


async def test_heavy_events_go_a_part_at_a_time(database: Database) -> None:
    store = SqliteStore(database)
    first = await admit(store, resumable("r1"))
    await store.keep_events("t1", events(1, 4, weight=EXPIRE_BYTES // 2 - 1))
    await store.finish_run(ending(first, last_seq=4, kept_until=at(60)))

    assert await store.expire(at(60)) == at(60)

    assert [last_seq for _, last_seq, _ in rows(database)] == [3, 4]
    assert await store.expire(at(60)) is None
    assert rows(database) == []


async def test_kept_events_are_there_after_reopening(tmp_path: Path) -> None:
    async with Database.open(tmp_path) as database:
        await SqliteStore(database).keep_events("t1", events(1, 3))

    async with Database.open(tmp_path) as database:
        store = SqliteStore(database)
        assert await store.newest_kept("t1") == 3
        assert numbers(await store.kept_events("t1", 1, 1000)) == [2, 3]
