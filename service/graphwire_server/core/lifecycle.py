"""The moves that a run may make in its life.

Owns the one table of them. Pure: every change of a run's status goes through `move` or `finish`, so a move that is not in the table cannot happen.
docs/lifecycle.md draws the same table, and a test holds the drawing to it.
"""

from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from graphwire_server.core.model import Outcome, Run, RunStatus, ThreadStatus

MOVES = MappingProxyType(
    {
        RunStatus.PENDING: frozenset({RunStatus.RUNNING, RunStatus.INTERRUPTED}),
        RunStatus.RUNNING: frozenset(
            {RunStatus.PENDING, RunStatus.SUCCESS, RunStatus.ERROR, RunStatus.TIMEOUT, RunStatus.INTERRUPTED}
        ),
        RunStatus.SUCCESS: frozenset(),
        RunStatus.ERROR: frozenset(),
        RunStatus.TIMEOUT: frozenset(),
        RunStatus.INTERRUPTED: frozenset(),
    }
)
"""From each status, those that may follow. A run that is rolled back is deleted when it makes its last move, to interrupted. From running back to pending
goes a run whose process has died, or has stopped before the run ended: it is taken up again."""


class IllegalMove(AssertionError):
    """The server tried a move that the table does not have: a defect of the server."""


def move(run: Run, to: RunStatus, now: datetime) -> Run:
    """The run after a move.

    Raises:
        IllegalMove: The table does not have it.
    """
    _check(run, to)
    return replace(run, status=to, updated_at=now)


def finish(run: Run, outcome: Outcome, last_seq: int, now: datetime) -> Run:
    """The run at its end. Raises IllegalMove where it has ended before."""
    _check(run, outcome.status)
    return replace(run, status=outcome.status, updated_at=now, outcome=outcome, last_seq=last_seq)


def _check(run: Run, to: RunStatus) -> None:
    if to not in MOVES[run.status]:
        raise IllegalMove(f"{run.status} -> {to}")


def thread_status(outcome: Outcome) -> ThreadStatus:
    """What a run's end makes of its thread, where no other run waits on it (wire facts 61 and 62)."""
    if outcome.status in (RunStatus.ERROR, RunStatus.TIMEOUT):
        return ThreadStatus.ERROR
    return ThreadStatus.INTERRUPTED if outcome.stopped else ThreadStatus.IDLE


def thread_error(outcome: Outcome, *, rolled_back: bool) -> str | None:
    """What a run's end leaves as its thread's error: `Type: message`; None after a run that went well (wire facts 62 and 63)."""
    if outcome.error is not None:
        return f"{outcome.error.type}: {outcome.error.message}"
    if outcome.status is RunStatus.INTERRUPTED:
        return "UserRollback: the run was rolled back" if rolled_back else "UserInterrupt: the run was cancelled"
    return None
