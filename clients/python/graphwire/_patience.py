"""How long a stream waits before it calls again, and when it has waited long enough.

Owns the numbers alone; what broke and what is asked for next, others know. Clock, sleep and chance are passed in.
"""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from graphwire.errors import GraphwireError

DEFAULT = 60.0
"""Seconds without progress after which a stream gives up."""

FIRST_CONTACT = 2.0
"""The most seconds for a server that has not answered this stream yet: a wrong address is told soon."""

_SHORTEST, _LONGEST = 0.1, 5.0
_LASTING = 5.0
"""A call that the server has taken and that lasted longer than this was progress, even where nothing happened in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """What the streams of a client have of it.

    Args:
        seconds: How long a stream goes on trying without progress; 0 means not at all.
        clock: Seconds, from wherever.
        sleep: Waits so many seconds.
        chance: A number from 0 to 1, against clients that all come back at once.
    """

    seconds: float = DEFAULT
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep
    chance: Callable[[], float] = random.random


def patience_of(value: float | timedelta) -> float:
    """The seconds of an option.

    Raises:
        TypeError: It is no length of time.
        ValueError: It is less than 0, or no number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | timedelta):
        raise TypeError(f"patience must be seconds, or a timedelta, not {type(value).__name__}")
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if not seconds >= 0:  # NaN too
        raise ValueError(f"patience: {value!r} must be 0 or more")
    return seconds


class Waits:
    """The waits of one stream.

    Args:
        patience: That of its client.

    Attributes:
        tries: How often the stream has tried again since there was progress.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._since: float | None = None
        self._began = 0.0
        self.tries = 0
        self._answered = False

    def begin(self) -> None:
        """Notes that a call begins."""
        self._began = self._patience.clock()
        if self._since is None:
            self._since = self._began

    def after(self, error: GraphwireError, *, taken: bool, moved: bool) -> float | None:
        """The seconds to wait after a call that broke; None where the error is to be raised.

        Args:
            error: How the call ended. Its `retry_after` is the least that is waited.
            taken: Whether the server had taken the call.
            moved: Whether the call brought an event.
        """
        now = self._patience.clock()
        self._answered = self._answered or taken or bool(error.reason)
        if moved or (taken and now - self._began > _LASTING):
            self._since, self.tries = now, 0
        self.tries += 1
        left = self._limit - (now - (now if self._since is None else self._since))
        asked = error.retry_after or 0.0
        if left <= 0 or asked > left:
            return None
        return max(asked, min(self._pause(), left))

    @property
    def _limit(self) -> float:
        return self._patience.seconds if self._answered else min(self._patience.seconds, FIRST_CONTACT)

    def _pause(self) -> float:
        doubled: float = _SHORTEST * 2 ** min(self.tries - 1, 10)
        return min(doubled, _LONGEST) * (0.5 + self._patience.chance() / 2)
