"""An event loop on which no time passes by itself.

Owns the turns of the loop and its clock, which is the machine's. It runs until nothing is left to do at this moment, or for so many turns, so that the next thing
happens in the middle of the last. The invariant: it never blocks, so a test on it takes no longer than its own work.
"""

import asyncio
import selectors
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from tests.unit.core.fakes import Clock

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

MOST_TURNS = 20_000
"""After how many turns without a rest the loop is taken for one that never rests."""


class Restless(AssertionError):
    """The loop never came to rest: somebody asks again and again without waiting."""


class _Turns(selectors.SelectSelector):
    """Counts the turns of its loop, and stops it when nothing is left to do now."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 0
        self.stop: Callable[[], None] = lambda: None
        self.next_in: float | None = None
        self.rested = False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.left -= 1
        self.rested = timeout is None or timeout > 0
        self.next_in = timeout if self.rested else 0
        if self.rested or self.left <= 0:
            self.stop()
        return []


class StillLoop(asyncio.SelectorEventLoop):
    """A loop whose time is a clock that others move.

    Args:
        clock: The clock.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counted = _Turns()
        super().__init__(self._counted)
        self._counted.stop = self.stop
        self.failures: list[str] = []
        self.set_exception_handler(self._note)

    def time(self) -> float:
        return (self._clock.now - _EPOCH).total_seconds()

    @property
    def next_in(self) -> float | None:
        """In how many seconds something is due on the loop, as of its last rest; None where nothing is."""
        return self._counted.next_in

    def rest(self) -> None:
        """Runs until nothing is left to do at this moment. Raises Restless."""
        if not self.run_turns(MOST_TURNS):
            raise Restless(f"after {MOST_TURNS} turns there is still something to do")

    def run_turns(self, most: int) -> bool:
        """Runs for so many turns, less where nothing is left to do. Returns whether nothing is."""
        self._counted.left, self._counted.rested = most, False
        self.run_forever()
        return self._counted.rested

    def _note(self, _: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        what = context.get("future") or context.get("task")
        self.failures.append(f"{context['message']}: {context.get('exception')!r} {what!r}")
