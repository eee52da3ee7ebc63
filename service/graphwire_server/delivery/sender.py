"""One attempt at a delivery, over HTTP.

Owns the request, and what an answer or its absence means. Redirects are not followed, since they could lead to where nothing may be called; proxies of the environment
are not used, since they would resolve names themselves. Of an answer the head alone is read. Each attempt has a connection of its own and a bound in
time.
"""

import asyncio
import email.utils
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpcore2

from graphwire_server.core.delivery import Delivery
from graphwire_server.core.errors import GraphwireError
from graphwire_server.core.ports import Clock
from graphwire_server.core.webhooks import Answer, Target, UrlPolicy
from graphwire_server.delivery.pinned import PinnedBackend, Refused, Resolve, Unresolved, resolve
from graphwire_server.delivery.signing import signed

LARGE_BODY = 256 << 10
"""From how many bytes on a body is signed on a thread: it takes about a millisecond for each half of a megabyte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderOptions:
    """How webhooks are called.

    Attributes:
        policy: What may be called.
        headers: Headers of all requests, from langgraph.json.
        secrets: The keys that sign; none does not sign.
        timeout: How long an attempt may take.
        agent: How the server names itself.
    """

    policy: UrlPolicy
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: Sequence[bytes] = field(default=(), repr=False)
    timeout: timedelta = timedelta(seconds=10)
    agent: str = "graphwire"


class HttpSender:
    """Makes attempts over HTTP (port `Sender`).

    Args:
        options: How.
        clock: The time.
        resolve: Finds the addresses of a host.
        trust: Whose certificates are believed; None is the system's.
    """

    def __init__(
        self, options: SenderOptions, clock: Clock, resolve: Resolve = resolve, trust: ssl.SSLContext | None = None
    ) -> None:
        self._options = options
        self._clock = clock
        self._backend = PinnedBackend(options.policy, resolve)
        self._trust = trust

    async def send(self, delivery: Delivery, body: bytes) -> Answer:
        """Sends a body, and returns in bounded time what came of it."""
        limit = self._options.timeout.total_seconds()
        try:
            # It may have been allowed when the run was created, and be no longer: the file may have changed since.
            target = self._options.policy.check(delivery.url)
            headers = await self._headers(delivery, target, body)
            async with asyncio.timeout(limit):
                return await self._post(target, headers, body)
        except GraphwireError as error:
            return Answer(error=error.message, final=True)
        except Refused as error:
            return Answer(error=str(error), final=True)
        except Unresolved:
            return Answer(error="the host's name cannot be resolved")
        except (TimeoutError, httpcore2.TimeoutException):
            return Answer(error=f"no answer within {limit:g} seconds")
        except httpcore2.ConnectError as error:
            return Answer(error=_connect_problem(error))
        except (httpcore2.NetworkError, httpcore2.ProtocolError):
            return Answer(error="the connection broke before there was an answer")

    async def _post(self, target: Target, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> Answer:
        url = httpcore2.URL(
            scheme=b"https" if target.secure else b"http",
            host=target.host.encode(),
            port=target.port,
            target=target.path.encode(),
        )
        async with (
            httpcore2.AsyncConnectionPool(
                ssl_context=await self._trusted() if target.secure else None, network_backend=self._backend
            ) as pool,
            pool.stream("POST", url, headers=headers, content=body) as response,
        ):
            return Answer(status=response.status, retry_after=_retry_after(response.headers, self._clock()))

    async def _headers(self, delivery: Delivery, target: Target, body: bytes) -> Sequence[tuple[bytes, bytes]]:
        own = [("host", target.authority), ("content-type", "application/json"), ("user-agent", self._options.agent)]
        arguments = (delivery.run_id, self._clock(), body, self._options.secrets)
        names = await asyncio.to_thread(signed, *arguments) if len(body) > LARGE_BODY else signed(*arguments)
        made = {name.lower(): value for name, value in (*own, *self._options.headers.items(), *names)}
        return [(name.encode(), value.encode()) for name, value in made.items()]

    async def _trusted(self) -> ssl.SSLContext:
        """Whose certificates are believed. Reading them takes a while, so it is done once, and not on the event loop."""
        if self._trust is None:
            self._trust = await asyncio.to_thread(httpcore2.default_ssl_context)
        return self._trust


def _connect_problem(error: httpcore2.ConnectError) -> str:
    found: Any = error
    while found is not None:
        if isinstance(found, ssl.SSLCertVerificationError):
            return "the receiver's certificate is not valid for its name, or of nobody who is trusted"
        if isinstance(found, ssl.SSLError):
            return "the receiver does not speak TLS as this server does"
        found = found.__cause__ or found.__context__
    return "no connection could be made"


def _retry_after(headers: Sequence[tuple[bytes, bytes]], now: datetime) -> timedelta | None:
    """How long the receiver wants to be left alone: seconds, or a date (RFC 9110, 10.2.3). What cannot be read says nothing."""
    text = next((value.decode("latin-1").strip() for name, value in headers if name.lower() == b"retry-after"), "")
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), 10**8))
    try:
        at = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(timedelta(0), (at if at.tzinfo else at.replace(tzinfo=UTC)) - now)
