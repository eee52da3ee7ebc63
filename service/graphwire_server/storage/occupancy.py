"""What a run does to its thread.

Owns the changes of both when a run is admitted, starts and ends, so that every engine makes the same ones. Pure: an engine reads
the thread, calls this, and writes what it gets, in one transaction. The invariant: a thread is busy exactly while a run is pending
or running on it.
"""

from dataclasses import replace
from datetime import datetime

from graphwire_server.core.lifecycle import move
from graphwire_server.core.model import Outcome, Run, RunStatus, Thread, ThreadStatus


def opened(run: Run) -> Thread:
    """The thread that a run creates for itself."""
    return Thread(thread_id=run.thread_id, created_at=run.created_at, updated_at=run.created_at)


def admitted(thread: Thread, run: Run, seq_block: int) -> tuple[Thread, Run]:
    """Both after the run was admitted: started where the thread is free, else pending."""
    if thread.status is ThreadStatus.BUSY:
        return _taken(thread, run, thread.last_seq, thread.reserved_seq), replace(run, status=RunStatus.PENDING)
    return _numbered(thread, run, seq_block)


def started(thread: Thread, run: Run, seq_block: int, now: datetime) -> tuple[Thread, Run]:
    """Both after a pending run has started."""
    return _numbered(thread, move(run, RunStatus.RUNNING, now), seq_block)


def vacated(thread: Thread, run: Run, status: ThreadStatus, *, occupied: bool) -> Thread:
    """The thread after a run has ended.

    Args:
        thread: The thread before it.
        run: The run as it ended. Where it never started (`first_seq` 0) it has numbered no event, so `last_seq` stays.
        status: What the thread becomes where no other run is on it.
        occupied: Whether another run is on it.
    """
    if occupied and not run.first_seq:
        # It left nothing behind, and what the thread shows belongs to the run before it.
        return replace(thread, updated_at=run.updated_at)
    outcome = run.outcome or Outcome(status=run.status)
    return replace(
        thread,
        status=ThreadStatus.BUSY if occupied else status,
        interrupts=outcome.task_interrupts,
        error=f"{outcome.error.type}: {outcome.error.message}" if outcome.error else None,
        last_seq=run.last_seq if run.first_seq else thread.last_seq,
        reserved_seq=run.last_seq if run.first_seq else thread.reserved_seq,
        updated_at=run.updated_at,
    )


def _numbered(thread: Thread, run: Run, seq_block: int) -> tuple[Thread, Run]:
    newest = max(thread.last_seq, thread.reserved_seq)
    return _taken(thread, run, newest, newest + seq_block), replace(run, first_seq=newest + 1)


def _taken(thread: Thread, run: Run, last_seq: int, reserved_seq: int) -> Thread:
    return replace(
        thread,
        status=ThreadStatus.BUSY,
        metadata={**thread.metadata, "graph_id": run.graph_id, "assistant_id": run.assistant_id},
        graph_id=run.graph_id,
        assistant_id=run.assistant_id,
        interrupts=(),
        error=None,
        last_seq=last_seq,
        reserved_seq=reserved_seq,
        updated_at=run.updated_at,
    )
