"""What reflection finds by name.

Owns the one thing that protobuf's pool does not find: a method. Tools ask for one by its whole name when they are to describe it.
"""

from typing import Any

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pool import DescriptorPool


class Symbols:
    """A pool that knows methods as well; all else is as the pool has it.

    Args:
        pool: The pool.
    """

    def __init__(self, pool: DescriptorPool) -> None:
        self._pool = pool

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:  # noqa: N802  the pool's own name
        """The file of a message, an enum, a service, or a method. Raises KeyError where there is none of that name."""
        try:
            return self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            found: FileDescriptor = self._pool.FindMethodByName(symbol).containing_service.file
            return found
