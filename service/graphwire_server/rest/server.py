"""The HTTP server: its options, its start and its stop.

Owns the listening socket. What is answered is the application's matter (`site.py`).
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from graphwire_server.rest.protocol import BoundedProtocol

_STOP_GRACE = 1
_KEEP_ALIVE = 75
_PING = 20.0
"""How often a WebSocket is asked for a sign of life, and how long that may take, in seconds."""


class HttpPortTaken(Exception):
    """The address cannot be listened on; the text is one line for the person who started the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """How the server listens.

    Attributes:
        host: The address to bind.
        port: The port; 0 picks a free one.
        tls_cert: The certificate chain in PEM; None is without TLS.
        tls_key: Its key in PEM.
        tls_client_ca: The authorities whose clients are let in, in PEM; None asks no client for a certificate.
        most_message_bytes: The largest message that a WebSocket takes; a larger one ends it with 1009.
    """

    host: str = "127.0.0.1"
    port: int = 8123
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    most_message_bytes: int = 64 << 20


class HttpServer:
    """The HTTP face of a server.

    Args:
        options: How it listens.
        app: What it serves.
        draining: Told when no more requests are wanted.
    """

    def __init__(self, options: HttpOptions, app: ASGIApp, draining: Callable[[], None]) -> None:
        self._options = options
        self._draining = draining
        self._server = _Uvicorn(_config(options, app))
        self._socket: socket.socket | None = None
        self._task: asyncio.Task[None] | None = None

    def bind(self) -> int:
        """Takes the port and returns it; nothing is answered yet. Raises HttpPortTaken."""
        host, port = self._options.host, self._options.port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server((host, port), family=family, backlog=2048)
        except OSError as error:
            raise HttpPortTaken(
                f"cannot listen on {host}:{port}: the port is taken or the address is not this machine's; "
                "choose another with --http-port (0 picks a free one), or leave HTTP out with --no-http"
            ) from error
        # Accepted sockets inherit this. asyncio sets it for sockets that it makes itself, but not for one that it is given; without it, the last
        # bytes of an answer wait for the peer's delayed acknowledgement: 40 ms for every small request.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bound: int = self._socket.getsockname()[1]
        return bound

    async def start(self) -> None:
        """Answers requests. `bind` comes before."""
        assert self._socket is not None  # noqa: S101  the order is app.py's
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait((self._task, ready), return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._task.done():
            self._task.result()

    async def drain(self) -> None:
        """Says that the server is not well, so that balancers send no more requests. Open requests go on."""
        self._draining()

    async def stop(self) -> None:
        """Stops listening, and ends what is still open."""
        if self._task is None:
            if self._socket is not None:
                self._socket.close()
            return
        self._server.should_exit = True
        await self._task


class _Uvicorn(uvicorn.Server):
    """uvicorn as a part of a process that handles its own signals."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _socket(**given: Any) -> asyncio.Protocol:
    """A WebSocket connection. Its library is imported for the first one: most servers have none, and starts are short."""
    from graphwire_server.rest.sockets import BoundedSocket  # noqa: PLC0415  as just said

    return BoundedSocket(**given)


def _config(options: HttpOptions, app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws=_socket,  # type: ignore[arg-type]  # uvicorn only calls it
        ws_max_size=options.most_message_bytes,
        ws_ping_interval=_PING,
        ws_ping_timeout=_PING,
        ws_per_message_deflate=False,  # it would cost more than small messages gain
        lifespan="off",  # the user's app is started and stopped by app.py, which knows what it needs
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_STOP_GRACE,
        ssl_certfile=options.tls_cert,
        ssl_keyfile=options.tls_key,
        ssl_ca_certs=None if options.tls_client_ca is None else str(options.tls_client_ca),
        ssl_cert_reqs=ssl.CERT_NONE if options.tls_client_ca is None else ssl.CERT_REQUIRED,
    )
