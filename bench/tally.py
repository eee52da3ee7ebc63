"""What a stream brought, as its reader counts it.

Owns the marks of time: to the first event, to the second, to the end.
"""

import time
from typing import NamedTuple


class Seen(NamedTuple):
    """What a stream brought.

    Attributes:
        first: Seconds to the first event.
        second: Seconds to the second event: of a run that streams updates, the first node's.
        end: Seconds to the end.
        events: The number of events, the first and the terminal one among them where the face has such.
        content: All bytes, where they were wanted.
    """

    first: float
    second: float
    end: float
    events: int
    content: bytes = b""


class Tally:
    """Counts the events of one stream, from the moment it is made.

    Attributes:
        events: How many have come.
    """

    __slots__ = ("_begun", "_first", "_second", "events")

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self._first = self._second = 0.0
        self.events = 0

    def add(self, events: int) -> None:
        """More have come."""
        self.events += events
        if not self._second and events:
            self._mark()

    def _mark(self) -> None:
        now = time.perf_counter() - self._begun
        self._first = self._first or now
        if self.events >= 2:
            self._second = now

    def seen(self, content: bytes = b"") -> Seen:
        """The whole, now that it has ended."""
        return Seen(self._first, self._second, time.perf_counter() - self._begun, self.events, content)
