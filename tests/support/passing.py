"""The time of a server in the test's own process, which the test can let pass.

Owns the clock and the alarms that a server is made with. So a test has what lasts for minutes, and no step of it can come too late on a machine that does other
things too.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from graphwire_server import house


class Time:
    """The time of a server. What was due while some of it passed is done then."""

    def __init__(self) -> None:
        self._passed = timedelta(0)
        self._alarms: list[tuple[datetime, Callable[[], object], asyncio.TimerHandle]] = []

    def now(self) -> datetime:
        return datetime.now(UTC) + self._passed

    def later(self, delay: timedelta, act: Callable[[], object]) -> asyncio.TimerHandle:
        handle = asyncio.get_running_loop().call_later(max(0.0, delay.total_seconds()), act)
        self._alarms.append((self.now() + delay, act, handle))
        return handle

    def pass_(self, time: timedelta) -> None:
        """Lets time pass."""
        self._passed += time
        alarms, self._alarms = self._alarms, []
        for at, act, handle in alarms:
            if at > self.now():
                self._alarms.append((at, act, handle))
            elif not handle.cancelled() and handle.when() > asyncio.get_running_loop().time():
                handle.cancel()
                act()


@contextmanager
def passing() -> Iterator[Time]:
    """The time of the servers that start in this process within the block."""
    made = Time()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(house, "_now", made.now)
        patch.setattr(house, "_later", lambda: made.later)
        yield made
