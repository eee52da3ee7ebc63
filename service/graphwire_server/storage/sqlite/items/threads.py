"""The threads in which items are written and read.

Owns one connection that writes, in a thread of its own, and some that read, each in one of theirs. Nothing of it is for an event loop: a search may take long,
and a node may call from anywhere. The invariant: a write has ended when it is committed; who waits for its step sees it in every later read.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import apsw

from graphwire_server.core.errors import StoreUnavailable
from graphwire_server.storage.sqlite.items.schema import connect, converting, with_vectors

T = TypeVar("T")

Function: TypeAlias = Callable[[apsw.Connection], T]

_READERS = 4
_TOGETHER = 256
"""The most writes of one transaction: a commit costs as much as several of them."""

MOST_WAITING = 10_000
"""The most calls that wait for a thread; more are refused."""


class Writer:
    """The connection that writes. All that waits when it is free is one transaction.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._connection = connect(path)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="graphwire-items-write")
        self._lock = threading.Lock()
        self._waiting: list[tuple[Future[Any], Function[Any]]] = []
        self._closed = False

    def do(self, function: Function[T]) -> "Future[T]":
        """Runs a function in a transaction. It is undone alone where it fails, and all that shares the transaction where that does."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise _closed()
            if len(self._waiting) >= MOST_WAITING:
                raise _crowded()
            self._waiting.append((future, function))
            if len(self._waiting) == 1:
                self._executor.submit(self._write)
        return future

    def close(self) -> None:
        """Writes what waits, and closes the connection."""
        with self._lock:
            self._closed = True
        self._executor.shutdown()
        self._connection.close()

    def _write(self) -> None:
        while True:
            with self._lock:
                taken = self._waiting[:_TOGETHER]
            if not taken:
                return
            self._transaction([(future, each) for future, each in taken if future.set_running_or_notify_cancel()])
            with self._lock:
                # Only now: whoever comes while there are some need not wake the thread.
                del self._waiting[: len(taken)]
                if not self._waiting:
                    return

    def _transaction(self, taken: list[tuple[Future[Any], Function[Any]]]) -> None:
        outcomes: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            with converting():
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    outcomes = [self._done(future, function) for future, function in taken]
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
        except BaseException as error:  # noqa: BLE001  whoever waits must hear of it, whatever it is
            outcomes = [(future, None, error) for future, _ in taken]
        for future, result, failure in outcomes:
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)

    def _done(self, future: Future[Any], function: Function[Any]) -> tuple[Future[Any], Any, BaseException | None]:
        try:
            with converting():
                return future, self._alone(function), None
        except Exception as error:  # noqa: BLE001  as above
            return future, None, error

    def _alone(self, function: Function[T]) -> T:
        with self._connection:
            result = function(self._connection)
        return result  # noqa: RET504  the driver says that its context may swallow errors, which it never does


class Readers:
    """The connections that read: as many reads at once, each one snapshot.

    Args:
        path: The file, which a writer has open.
        vectors: Whether they know vectors.
        functions: Functions of two arguments that statements may call, by name.
    """

    def __init__(self, path: Path, *, vectors: bool, functions: Mapping[str, Callable[..., Any]]) -> None:
        self._path = path
        self._vectors = vectors
        self._functions = functions
        self._own = threading.local()
        self._opened: list[apsw.Connection] = []
        self._room = threading.BoundedSemaphore(MOST_WAITING)
        self._executor = ThreadPoolExecutor(_READERS, thread_name_prefix="graphwire-items-read")

    def do(self, function: Function[T]) -> "Future[T]":
        """Runs a function on a connection. A step that is cancelled goes on to its end where it has begun, and nobody gets it."""
        if not self._room.acquire(blocking=False):
            raise _crowded()
        try:
            future = self._executor.submit(self._read, function)
        except RuntimeError:
            raise _closed() from None
        future.add_done_callback(lambda _: self._room.release())
        return future

    def close(self) -> None:
        """Ends the reads that run, and closes the connections."""
        for connection in self._opened:
            connection.interrupt()
        self._executor.shutdown(cancel_futures=True)
        for connection in self._opened:
            connection.close()

    def _read(self, function: Function[T]) -> T:
        with converting():
            connection = self._connection()
            connection.execute("BEGIN")
            try:
                return function(connection)
            finally:
                connection.execute("ROLLBACK")

    def _connection(self) -> apsw.Connection:
        found: apsw.Connection | None = getattr(self._own, "connection", None)
        if found is None:
            found = connect(self._path, read_only=True)
            for name, called in self._functions.items():
                found.create_scalar_function(name, called, 2, deterministic=True)
            self._own.connection = with_vectors(found) if self._vectors else found
            self._opened.append(found)
        return found


def _closed() -> StoreUnavailable:
    return StoreUnavailable("the server is stopping; try again")


def _crowded() -> StoreUnavailable:
    return StoreUnavailable(f"more than {MOST_WAITING} calls wait for the store; try again")
