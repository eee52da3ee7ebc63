"""Notices event loops that do not turn.

Owns the thread that watches, and the two lines about each blocking: one when it has lasted for too long, which says who blocks, and one when it is over. Each loop
beats by a timer; the watchdog looks at the beats. The invariant: time in which the process did not live (it was stopped, the machine slept, there was no processor for
it) is nobody's blocking.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Self

from graphwire_server.engine.standing import standing

_log = logging.getLogger("graphwire.watchdog")

_BEAT = 0.25
"""How often loops beat and the watchdog looks, in seconds; more often where the bound is short."""

SERVER = "server"
"""What the server's own loop is called in log lines. The others are called by their graphs."""


class LostTime:
    """How long this process did not live while somebody in it slept.

    Whoever sleeps for a while and wakes up late was either kept from its processor by the process itself, whose processor time tells that (a long call into C that
    holds the interpreter's lock is such a case), or the process did not live meanwhile.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._seen = time.monotonic()
        self._worked = time.process_time()

    def woken(self, asked: float) -> None:
        """Looks at the time since the last call, in which the caller wanted to sleep so many seconds."""
        seen, worked = time.monotonic(), time.process_time()
        self.seconds += max(0.0, seen - self._seen - asked - (worked - self._worked))
        self._seen, self._worked = seen, worked


class Beat:
    """The beat of one loop.

    Args:
        name: What the loop is called.
        loop: The loop, which the caller's thread runs.
        every: How often it beats, in seconds.
        lost: The time that the process has lost.

    Attributes:
        last: When it last did, on the monotonic clock, and how much time was lost by then. A blocking seems longer than it was by what the last beat lies before it: at
            most the time between two. Time that was lost just before and is counted just after makes it seem shorter, and no false alarm.
        seen: The last one that the watchdog has seen.
        warned: Whether it has warned since.
    """

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop, every: float, lost: LostTime) -> None:
        self.name = name
        self.thread = threading.get_ident()
        self.last = (time.monotonic(), lost.seconds)
        self.seen = self.last
        self.warned = False
        self._loop = loop
        self._every = every
        self._lost = lost
        self._timer: asyncio.Handle = loop.call_soon(self._beat)

    def end(self) -> None:
        """Beats no more; on the loop's thread."""
        self._timer.cancel()

    def _beat(self) -> None:
        self.last = (time.monotonic(), self._lost.seconds)
        self._timer = self._loop.call_later(self._every, self._beat)


class Watchdog:
    """Watches loops from a thread of its own. Entered around all that it watches.

    Args:
        bound: For how long a loop may not turn; 0 watches nothing.
    """

    def __init__(self, bound: timedelta) -> None:
        self._bound = bound.total_seconds()
        self._every = min(_BEAT, self._bound / 4)
        self._beats: set[Beat] = set()
        self._lost = LostTime()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="graphwire-watchdog", daemon=True)

    def __enter__(self) -> Self:
        if self._bound:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the thread, which waits for nobody."""
        self._ended.set()
        if self._bound:
            self._thread.join()

    @contextmanager
    def watching(self, name: str, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """Watches a loop, as long as the context is open; entered and left on the loop's thread.

        Args:
            name: What it is called in log lines.
            loop: The loop.
        """
        if not self._bound:
            yield
            return
        beat = Beat(name, loop, self._every, self._lost)
        self._beats.add(beat)
        try:
            yield
        finally:
            self._beats.discard(beat)
            beat.end()

    def _watch(self) -> None:
        while not self._ended.wait(self._every):
            self._lost.woken(self._every)
            for beat in tuple(self._beats):
                self._look(beat)

    def _look(self, beat: Beat) -> None:
        last = beat.last
        if last == beat.seen:
            stood = _between(last, (time.monotonic(), self._lost.seconds))
            if stood > self._bound and not beat.warned:
                beat.warned = True
                _warn(beat, stood)
            return
        if beat.warned:
            seconds = round(_between(beat.seen, last), 1)
            _log.warning("event loop turns again", extra={"loop": beat.name, "seconds": seconds})
        beat.seen, beat.warned = last, False


def _between(first: tuple[float, float], then: tuple[float, float]) -> float:
    """The time from one moment to another that was not lost."""
    return then[0] - first[0] - (then[1] - first[1])


def _warn(beat: Beat, stood: float) -> None:
    found = standing(beat.thread)
    known = {"run_id": found.run_id, "node": found.node, "at": found.at}
    text = (
        "event loop blocked: use an async client or asyncio.to_thread there, or serve with --isolate-graphs"
        if beat.name == SERVER
        else "event loop of a graph blocked, its runs wait: use an async client or asyncio.to_thread there"
    )
    _log.warning(
        text,
        extra={"loop": beat.name, "seconds": round(stood, 1), **{key: value for key, value in known.items() if value}},
    )
