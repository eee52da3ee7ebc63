"""Rows of threads and runs in SQLite.

Owns the `Store` port: each write is one function that reads, decides and writes in the open group. What a run does to its thread is in `turns.py`, what is
kept of events in `kept.py`.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime

from graphwire_server.core.cron import Claim
from graphwire_server.core.errors import RunActive, ThreadExists
from graphwire_server.core.events import Event
from graphwire_server.core.model import (
    Admitted,
    CancelAction,
    JsonObject,
    Page,
    RequestKey,
    Run,
    RunStatus,
    TaskInterrupts,
    Thread,
    ThreadQuery,
    ThreadSort,
    ThreadStatus,
)
from graphwire_server.core.ports import Ending
from graphwire_server.core.ttl import Ttl
from graphwire_server.storage.copies import copied
from graphwire_server.storage.occupancy import edited, merged_into
from graphwire_server.storage.sqlite import checkpoint_rows, codec, deliveries, kept, requests, undo
from graphwire_server.storage.sqlite.database import Database
from graphwire_server.storage.sqlite.rows import run_of, thread_of, thread_row, time_of
from graphwire_server.storage.sqlite.searched import SearchedValues, needle
from graphwire_server.storage.sqlite.statements import ORDERS
from graphwire_server.storage.sqlite.tables import Tables
from graphwire_server.storage.sqlite.turns import Request, Turns


class SqliteStore:
    """The `Store` port on a database.

    Kept events and request keys are shared by all stores on a database, so that one of them removes what has expired of all.

    Args:
        database: Where the rows are; it stays its opener's.
        stateless: Whether the rows are those of stateless runs, whose threads have no checkpoints and end with them.
        ttl: The time to live of threads that runs create; None is for ever.
        searched: The values of threads' states; None where threads have none, so that no search by values finds any.
    """

    def __init__(
        self,
        database: Database,
        *,
        stateless: bool = False,
        ttl: Ttl | None = None,
        searched: SearchedValues | None = None,
    ) -> None:
        self._searched = searched
        self._database = database
        self._tables = Tables(stateless=stateless)
        self._sql = self._tables.sql
        self._turns = Turns(self._tables, ttl)

    async def create_thread(self, thread: Thread) -> None:
        """Adds a thread. Raises ThreadExists."""
        row = thread_row(thread)

        def create(connection: sqlite3.Connection) -> None:
            if self._tables.thread(connection, thread.thread_id) is not None:
                raise ThreadExists(thread.thread_id)
            connection.execute(self._sql.add_thread, row)

        await self._database.write(create, len(str(row["metadata"])))

    async def get_thread(self, thread_id: str) -> Thread | None:
        """The thread, or None."""
        await self._database.settled()
        with self._database.read() as connection:
            return self._tables.thread(connection, thread_id)

    async def merge_metadata(
        self, thread_id: str, metadata: JsonObject, now: datetime, ttl: Ttl | None = None
    ) -> Thread:
        """Merges metadata, changes the time to live where one is given, and returns the thread after it. Raises ThreadNotFound."""

        def merge(connection: sqlite3.Connection) -> Thread:
            thread = self._tables.known(connection, thread_id)
            merged = merged_into(thread, metadata, ttl, now)
            self._tables.set_thread(connection, merged)
            return merged

        return await self._database.write(merge)

    async def set_thread_state(
        self, thread_id: str, *, status: ThreadStatus, interrupts: Sequence[TaskInterrupts], now: datetime
    ) -> None:
        """Records what an edit of the state left. Raises ThreadNotFound, and ThreadBusy while a run is on the thread."""

        def record(connection: sqlite3.Connection) -> None:
            thread = self._tables.free(connection, thread_id, "the update")
            self._tables.set_thread(connection, edited(thread, status, interrupts, now))

        await self._database.write(record)

    async def delete_thread(self, thread_id: str) -> None:
        """Deletes a thread, its runs, its checkpoints and its kept events. Raises ThreadNotFound, and ThreadBusy while a run is on it."""
        await self._database.write(lambda connection: self._turns.delete_thread(connection, thread_id))

    async def copy_thread(self, thread_id: str, copy_id: str, now: datetime) -> Thread:
        """Adds a copy of a thread with all its checkpoints, and returns it. Raises ThreadNotFound."""
        with self._database.read() as connection:
            size = checkpoint_rows.weight(connection, thread_id)

        def copy(connection: sqlite3.Connection) -> Thread:
            made = copied(self._tables.known(connection, thread_id), copy_id, now)
            connection.execute(self._sql.add_thread, thread_row(made))
            checkpoint_rows.copy(connection, thread_id, copy_id)
            return made

        return await self._database.write(copy, size)

    async def search_threads(self, query: ThreadQuery, page: Page, sort: ThreadSort, ascending: bool) -> list[Thread]:
        """A page of the threads that match; ties by id, in the same direction."""
        if query.values and self._searched is None:
            return []
        statement = self._sql.search_having if query.values else self._sql.search_threads
        statement = statement.format(order=ORDERS[sort, ascending])
        parameters = {**await self._filters(query), "limit": page.limit, "offset": page.offset}
        return await self._database.query(
            lambda connection: [thread_of(row) for row in connection.execute(statement, parameters)]
        )

    async def count_threads(self, query: ThreadQuery) -> int:
        """How many threads match."""
        if query.values and self._searched is None:
            return 0
        statement = self._sql.count_having if query.values else self._sql.count_threads
        parameters = await self._filters(query)
        return await self._database.query(
            lambda connection: int(connection.execute(statement, parameters).fetchone()[0])
        )

    async def admit_run(
        self,
        run: Run,
        *,
        create_thread: bool,
        may_start: bool,
        seq_block: int,
        key: RequestKey | None = None,
        claim: Claim | None = None,
    ) -> Admitted:
        """Adds a run, and does to the runs that it meets what its strategy says. Raises FiringTaken, ThreadNotFound, ThreadBusy, RequestReused and RunNotFound."""
        request = Request(
            run=run,
            spec=codec.encode(run.spec),
            create_thread=create_thread,
            may_start=may_start,
            seq_block=seq_block,
            key=key,
            claim=claim,
        )
        return await self._database.write(lambda connection: self._turns.admit(connection, request), len(request.spec))

    async def find_request(self, key: RequestKey) -> Run | None:
        """The run of an earlier request with the same key, None where there is none. Raises RequestReused and RunNotFound."""
        await self._database.settled()
        with self._database.read() as connection:
            return self._turns.find(connection, key)

    async def start_next(self, thread_id: str, *, seq_block: int, now: datetime) -> Run | None:
        """Starts the pending run of a thread whose turn it is; None where there is none."""
        return await self._database.write(
            lambda connection: self._turns.start_next(connection, thread_id, seq_block=seq_block, now=now)
        )

    async def request_cancel(self, run_id: str, action: CancelAction) -> Run | None:
        """Writes that a run is to stop, unless it has ended. Returns the run after it, or None."""
        return await self._database.write(lambda connection: self._turns.request_cancel(connection, run_id, action))

    async def release_run(self, run: Run, last_seq: int, *, lost: bool, now: datetime) -> Run | None:
        """Gives a running run back. Returns the run after it; None where it is not running at this attempt."""
        return await self._database.write(
            lambda connection: self._turns.release(connection, run, last_seq, lost=lost, now=now)
        )

    async def undo_run(self, run: Run) -> None:
        """Removes what a run has left among its thread's checkpoints. Nothing happens where it has ended, is gone, or is at another attempt."""
        if self._tables.checkpoints:
            await self._database.write(
                lambda connection: undo.undo_held(connection, run.run_id, run.thread_id, run.attempt)
            )

    async def reserve(self, thread_id: str, last_seq: int) -> None:
        """Raises the upper bound of the thread's event numbers; never lowers it."""
        parameters = {"thread_id": thread_id, "last_seq": last_seq}
        await self._database.write(lambda connection: connection.execute(self._sql.reserve, parameters).rowcount)

    async def number_end(self, run: Run, last_seq: int) -> None:
        """Records the number of the terminal event of a run that never started."""
        parameters = {"run_id": run.run_id, "thread_id": run.thread_id, "last_seq": last_seq}

        def number(connection: sqlite3.Connection) -> None:
            connection.execute(self._sql.number_run, parameters)
            connection.execute(self._sql.number_thread, parameters)

        await self._database.write(number)

    async def finish_run(self, ending: Ending) -> bool:
        """Writes how a run ended, and what it leaves on its thread. Returns whether it did (port `Store`)."""
        last, told = kept.batches(ending.run.thread_id, ending.events), deliveries.snapshot(ending.run)
        values = (ending.run.outcome and ending.run.outcome.values) or b""
        return await self._database.write(
            lambda connection: self._turns.finish(connection, ending, last, told), last.size + len(values) + len(told)
        )

    async def get_run(self, run_id: str) -> Run | None:
        """The run, or None."""
        await self._database.settled()
        with self._database.read() as connection:
            run = self._tables.run(connection, run_id)
            return None if run is None else deliveries.shown(connection, run)

    async def list_runs(self, thread_id: str, status: RunStatus | None, page: Page) -> list[Run]:
        """A page of a thread's runs, the newest first. An unknown thread has none."""
        parameters = {"thread_id": thread_id, "status": status, "limit": page.limit, "offset": page.offset}
        return await self._runs(self._sql.list_runs, parameters)

    async def delete_run(self, run_id: str) -> None:
        """Deletes a run that has ended, and its kept events; nothing happens where there is none. Raises RunActive."""

        def delete(connection: sqlite3.Connection) -> None:
            run = self._tables.run(connection, run_id)
            if run is None:
                return
            if not run.status.ended:
                raise RunActive(run_id, run.status)
            kept.drop_run(connection, run)
            connection.execute(self._sql.delete_run, (run_id,))
            deliveries.drop_unseen(connection, run_id)

        await self._database.write(delete)

    async def unfinished_runs(self) -> list[Run]:
        """All runs that have not ended, the oldest first."""
        return await self._runs(self._sql.unfinished_runs, {})

    async def ended_runs(self) -> list[Run]:
        """All runs that have ended, in the order in which they did."""
        return await self._runs(self._sql.ended_runs, {})

    async def unnumbered_runs(self) -> list[Run]:
        """All runs that have ended and whose terminal event has no number (port `Store`)."""
        return await self._runs(self._sql.unnumbered_runs, {})

    async def kept_end(self, run: Run) -> int:
        """The number under which the terminal event of a run is kept; 0 where it is not."""
        with self._database.read() as connection:
            return kept.end_of(connection, run)

    async def keep_events(self, thread_id: str, events: Sequence[Event], *, drop_through: int = 0) -> None:
        """Adds events of a thread to those that are kept, and drops those up to a number, that one included."""
        made = kept.batches(thread_id, events)

        def keep(connection: sqlite3.Connection) -> None:
            kept.add(connection, made)
            if drop_through:
                kept.drop_through(connection, thread_id, drop_through)

        await self._database.write(keep, made.size)

    async def kept_events(self, thread_id: str, after_seq: int, max_bytes: int) -> Sequence[Event]:
        """Kept events behind a cursor (port `Store`)."""
        with self._database.read() as connection:
            return kept.read(connection, thread_id, after_seq, max_bytes)

    async def newest_kept(self, thread_id: str) -> int:
        """The highest number of a thread's kept events; 0 where none are."""
        with self._database.read() as connection:
            return kept.newest(connection, thread_id)

    async def expire(self, now: datetime) -> datetime | None:
        """Drops a part of what has passed its time, and tells when to call again."""

        def expire(connection: sqlite3.Connection) -> datetime | None:
            events, keys = kept.expire(connection, now), requests.expire(connection, now)
            if events or keys:
                return now
            due = [kept.next_expiry(connection), requests.next_expiry(connection)]
            return min((time_of(ticks) for ticks in due if ticks is not None), default=None)

        return await self._database.write(expire)

    async def _filters(self, query: ThreadQuery) -> dict[str, object]:
        filters: dict[str, object] = {
            "status": query.status,
            "ids": json.dumps(query.thread_ids) if query.thread_ids else None,
            "metadata": codec.encode(query.metadata) if query.metadata else None,
        }
        if not query.values or self._searched is None:
            return filters
        await self._searched.refresh(filters)
        return {**filters, "values": codec.encode(query.values), "needle": needle(query.values)}

    async def _runs(self, statement: str, parameters: Mapping[str, object]) -> list[Run]:
        return await self._database.query(
            lambda connection: [
                deliveries.shown(connection, run_of(row))
                for row in connection.execute(statement, parameters).fetchall()
            ]
        )
