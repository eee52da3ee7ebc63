"""Events that are read together.

Owns what readers of a thread share who are at the same place of its log: the batch itself, its part of a run, and what a transport makes of it. With that, one more reader
costs a write, however many events it gets. The invariant: a batch never changes.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from graphwire_server.core.events import Event

T = TypeVar("T")


class Batch(list[Event]):
    """Events in order; nobody appends to it.

    Args:
        events: They.
    """

    __slots__ = ("_asked", "_made", "_parts", "_whole")

    def __init__(self, events: Iterable[Event] = ()) -> None:
        super().__init__(events)
        self._asked = False
        self._made: dict[Callable[[Sequence[Event]], Any], Any] | None = None
        self._parts: dict[str, Batch] = {}
        self._whole = ""

    def of_run(self, run_id: str) -> "Batch":
        """Those of one run; itself where all are."""
        if run_id == self._whole:
            return self
        part = self._parts.get(run_id)
        if part is None:
            part = Batch([event for event in self if event.run_id == run_id])
            if len(part) == len(self):
                self._whole = run_id
                return self
            self._parts[run_id] = part
        return part

    def made(self, make: Callable[[Sequence[Event]], T]) -> T:
        """What a transport makes of the batch, shared by all readers but the first: most batches have one, and what that one is sent is not held.

        Args:
            make: Makes it; the same function gives the same result.
        """
        if self._made is None:
            if not self._asked:
                self._asked = True
                return make(self)
            self._made = {}
        if make not in self._made:
            self._made[make] = make(self)
        found: T = self._made[make]
        return found
