"""Long reads: one read-only connection on a thread of its own.

Owns the connection and the thread. Each read is one snapshot, so its statements agree with one another. Reads wait for each other,
never for a write, and no write waits for them.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from graphwire_server.storage.containment import contains
from graphwire_server.storage.sqlite.codec import parse
from graphwire_server.storage.sqlite.failures import converting

T = TypeVar("T")


class Reader:
    """The read-only side of a database. A cancelled read goes on to its end on the thread, and nobody gets it.

    Args:
        path: The database, which a writer has open.
    """

    def __init__(self, path: Path) -> None:
        uri = f"file:{quote(str(path.absolute()))}?mode=ro"
        self._connection = sqlite3.connect(uri, uri=True, timeout=1.0, isolation_level=None, check_same_thread=False)
        self._connection.create_function("contains", 2, _contains, deterministic=True)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="graphwire-read")

    def define(self, name: str, arguments: int, function: Callable[..., bool]) -> None:
        """Gives reads a function of SQL. Called before the first read that uses it."""
        self._connection.create_function(name, arguments, function)

    async def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Runs a function on the connection, on the thread. Raises StoreUnavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._snapshot, function)

    def close(self) -> None:
        """Ends the read that runs, and closes the connection."""
        self._connection.interrupt()
        self._executor.shutdown(cancel_futures=True)
        self._connection.close()

    def _snapshot(self, function: Callable[[sqlite3.Connection], T]) -> T:
        with converting():
            self._connection.execute("BEGIN")
            try:
                return function(self._connection)
            finally:
                self._connection.execute("ROLLBACK")


def _contains(text: str, query: str) -> bool:
    value = parse(text)
    return isinstance(value, Mapping) and contains(value, parse(query))
