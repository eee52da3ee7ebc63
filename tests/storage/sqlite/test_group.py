import asyncio
import itertools
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from graphwire_server.core.errors import StoreUnavailable
from graphwire_server.core.lull import Lull
from graphwire_server.storage.sqlite.group import Group, Patience

Add = Callable[[sqlite3.Connection], int]


class Connection(sqlite3.Connection):
    """Fails at a chosen statement, as a disk does, and counts."""

    failing: tuple[str, int] | None = None
    commits = 0
    begins = 0

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if self.failing is not None and sql.startswith(self.failing[0]):
            error = sqlite3.OperationalError("the disk says no")
            error.sqlite_errorcode = self.failing[1]
            raise error
        self.commits += sql == "COMMIT"
        self.begins += sql == "BEGIN IMMEDIATE"
        return super().execute(sql, *parameters)


class Pauses:
    """Pauses that end when the test says so."""

    def __init__(self) -> None:
        self.lengths: list[float] = []
        self.started = asyncio.Event()
        self.go = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.lengths.append(seconds)
        self.started.set()
        await self.go.wait()


class Bench:
    """A group on a file, with all that a test turns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = sqlite3.connect(path, timeout=0, isolation_level=None, factory=Connection)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY, text TEXT)")
        self.pages: list[int] = []
        self.pauses = Pauses()
        self.group = self.new_group(self.pauses)

    def new_group(self, sleep: Callable[[float], Awaitable[None]]) -> Group:
        patience = Patience(total=timedelta(milliseconds=40), longest=timedelta(milliseconds=10), held=4)
        return Group(self.connection, patience, self.pages.append, sleep)

    def numbers(self) -> list[int]:
        """What another connection sees: what is committed."""
        with closing(sqlite3.connect(self.path)) as connection:
            return [number for (number,) in connection.execute("SELECT number FROM numbers ORDER BY number")]


def add(number: int, then: Exception | None = None) -> Add:
    def function(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO numbers (number) VALUES (?)", (number,))
        if then is not None:
            raise then
        return number

    return function


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path / "numbers.sqlite")
    yield bench
    bench.connection.failing = None
    bench.pauses.go.set()
    await bench.group.close()


async def test_the_writes_of_a_tick_are_one_commit(bench: Bench) -> None:
    assert await asyncio.gather(*(bench.group.write(add(number)) for number in range(50))) == [*range(50)]
    assert bench.connection.commits == 1
    assert bench.numbers() == [*range(50)]
    await bench.group.write(add(50))
    assert bench.connection.commits == 2
    assert len(bench.pages) == 2


async def test_a_write_returns_after_its_commit(bench: Bench) -> None:
    write = asyncio.ensure_future(bench.group.write(add(1)))
    await asyncio.sleep(0)
    assert not write.done()
    assert bench.numbers() == []
    assert bench.connection.in_transaction
    await write
    assert bench.numbers() == [1]
    assert not bench.connection.in_transaction


async def test_a_write_that_others_wait_for_is_committed_without_a_lull(bench: Bench) -> None:
    """And with it all that waits for one."""
    busy = Lull(patience=3600, clock=itertools.count(0, 1.0).__next__)  # each turn takes a second
    bench.group = Group(bench.connection, Patience(), bench.pages.append, lull=busy)
    waits = asyncio.ensure_future(bench.group.write(add(1)))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waits.done()

    await bench.group.write(add(2), soon=True)

    assert await waits == 1
    assert (bench.numbers(), bench.connection.commits) == ([1, 2], 1)


async def test_a_write_that_fails_undoes_itself_alone(bench: Bench) -> None:
    mine = ValueError("mine")
    writes = (add(1), add(2, mine), add(1), add(3))
    results = await asyncio.gather(*map(bench.group.write, writes), return_exceptions=True)
    assert results[:2] == [1, mine]
    assert isinstance(results[2], sqlite3.IntegrityError)
    assert results[3] == 3
    assert bench.numbers() == [1, 3]
    assert bench.connection.commits == 1


async def test_a_commit_that_fails_fails_the_whole_group(bench: Bench) -> None:
    bench.connection.failing = ("COMMIT", sqlite3.SQLITE_FULL)
    results = await asyncio.gather(
        bench.group.write(add(1)), bench.group.write(add(2, ValueError("mine"))), return_exceptions=True
    )
    for result in results:
        assert isinstance(result, StoreUnavailable)
        assert isinstance(result.__cause__, sqlite3.OperationalError)
        assert "disk" not in result.message
    assert bench.numbers() == []
    bench.connection.failing = None
    assert await bench.group.write(add(3)) == 3
    assert bench.numbers() == [3]


async def test_a_begin_that_fails_fails_its_write(bench: Bench) -> None:
    bench.connection.failing = ("BEGIN", sqlite3.SQLITE_IOERR)
    with pytest.raises(StoreUnavailable):
        await bench.group.write(add(1))
    bench.connection.failing = None
    assert await bench.group.write(add(1)) == 1


async def test_a_rollback_by_sqlite_itself_fails_the_whole_group(bench: Bench) -> None:
    def lose(connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")
        raise sqlite3.OperationalError("disk I/O error")

    results = await asyncio.gather(
        bench.group.write(add(1)), bench.group.write(lose), bench.group.write(add(2)), return_exceptions=True
    )
    assert isinstance(results[0], StoreUnavailable)
    assert isinstance(results[1], StoreUnavailable)
    assert results[2] == 2
    assert bench.numbers() == [2]


async def test_held_writes_run_once_when_the_lock_is_free(bench: Bench) -> None:
    bench.connection.failing = ("BEGIN", sqlite3.SQLITE_BUSY)
    calls: list[int] = []

    def counted(connection: sqlite3.Connection) -> int:
        calls.append(1)
        return add(1)(connection)

    first = asyncio.ensure_future(bench.group.write(counted))
    await bench.pauses.started.wait()
    given_up = asyncio.ensure_future(bench.group.write(add(2)))
    last = asyncio.ensure_future(bench.group.write(add(3)))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.sleep(0)
    assert calls == []
    bench.connection.failing = None
    bench.pauses.go.set()
    assert [await first, await last] == [1, 3]
    assert calls == [1]
    assert bench.numbers() == [1, 3]
    assert (bench.connection.begins, bench.connection.commits) == (1, 1)


async def test_patience_ends(bench: Bench) -> None:
    bench.connection.failing = ("BEGIN", sqlite3.SQLITE_BUSY)
    bench.pauses.go.set()
    results = await asyncio.gather(*(bench.group.write(add(number)) for number in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [StoreUnavailable] * 3
    assert bench.pauses.lengths == pytest.approx([0.005, 0.01, 0.01, 0.01, 0.005])
    bench.connection.failing = None
    assert await bench.group.write(add(7)) == 7
    assert bench.numbers() == [7]


async def test_a_busy_commit_is_repeated_and_joined(bench: Bench) -> None:
    bench.connection.failing = ("COMMIT", sqlite3.SQLITE_BUSY)
    first = asyncio.ensure_future(bench.group.write(add(1)))
    await bench.pauses.started.wait()
    second = asyncio.ensure_future(bench.group.write(add(2)))
    await asyncio.sleep(0)
    bench.connection.failing = None
    bench.pauses.go.set()
    assert [await first, await second] == [1, 2]
    assert bench.numbers() == [1, 2]
    assert bench.connection.begins == 1


async def test_held_writes_have_a_bound(bench: Bench) -> None:
    bench.connection.failing = ("BEGIN", sqlite3.SQLITE_BUSY)
    held = [asyncio.ensure_future(bench.group.write(add(number))) for number in range(4)]
    await bench.pauses.started.wait()
    with pytest.raises(StoreUnavailable):
        await bench.group.write(add(9))
    with pytest.raises(StoreUnavailable):
        bench.group.write_now(add(9))
    bench.connection.failing = None
    bench.pauses.go.set()
    assert await asyncio.gather(*held) == [0, 1, 2, 3]


async def test_a_cancelled_write_that_has_run_is_committed(bench: Bench) -> None:
    write = asyncio.ensure_future(bench.group.write(add(1)))
    await asyncio.sleep(0)
    write.cancel()
    await bench.group.settled()
    assert bench.numbers() == [1]


async def test_a_write_without_waiting_joins_the_group(bench: Bench) -> None:
    assert bench.group.write_now(add(1)) == 1
    with pytest.raises(ValueError, match="mine"):
        bench.group.write_now(add(2, ValueError("mine")))
    assert bench.numbers() == []
    await bench.group.settled()
    assert bench.numbers() == [1]


async def test_nothing_is_written_after_the_end(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "numbers.sqlite")
    bench.pauses.go.set()
    write = asyncio.ensure_future(bench.group.write(add(1)))
    await asyncio.sleep(0)
    await bench.group.close()
    assert await write == 1
    with pytest.raises(StoreUnavailable):
        await bench.group.write(add(2))
    assert bench.numbers() == [1]
