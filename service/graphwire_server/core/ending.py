"""How a run's stream ends: with its error, where it has one, and its terminal event.

Owns the last events of a run. They are appended once its row is written, at once behind one another. The invariant: a run that failed has one error
event and one terminal event, in this order, whoever noticed the failure.
"""

from collections.abc import Sequence
from datetime import timedelta

from graphwire_server.core.events import End, Error, Event
from graphwire_server.core.model import Outcome, Run, RunError
from graphwire_server.core.ports import ThreadLog

SMALL_EVENT = 400
"""About how many bytes an event without free-form data holds."""

SELF_CANCELLED = RunError(type="CancelledError", message="a node cancelled itself")
"""The error of a run in which a node raised CancelledError and nobody had cancelled the run."""

INTERNAL = RunError(type="InternalError", message="An internal error occurred")
"""The error of a run that a defect of the server ended; the log has the rest."""

NOT_KEPT = RunError(
    type="StoreUnavailable", message="the data store was away for too long to keep the run's events", retryable=True
)
"""The error of a resumable run whose events cannot be kept."""


def timed_out(limit: timedelta) -> RunError:
    """The error of a run that took longer than it may."""
    return RunError(type="RunTimedOut", message=f"the run took longer than {limit.total_seconds():g} seconds")


def server_died(attempts: int) -> RunError:
    """The error of a run whose process died so often that it is not taken up again."""
    times = "once" if attempts == 1 else f"{attempts} times"
    return RunError(type="ServerDied", message=f"the server died {times} while it executed the run", retryable=True)


def length(outcome: Outcome, *, told: bool) -> int:
    """How many events a run's ending has.

    Args:
        outcome: How the run ended.
        told: Whether the engine has appended the error.
    """
    return 1 if outcome.error is None or told else 2


def ending_events(ended: Run, *, told: bool) -> tuple[Event, ...]:
    """What is left to say of a run that has ended: its error, where nobody has told it, and its terminal event.

    The engine tells what a graph raised. What else may end a run (a time limit, a server that died, a node that cancels itself, a defect) is told here, so
    that readers who know no terminal event, as over HTTP, do not take a failure for success. Its time is the row's, so that it can be made again to
    the byte.

    Args:
        ended: The run, whose `last_seq` is the terminal event's number; 0 where that is not known yet.
        told: Whether the engine has appended the error.
    """
    time = ended.updated_at.timestamp()
    end = Event(ended.last_seq, ended.run_id, ended.thread_id, time, (), terminal(ended), SMALL_EVENT)
    outcome = ended.outcome
    if outcome is None or outcome.error is None or told:
        return (end,)
    weight = SMALL_EVENT + len(outcome.error.message)
    error = Error(error=outcome.error)
    return Event(ended.last_seq - 1, ended.run_id, ended.thread_id, time, (), error, weight), end


def append_ending(log: ThreadLog, events: Sequence[Event]) -> Event:
    """Appends the last events of a run, and returns its terminal event as the log has numbered it."""
    for event in events:
        last = log.append(event.run_id, event.namespace, event.payload, event.weight, event.time)
    return last


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
        cancel=ended.cancel,
        lingering=outcome.lingering,
    )
