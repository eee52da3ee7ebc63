"""How a run's stream ends: with its error, where it has one, and its terminal event.

Owns the last events of a run. They are appended once its row is written, at once behind one another. The invariant: a run that failed has one error
event and one terminal event, in this order, whoever noticed the failure.
"""

from graphwire_server.core.events import End, Error, Event
from graphwire_server.core.model import Outcome, Run, RunError
from graphwire_server.core.ports import ThreadLog

SMALL_EVENT = 400
"""About how many bytes an event without free-form data holds."""

SERVER_STOPPED = RunError(type="ServerStopped", message="the server stopped before the run ended", retryable=True)
"""The error of a run that was cut short by the end of its server."""

SELF_CANCELLED = RunError(type="CancelledError", message="a node cancelled itself")
"""The error of a run in which a node raised CancelledError and nobody had cancelled the run."""

INTERNAL = RunError(type="InternalError", message="An internal error occurred")
"""The error of a run that a defect of the server ended; the log has the rest."""

SERVER_DIED = RunError(type="ServerDied", message="the server died before the run ended", retryable=True)
"""The error of a run that was executing when its server died."""


def length(outcome: Outcome, *, told: bool) -> int:
    """How many events `append_ending` will append.

    Args:
        outcome: How the run ended.
        told: Whether the engine has appended the error.
    """
    return 1 if outcome.error is None or told else 2


def append_ending(log: ThreadLog, ended: Run, *, told: bool) -> Event:
    """Appends what is left to say of a run that has ended, and returns its terminal event.

    The engine tells what a graph raised. What else may end a run (the server stops or dies, a node cancels itself, a defect) is told here, so that
    readers who know no terminal event, as over HTTP, do not take a failure for success.

    Args:
        log: The log of its thread.
        ended: The run, whose `last_seq` is the terminal event's number; 0 where that is not known yet.
        told: Whether the engine has appended the error.
    """
    time = ended.updated_at.timestamp()
    outcome = ended.outcome
    if outcome is not None and outcome.error is not None and not told:
        weight = SMALL_EVENT + len(outcome.error.message)
        log.append(ended.run_id, (), Error(error=outcome.error), weight, time)
    # Its time is the row's, so that it can be made again to the byte.
    return log.append(ended.run_id, (), terminal(ended), SMALL_EVENT, time)


def terminal(ended: Run) -> End:
    """The terminal event of a run that has ended; it can be made again from the run's row at any time."""
    outcome = ended.outcome
    assert outcome is not None  # noqa: S101  only runs that have ended come here
    return End(
        status=outcome.status,
        error=outcome.error,
        interrupts=outcome.interrupts,
        next=outcome.next,
        checkpoint_id="" if ended.stateless else outcome.checkpoint_id,
        event_count=max(1, ended.last_seq - ended.first_seq + 1) if ended.first_seq else 1,
    )
