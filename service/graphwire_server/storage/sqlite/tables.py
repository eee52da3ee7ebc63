"""A pair of tables: threads, and the runs on them.

Owns how single rows are read and changed on a connection, by the statements of the pair. It decides nothing: what a run does to its thread is in
`turns.py`.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from graphwire_server.core.errors import ThreadBusy, ThreadNotFound
from graphwire_server.core.model import CancelAction, Run, Thread, ThreadStatus
from graphwire_server.storage.sqlite.rows import run_of, run_row, thread_of, thread_row, ticks
from graphwire_server.storage.sqlite.statements import STATEFUL, STATELESS, Statements


class Tables:
    """The rows of one pair of tables.

    Attributes:
        sql: The statements on it.
        checkpoints: Whether its threads can have checkpoints.

    Args:
        stateless: Whether it is the pair of stateless runs.
    """

    def __init__(self, *, stateless: bool) -> None:
        self.sql: Statements = STATELESS if stateless else STATEFUL
        self.checkpoints = not stateless

    def thread(self, connection: sqlite3.Connection, thread_id: str) -> Thread | None:
        """The thread, or None."""
        row = connection.execute(self.sql.get_thread, (thread_id,)).fetchone()
        return None if row is None else thread_of(row)

    def known(self, connection: sqlite3.Connection, thread_id: str) -> Thread:
        """The thread. Raises ThreadNotFound."""
        thread = self.thread(connection, thread_id)
        if thread is None:
            raise ThreadNotFound(thread_id)
        return thread

    def free(self, connection: sqlite3.Connection, thread_id: str, wants: str) -> Thread:
        """The thread, on which no run is. Raises ThreadNotFound, and ThreadBusy where one is."""
        thread = self.known(connection, thread_id)
        if thread.status is ThreadStatus.BUSY:
            raise ThreadBusy(thread_id, wants)
        return thread

    def set_thread(self, connection: sqlite3.Connection, thread: Thread) -> None:
        """Writes a thread as it is now."""
        connection.execute(self.sql.set_thread, thread_row(thread))

    def run(self, connection: sqlite3.Connection, run_id: str) -> Run | None:
        """The run, or None."""
        row = connection.execute(self.sql.get_run, (run_id,)).fetchone()
        return None if row is None else run_of(row)

    def active(self, connection: sqlite3.Connection, thread_id: str) -> Sequence[Run]:
        """All runs that are on a thread, the oldest first."""
        return [run_of(row) for row in connection.execute(self.sql.active_runs, (thread_id,))]

    def foremost(self, connection: sqlite3.Connection, thread_id: str) -> Sequence[Run]:
        """Of the runs on a thread the one that tells whether anything is before a new run: a running one, else the one that is due first."""
        return [run_of(row) for row in connection.execute(self.sql.foremost_run, (thread_id,)).fetchall()]

    def candidates(self, connection: sqlite3.Connection, thread_id: str, now: datetime) -> Sequence[Run]:
        """Of the runs on a thread the one that tells which is next: a running one, else the one whose turn it is before all others."""
        bounds = {"thread_id": thread_id, "now": ticks(now)}
        return [run_of(row) for row in connection.execute(self.sql.next_run, bounds).fetchall()]

    def last_begun(self, connection: sqlite3.Connection, thread_id: str) -> Run | None:
        """The newest of a thread's runs that has been started, or None."""
        row = connection.execute(self.sql.last_begun, (thread_id,)).fetchone()
        return None if row is None else run_of(row)

    def occupied(self, connection: sqlite3.Connection, thread_id: str) -> bool:
        """Whether a run is on the thread."""
        return connection.execute(self.sql.occupied, (thread_id,)).fetchone() is not None

    def set_run(self, connection: sqlite3.Connection, statement: str, run: Run) -> None:
        """Writes of a run what a statement writes."""
        connection.execute(statement, run_row(run, ""))

    def cancel(self, connection: sqlite3.Connection, run_id: str, action: CancelAction | None) -> None:
        """Writes that a run is to stop."""
        connection.execute(self.sql.cancel_run, {"run_id": run_id, "cancel": action})
