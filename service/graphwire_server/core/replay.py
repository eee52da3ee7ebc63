"""Cursors of a run's readers, and the replay of a run that has ended.

Owns where in its thread's log a reader of a run starts, and what it gets when nothing more will come. The invariant: the terminal event is always
there, also when nothing else of the run is held.
"""

from collections.abc import AsyncIterator

from graphwire_server.core.batch import Batch
from graphwire_server.core.ending import SMALL_EVENT, terminal
from graphwire_server.core.errors import CursorExpired, InvalidField
from graphwire_server.core.events import Event
from graphwire_server.core.follow import BATCH_BYTES, Batches, Filter, Reading, share
from graphwire_server.core.model import Run, RunStatus


def check_cursor(after_seq: int | None) -> None:
    """Raises InvalidField for a cursor that no event can have."""
    if after_seq is not None and after_seq < 0:
        raise InvalidField("after_seq", "must be 0 or more; leave it out for what happens from now on")


def cursor(reading: Reading, run: Run, after_seq: int | None) -> int:
    """Where a reader of a run that has not ended starts. Raises InvalidField for a cursor beyond the newest event."""
    newest = reading.log.newest_seq
    if after_seq is None:
        return newest
    _check_given(after_seq, newest)
    if not run.first_seq or (run.status is RunStatus.PENDING and not run.spec.stream_resumable):
        # A run that waits has no event yet, so its start is what comes next; what an earlier attempt had, went with its process.
        return newest
    return max(after_seq, run.first_seq - 1)


async def replay(reading: Reading, run: Run, after_seq: int | None, wanted: Filter) -> Batches:
    """What is left to read of a run that has ended: the terminal event always, before it what is held behind the cursor.

    Raises:
        InvalidField: The cursor lies beyond the newest event. Raised at once, as all that is wrong with a cursor is.
        CursorExpired: Events behind the cursor are no longer held.
    """
    first, last = run.first_seq or run.last_seq, run.last_seq
    start = last if after_seq is None else max(after_seq, first - 1)
    _check_given(start, max(reading.log.newest_seq, last))
    if start < last - 1 and not await reading.holds(start):
        oldest = min(max(reading.log.oldest_seq, first), last) if reading.log.newest_seq >= last else last
        raise CursorExpired(start, await reading.oldest_of_run(start, oldest), last)
    # The terminal event comes to those too whose cursor is its number: for them the stream starts before it.
    return Batches(min(start, last - 1), _replayed(reading, run, start, wanted))


async def _replayed(reading: Reading, run: Run, start: int, wanted: Filter) -> AsyncIterator[Batch]:
    mine, at = share(run.run_id, wanted), start
    while at < run.last_seq - 1:
        batch = await reading.read(at, BATCH_BYTES)
        at = batch[-1].seq
        if chosen := mine(batch):
            yield chosen
            if chosen[-1].payload.mode == "end":
                return
    yield Batch([_end_of(run)])


def _end_of(run: Run) -> Event:
    ended_at = run.updated_at.timestamp()
    return Event(run.last_seq, run.run_id, run.thread_id, ended_at, (), terminal(run), SMALL_EVENT)


def _check_given(after_seq: int, newest_seq: int) -> None:
    if after_seq > newest_seq:
        raise InvalidField("after_seq", f"must be {newest_seq} or less, the newest event's number")
