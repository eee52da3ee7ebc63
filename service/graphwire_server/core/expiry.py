"""What goes when its time has passed.

Owns the one alarm that removes kept events of ended runs and request keys from the store. It rings when the first of them is due, so nothing is polled. The
invariant: what the store holds for a time is asked about at that time, or at the start of the next process.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from types import TracebackType
from typing import Protocol, Self

from graphwire_server.core.errors import StoreUnavailable
from graphwire_server.core.ports import Alarm, Clock, Later

_log = logging.getLogger("graphwire.runs")

_RETRY = timedelta(seconds=5)

_PAUSE = timedelta(milliseconds=20)
"""Between two parts of a removal, so that others get the event loop."""


class Expiring(Protocol):
    """What holds something for a time."""

    async def expire(self, now: datetime) -> datetime | None:
        """Removes what has passed its time, a part at a time, and returns when to call again; None is when something is expected. Raises StoreUnavailable."""
        ...


class Expiry:
    """Removes what has passed its time. Entered when the server starts, which removes what passed it before.

    Args:
        store: Where it is.
        clock: The time.
        later: Does something at its time.
    """

    def __init__(self, store: Expiring, clock: Clock, later: Later) -> None:
        self._store = store
        self._clock = clock
        self._later = later
        self._alarm: Alarm | None = None
        self._at: datetime | None = None
        self._sweep: asyncio.Task[None] | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        self._ring()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Removes no more; what is under way is done first."""
        self._closed = True
        if self._alarm is not None:
            self._alarm.cancel()
        if self._sweep is not None:
            await asyncio.wait((self._sweep,))

    def expect(self, at: datetime) -> None:
        """Something will have passed its time then."""
        if self._at is None or at < self._at:
            self._set(at, at - self._clock())

    def _set(self, at: datetime, delay: timedelta) -> None:
        if self._closed:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._at = at
        self._alarm = self._later(max(delay, _PAUSE), self._ring)

    def _ring(self) -> None:
        self._at = self._alarm = None
        if self._sweep is None and not self._closed:
            self._sweep = asyncio.create_task(self._remove())

    async def _remove(self) -> None:
        now = self._clock()
        try:
            due = await self._store.expire(now)
        except StoreUnavailable:
            _log.exception("what has expired could not be removed, trying again later")
            due = now + _RETRY
        finally:
            self._sweep = None
        if due is not None:
            self.expect(due)
