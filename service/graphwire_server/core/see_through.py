"""Work that is brought to its end, whoever leaves.

Owns its shape alone; the worker does it.
"""

from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class SeeThrough(Protocol):
    """Does what must not stop in the middle: a caller who is cancelled leaves, and the work goes on, awaited by whoever stops the server."""

    async def __call__(self, work: Coroutine[Any, Any, T]) -> T:
        """Gives what the work gives."""
        ...
