"""What a run may write among the checkpoints of its thread, and how that is taken back.

Owns the fence around a run's writes, what was on top of earlier checkpoints before the run wrote there, and the way back to it. Each function is part of a
transaction. The invariant: what a run writes and what is preserved of what it may change are in one commit, so it can be taken back whenever the process dies.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

from graphwire_server.core.errors import LeaseLost

HOLDS = "SELECT 1 FROM runs WHERE run_id = ? AND attempt = ? AND status = 'running'"
IN_HAND = "SELECT 1 FROM runs WHERE run_id = ? AND attempt = ? AND status IN ('pending', 'running')"

# A row without a task says that the writes of a checkpoint were preserved, were there any or none.
MARK = """
INSERT OR IGNORE INTO preserved_writes (run_id, thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel)
VALUES (?, ?, ?, ?, '', '', 0, '')
"""
PRESERVE = """
INSERT INTO preserved_writes (run_id, thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value)
SELECT ?, thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value
FROM writes WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ?
"""
DROP_TOUCHED = """
DELETE FROM writes WHERE (thread_id, checkpoint_ns, checkpoint_id) IN (
    SELECT thread_id, checkpoint_ns, checkpoint_id FROM preserved_writes WHERE run_id = ? AND task_id = ''
)
"""
RESTORE = """
INSERT INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value)
SELECT thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value
FROM preserved_writes WHERE run_id = ? AND task_id <> ''
"""
FORGET = "DELETE FROM preserved_writes WHERE run_id = ?"

# One step for each namespace, however many checkpoints it has.
NAMESPACES = """
WITH RECURSIVE known (ns) AS (
    SELECT min(checkpoint_ns) FROM checkpoints WHERE thread_id = :thread_id
    UNION ALL
    SELECT (SELECT min(checkpoint_ns) FROM checkpoints WHERE thread_id = :thread_id AND checkpoint_ns > known.ns)
    FROM known WHERE known.ns IS NOT NULL
)
SELECT ns FROM known WHERE ns IS NOT NULL
"""
NEWEST_FIRST = """
SELECT checkpoint_id, metadata FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ? ORDER BY checkpoint_id DESC
"""
DROP_CHECKPOINTS_FROM = "DELETE FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id >= ?"
DROP_WRITES_FROM = "DELETE FROM writes WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id >= ?"

Place = tuple[str, str, str]
"""A checkpoint: its thread, namespace and id."""


class Lease:
    """An attempt at a run, as all that writes for it holds it. It may be asked on any thread; what it gives runs in transactions.

    Args:
        run_id: The run.
        attempt: The attempt.
    """

    def __init__(self, run_id: str, attempt: int) -> None:
        self._run_id = run_id
        self._attempt = attempt
        self._last_made: dict[tuple[str, str], str] = {}

    def made(self, place: Place) -> None:
        """Notes a checkpoint that the attempt makes: what is on top of it is the run's own, and need not be preserved."""
        thread_id, ns, checkpoint_id = place
        self._last_made[thread_id, ns] = checkpoint_id

    def check(self, connection: sqlite3.Connection) -> None:
        """Raises LeaseLost where the run is not running at this attempt."""
        if connection.execute(HOLDS, (self._run_id, self._attempt)).fetchone() is None:
            raise LeaseLost(self._run_id)

    def check_and_preserve(self, place: Place) -> Callable[[sqlite3.Connection], None]:
        """What comes before a write on top of a checkpoint: the check and, where the attempt has not made the checkpoint, what is on top of it so far
        is preserved, once for the run.
        """
        thread_id, ns, checkpoint_id = place
        # Only the newest of a namespace is remembered. Should a write on an older one of the run's own come late, what is preserved goes when it does.
        if self._last_made.get((thread_id, ns)) == checkpoint_id:
            return self.check

        def before(connection: sqlite3.Connection) -> None:
            self.check(connection)
            if connection.execute(MARK, (self._run_id, *place)).rowcount:
                connection.execute(PRESERVE, (self._run_id, *place))

        return before


def undo(connection: sqlite3.Connection, run_id: str, thread_id: str) -> None:
    """Removes a run's checkpoints and puts back the writes on those of others. Once is as good as twice."""
    connection.execute(DROP_TOUCHED, (run_id,))
    connection.execute(RESTORE, (run_id,))
    for ns, first in [*_made_by(connection, run_id, thread_id)]:
        connection.execute(DROP_CHECKPOINTS_FROM, (thread_id, ns, first))
        connection.execute(DROP_WRITES_FROM, (thread_id, ns, first))


def undo_held(connection: sqlite3.Connection, run_id: str, thread_id: str, attempt: int) -> None:
    """As `undo`, of a run that has not ended. Nothing happens where it has, or is at another attempt."""
    if connection.execute(IN_HAND, (run_id, attempt)).fetchone() is not None:
        undo(connection, run_id, thread_id)


def forget(connection: sqlite3.Connection, run_id: str) -> None:
    """Drops what was preserved for a run that has ended."""
    connection.execute(FORGET, (run_id,))


def _made_by(connection: sqlite3.Connection, run_id: str, thread_id: str) -> Iterator[tuple[str, str]]:
    """The oldest checkpoint of a run in each namespace where it made some. They are the newest there, since one run at a time is on a thread: those of a
    thread's earlier runs are not looked at.
    """
    for (ns,) in connection.execute(NAMESPACES, {"thread_id": thread_id}).fetchall():
        first = None
        with closing(connection.execute(NEWEST_FIRST, (thread_id, ns))) as rows:
            for checkpoint_id, metadata in rows:
                if json.loads(metadata or b"{}").get("run_id") != run_id:
                    break
                first = checkpoint_id
        if first is not None:
            yield ns, first
