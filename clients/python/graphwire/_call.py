"""One call that streams.

Owns what is known of the call: whether the server took it, and what its end means. Going on after it is for others.
"""

from collections.abc import AsyncIterator

import grpc

from graphwire._route import Batch, Call
from graphwire.errors import GraphwireError, from_rpc

_PERHAPS_BROKEN = frozenset(
    {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
)
"""How proxies and lost connections look, where the service itself has given no reason."""


def broke(error: GraphwireError) -> bool:
    """Whether an error means that the call broke, rather than that the service refused or ended it."""
    if error.code is grpc.StatusCode.UNAVAILABLE or error.reason == "STREAM_CUT":
        return True
    return error.code in _PERHAPS_BROKEN and not error.reason


class StreamCall:
    """A call under way.

    Args:
        call: gRPC's.

    Attributes:
        taken: Whether the server has taken it: its metadata has come, or a message.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._batches: AsyncIterator[Batch] = aiter(call)
        self.taken = False

    async def metadata(self) -> dict[str, str]:
        """The metadata that the server sends when it takes the call; empty where it refuses it, or something in between drops metadata."""
        found = {str(key): str(value) for key, value in await self._call.initial_metadata()}
        self.taken = bool(found)
        return found

    async def read(self) -> Batch | None:
        """The next message; None at the end.

        Raises:
            GraphwireError: The call failed.
        """
        try:
            batch = await anext(self._batches)
        except StopAsyncIteration:
            return None
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error) from error
        self.taken = True
        return batch

    def cancel(self) -> bool:
        """Ends the call, if it has not ended."""
        return self._call.cancel()
