"""What goes when its time has passed.

Owns the rounds that remove kept events of ended runs, request keys and items of the store when they are due. The invariant: what is held for a time is asked about at that
time, or at the start of the next process.
"""

from datetime import datetime
from typing import Protocol

from graphwire_server.core.ports import Clock, Later
from graphwire_server.core.rounds import Rounds


class Expiring(Protocol):
    """What holds something for a time."""

    async def expire(self, now: datetime) -> datetime | None:
        """Removes what has passed its time, a part at a time, and returns when to call again; None is when something is expected. Raises StoreUnavailable."""
        ...


class Expiry(Rounds):
    """Removes what has passed its time. Entered when the server starts, which removes what passed it before.

    Args:
        store: Where it is.
        clock: The time.
        later: Does something at its time.
    """

    def __init__(self, store: Expiring, clock: Clock, later: Later) -> None:
        super().__init__(clock, later)
        self._store = store

    async def _go(self) -> datetime | None:
        return await self._store.expire(self._clock())
