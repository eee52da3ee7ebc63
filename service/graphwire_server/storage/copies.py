"""What a copy of a thread is.

Owns which of a thread's values its copy takes over, so that every engine makes the same copy. Pure: an engine reads the thread, calls this, and
writes what it gets together with the checkpoints, in one transaction. The invariant: a copy has no run, so it is never busy.
"""

from dataclasses import replace
from datetime import datetime

from graphwire_server.core.model import Thread, ThreadStatus


def copied(source: Thread, thread_id: str, now: datetime) -> Thread:
    """The copy of a thread: its metadata, graph, config, status, interrupts, error and time to live; times and event numbers of its own.

    Args:
        source: The thread.
        thread_id: The copy's id; it also replaces the source's where metadata names it.
        now: When it is made.
    """
    metadata = source.metadata
    if metadata.get("thread_id") == source.thread_id:
        metadata = {**metadata, "thread_id": thread_id}
    status = ThreadStatus.IDLE if source.status is ThreadStatus.BUSY else source.status
    return replace(
        source,
        thread_id=thread_id,
        created_at=now,
        updated_at=now,
        state_updated_at=source.state_updated_at and now,
        status=status,
        standing=status,
        metadata=metadata,
        last_seq=0,
        reserved_seq=0,
    )
