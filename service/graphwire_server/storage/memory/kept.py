"""Kept events in memory.

Owns the events of resumable runs, and until when they are kept. Here they outlive their run and its log, not the process. The invariant: a thread's events are
in order, each number once.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from graphwire_server.core.events import Event
from graphwire_server.core.model import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class _Retained:
    thread_id: str
    first_seq: int
    last_seq: int
    until: datetime


class KeptEvents:
    """The kept events of all threads of a store."""

    def __init__(self) -> None:
        self._events: dict[str, list[Event]] = {}
        self._retained: dict[str, _Retained] = {}

    def add(self, thread_id: str, events: Iterable[Event]) -> None:
        """Adds events behind all that are there; numbers that are kept already are not added again."""
        newest = self.newest(thread_id)
        if added := [event for event in events if event.seq > newest]:
            self._events.setdefault(thread_id, []).extend(added)

    def read(self, thread_id: str, after_seq: int, max_bytes: int) -> Sequence[Event]:
        """Events that are consecutive from `after_seq` + 1: as many as weigh `max_bytes`, at least one where that one is kept."""
        events, found, room = self._events.get(thread_id, ()), list[Event](), max_bytes
        for index in range(bisect_right(events, after_seq, key=_seq), len(events)):
            event = events[index]
            room -= event.weight
            if event.seq != after_seq + 1 + len(found) or (room < 0 and found):
                break
            found.append(event)
        return found

    def newest(self, thread_id: str) -> int:
        """The highest number of a thread's events; 0 where none are."""
        events = self._events.get(thread_id)
        return events[-1].seq if events else 0

    def end_of(self, run: Run) -> int:
        """The number of a run's terminal event; 0 where it is not kept."""
        events = self._events.get(run.thread_id, ())
        ends = (event.seq for event in events if event.run_id == run.run_id and event.payload.mode == "end")
        return next(ends, 0)

    def retain(self, run: Run, until: datetime) -> None:
        """Says until when the events of a run that has ended are kept."""
        first_seq, last_seq = self._range(run)
        if first_seq:
            self._retained[run.run_id] = _Retained(
                thread_id=run.thread_id, first_seq=first_seq, last_seq=last_seq, until=until
            )

    def drop_run(self, run: Run) -> None:
        """Drops the events of a run that has ended."""
        first_seq, last_seq = self._range(run)
        if first_seq:
            self._drop(run.thread_id, first_seq, last_seq)
            self._retained.pop(run.run_id, None)

    def drop_through(self, thread_id: str, last_seq: int) -> None:
        """Drops a thread's events up to a number, that one included."""
        self._drop(thread_id, 0, last_seq)

    def drop_thread(self, thread_id: str) -> None:
        """Drops all events of a thread."""
        self._events.pop(thread_id, None)
        for run_id in [run_id for run_id, run in self._retained.items() if run.thread_id == thread_id]:
            del self._retained[run_id]

    def expire(self, now: datetime) -> datetime | None:
        """Drops events whose time has passed. Returns when the next pass it, or None."""
        for run_id, due in [(run_id, run) for run_id, run in self._retained.items() if run.until <= now]:
            # What is older and belongs to no run that is still kept goes as well: events that nobody's end tells an expiry of.
            others = (run for run in self._retained.values() if run.thread_id == due.thread_id and run.until > now)
            below = max((run.last_seq for run in others if run.last_seq < due.first_seq), default=0)
            self._drop(due.thread_id, below + 1, due.last_seq)
            del self._retained[run_id]
        return min((run.until for run in self._retained.values()), default=None)

    def _range(self, run: Run) -> tuple[int, int]:
        """The numbers of a run's events; the first is 0 where it has none. One that never started has its terminal event alone, once that is numbered."""
        return run.first_seq or run.last_seq, run.last_seq or self.newest(run.thread_id)

    def _drop(self, thread_id: str, first_seq: int, last_seq: int) -> None:
        events = self._events.get(thread_id, [])
        del events[bisect_right(events, first_seq - 1, key=_seq) : bisect_right(events, last_seq, key=_seq)]
        if not events:
            self._events.pop(thread_id, None)


def _seq(event: Event) -> int:
    return event.seq
