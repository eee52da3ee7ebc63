"""Threads and runs as rows, and back.

Owns the mapping between the core's values and the columns of `statements.py`, in their order. Times are whole microseconds. Free text is kept as JSON, which
can say what a TEXT column cannot (a lone surrogate in an error message).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from graphwire_server.core.model import (
    CancelAction,
    Outcome,
    Run,
    RunConfig,
    RunSpec,
    RunStatus,
    TaskInterrupts,
    Thread,
    ThreadStatus,
)
from graphwire_server.core.ttl import Ttl
from graphwire_server.storage.sqlite import codec

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_NO_CONFIG = RunConfig()


def thread_row(thread: Thread) -> dict[str, object]:
    """A thread as parameters."""
    return {
        "thread_id": thread.thread_id,
        "created_at": ticks(thread.created_at),
        "updated_at": ticks(thread.updated_at),
        "status": thread.status.value,
        "metadata": codec.encode(thread.metadata),
        "graph_id": thread.graph_id,
        "assistant_id": thread.assistant_id,
        "interrupts": codec.encode(thread.interrupts),
        "error": None if thread.error is None else codec.encode(thread.error),
        "last_seq": thread.last_seq,
        "reserved_seq": thread.reserved_seq,
        "standing": thread.standing.value,
        "ttl": None if thread.ttl is None else codec.encode(thread.ttl),
        "expires_at": None if thread.expires_at is None else ticks(thread.expires_at),
        "state_updated_at": None if thread.state_updated_at is None else ticks(thread.state_updated_at),
        "config": None if thread.config == _NO_CONFIG else codec.encode(thread.config),
    }


def thread_of(row: Sequence[Any]) -> Thread:
    """The thread of a row."""
    return Thread(
        thread_id=row[0],
        created_at=time_of(row[1]),
        updated_at=time_of(row[2]),
        status=ThreadStatus(row[3]),
        metadata=codec.parse(row[4]),
        graph_id=row[5],
        assistant_id=row[6],
        interrupts=codec.decode(tuple[TaskInterrupts, ...], row[7]),
        error=None if row[8] is None else codec.parse(row[8]),
        last_seq=row[9],
        reserved_seq=row[10],
        standing=ThreadStatus(row[11]),
        ttl=None if row[12] is None else codec.decode(Ttl, row[12]),
        state_updated_at=None if row[13] is None else time_of(row[13]),
        config=_NO_CONFIG if row[14] is None else codec.decode(RunConfig, row[14]),
    )


def run_row(run: Run, spec: str | None = None) -> dict[str, object]:
    """A run as parameters; `spec` where its text is at hand."""
    return {
        "run_id": run.run_id,
        "thread_id": run.thread_id,
        "assistant_id": run.assistant_id,
        "graph_id": run.graph_id,
        "status": run.status.value,
        "created_at": ticks(run.created_at),
        "updated_at": ticks(run.updated_at),
        "spec": codec.encode(run.spec) if spec is None else spec,
        "attempt": run.attempt,
        "outcome": None if run.outcome is None else codec.encode(run.outcome),
        "first_seq": run.first_seq,
        "last_seq": run.last_seq,
        "due_at": None if run.due_at is None else ticks(run.due_at),
        "started_at": None if run.started_at is None else ticks(run.started_at),
        "cancel": None if run.cancel is None else run.cancel.value,
        "losses": run.losses,
    }


def run_of(row: Sequence[Any]) -> Run:
    """The run of a row."""
    return Run(
        run_id=row[0],
        thread_id=row[1],
        assistant_id=row[2],
        graph_id=row[3],
        status=RunStatus(row[4]),
        created_at=time_of(row[5]),
        updated_at=time_of(row[6]),
        spec=codec.decode(RunSpec, row[7]),
        attempt=row[8],
        outcome=None if row[9] is None else codec.decode(Outcome, row[9]),
        first_seq=row[10],
        last_seq=row[11],
        due_at=None if row[12] is None else time_of(row[12]),
        started_at=None if row[13] is None else time_of(row[13]),
        cancel=None if row[14] is None else CancelAction(row[14]),
        losses=row[15],
    )


def ticks(time: datetime) -> int:
    """A time as a column has it."""
    return (time - _EPOCH) // _TICK


def time_of(ticks: int) -> datetime:
    """The time of a column."""
    return _EPOCH + ticks * _TICK
