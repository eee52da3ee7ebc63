"""The database of a data directory.

Owns the file, its lock, its connections and its threads: opens them in order and closes them in the reverse. The store and the saver
share one, so that rows and checkpoints are in the same commit. All but `hand_over` and `hand_over_sync` is for the event loop that
opened it.
"""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from graphwire_server.core.lull import Lull
from graphwire_server.storage.sqlite import directory as data_dir
from graphwire_server.storage.sqlite.failures import converting, unavailable
from graphwire_server.storage.sqlite.group import Function, Group, Patience
from graphwire_server.storage.sqlite.migrations import prepare
from graphwire_server.storage.sqlite.reader import Reader
from graphwire_server.storage.sqlite.wal import WalKeeper

T = TypeVar("T")

DATABASE_FILE = "graphwire.sqlite"
"""The name of the database in the data directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a database behaves; the defaults are for a server.

    Attributes:
        patience: How writes wait for a database that somebody else has locked.
        wal_pages: After about how many written pages the write-ahead log is copied into the database.
        wal_restart_pages: From how many pages in the log it also starts again.
        handover: How long a thread waits for the event loop to do its work. It ends what would never end: a node that blocks the loop
            while it waits for a thread that waits for the loop.
    """

    patience: Patience = field(default_factory=Patience)
    wal_pages: int = 1000
    wal_restart_pages: int = 8000
    handover: timedelta = timedelta(seconds=10)


class Database:
    """An open database; `open` makes it."""

    def __init__(self, path: Path, settings: Settings, lull: Lull) -> None:
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._group = Group(_connect(path), settings.patience, self._wrote, lull=lull)
        self._wal = WalKeeper(path, pages=settings.wal_pages, restart_pages=settings.wal_restart_pages)
        self._reader = Reader(path)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, directory: Path, settings: Settings | None = None, lull: Lull | None = None
    ) -> "AsyncIterator[Database]":
        """Opens the database of a data directory, making both where they are missing, and closes it at the end.

        Args:
            directory: The data directory, which is locked meanwhile.
            settings: How it behaves.
            lull: When writes are committed.

        Raises:
            DataDirError: The directory is in use, cannot be used, or holds the data of a newer version.
        """
        with data_dir.hold(directory):
            path = directory / DATABASE_FILE
            prepare(directory, path)
            try:
                database = cls(path, settings or Settings(), lull or Lull())
            except sqlite3.Error as error:
                raise data_dir.DataDirUnusable(directory, error) from error
            try:
                yield database
            finally:
                await database._close()

    @property
    def connection(self) -> sqlite3.Connection:
        """The writer's connection, for inline reads; on the loop's thread alone."""
        return self._group.connection

    async def write(self, function: Function[T], size: int = 0, *, soon: bool = False) -> T:
        """Runs a function in the open transaction and returns its result after the commit; see `Group.write`."""
        return await self._group.write(function, size, soon=soon)

    def write_now(self, function: Function[T], size: int = 0) -> T:
        """Runs a function in the open transaction and returns before the commit; see `Group.write_now`."""
        return self._group.write_now(function, size)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A short read, inline, that sees what is not committed yet too. Read to the end inside. Raises StoreUnavailable."""
        with converting():
            yield self._group.connection

    async def settled(self) -> None:
        """Returns when what was written so far is committed or has failed: who tells others what it reads must not tell what may go."""
        if self._group.connection.in_transaction:
            await self._group.settled()

    async def query(self, function: Function[T]) -> T:
        """Runs a long read on a thread. It sees all that was written before the call. Raises StoreUnavailable."""
        await self._group.settled()
        return await self._reader.run(function)

    def define(self, name: str, arguments: int, function: Callable[..., bool]) -> None:
        """Gives long reads a function of SQL, which runs on their thread."""
        self._reader.define(name, arguments, function)

    @property
    def here(self) -> bool:
        """Whether the caller is on the loop's thread."""
        return threading.get_ident() == self._thread

    async def hand_over(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine on the database's loop, from whichever loop this is."""
        if self.here:
            return await work
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def hand_over_sync(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Runs a coroutine on the database's loop, from another thread, and waits for it.

        Raises:
            StoreUnavailable: The loop did not come to it in time.
        """
        future = asyncio.run_coroutine_threadsafe(work(), self._loop)
        try:
            return future.result(self._settings.handover.total_seconds())
        except TimeoutError as error:
            future.cancel()
            raise unavailable(error) from error

    def _wrote(self, pages: int) -> None:
        self._wal.wrote(pages)

    async def _close(self) -> None:
        try:
            await self._group.close()
        finally:
            self._reader.close()
            await self._wal.close()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False, cached_statements=256)
    # Nothing on this connection may wait: not for a lock, and not for the disk that a checkpoint needs.
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "wal_autocheckpoint = 0"):
        connection.execute(f"PRAGMA {pragma}")
    return connection
