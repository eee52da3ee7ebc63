"""The write-ahead log's way into the database file.

Owns a connection and a thread of its own that copy what was committed into the database file, which is the only work here that waits
for a disk. The writer's connection never does it. The invariant: the log file stays within a small multiple of its bound, however
long the writes go on.
"""

import asyncio
import logging
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_log = logging.getLogger(__name__)

_LOCK_SECONDS = 1.0  # how long a restart of the log may wait for the writer and for readers


class WalKeeper:
    """Checkpoints the write-ahead log (SQLite's word, and not LangGraph's checkpoint).

    Args:
        path: The database.
        pages: After about how many written pages the log is copied.
        restart_pages: From how many pages in the log it also starts again at its beginning. Copying alone never ends it while writes
            go on, as there is always a commit that was not copied yet. It holds off writes for the moment that takes.
    """

    def __init__(self, path: Path, *, pages: int, restart_pages: int) -> None:
        self._pages = pages
        self._restart_pages = restart_pages
        self._connection = sqlite3.connect(path, timeout=_LOCK_SECONDS, isolation_level=None, check_same_thread=False)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="graphwire-wal")
        self._loop = asyncio.get_running_loop()
        self._written = 0
        self._task: asyncio.Task[None] | None = None

    def wrote(self, pages: int) -> None:
        """Counts pages, and starts copying when there are enough."""
        self._written += pages
        if self._written >= self._pages and self._task is None:
            self._written = 0
            self._task = self._loop.create_task(self._copy())

    async def close(self) -> None:
        """Copies what is left, empties the log and closes the connection."""
        try:
            if self._task is not None:
                await self._task
            await self._loop.run_in_executor(self._executor, self._checkpoint, "TRUNCATE")
        finally:
            self._executor.shutdown()
            self._connection.close()

    async def _copy(self) -> None:
        try:
            in_log = await self._loop.run_in_executor(self._executor, self._checkpoint, "PASSIVE")
            if in_log >= self._restart_pages:
                await self._loop.run_in_executor(self._executor, self._checkpoint, "RESTART")
        finally:
            self._task = None

    def _checkpoint(self, mode: str) -> int:
        """How many pages are in the log. A failure is logged: the next one tries again, and nothing is lost."""
        try:
            return int(self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()[1])
        except sqlite3.Error:
            _log.exception("the write-ahead log could not be checkpointed", extra={"mode": mode})
            return 0
