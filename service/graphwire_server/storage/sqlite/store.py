"""Rows of threads and runs in SQLite.

Owns the `Store` port's transactions: each write is one function that reads, decides and writes in the tick's group. Rows come from
`rows.py`, SQL from `statements.py`, and what a run does to its thread from `occupancy.py`.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from graphwire_server.core.errors import RunActive, ThreadBusy, ThreadExists, ThreadNotFound
from graphwire_server.core.model import (
    JsonObject,
    Page,
    Run,
    RunStatus,
    TaskInterrupts,
    Thread,
    ThreadQuery,
    ThreadSort,
    ThreadStatus,
)
from graphwire_server.storage.copies import copied
from graphwire_server.storage.occupancy import admitted, opened, started, vacated
from graphwire_server.storage.sqlite import codec
from graphwire_server.storage.sqlite import statements as sql
from graphwire_server.storage.sqlite.database import Database
from graphwire_server.storage.sqlite.rows import run_of, run_row, thread_of, thread_row


class SqliteStore:
    """The `Store` port on a database.

    Args:
        database: Where the rows are; it stays its opener's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create_thread(self, thread: Thread) -> None:
        """Adds a thread. Raises ThreadExists."""
        row = thread_row(thread)

        def create(connection: sqlite3.Connection) -> None:
            if _thread(connection, thread.thread_id) is not None:
                raise ThreadExists(thread.thread_id)
            connection.execute(sql.ADD_THREAD, row)

        await self._database.write(create, len(str(row["metadata"])))

    async def get_thread(self, thread_id: str) -> Thread | None:
        """The thread, or None."""
        with self._database.read() as connection:
            return _thread(connection, thread_id)

    async def merge_metadata(self, thread_id: str, metadata: JsonObject, now: datetime) -> Thread:
        """Merges metadata key by key and returns the thread after it. Raises ThreadNotFound."""

        def merge(connection: sqlite3.Connection) -> Thread:
            thread = _known(connection, thread_id)
            merged = replace(thread, metadata={**thread.metadata, **metadata}, updated_at=now)
            connection.execute(sql.SET_THREAD, thread_row(merged))
            return merged

        return await self._database.write(merge)

    async def set_thread_state(
        self, thread_id: str, *, status: ThreadStatus, interrupts: Sequence[TaskInterrupts], now: datetime
    ) -> None:
        """Records what an edit of the state left. Raises ThreadNotFound, and ThreadBusy while a run is on the thread."""

        def record(connection: sqlite3.Connection) -> None:
            thread = _free(connection, thread_id, "the update")
            error = thread.error if status is ThreadStatus.ERROR else None
            after = replace(thread, status=status, interrupts=tuple(interrupts), error=error, updated_at=now)
            connection.execute(sql.SET_THREAD, thread_row(after))

        await self._database.write(record)

    async def delete_thread(self, thread_id: str) -> None:
        """Deletes a thread, its runs and its checkpoints. Raises ThreadNotFound, and ThreadBusy while a run is on it."""

        def delete(connection: sqlite3.Connection) -> None:
            _free(connection, thread_id, "the deletion")
            for statement in (sql.DELETE_CHECKPOINTS, sql.DELETE_WRITES, sql.DELETE_THREAD):
                connection.execute(statement, (thread_id,))

        await self._database.write(delete)

    async def copy_thread(self, thread_id: str, copy_id: str, now: datetime) -> Thread:
        """Adds a copy of a thread with all its checkpoints, and returns it. Raises ThreadNotFound."""
        ids = {"thread_id": thread_id, "copy_id": copy_id}
        with self._database.read() as connection:
            size = connection.execute(sql.CHECKPOINT_BYTES, ids).fetchone()[0]

        def copy(connection: sqlite3.Connection) -> Thread:
            made = copied(_known(connection, thread_id), copy_id, now)
            connection.execute(sql.ADD_THREAD, thread_row(made))
            connection.execute(sql.COPY_CHECKPOINTS, ids)
            connection.execute(sql.COPY_WRITES, ids)
            return made

        return await self._database.write(copy, size)

    async def search_threads(self, query: ThreadQuery, page: Page, sort: ThreadSort, ascending: bool) -> list[Thread]:
        """A page of the threads that match; ties by id, in the same direction."""
        statement = sql.SEARCH_THREADS[sort, ascending]
        parameters = {**_filters(query), "limit": page.limit, "offset": page.offset}
        return await self._database.query(
            lambda connection: [thread_of(row) for row in connection.execute(statement, parameters)]
        )

    async def count_threads(self, query: ThreadQuery) -> int:
        """How many threads match."""
        parameters = _filters(query)
        return await self._database.query(
            lambda connection: int(connection.execute(sql.COUNT_THREADS, parameters).fetchone()[0])
        )

    async def admit_run(self, run: Run, *, create_thread: bool, reject_busy: bool, seq_block: int) -> Run:
        """Adds a run: running where its thread is idle, else pending. Raises ThreadNotFound and ThreadBusy."""
        spec = codec.encode(run.spec)

        def admit(connection: sqlite3.Connection) -> Run:
            thread = found = _thread(connection, run.thread_id)
            if thread is None:
                if not create_thread:
                    raise ThreadNotFound(run.thread_id)
                thread = opened(run)
            if reject_busy and thread.status is ThreadStatus.BUSY:
                raise ThreadBusy(run.thread_id, "the run")
            thread, stored = admitted(thread, run, seq_block)
            connection.execute(sql.ADD_THREAD if found is None else sql.SET_THREAD, thread_row(thread))
            connection.execute(sql.ADD_RUN, run_row(stored, spec))
            return stored

        return await self._database.write(admit, len(spec))

    async def start_next(self, thread_id: str, *, seq_block: int, now: datetime) -> Run | None:
        """Starts the oldest pending run of a thread on which none is running; None where there is none."""

        def start(connection: sqlite3.Connection) -> Run | None:
            row = connection.execute(sql.FIRST_ACTIVE_RUN, (thread_id,)).fetchone()
            if row is None or (run := run_of(row)).status is RunStatus.RUNNING:
                return None
            thread, run = started(_known(connection, thread_id), run, seq_block, now)
            connection.execute(sql.SET_THREAD, thread_row(thread))
            connection.execute(sql.SET_RUN, run_row(run, ""))
            return run

        return await self._database.write(start)

    async def reserve(self, thread_id: str, last_seq: int) -> None:
        """Raises the upper bound of the thread's event numbers; never lowers it."""
        parameters = {"thread_id": thread_id, "last_seq": last_seq}
        await self._database.write(lambda connection: connection.execute(sql.RESERVE, parameters).rowcount)

    async def number_end(self, run: Run, last_seq: int) -> None:
        """Records the number of the terminal event of a run that never started."""
        parameters = {"run_id": run.run_id, "thread_id": run.thread_id, "last_seq": last_seq}

        def number(connection: sqlite3.Connection) -> None:
            connection.execute(sql.NUMBER_END, parameters)
            connection.execute(sql.NUMBER_THREAD, parameters)

        await self._database.write(number)

    async def finish_run(self, run: Run, thread_status: ThreadStatus) -> None:
        """Writes how a run ended, and what it leaves on its thread. A run that has ended before, or is gone, stays as it is."""
        row = run_row(run, "")

        def finish(connection: sqlite3.Connection) -> None:
            if not connection.execute(sql.SET_RUN, row).rowcount:
                return
            occupied = connection.execute(sql.THREAD_OCCUPIED, (run.thread_id,)).fetchone() is not None
            thread = vacated(_known(connection, run.thread_id), run, thread_status, occupied=occupied)
            connection.execute(sql.SET_THREAD, thread_row(thread))

        await self._database.write(finish, len(str(row["outcome"])))

    async def get_run(self, run_id: str) -> Run | None:
        """The run, or None."""
        with self._database.read() as connection:
            return _run(connection, run_id)

    async def list_runs(self, thread_id: str, status: RunStatus | None, page: Page) -> list[Run]:
        """A page of a thread's runs, the newest first. An unknown thread has none."""
        parameters = {"thread_id": thread_id, "status": status, "limit": page.limit, "offset": page.offset}
        return await self._database.query(
            lambda connection: [run_of(row) for row in connection.execute(sql.LIST_RUNS, parameters)]
        )

    async def delete_run(self, run_id: str) -> None:
        """Deletes a run that has ended; nothing happens where there is none. Raises RunActive."""

        def delete(connection: sqlite3.Connection) -> None:
            run = _run(connection, run_id)
            if run is not None and not run.status.ended:
                raise RunActive(run_id, run.status)
            connection.execute(sql.DELETE_RUN, (run_id,))

        await self._database.write(delete)

    async def unfinished_runs(self) -> list[Run]:
        """All runs that have not ended, the oldest first."""
        return await self._database.query(
            lambda connection: [run_of(row) for row in connection.execute(sql.UNFINISHED_RUNS)]
        )


def _thread(connection: sqlite3.Connection, thread_id: str) -> Thread | None:
    row = connection.execute(sql.GET_THREAD, (thread_id,)).fetchone()
    return None if row is None else thread_of(row)


def _known(connection: sqlite3.Connection, thread_id: str) -> Thread:
    thread = _thread(connection, thread_id)
    if thread is None:
        raise ThreadNotFound(thread_id)
    return thread


def _free(connection: sqlite3.Connection, thread_id: str, wants: str) -> Thread:
    thread = _known(connection, thread_id)
    if thread.status is ThreadStatus.BUSY:
        raise ThreadBusy(thread_id, wants)
    return thread


def _run(connection: sqlite3.Connection, run_id: str) -> Run | None:
    row = connection.execute(sql.GET_RUN, (run_id,)).fetchone()
    return None if row is None else run_of(row)


def _filters(query: ThreadQuery) -> dict[str, object]:
    return {
        "status": query.status,
        "ids": json.dumps(query.thread_ids) if query.thread_ids else None,
        "metadata": codec.encode(query.metadata) if query.metadata else None,
    }
