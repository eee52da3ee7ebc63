"""A stream: a reader's view of a thread's log.

Owns cursors, filters and when a stream ends. A live stream and a replay are the same code: both read the log behind a cursor. A thread's stream is
all of it; a run's stream is the run's part, up to its terminal event. Nothing here knows who appends.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from graphwire_server.core.errors import CursorExpired, InvalidField, SlowReader
from graphwire_server.core.events import ALWAYS, Event
from graphwire_server.core.ports import ThreadLog

Batches = AsyncIterator[Sequence[Event]]
"""What a stream gives: events in order, never none at a time."""

_Share = Callable[[Sequence[Event]], Sequence[Event]]
"""What of a batch of the log a reader gets."""

BATCH_BYTES = 1 << 20
"""How many bytes of events one read takes at most, so that a batch fits a message of stock clients (wire D, message size)."""


_TURNS = 6
"""How often a woken reader lets others have the loop before it reads. On an idle server that is some microseconds; under load it is when more
events of the run come to pass, and go out in the same message (measured on short runs, 16 at a time: 2.0 messages a run, not 3.9).
"""

_PATIENCE = 0.005
"""For how many seconds at most, so that a graph that keeps the loop to itself does not hold back its own events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which events a reader wants; an empty part does not filter. `modes` are kinds of events: both names of tokens are `messages`."""

    modes: frozenset[str] = frozenset()
    namespaces: tuple[tuple[str, ...], ...] = ()
    nodes: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()

    @property
    def admits_all(self) -> bool:
        """Whether nothing is filtered."""
        return not (self.modes or self.namespaces or self.nodes or self.tags)

    def admits(self, event: Event) -> bool:
        """Whether the reader gets the event. Metadata, errors and the terminal event always pass (design, promise 4)."""
        payload = event.payload
        if payload.mode in ALWAYS:
            return True
        node, tags = getattr(payload, "node", None), getattr(payload, "tags", None)
        return (
            (not self.modes or payload.mode in self.modes)
            and (not self.namespaces or any(_below(event.namespace, path) for path in self.namespaces))
            and (not self.nodes or not node or node in self.nodes)
            and (not self.tags or tags is None or not self.tags.isdisjoint(tags))
        )


EVERYTHING = Filter()
"""The filter that filters nothing."""


def _below(namespace: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Whether a namespace is a path's or lies below it. The empty path is the root graph alone."""
    if not path:
        return not namespace
    return len(namespace) >= len(path) and all(
        level == wanted or level.partition(":")[0] == wanted for level, wanted in zip(namespace, path, strict=False)
    )


async def _let_others_go_first() -> None:
    latest = time.monotonic() + _PATIENCE
    for _ in range(_TURNS):
        await asyncio.sleep(0)
        if time.monotonic() > latest:
            return


def starting_at(log: ThreadLog, after_seq: int | None) -> int:
    """Where in a thread's log a reader starts: behind its cursor, or behind the newest event where it has none (promise 2).

    Raises:
        InvalidField: The cursor is negative, or beyond the newest event.
    """
    if after_seq is None:
        return log.newest_seq
    if after_seq < 0:
        raise InvalidField("after_seq", "must be 0 or more; leave it out for what happens from now on")
    if after_seq > log.newest_seq:
        raise InvalidField("after_seq", f"must be {log.newest_seq} or less, the newest event's number")
    return after_seq


def _share(run_id: str | None, wanted: Filter) -> _Share:
    """Decides once for a stream what is asked for each batch."""
    everything, admits = wanted.admits_all, wanted.admits
    if run_id is not None:
        return lambda batch: [event for event in batch if event.run_id == run_id and (everything or admits(event))]
    if everything:
        return lambda batch: batch
    return lambda batch: [event for event in batch if admits(event)]


def follow(log: ThreadLog, run_id: str | None, after_seq: int, wanted: Filter, max_bytes: int = BATCH_BYTES) -> Batches:
    """Gives events behind a cursor in batches, first those that are held, then those to come.

    A run's stream ends with its terminal event. A thread's stream ends with an error alone: between runs it waits. A reader that is up to date
    gets each event at once; one that lags gets all that waits, up to a size.

    Args:
        log: The thread's log.
        run_id: The run; events of other runs on the thread are passed over. None is all runs of the thread.
        after_seq: The cursor, exclusive.
        wanted: Which events are delivered.
        max_bytes: The most bytes of one batch.

    Raises:
        CursorExpired: Events behind the first cursor are no longer held. Raised at once; what follows is raised by the batches.
        SlowReader: The reader fell behind what is held.
        Draining: The server stops.
        ThreadNotFound: The thread was deleted, and all of it has been delivered.
    """
    if log.oldest_seq > after_seq + 1:
        raise CursorExpired(after_seq, log.oldest_seq, log.newest_seq)
    return _follow(log, run_id, after_seq, _share(run_id, wanted), max_bytes)


async def _follow(log: ThreadLog, run_id: str | None, cursor: int, share: _Share, max_bytes: int) -> Batches:
    while True:
        await log.wait(cursor)
        await _let_others_go_first()
        try:
            batch = log.read(cursor, max_bytes)
        except CursorExpired:
            raise SlowReader(cursor) from None
        cursor = batch[-1].seq
        mine = share(batch)
        if mine:
            yield mine
            if run_id is not None and mine[-1].payload.mode == "end":
                return
