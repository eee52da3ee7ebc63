"""Connects to addresses that were looked at.

Owns the step from a host's name to a connection. A name is resolved once for each connection, what it stands for is judged, and the connection goes to that very
address: whoever answers the question for the name cannot give another answer behind it (DNS rebinding).
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import httpcore2

from graphwire_server.core.addresses import AddressKind
from graphwire_server.core.webhooks import UrlPolicy

MOST_ADDRESSES = 4
"""How many addresses of one host are tried."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host. Raises OSError where there are none."""


class Refused(Exception):
    """A host stands for addresses that may not be called, and for no other."""

    def __init__(self, kind: AddressKind) -> None:
        super().__init__(f"the host stands for {kind.value}, which this server does not call")


class Unresolved(Exception):
    """A host has no address, as far as can be found out now."""


class PinnedBackend(httpcore2.AsyncNetworkBackend):
    """Makes connections for the HTTP library.

    Args:
        policy: Which addresses may be called.
        resolve: Finds the addresses of a host.
    """

    def __init__(self, policy: UrlPolicy, resolve: Resolve) -> None:
        self._policy = policy
        self._resolve = resolve
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  the library calls it so
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connects to one of a host's addresses. Raises Refused, Unresolved, and what the library raises."""
        last: Exception | None = None
        for address in (await self._addresses(host, port))[:MOST_ADDRESSES]:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
        raise last or Unresolved

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        """Those that may be called."""
        try:
            found = await self._resolve(host, port)
        except OSError as error:
            raise Unresolved from error
        kinds = {address: self._policy.refuses(address) for address in found}
        allowed = [address for address, kind in kinds.items() if kind is None]
        if not allowed:
            raise next((Refused(kind) for kind in kinds.values() if kind is not None), Unresolved())
        return allowed


async def resolve(host: str, port: int) -> Sequence[str]:
    """What the system says that a host's addresses are."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(sockaddr[0]) for _, _, _, _, sockaddr in found))
