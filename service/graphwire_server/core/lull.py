"""When the event loop has nothing else to do.

Owns the moment at which work is done that is cheaper for many at once: the commit of what was written, the messages of what was appended. On an idle server that
moment is the loop's next turn, some microseconds away. Under load it is put off, within a bound, while the loop's turns are long: other runs get further
meanwhile, and their rows and events go out together. The invariant: whoever waits here waits for no longer than the bound, and at least to the loop's next turn.
"""

import asyncio
import time
from collections.abc import Callable

PATIENCE = 0.01
"""For how many seconds at most something is put off, from the first that waits. Measured on short runs, 16 at a time."""

_SHORT = 0.000015
"""A turn of the loop that takes less, in seconds, did nothing: an empty one takes 1 to 5 microseconds, the shortest step of a graph a hundred."""

_CLOSE = 0.001
"""For how many seconds each turn is looked at: a short run ends meanwhile. Then it is one turn in each _PAUSE, since a look is not free."""
_PAUSE = 0.0005


class Lull:
    """Waits for a lull of the loop on which it is first used.

    Args:
        patience: For how long at most, in seconds; 0 is the loop's next turn.
        clock: Seconds that only rise.
    """

    def __init__(self, patience: float = PATIENCE, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience
        self._clock = clock
        self._acts: list[Callable[[], object]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._begun = self._turned = 0.0

    @property
    def awaited(self) -> bool:
        """Whether something waits for it, so that there is something to share."""
        return bool(self._acts)

    def call(self, act: Callable[[], object]) -> None:
        """Does something at the next lull. What it raises goes to the loop's exception handler, and holds up nothing else."""
        self._acts.append(act)
        if len(self._acts) == 1:
            self._begun = self._clock()
            self._look(self._begun)

    async def wait(self) -> None:
        """Returns at the next lull."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.call(lambda: None if done.done() else done.set_result(None))
        await done

    def _look(self, now: float) -> None:
        """Looks how long the next turn takes."""
        self._turned = now
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        now, loop = self._clock(), self._loop
        waited = now - self._begun
        if now - self._turned < _SHORT or waited >= self._patience or loop is None:
            self._act()
        elif waited < _CLOSE:
            self._turned = now
            loop.call_soon(self._turn)
        else:
            loop.call_later(min(_PAUSE, self._patience - waited), lambda: self._look(self._clock()))

    def _act(self) -> None:
        acts, self._acts = self._acts, []
        for act in acts:
            try:
                act()
            except Exception as error:  # noqa: BLE001  see `call`
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "work at a lull failed", "exception": error}
                )
