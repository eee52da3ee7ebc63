"""Whose turn it is.

Owns how many runs execute at once, and the order in which threads get a turn while more want one. A thread stands in the queue once, however many runs wait
on it, and goes to its end after each of its runs: a thread with a hundred runs holds up nobody. The invariant: nobody waits while there is room, but for runs that
may be what kills the process: of those one executes at a time, so that it takes none of the others along.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from graphwire_server.core.ports import Store


class Slot:
    """Room for one run, held while it is decided whether the run starts."""

    def __init__(self, *, free: bool) -> None:
        self.free = free
        self.used = False

    def use(self) -> None:
        """The run starts, and gives the room back at its end."""
        self.used = True


class Turns:
    """The room for runs that execute, and the threads that wait for it.

    Args:
        most: The most runs that execute at once, at least 1.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0
        self._ready: OrderedDict[str, Store] = OrderedDict()
        self._suspected: OrderedDict[str, Store] = OrderedDict()
        self._alone: str | None = None

    @property
    def waiting(self) -> int:
        """How many threads wait for a turn."""
        return len(self._ready) + len(self._suspected)

    @contextmanager
    def slot(self) -> Iterator[Slot]:
        """Holds room for a run that may start at once, where there is some. It is given back unless the run uses it."""
        held = Slot(free=self._taken < self._most)
        self._taken += held.free
        try:
            yield held
        finally:
            if not held.used:
                self._taken -= held.free

    def take(self) -> None:
        """Takes room whether there is any or not: for a run that executes already."""
        self._taken += 1

    def give_up(self) -> None:
        """Room that was held is not used after all."""
        self._taken -= 1

    def give_back(self, thread_id: str) -> None:
        """A run of a thread no longer executes."""
        self._taken -= 1
        if self._alone == thread_id:
            self._alone = None

    def want(self, thread_id: str, store: Store, *, suspected: bool = False) -> None:
        """Puts a thread at the end of the queue, where it does not stand in it.

        Args:
            thread_id: The thread.
            store: Where its runs are.
            suspected: Whether the run whose turn comes may be what kills the process.
        """
        (self._suspected if suspected else self._ready).setdefault(thread_id, store)

    def next(self) -> tuple[str, Store] | None:
        """The thread whose turn it is, with room taken for its run; None where nobody waits or there is no room."""
        one = bool(self._suspected) and self._alone is None
        queue = self._suspected if one else self._ready
        if not queue or self._taken >= self._most:
            return None
        self._taken += 1
        turn = queue.popitem(last=False)
        if one:
            self._alone = turn[0]
        return turn
