"""Routes of the documented surface that this version does not offer.

Owns their list: each is answered with 501 and a body that names it, so that nobody takes a missing part for a wrong address.
"""

from collections.abc import Mapping

from graphwire_server.core.errors import NotOffered
from graphwire_server.rest.calls import Call, Operation, Reply

_PATHS: Mapping[str, tuple[str, ...]] = {
    "/threads/{thread_id}/storage": ("GET",),
}


def later() -> dict[str, dict[str, Operation]]:
    """The operations that are refused, by path and method."""
    return {path: {method: _refused(f"{method} {path}") for method in methods} for path, methods in _PATHS.items()}


def _refused(what: str) -> Operation:
    async def refuse(call: Call) -> Reply:
        raise NotOffered(what)

    words = "".join(char if char.isalnum() else "_" for char in what.lower())
    name = "_".join(word for word in words.split("_") if word)
    return Operation(name=name, summary="Not offered by this version: 501.", run=refuse, answers={})
