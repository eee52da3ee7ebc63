"""A reader's envelopes, from a thread's log.

Owns where a reader starts, which envelopes it gets, and what it is told when there are no more. The invariant: a reader reads each run from its start, so that what it gets is
what everybody gets; what it has seen, and what it does not want, is passed over.
"""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from graphwire_server.core.errors import CursorExpired, GraphwireError, ThreadNotFound
from graphwire_server.core.events import Event
from graphwire_server.core.follow import Batches
from graphwire_server.core.threads import Threads
from graphwire_server.rest.errors import internal
from graphwire_server.rest.v2.channels import Subscription, wrong
from graphwire_server.rest.v2.envelopes import Numbered, failure, hidden, seen
from graphwire_server.rest.v2.tape import Tape

_log = logging.getLogger("graphwire.rest")

SLICE = 128
"""How many events are turned into envelopes before others get the loop."""


class Envelopes:
    """What one reader gets.

    Args:
        batches: The thread's events, from the start of a run.
        wanted: What the reader wants.
    """

    def __init__(self, batches: Batches, wanted: Subscription) -> None:
        self._batches = batches
        self._wanted = wanted
        self._tape = Tape()

    async def __aiter__(self) -> AsyncIterator[list[Numbered]]:
        """The envelopes, some at a time, as they come. Ends with an error alone: those that `Threads.watch_whole` names."""
        async for batch in self._batches:
            for start in range(0, len(batch), SLICE):
                if made := list(self._made(batch[start : start + SLICE])):
                    yield made
                if len(batch) > SLICE:
                    await asyncio.sleep(0)

    def _made(self, events: Sequence[Event]) -> Iterator[Numbered]:
        since, wants = self._wanted.since, self._wanted.wants
        for event in events:
            for numbered in self._tape.envelopes(event):
                if (since is None or not hidden(numbered.seq, since)) and wants(numbered.envelope):
                    yield numbered


@asynccontextmanager
async def reading(threads: Threads, thread_id: str, wanted: Subscription) -> AsyncIterator[Envelopes]:
    """Attaches to a thread: what can be read of it, or what is behind the reader's cursor, then what comes.

    Raises:
        ThreadNotFound: There is no such thread.
        InvalidField: The cursor is beyond the newest event.
        CursorExpired: What is behind the cursor, or the start of its run, is no longer held.
    """
    async with threads.watch_whole(thread_id, behind(wanted.since)) as (_, batches):
        yield Envelopes(batches, wanted)


def behind(since: int | None) -> int | None:
    """The cursor in the log. An event of which the reader may lack something is read again."""
    if since is None:
        return None
    event_seq, whole = seen(since)
    return event_seq if whole else max(0, event_seq - 1)


def beyond(error: Exception) -> Exception:
    """What is wrong with a cursor, in the words of this protocol."""
    if isinstance(error, GraphwireError) and getattr(error, "field", "") == "after_seq":
        return wrong("since", "is beyond the newest event of the thread: it is no number of this thread's")
    return error


def last_words(error: Exception) -> dict[str, Any]:
    """What a reader is told whose stream cannot go on."""
    if isinstance(error, CursorExpired):
        return failure("resume_gap", error.message)
    if isinstance(error, ThreadNotFound):
        return failure("no_such_run", error.message)
    if isinstance(error, GraphwireError):
        return failure("unknown_error", error.message)
    request_id = str(uuid.uuid4())
    _log.error("stream failed", exc_info=error, extra={"request_id": request_id})
    return failure("unknown_error", internal(request_id).message)
