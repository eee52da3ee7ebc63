"""Work that is done when it is due.

Owns one alarm, which rings when something is due, so nothing is polled. The invariants: one round goes at a time; what becomes due while one goes, is looked at by
another behind it; and a round that fails is followed by another, so that no defect ends the work for good.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from graphwire_server.core.errors import StoreUnavailable
from graphwire_server.core.ports import Alarm, Clock, Later

_log = logging.getLogger("graphwire.rounds")

RETRY = timedelta(seconds=5)
"""After how long a round goes again for which the store was away."""

AFTER_DEFECT = timedelta(seconds=60)
"""After how long a round goes again that failed for a reason that nobody foresaw."""


class Rounds(ABC):
    """Rounds of one kind of work. Entered when they may go, which lets the first go; leaving it waits for the one that is under way.

    Args:
        clock: The time.
        later: Does something at its time.
        soonest: The shortest time between two rounds, so that others get the event loop.
        latest: The longest time between two rounds; None is as long as nothing is due.
    """

    def __init__(
        self,
        clock: Clock,
        later: Later,
        *,
        soonest: timedelta = timedelta(milliseconds=20),
        latest: timedelta | None = None,
    ) -> None:
        self._clock = clock
        self._later = later
        self._soonest = soonest
        self._latest = latest
        self._alarm: Alarm | None = None
        self._at: datetime | None = None
        self._task: asyncio.Task[None] | None = None
        self._missed = False
        self._open = False

    @abstractmethod
    async def _go(self) -> datetime | None:
        """Does what is due, and returns when to go again; None is when something is expected. Raises StoreUnavailable."""

    async def __aenter__(self) -> Self:
        self._open = True
        self._ring()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Begins no more rounds; the one that is under way is done first."""
        self._open = False
        if self._alarm is not None:
            self._alarm.cancel()
        if self._task is not None:
            await asyncio.wait((self._task,))

    @property
    def going(self) -> bool:
        """Whether a round is under way."""
        return self._task is not None

    def expect(self, at: datetime) -> None:
        """Something will be due then. Nothing happens before the first round, which looks at everything."""
        if not self._open or (self._at is not None and self._at <= at):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        now = self._clock()
        self._at = at if self._latest is None else min(at, now + self._latest)
        self._alarm = self._later(max(self._at - now, self._soonest), self._ring)

    def _ring(self) -> None:
        self._at = self._alarm = None
        if self._task is not None:
            self._missed = True  # what is due now may not have been when the round looked
        elif self._open:
            self._task = asyncio.create_task(self._round())

    async def _round(self) -> None:
        self._missed = False
        try:
            again = await self._go()
        except StoreUnavailable:
            _log.exception("store unavailable, going again later", extra={"rounds": type(self).__name__})
            again = self._clock() + RETRY
        except Exception:  # noqa: BLE001  a defect must not end the work for good
            _log.exception("a round failed, going again later", extra={"rounds": type(self).__name__})
            again = self._clock() + AFTER_DEFECT
        finally:
            self._task = None
        if self._missed:
            again = self._clock()
        if again is not None:
            self.expect(again)
