"""What stateless rows share with the others, and what not."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from graphwire_server.core.errors import RequestReused
from graphwire_server.core.model import Page, ThreadQuery, ThreadSort
from graphwire_server.storage.sqlite.database import Database
from graphwire_server.storage.sqlite.store import SqliteStore
from tests.storage.suite.life import admit, ending
from tests.storage.suite.requests import key
from tests.storage.suite.samples import at, events, numbers, run


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database.open(tmp_path) as database:
        yield database


async def test_rows_are_apart(database: Database) -> None:
    stateful, stateless = SqliteStore(database), SqliteStore(database, stateless=True)

    made = await admit(stateless, run("r1", "t1"))

    assert await stateful.get_run("r1") is None
    assert await stateful.get_thread("t1") is None
    assert await stateful.search_threads(ThreadQuery(), Page(), ThreadSort.CREATED_AT, ascending=True) == []
    assert await stateful.unfinished_runs() == []
    assert await stateless.unfinished_runs() == [made]


async def test_rows_are_there_after_reopening(tmp_path: Path) -> None:
    async with Database.open(tmp_path) as database:
        made = await admit(SqliteStore(database, stateless=True), run("r1", "t1"))

    async with Database.open(tmp_path) as database:
        assert await SqliteStore(database, stateless=True).unfinished_runs() == [made]


async def test_a_key_is_for_one_request_of_either_kind(database: Database) -> None:
    stateful, stateless = SqliteStore(database), SqliteStore(database, stateless=True)
    await admit(stateless, run("r1", "t1"), key=key())

    with pytest.raises(RequestReused):
        await admit(stateful, run("r2", "t2"), key=key(fingerprint="other"))


async def test_either_removes_what_has_expired_of_both(database: Database) -> None:
    stateful, stateless = SqliteStore(database), SqliteStore(database, stateless=True)
    value = await admit(stateless, run("r1", "t1"), key=key())
    await stateless.finish_run(ending(value, last_seq=3, events=tuple(events(1, 3)), kept_until=at(70)))
    assert numbers(await stateful.kept_events("t1", 0, 1000)) == [1, 2, 3]

    assert await stateful.expire(at(60)) == at(70)
    assert await stateful.expire(at(70)) is None

    assert await stateless.newest_kept("t1") == 0
    assert await stateless.find_request(key()) is None


async def test_an_end_that_leaves_nothing_is_two_statements(database: Database) -> None:
    stateless = SqliteStore(database, stateless=True)
    value = await admit(stateless, run("r1", "t1"))
    ran: list[str] = []
    database.connection.set_trace_callback(ran.append)

    await stateless.finish_run(ending(value, leaves_nothing=True))

    database.connection.set_trace_callback(None)
    words = [each.split()[0] for each in ran]
    assert words == ["BEGIN", "SAVEPOINT", "DELETE", "DELETE", "DELETE", "RELEASE", "COMMIT"], (
        "one is the foreign key's"
    )
