"""The way of one run's events from its graph's loop to the server's.

Owns what is on the way, and that it has a bound. The graph's side encodes and puts; one wake-up of the server's loop takes all that waits and appends it there, in
order. The invariant: nothing of the log is touched from a graph's loop, and what is put after `close` is never appended.
"""

import asyncio
import threading
from collections import deque

from graphwire_server.core.events import Payload
from graphwire_server.core.ports import Append, Room

HELD_BYTES = 256 << 10
"""How many bytes of events may be on the way before the graph waits for the server's loop, and about what that loop takes at a time: a few milliseconds' worth."""

MOST_BYTES = 16 * HELD_BYTES
"""How many may be there of a node that writes without a pause. Then its thread is held up: it is the graph's own, and the server's loop waits for none."""

_LOOK_EVERY = 0.1
"""After how many seconds a thread that is held up looks whether the run is over, where nobody wakes it."""


class Crossing:
    """Takes a run's events over. To the graph's side it is `Append` (its method `put`) and the port `Room`.

    Made and closed on the server's loop. Each number is written on one side alone, so no lock is needed.

    Args:
        append: Appends an event, on the server's loop.
        room: What the events are kept in; None is never short.
    """

    def __init__(self, append: Append, room: Room | None) -> None:
        self._append = append
        self._room = room
        self._home = asyncio.get_running_loop()
        self._waiting: deque[tuple[tuple[str, ...], Payload, int]] = deque()
        self._given = self._taken = 0
        self._called = self._short = self._closed = False
        self._broken: Exception | None = None
        self._taking = threading.Event()

    def put(self, namespace: tuple[str, ...], payload: Payload, weight: int) -> None:
        """Reports an event, on the graph's loop. Raises what appending an earlier one has raised."""
        self._check()
        if self._closed:
            return
        self._waiting.append((namespace, payload, weight))
        self._given += weight
        if not self._called:
            # The race: `_deliver` takes the word back before it looks, and this gives it after the event is there. So an event that it has not seen calls it again.
            self._called = True
            self._home.call_soon_threadsafe(self._deliver)
        while self._given - self._taken > MOST_BYTES and not self._closed:
            self._taking.clear()
            if self._given - self._taken > MOST_BYTES:  # else it was taken just before that
                self._taking.wait(_LOOK_EVERY)

    @property
    def full(self) -> bool:
        """Whether as much is on the way as may be, or there is no room behind it (port `Room`)."""
        return not self._closed and (self._short or self._given - self._taken > HELD_BYTES)

    async def wait(self) -> None:
        """Returns when there is room (port `Room`), on the graph's loop."""
        if self.full:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._make_room(), self._home))

    async def delivered(self) -> None:
        """Returns when all that was put is appended. Raises what appending has raised."""
        while self._waiting and not self._closed:
            self._deliver()
            await asyncio.sleep(0)
        self._check()

    def close(self) -> None:
        """The run is over: what is on the way, and what comes later, is dropped."""
        self._closed = True
        self._waiting.clear()
        self._taking.set()

    def _check(self) -> None:
        if self._broken is not None:
            raise self._broken

    def _deliver(self) -> None:
        self._called = False
        upto = self._taken + HELD_BYTES
        try:
            while self._waiting and self._taken < upto and not self._closed:
                namespace, payload, weight = self._waiting.popleft()
                self._taken += weight
                self._append(namespace, payload, weight)
        except Exception as error:  # noqa: BLE001  it is the run's, as if the graph's side had appended
            self._broken = error
            self.close()
        self._taking.set()
        self._short = self._room is not None and self._room.full
        if self._waiting and not self._closed:  # others have the loop in between
            self._called = True
            self._home.call_soon(self._deliver)

    async def _make_room(self) -> None:
        await self.delivered()
        if self._room is not None:
            await self._room.wait()
            self._short = self._room.full
