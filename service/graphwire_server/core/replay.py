"""Cursors of a run's readers, and the replay of a run that has ended.

Owns where in its thread's log a reader of a run starts, and what it gets when nothing more will come. The invariant: the terminal event is always
there, also when nothing else of the run is held.
"""

from graphwire_server.core.ending import SMALL_EVENT, terminal
from graphwire_server.core.errors import CursorExpired, InvalidField
from graphwire_server.core.events import Event
from graphwire_server.core.follow import Batches, Filter, follow
from graphwire_server.core.model import Run
from graphwire_server.core.ports import ThreadLog


def check_cursor(after_seq: int | None) -> None:
    """Raises InvalidField for a cursor that no event can have."""
    if after_seq is not None and after_seq < 0:
        raise InvalidField("after_seq", "must be 0 or more; leave it out for what happens from now on")


def cursor(log: ThreadLog, run: Run, after_seq: int | None) -> int:
    """Where a reader of a run that has not ended starts. Raises InvalidField for a cursor beyond the newest event."""
    if after_seq is None:
        return log.newest_seq
    _check_given(after_seq, log.newest_seq)
    # A run that waits for its turn has no event yet, so its start is what comes next.
    return max(after_seq, run.first_seq - 1) if run.first_seq else log.newest_seq


def replay(log: ThreadLog, run: Run, after_seq: int | None, wanted: Filter) -> Batches:
    """What is left to read of a run that has ended: the terminal event always, before it what is held behind the cursor.

    Raises:
        InvalidField: The cursor lies beyond the newest event. Raised at once, as all that is wrong with a cursor is.
        CursorExpired: Events behind the cursor are no longer held.
    """
    first, last = run.first_seq or run.last_seq, run.last_seq
    start = last if after_seq is None else max(after_seq, first - 1)
    _check_given(start, max(log.newest_seq, last))
    if start >= last - 1:
        return _end_of(run)
    oldest = min(max(log.oldest_seq, first), last) if log.newest_seq >= last else last
    if oldest > start + 1:
        raise CursorExpired(start, oldest, last)
    return follow(log, run.run_id, start, wanted)


async def _end_of(run: Run) -> Batches:
    ended_at = run.updated_at.timestamp()
    yield [Event(run.last_seq, run.run_id, run.thread_id, ended_at, (), terminal(run), SMALL_EVENT)]


def _check_given(after_seq: int, newest_seq: int) -> None:
    if after_seq > newest_seq:
        raise InvalidField("after_seq", f"must be {newest_seq} or less, the newest event's number")
