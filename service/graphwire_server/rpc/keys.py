"""The key that a caller shows.

Owns which RPCs need one. Which keys are right is the core's matter. Open without a key is what tells nothing of this deployment: health, which
probes ask for, and reflection, which tells the public protos. The invariant: of a call that is refused nothing is read, not even its request.
"""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection

from graphwire_server.core.errors import Unauthenticated, shortened
from graphwire_server.core.keys import ApiKeys
from graphwire_server.rpc.calls import Context
from graphwire_server.rpc.status import CODES, DETAILS_KEY, status

_log = logging.getLogger("graphwire.rpc")

# Tools ask for the later version of reflection first. Only where that is UNIMPLEMENTED, and not refused, do they go on to the one that is here.
OPEN = frozenset({health.SERVICE_NAME, reflection.SERVICE_NAME, "grpc.reflection.v1.ServerReflection"})
"""Services that need no key."""


class KeyCheck(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # it is generic in its stubs alone
    """Lets calls with a right key pass, and refuses others before their handler is even looked for.

    Args:
        keys: The keys.
    """

    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable["grpc.RpcMethodHandler[Any, Any]"]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[Any, Any]":
        """Passes a call on, or refuses it with UNAUTHENTICATED."""
        name = handler_call_details.method.removeprefix("/")
        if name.partition("/")[0] not in OPEN:
            texts = ((key, value) for key, value in handler_call_details.invocation_metadata if isinstance(value, str))
            try:
                self._keys.check(dict(texts))
            except Unauthenticated as error:
                return _refusal(name, error)
        return await continuation(handler_call_details)


def _refusal(name: str, error: Unauthenticated) -> "grpc.RpcMethodHandler[Any, Any]":
    """A handler that fails whatever call: one for streams in both directions, since that is the only one that waits for no request."""
    begun = time.monotonic()

    async def refuse(_requests: AsyncIterator[Any], context: Context) -> None:
        code = CODES[error.kind]
        fields = {"rpc": shortened(name), "code": code.name, "reason": error.reason}
        _log.info("call ended", extra={**fields, "seconds": round(time.monotonic() - begun, 4)})
        await context.abort(code, error.message, ((DETAILS_KEY, status(error).SerializeToString()),))

    return grpc.stream_stream_rpc_method_handler(refuse)
