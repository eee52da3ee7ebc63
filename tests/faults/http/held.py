"""What a server in the test's own process holds: open files, tasks, streams, readers of logs.

Owns the counts, and the waiting until they are back to what they were.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NamedTuple

import psutil
import pytest

from graphwire_server.core.lull import Lull
from graphwire_server.core.model import Retention
from graphwire_server.core.streams import StreamLimits, Streams
from graphwire_server.storage.memory.log import MemoryLog

HEARTBEAT = timedelta(milliseconds=300)
"""The time between two signs of life here: what is noticed with one shall not take five seconds."""


class Count(NamedTuple):
    """What is held at one moment."""

    files: int
    tasks: int
    streams: int
    readers: int


@dataclass(slots=True)
class Held:
    """The parts of the server that count. They are there when the server is."""

    streams: Streams | None = None
    log: MemoryLog | None = None

    def now(self) -> Count:
        """What is held now."""
        assert self.streams is not None
        assert self.log is not None
        readers = sum(len(log._waiters) for log, _ in self.log._live.values())
        return Count(open_files(), len(asyncio.all_tasks()), self.streams.open, readers)

    async def back_to(self, before: Count, within: float = 25.0) -> None:
        """Waits until no more is held than before."""
        await eventually(lambda: all(n <= b for n, b in zip(self.now(), before, strict=True)), within, self.now)


def open_files(pid: int | None = None) -> int:
    """How many files a process has open; None is this one."""
    return int(psutil.Process(pid).num_fds())


async def eventually(true: Callable[[], bool], within: float, what: Callable[[], object]) -> None:
    """Waits, looking again and again, for what nothing announces."""
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, f"not within {within} s; it is {what()}"
        await asyncio.sleep(0.01)


def watched(patch: pytest.MonkeyPatch) -> Held:
    """Has the next server of this process tell what it is made of."""
    held = Held()

    class Seen(Streams):
        def __init__(self, limits: StreamLimits) -> None:
            super().__init__(replace(limits, heartbeat=HEARTBEAT))
            held.streams = self

    class SeenLog(MemoryLog):
        def __init__(self, retention: Retention, *, lull: Lull) -> None:
            super().__init__(retention, lull=lull)
            held.log = self

    patch.setattr("graphwire_server.house.Streams", Seen)
    patch.setattr("graphwire_server.house.MemoryLog", SeenLog)
    return held
