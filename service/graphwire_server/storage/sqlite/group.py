"""The writer: one connection, and one commit for all writes up to the next lull of the event loop.

Owns the writer connection and its transaction. The first write opens the transaction, every write until the lull runs in it at once (in a savepoint, so that one
which fails undoes itself alone), and the lull commits them all: on an idle server at the loop's next turn, under load after some milliseconds, since a commit
costs more than what it commits. A write returns when its commit has. The invariant: a transaction is open for no longer than the lull's patience, but
while a busy commit is being repeated; and a function that has run is either in the committed transaction, once, or its caller gets an error.

Everything here runs on the event loop's thread and nothing blocks it: a statement takes microseconds, and a database that somebody
else has locked is tried again by a task. Meanwhile writes are held in order and run when the lock is ours.
"""

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar, cast

from graphwire_server.core.lull import Lull
from graphwire_server.storage.sqlite.failures import converted, is_busy, unavailable

T = TypeVar("T")

Function = Callable[[sqlite3.Connection], T]
"""Work on a connection. It leaves transactions alone and returns no open cursor."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How a group waits for a database that somebody else has locked.

    Attributes:
        first: The first pause; each next one is twice as long.
        longest: The longest pause.
        total: After how much pausing in all the group gives up.
        held: How many writes may wait; one more is refused at once.
    """

    first: timedelta = timedelta(milliseconds=5)
    longest: timedelta = timedelta(milliseconds=250)
    total: timedelta = timedelta(seconds=5)
    held: int = 10_000


class _Write(Generic[T]):
    """One write of a group: what to do, who waits for it, and what came of it."""

    __slots__ = ("done", "error", "function", "result", "size")

    def __init__(self, function: Function[T], size: int, done: "asyncio.Future[T] | None") -> None:
        self.function = function
        self.size = size
        self.done = done
        self.result: T | None = None
        self.error: Exception | None = None

    def settle(self) -> None:
        """Tells the waiter; one that was cancelled no longer asks."""
        if self.done is None or self.done.done():
            return
        if self.error is not None:
            self.done.set_exception(self.error)
        else:
            self.done.set_result(cast("T", self.result))


class Group:
    """The writes of one lull after the other.

    Args:
        connection: The writer connection, without implicit transactions. The group closes it.
        patience: How it waits for a lock.
        committed: Told after each commit about how many pages it wrote.
        sleep: How it pauses, in seconds.
        lull: When it commits.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        patience: Patience,
        committed: Callable[[int], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        lull: Lull | None = None,
    ) -> None:
        self._connection = connection
        self._patience = patience
        self._committed = committed
        self._sleep = sleep
        self._lull = lull or Lull()
        self._loop = asyncio.get_running_loop()
        self._writes: list[_Write[Any]] = []
        self._held: deque[_Write[Any]] = deque()
        self._settled: list[asyncio.Future[None]] = []
        self._flushing = False
        self._retry: asyncio.Task[None] | None = None
        self._changes = 0
        self._closed = False

    @property
    def connection(self) -> sqlite3.Connection:
        """For reads that see what is not committed yet too. Statements are read to their end before control returns to the loop."""
        return self._connection

    async def write(self, function: Function[T], size: int = 0, *, soon: bool = False) -> T:
        """Runs a function in the open transaction and returns its result after the commit.

        Args:
            function: Runs at once, or when a locked database is free. What it raises undoes it alone.
            size: About how many bytes it writes, where that is much.
            soon: Whether the commit comes with the loop's next turn, lull or not: of writes that wait for one another, each would wait for a lull.

        Raises:
            StoreUnavailable: The commit failed, or the database stayed locked. Nothing was written.
        """
        done: asyncio.Future[T] = self._loop.create_future()
        write = _Write(function, size, done)
        if self._ready():
            self._apply(write)
            if soon:
                self._loop.call_soon(self._flush)
        elif len(self._held) < self._patience.held:
            self._held.append(write)
        else:
            raise unavailable(None)
        # Cancelled here, a write that has run is committed all the same, and one that is held is dropped.
        return await done

    def write_now(self, function: Function[T], size: int = 0) -> T:
        """Runs a function in the open transaction and returns before the commit, for callers that cannot wait.

        A commit that fails afterwards is in the log alone.

        Raises:
            StoreUnavailable: The database is locked, or the statement failed.
        """
        if not self._ready():
            raise unavailable(None)
        write = _Write(function, size, None)
        self._apply(write)
        if write.error is not None:
            raise write.error
        return cast("T", write.result)

    async def settled(self) -> None:
        """Returns when the writes so far are committed or have failed."""
        if not self._flushing and self._retry is None:
            return
        done: asyncio.Future[None] = self._loop.create_future()
        self._settled.append(done)
        await done

    async def close(self) -> None:
        """Waits for the writes so far and closes the connection. Later writes raise StoreUnavailable."""
        self._closed = True
        retry = self._retry
        try:
            await self.settled()
            if retry is not None:
                await retry
        finally:
            self._connection.close()

    def _ready(self) -> bool:
        """Whether the transaction is open, opening it where it is not. False while somebody else has the database."""
        if self._closed:
            raise unavailable(None)
        if self._connection.in_transaction:
            return True
        if self._retry is not None:
            return False  # writes that are held come first
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            if not is_busy(error):
                raise converted(error) from error
            self._retry = self._loop.create_task(self._try_again(error))
            return False
        self._flush_soon()
        return True

    def _apply(self, write: _Write[Any]) -> None:
        execute = self._connection.execute
        try:
            execute("SAVEPOINT one")
            write.result = write.function(self._connection)
            execute("RELEASE one")
        except BaseException as error:
            self._undo(error)
            if not isinstance(error, Exception):
                raise
            write.error = converted(error)  # the caller gets it after the commit
        self._writes.append(write)
        if not self._connection.in_transaction:
            # SQLite has rolled everything back by itself, as it may when the disk fails.
            self._fail(write.error and (write.error.__cause__ or write.error))

    def _undo(self, error: BaseException) -> None:
        if not self._connection.in_transaction:
            return
        try:
            self._connection.execute("ROLLBACK TO one")
            self._connection.execute("RELEASE one")
        except sqlite3.Error:
            _log.exception("a write could not be undone, so its whole group is", exc_info=error)
            self._connection.rollback()

    def _flush_soon(self) -> None:
        self._flushing = True
        self._lull.call(self._flush)

    def _flush(self) -> None:
        if not self._flushing:  # the group has failed since, or one that came after it has been committed with it
            return
        self._flushing = False
        try:
            self._commit()
        except sqlite3.Error as error:
            if is_busy(error) and self._connection.in_transaction:
                self._retry = self._loop.create_task(self._try_again(error))
            else:
                self._fail(error)

    async def _try_again(self, error: sqlite3.Error) -> None:
        """Repeats what was busy until it succeeds or patience ends."""
        pause, left = self._patience.first, self._patience.total
        while left > timedelta(0):
            pause = min(pause, left)
            await self._sleep(pause.total_seconds())
            left -= pause
            pause = min(pause * 2, self._patience.longest)
            try:
                self._resume()
            except sqlite3.Error as again:
                error = again
                if not is_busy(again):
                    break
            else:
                return
        self._retry = None
        self._fail(error)

    def _resume(self) -> None:
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")
        while self._held:
            write = self._held.popleft()
            if write.done is None or not write.done.done():
                self._apply(write)  # where the disk fails here, it fails all that are held too
        if self._connection.in_transaction:
            self._commit()
        self._retry = None

    def _commit(self) -> None:
        self._connection.execute("COMMIT")
        writes, self._writes = self._writes, []
        for write in writes:
            write.settle()
        # A changed row is on about two pages, its table's and an index's; long values have pages of their own.
        changes = self._connection.total_changes
        self._committed(2 * (changes - self._changes) + sum(write.size for write in writes) // 4096)
        self._changes = changes
        self._tell_settled()

    def _fail(self, cause: BaseException | None) -> None:
        """Gives up the group: all of it is undone, and every waiter gets StoreUnavailable."""
        self._flushing = False
        if self._connection.in_transaction:
            self._connection.rollback()
        writes = [*self._writes, *self._held]
        self._writes.clear()
        self._held.clear()
        _log.error("writes failed and were rolled back", exc_info=cause, extra={"writes": len(writes)})
        for write in writes:
            write.error = unavailable(cause)
            write.settle()
        self._changes = self._connection.total_changes
        self._tell_settled()

    def _tell_settled(self) -> None:
        settled, self._settled = self._settled, []
        for done in settled:
            if not done.done():
                done.set_result(None)
