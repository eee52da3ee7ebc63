"""What a run does to its thread.

Owns the changes of both when a run is admitted, starts, is asked to stop, is given back and ends, so that every engine makes the same ones. Pure: an engine
reads the thread and the runs that are on it, calls this, and writes what it gets, in one transaction. The invariant: a thread is busy exactly while a
run is pending or running on it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from graphwire_server.core.errors import ThreadBusy
from graphwire_server.core.lifecycle import move, thread_error
from graphwire_server.core.model import (
    CancelAction,
    JsonObject,
    MultitaskStrategy,
    Outcome,
    Run,
    RunStatus,
    TaskInterrupts,
    Thread,
    ThreadStatus,
)
from graphwire_server.core.ports import Ending
from graphwire_server.core.ttl import Ttl, changed

_PUT_THERE = frozenset({"graph_id", "assistant_id", "thread_id"})
"""Metadata of a thread that says which it is and what ran on it: a run has these of its own."""

_STOPS = {
    MultitaskStrategy.INTERRUPT: CancelAction.INTERRUPT,
    MultitaskStrategy.ROLLBACK: CancelAction.ROLLBACK,
}


def opened(run: Run, ttl: Ttl | None = None) -> Thread:
    """The thread that a run creates for itself."""
    return Thread(thread_id=run.thread_id, created_at=run.created_at, updated_at=run.created_at, ttl=ttl)


def met(run: Run, active: Sequence[Run]) -> tuple[Run, ...]:
    """The runs that a new run's strategy asks to stop, as they are after that (wire fact 66).

    Args:
        run: The new run.
        active: The runs that are pending or running on its thread.

    Raises:
        ThreadBusy: There are some, and the strategy is to be refused then.
    """
    strategy = run.spec.multitask_strategy
    if active and strategy is MultitaskStrategy.REJECT:
        raise ThreadBusy(run.thread_id, "the run")
    action = _STOPS.get(strategy)
    return () if action is None else tuple(asked_to_stop(other, action) for other in active)


def asked_to_stop(run: Run, action: CancelAction) -> Run:
    """A run that has not ended, after somebody has asked it to stop. A rollback that was asked for stays one."""
    return run if run.cancel is CancelAction.ROLLBACK else replace(run, cancel=action)


def admitted(thread: Thread, run: Run, active: Sequence[Run], *, may_start: bool, seq_block: int) -> tuple[Thread, Run]:
    """Both after the run was admitted: started where nothing is before it on the thread and it may, else pending.

    Args:
        thread: The thread before it.
        run: The run, with status running.
        active: The runs that are pending or running on its thread. Those that are not due yet are not before it.
        may_start: Whether a process executes it at once.
        seq_block: How many event numbers are reserved for it.
    """
    run = _inheriting(run, thread)
    now = run.created_at
    first = not any(other.status is RunStatus.RUNNING or other.due(now) for other in active)
    if may_start and first and run.due(now):
        return _numbered(thread, run, seq_block, started_at=now)
    waited_for = replace(thread, status=ThreadStatus.BUSY, updated_at=run.updated_at)
    # What the thread shows is that of its own graph, until a run of another begins.
    belonging = _belonging(waited_for, run) if thread.graph_id is None else waited_for
    return belonging, replace(run, status=RunStatus.PENDING)


def _inheriting(run: Run, thread: Thread) -> Run:
    """The run with its thread's metadata over its assistant's. Most threads have none but what their runs have put there."""
    if thread.metadata.keys() <= _PUT_THERE:
        return run
    brought = {key: value for key, value in thread.metadata.items() if key not in _PUT_THERE}
    return replace(run, spec=replace(run.spec, inherited={**run.spec.inherited, **brought}))


def next_run(active: Sequence[Run], now: datetime) -> Run | None:
    """Which of the runs on a thread starts next: one that has been started before, else the oldest that is due. None where one is running, or none may."""
    if any(run.status is RunStatus.RUNNING for run in active):
        return None
    ready = [run for run in active if run.cancel is None and run.due(now)]
    return min(ready, key=lambda run: (run.started_at is None, run.created_at, run.run_id), default=None)


def started(thread: Thread, run: Run, seq_block: int, now: datetime) -> tuple[Thread, Run]:
    """Both after a pending run has started: for the first time, or as a new attempt."""
    moved = move(run, RunStatus.RUNNING, now)
    if run.started_at is not None:
        moved = replace(moved, attempt=run.attempt + 1)
    return _numbered(thread, moved, seq_block, started_at=run.started_at or now)


def released(thread: Thread, run: Run, last_seq: int, *, lost: bool, now: datetime) -> tuple[Thread, Run]:
    """Both after a run was given back before it ended.

    Args:
        thread: The thread before it.
        run: The run, with status running.
        last_seq: A number that no event of the thread passes.
        lost: Whether nobody gave it back, but its process was found dead.
        now: The time.
    """
    given_back = replace(move(run, RunStatus.PENDING, now), losses=run.losses + lost)
    return replace(thread, last_seq=last_seq, reserved_seq=last_seq, updated_at=now), given_back


def ended(stored: Run, run: Run) -> Run:
    """A run at its end.

    Args:
        stored: The run before it.
        run: The run as whoever executed it says that it ended; what was asked of it meanwhile, by others, stays as stored.
    """
    return replace(
        stored,
        status=run.status,
        updated_at=run.updated_at,
        outcome=run.outcome,
        last_seq=run.last_seq,
        cancel=stored.cancel or run.cancel,
    )


def edited(thread: Thread, status: ThreadStatus, interrupts: Sequence[TaskInterrupts], now: datetime) -> Thread:
    """The thread after an edit of its state. What it failed with is gone, unless its last node still fails."""
    error = thread.error if status is ThreadStatus.ERROR else None
    return replace(
        thread,
        status=status,
        standing=status,
        interrupts=tuple(interrupts),
        error=error,
        updated_at=now,
        state_updated_at=now,
    )


def merged_into(thread: Thread, metadata: JsonObject, ttl: Ttl | None, now: datetime) -> Thread:
    """The thread after metadata was merged into its own, key by key, and its time to live was changed; None leaves that as it is."""
    return replace(thread, metadata={**thread.metadata, **metadata}, ttl=changed(thread.ttl, ttl), updated_at=now)


def vacated(thread: Thread, ending: Ending, before: Run | None = None, *, occupied: bool) -> Thread:
    """The thread after a run has ended.

    Args:
        thread: The thread before it.
        ending: How the run ended. Where `last_seq` is 0 it has numbered no event, so the thread's stays.
        before: The last run that has been on the thread, where this one was rolled back: the thread is that one's again.
        occupied: Whether another run is on it.
    """
    run = ending.run
    if not run.first_seq:
        # It left nothing behind but its end, and what the thread shows belongs to the run before it.
        return replace(
            thread,
            status=ThreadStatus.BUSY if occupied else thread.standing,
            last_seq=max(thread.last_seq, run.last_seq),
            reserved_seq=max(thread.reserved_seq, run.last_seq),
            updated_at=run.updated_at,
        )
    outcome = run.outcome or Outcome(status=run.status)
    if before is not None:
        thread = _belonging(thread, before)
    return replace(
        thread,
        status=ThreadStatus.BUSY if occupied else ending.thread_status,
        standing=ending.thread_status,
        interrupts=outcome.task_interrupts,
        error=thread_error(outcome, rolled_back=ending.rolled_back),
        last_seq=run.last_seq or thread.last_seq,
        reserved_seq=run.last_seq or thread.reserved_seq,
        updated_at=run.updated_at,
        state_updated_at=run.updated_at,
    )


def _numbered(thread: Thread, run: Run, seq_block: int, *, started_at: datetime) -> tuple[Thread, Run]:
    newest = max(thread.last_seq, thread.reserved_seq)
    # What was kept of earlier attempts can still be read, so the run goes on where they ended; else it begins anew for its readers.
    first = run.first_seq if run.first_seq and run.spec.stream_resumable else newest + 1
    # One `replace` for each: of an admission this is the most costly part.
    taken = _taken(thread, run, interrupts=(), error=None, last_seq=newest, reserved_seq=newest + seq_block)
    return taken, replace(run, first_seq=first, started_at=started_at)


def _taken(thread: Thread, run: Run, **changes: Any) -> Thread:
    return _belonging(thread, run, status=ThreadStatus.BUSY, updated_at=run.updated_at, **changes)


def _belonging(thread: Thread, run: Run, **changes: Any) -> Thread:
    """The thread as one of a run's graph."""
    return replace(
        thread,
        metadata={**thread.metadata, "graph_id": run.graph_id, "assistant_id": run.assistant_id},
        graph_id=run.graph_id,
        assistant_id=run.assistant_id,
        config=run.spec.config,
        **changes,
    )
