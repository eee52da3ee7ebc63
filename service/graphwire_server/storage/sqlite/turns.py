"""The life of a run in SQLite: admitted, started, asked to stop, given back, ended.

Owns these transactions; each reads, decides by `occupancy.py` and writes. The invariant: what is written of a run and of its thread agrees, as one commit has both,
and an attempt that is over writes nothing.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from graphwire_server.core.cron import Claim
from graphwire_server.core.errors import RunNotFound, ThreadNotFound
from graphwire_server.core.model import (
    Admitted,
    CancelAction,
    MultitaskStrategy,
    RequestKey,
    Run,
    RunStatus,
    ThreadStatus,
)
from graphwire_server.core.ports import Ending
from graphwire_server.core.ttl import Ttl
from graphwire_server.storage.occupancy import (
    admitted,
    asked_to_stop,
    met,
    next_run,
    opened,
    released,
    started,
    vacated,
)
from graphwire_server.storage.sqlite import checkpoint_rows, crons, deliveries, kept, requests, undo
from graphwire_server.storage.sqlite.kept import Batches
from graphwire_server.storage.sqlite.rows import run_row, thread_row
from graphwire_server.storage.sqlite.tables import Tables

_STOPPING = frozenset({MultitaskStrategy.INTERRUPT, MultitaskStrategy.ROLLBACK})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What `admit_run` was called with; `spec` is the text of the run's."""

    run: Run
    spec: str
    create_thread: bool
    may_start: bool
    seq_block: int
    key: RequestKey | None
    claim: Claim | None


class Turns:
    """The transactions on one pair of tables.

    Args:
        tables: The pair.
        ttl: The time to live of threads that runs create; None is for ever.
    """

    def __init__(self, tables: Tables, ttl: Ttl | None = None) -> None:
        self._tables = tables
        self._ttl = ttl

    def admit(self, connection: sqlite3.Connection, request: Request) -> Admitted:
        """Adds a run (port `Store`)."""
        tables, run, key = self._tables, request.run, request.key
        if key is not None and (earlier := self.find(connection, key)) is not None:
            return Admitted(run=earlier, existing=True)
        thread = found = tables.thread(connection, run.thread_id)
        if thread is None:
            if not request.create_thread:
                raise ThreadNotFound(run.thread_id)
            thread = opened(run, self._ttl)
        active = self._active(connection, run) if thread.status is ThreadStatus.BUSY else ()
        stopping = met(run, active)
        self._stop(connection, active, stopping)
        thread, stored = admitted(thread, run, active, may_start=request.may_start, seq_block=request.seq_block)
        connection.execute(tables.sql.add_thread if found is None else tables.sql.set_thread, thread_row(thread))
        spec = request.spec if stored.spec is run.spec else None  # it inherits from its thread
        connection.execute(tables.sql.add_run, run_row(stored, spec))
        if key is not None:
            requests.add(connection, key, stored.run_id)
        if request.claim is not None:
            crons.take(connection, request.claim, stored.run_id)
        return Admitted(run=stored, met=stopping)

    def find(self, connection: sqlite3.Connection, key: RequestKey) -> Run | None:
        """The run of an earlier request with the same key (port `Store`)."""
        run_id = requests.known(connection, key)
        if run_id is None:
            return None
        run = self._tables.run(connection, run_id)
        if run is None:
            raise RunNotFound(run_id)
        return deliveries.shown(connection, run)

    def start_next(
        self, connection: sqlite3.Connection, thread_id: str, *, seq_block: int, now: datetime
    ) -> Run | None:
        """Starts a pending run of a thread (port `Store`)."""
        tables = self._tables
        run = next_run(tables.candidates(connection, thread_id, now), now)
        if run is None:
            return None
        thread, run = started(tables.known(connection, thread_id), run, seq_block, now)
        tables.set_thread(connection, thread)
        tables.set_run(connection, tables.sql.start_run, run)
        return run

    def request_cancel(self, connection: sqlite3.Connection, run_id: str, action: CancelAction) -> Run | None:
        """Writes that a run is to stop (port `Store`)."""
        run = self._tables.run(connection, run_id)
        if run is None or run.status.ended:
            return run
        asked = asked_to_stop(run, action)
        if asked != run:
            self._tables.cancel(connection, run_id, asked.cancel)
        return asked

    def release(
        self, connection: sqlite3.Connection, run: Run, last_seq: int, *, lost: bool, now: datetime
    ) -> Run | None:
        """Gives a running run back (port `Store`)."""
        tables = self._tables
        found = tables.run(connection, run.run_id)
        if found is None or found.status is not RunStatus.RUNNING or found.attempt != run.attempt:
            return None
        thread, pending = released(tables.known(connection, run.thread_id), found, last_seq, lost=lost, now=now)
        tables.set_thread(connection, thread)
        tables.set_run(connection, tables.sql.release_run, pending)
        return pending

    def finish(self, connection: sqlite3.Connection, ending: Ending, last: Batches, told: str) -> bool:
        """Writes how a run ended, and returns whether it did (port `Store`).

        Args:
            connection: The writer's.
            ending: How it ended.
            last: Its last events.
            told: What its delivery keeps of it.
        """
        tables, run = self._tables, ending.run
        goes = ending.leaves_nothing and (ending.rolled_back or ending.kept_until is None)
        statement = tables.sql.end_run if goes or ending.rolled_back else tables.sql.finish_run
        row = {**run_row(run, ""), "rolled_back": ending.rolled_back}
        if not connection.execute(statement, row).rowcount:
            return False
        if run.delivery is not None:
            deliveries.add(connection, run.delivery, told)
        self._settle_events(connection, ending, last, goes=goes)
        if tables.checkpoints:
            if ending.rolled_back:
                # A node's thread may have written since the core undid the run: it can until the row says that the run has ended, which is now.
                undo.undo(connection, run.run_id, run.thread_id)
            undo.forget(connection, run.run_id)
        if goes:
            self._delete_thread(connection, run.thread_id)
        else:
            self._vacate(connection, ending)
        return True

    def delete_thread(self, connection: sqlite3.Connection, thread_id: str) -> None:
        """Deletes a thread on which no run is, and all that it has (port `Store`)."""
        self._tables.free(connection, thread_id, "the deletion")
        kept.drop_thread(connection, thread_id)
        deliveries.drop_thread(connection, thread_id)
        self._delete_thread(connection, thread_id)

    def _active(self, connection: sqlite3.Connection, run: Run) -> Sequence[Run]:
        """The runs on a thread that decide about a new one: all where they are to stop, else one that stands for them."""
        look = self._tables.active if run.spec.multitask_strategy in _STOPPING else self._tables.foremost
        return look(connection, run.thread_id)

    def _stop(self, connection: sqlite3.Connection, active: Sequence[Run], stopping: Sequence[Run]) -> None:
        for before, after in zip(active, stopping, strict=False):
            if before.cancel is not after.cancel:
                self._tables.cancel(connection, after.run_id, after.cancel)

    def _settle_events(self, connection: sqlite3.Connection, ending: Ending, last: Batches, *, goes: bool) -> None:
        run = ending.run
        if ending.kept_until is not None:
            kept.add(connection, last)
            kept.retain(connection, run, ending.kept_until)
        elif goes:
            if run.spec.stream_resumable:
                kept.drop_thread(connection, run.thread_id)
        else:
            if run.spec.stream_resumable:
                kept.drop_run(connection, run)
            kept.add(connection, last)

    def _delete_thread(self, connection: sqlite3.Connection, thread_id: str) -> None:
        if self._tables.checkpoints:
            checkpoint_rows.delete(connection, thread_id)
        connection.execute(self._tables.sql.delete_thread, (thread_id,))

    def _vacate(self, connection: sqlite3.Connection, ending: Ending) -> None:
        thread = self._tables.known(connection, ending.run.thread_id)
        occupied = self._tables.occupied(connection, thread.thread_id)
        before = self._tables.last_begun(connection, thread.thread_id) if ending.rolled_back else None
        self._tables.set_thread(connection, vacated(thread, ending, before, occupied=occupied))
