import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from graphwire_server.storage.sqlite.wal import WalKeeper


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.sqlite"


@pytest.fixture
def writer(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("CREATE TABLE blobs (value)")
        yield connection


def write(connection: sqlite3.Connection, pages: int) -> None:
    connection.execute("INSERT INTO blobs VALUES (zeroblob(?))", (pages * 4096,))


def size_of(path: Path | str) -> int:
    return os.stat(path).st_size


def in_log(connection: sqlite3.Connection) -> int:
    """How many pages are in the log, copied or not."""
    return int(connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1])


async def copied(keeper: WalKeeper) -> None:
    assert keeper._task is not None
    await keeper._task


async def test_the_log_is_copied_when_enough_is_written(path: Path, writer: sqlite3.Connection) -> None:
    keeper = WalKeeper(path, pages=10, restart_pages=1000)
    write(writer, 20)
    keeper.wrote(9)
    assert keeper._task is None
    size = size_of(path)
    keeper.wrote(1)
    await copied(keeper)
    assert size_of(path) > size
    assert keeper._task is None
    await keeper.close()


async def test_a_long_log_starts_again(path: Path, writer: sqlite3.Connection) -> None:
    keeper = WalKeeper(path, pages=10, restart_pages=50)
    write(writer, 60)
    keeper.wrote(60)
    await copied(keeper)
    write(writer, 1)
    assert in_log(writer) < 10
    await keeper.close()


async def test_the_log_is_empty_at_the_end(path: Path, writer: sqlite3.Connection) -> None:
    keeper = WalKeeper(path, pages=10, restart_pages=50)
    write(writer, 60)
    await keeper.close()
    assert size_of(f"{path}-wal") == 0


async def test_a_failure_is_logged_and_the_next_one_tries_again(
    path: Path, writer: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = WalKeeper(path, pages=10, restart_pages=50)
    writer.execute("BEGIN EXCLUSIVE")
    keeper._connection.execute("PRAGMA busy_timeout = 0")
    keeper._connection.execute("PRAGMA query_only = ON")
    with caplog.at_level(logging.ERROR):
        keeper.wrote(60)
        await copied(keeper)
    writer.execute("ROLLBACK")
    keeper._connection.execute("PRAGMA query_only = OFF")
    write(writer, 60)
    keeper.wrote(60)
    await copied(keeper)
    write(writer, 1)
    assert in_log(writer) < 10
    await keeper.close()
