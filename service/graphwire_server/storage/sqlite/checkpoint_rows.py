"""LangGraph's checkpoints as rows.

Owns the statements on the library's tables that the library itself does not have: deleting and copying a thread in the transaction of its row, and the newest
checkpoint without its state.
"""

import sqlite3

DELETE = ("DELETE FROM checkpoints WHERE thread_id = ?", "DELETE FROM writes WHERE thread_id = ?")
# A checkpoint and its writes do not name their thread but in the column: LangGraph leaves the id out of what it serializes.
COPY_CHECKPOINTS = """
INSERT INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata)
SELECT :copy_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata
FROM checkpoints WHERE thread_id = :thread_id
"""
COPY_WRITES = """
INSERT INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value)
SELECT :copy_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value
FROM writes WHERE thread_id = :thread_id
"""
BYTES = """
SELECT CAST((SELECT total(length(checkpoint)) FROM checkpoints WHERE thread_id = :thread_id)
    + (SELECT total(length(value)) FROM writes WHERE thread_id = :thread_id) AS INTEGER)
"""
LAST_ID = """
SELECT checkpoint_id FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = '' ORDER BY checkpoint_id DESC LIMIT 1
"""


def delete(connection: sqlite3.Connection, thread_id: str) -> None:
    """Deletes all checkpoints of a thread, and what tasks have written on top of them."""
    for statement in DELETE:
        connection.execute(statement, (thread_id,))


def copy(connection: sqlite3.Connection, thread_id: str, copy_id: str) -> None:
    """Copies them to a thread that has none."""
    ids = {"thread_id": thread_id, "copy_id": copy_id}
    connection.execute(COPY_CHECKPOINTS, ids)
    connection.execute(COPY_WRITES, ids)


def weight(connection: sqlite3.Connection, thread_id: str) -> int:
    """How many bytes they have."""
    return int(connection.execute(BYTES, {"thread_id": thread_id}).fetchone()[0])


def last_id(connection: sqlite3.Connection, thread_id: str) -> str | None:
    """The newest checkpoint of a thread's root graph, or None."""
    row = connection.execute(LAST_ID, (thread_id,)).fetchone()
    return None if row is None else str(row[0])
