"""A stream: a reader's view of a thread's log.

Owns cursors, filters and when a stream ends. A live stream and a replay are the same code: both read the log behind a cursor until the
run's terminal event. Nothing here knows who appends.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from graphwire_server.core.errors import CursorExpired, SlowReader
from graphwire_server.core.events import ALWAYS, Event
from graphwire_server.core.ports import ThreadLog

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


async def follow(
    log: ThreadLog, run_id: str, after_seq: int, wanted: Filter, max_bytes: int = BATCH_BYTES
) -> AsyncIterator[Sequence[Event]]:
    """Yields a run's events behind a cursor in batches, first those that are held, then those to come, and ends with its last.

    A reader that is up to date gets each event at once; one that lags gets all that waits, up to a size.

    Args:
        log: The thread's log.
        run_id: The run; events of other runs on the thread are passed over.
        after_seq: The cursor, exclusive.
        wanted: Which events are delivered.
        max_bytes: The most bytes of one batch.

    Raises:
        CursorExpired: Events behind the first cursor are no longer held.
        SlowReader: The reader fell behind what is held.
        Draining: The server stops.
    """
    everything = wanted.admits_all
    if log.oldest_seq > after_seq + 1:
        raise CursorExpired(after_seq, log.oldest_seq, log.newest_seq)
    cursor = after_seq
    while True:
        await log.wait(cursor)
        await _let_others_go_first()
        try:
            batch = log.read(cursor, max_bytes)
        except CursorExpired:
            raise SlowReader(cursor) from None
        cursor = batch[-1].seq
        mine = [event for event in batch if event.run_id == run_id and (everything or wanted.admits(event))]
        if mine:
            yield mine
            if mine[-1].payload.mode == "end":
                return
