"""A stream: a reader's view of a thread's log.

Owns cursors, filters and when a stream ends. A live stream and a replay are the same code: both read the log behind a cursor, from memory, and where that
no longer has it from what is kept. A thread's stream is all of it; a run's stream is the run's part, up to its terminal event. Nothing here knows who
appends.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from graphwire_server.core.batch import Batch
from graphwire_server.core.errors import CursorExpired, InvalidField, SlowReader
from graphwire_server.core.events import ALWAYS, Event
from graphwire_server.core.ports import ThreadLog


@dataclass(frozen=True, slots=True)
class Batches:
    """What a stream gives: events in order, never none at a time.

    Attributes:
        after_seq: The cursor behind which it starts: where a reader goes on that is cut off before its first event.
        source: The batches; iterating reads it directly.
    """

    after_seq: int
    source: AsyncIterator[Batch]

    def __aiter__(self) -> AsyncIterator[Batch]:
        return self.source

    async def __anext__(self) -> Batch:
        """The next batch alone."""
        return await anext(self.source)


Share = Callable[[Batch], Batch]
"""What of a batch a reader gets."""

BATCH_BYTES = 1 << 20
"""How many bytes of events one read takes at most, so that a batch fits a message of stock clients (wire D, message size)."""


_KEPT_BYTES = 64 << 10
"""How many bytes of kept events one read takes at most: it holds the event loop for about a millisecond."""

Older = Callable[[int, int], Awaitable[Sequence[Event]]]
"""Gives kept events of a thread behind a cursor, consecutive and about as many as weigh so many bytes; none where the next one is not kept."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What of a thread can be read: its log in memory, and behind that what is kept."""

    log: ThreadLog
    older: Older

    async def holds(self, after_seq: int) -> bool:
        """Whether the event behind a cursor can be read, or is the next to come."""
        return self.log.oldest_seq <= after_seq + 1 or bool(await self.older(after_seq, 1))

    async def oldest_of_run(self, after_seq: int, known: int) -> int:
        """The lowest number from which on all of a run can be read. What is kept of a run has no gap, so half of what is left is passed over at a time.

        Args:
            after_seq: A cursor behind which the next event cannot be read.
            known: A higher number from which on all can be read.
        """
        missing, oldest = after_seq + 1, known
        while oldest - missing > 1:
            middle = (missing + oldest) // 2
            if await self.holds(middle - 1):
                oldest = middle
            else:
                missing = middle
        return oldest

    async def read(self, after_seq: int, max_bytes: int) -> Batch:
        """Events behind a cursor, at least one. Raises CursorExpired where the next one cannot be read."""
        try:
            batch = self.log.read(after_seq, max_bytes)
        except CursorExpired:
            batch = Batch(await self.older(after_seq, min(max_bytes, _KEPT_BYTES)))
        if not batch:
            raise CursorExpired(after_seq, self.log.oldest_seq, self.log.newest_seq)
        return batch


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


def share(run_id: str | None, wanted: Filter) -> Share:
    """What of a batch a reader gets; decides once for a stream what is asked for each batch.

    Args:
        run_id: The run whose events it gets; None is all runs of the thread.
        wanted: Which of them.
    """
    everything, admits = wanted.admits_all, wanted.admits
    if run_id is not None and everything:
        return lambda batch: batch.of_run(run_id)
    if run_id is not None:
        return lambda batch: Batch([event for event in batch if event.run_id == run_id and admits(event)])
    if everything:
        return lambda batch: batch
    return lambda batch: Batch([event for event in batch if admits(event)])


async def follow(
    reading: Reading, run_id: str | None, after_seq: int, wanted: Filter, max_bytes: int = BATCH_BYTES
) -> Batches:
    """Gives events behind a cursor in batches, first those that are held, then those to come.

    A run's stream ends with its terminal event. A thread's stream ends with an error alone: between runs it waits. A reader that is up to date
    gets each event at once; one that lags gets all that waits, up to a size.

    Args:
        reading: What can be read.
        run_id: The run; events of other runs on the thread are passed over. None is all runs of the thread.
        after_seq: The cursor, exclusive.
        wanted: Which events are delivered.
        max_bytes: The most bytes of one batch.

    Raises:
        CursorExpired: Events behind the first cursor are no longer held. Raised at once; what follows is raised by the batches, as this is where what is kept of
            the thread has a gap.
        SlowReader: The reader fell behind what is held.
        Draining: The server stops.
        ThreadNotFound: The thread was deleted, and all of it has been delivered.
    """
    if not await reading.holds(after_seq):
        oldest = reading.log.oldest_seq
        if run_id is not None:
            oldest = await reading.oldest_of_run(after_seq, oldest)
        raise CursorExpired(after_seq, oldest, reading.log.newest_seq)
    kept_up = reading.log.oldest_seq <= after_seq + 1
    source = _follow(reading, after_seq, share(run_id, wanted), max_bytes, ends=run_id is not None, kept_up=kept_up)
    return Batches(after_seq, source)


async def _follow(
    reading: Reading, cursor: int, mine: Share, max_bytes: int, *, ends: bool, kept_up: bool
) -> AsyncIterator[Batch]:
    begins = True
    while True:
        await reading.log.wait(cursor, at_once=begins)
        begins = False
        kept_up = kept_up or reading.log.oldest_seq <= cursor + 1
        try:
            batch = await reading.read(cursor, max_bytes)
        except CursorExpired:
            if not kept_up:  # what is kept has a gap, of a run whose events were not
                raise
            raise SlowReader(cursor) from None
        cursor = batch[-1].seq
        if chosen := mine(batch):
            yield chosen
            if ends and chosen[-1].payload.mode == "end":
                return
