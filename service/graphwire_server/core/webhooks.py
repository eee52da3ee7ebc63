"""What webhooks may be called, and when a delivery is tried again.

Owns the rules about a webhook's address and the life of its delivery: pure, they look at what they are given alone. Who sends is in the package `delivery`, what
drives it in `deliveries.py`. The invariant: nothing is called that `UrlPolicy` refuses, neither by the words of a URL nor by what a name stands for.
"""

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import IPv4Address
from urllib.parse import SplitResult, urlsplit

from graphwire_server.core.addresses import AddressKind, kind_of
from graphwire_server.core.delivery import Delivery, DeliveryState
from graphwire_server.core.errors import InvalidField, NotOffered
from graphwire_server.core.model import CancelAction, Run, RunSpec

MOST_CHARACTERS = 2048
"""The most characters of a webhook's URL, unless langgraph.json says otherwise."""

BODY_FIELDS = (
    "run_id", "thread_id", "assistant_id", "created_at", "updated_at", "metadata", "status", "kwargs", "multitask_strategy", "attempt",
    "run_started_at", "run_ended_at", "webhook_sent_at", "values", "error",
)  # fmt: skip
"""The fields of what is sent (wire fact 86)."""

_FIELD = "webhook"
_PORTS = {"http": 80, "https": 443}
_PLAIN = re.compile(r"[!-~]+")
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")
_LOCAL = re.compile(r"(?:.*\.)?localhost\.?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a request goes: `host` is a name or an address without brackets, `path` begins with a slash and has the query."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as the header Host has them: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS["https" if self.secure else "http"] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlPolicy:
    """What a webhook's URL may be (langgraph.json, `webhooks.url`; wire fact 90).

    Attributes:
        offered: Whether runs may have webhooks at all.
        require_https: Whether `http` is refused.
        allowed_domains: The hosts that may be called: names, or `*.` and a name for all below it. Empty is any.
        allowed_ports: The ports that may be called. Empty is any.
        most_characters: How long a URL may be.
        allow_loopback: Whether this machine may be called.
        allow_private: Whether hosts of private networks may be called.
    """

    offered: bool = True
    require_https: bool = False
    allowed_domains: tuple[str, ...] = ()
    allowed_ports: tuple[int, ...] = ()
    most_characters: int = MOST_CHARACTERS
    allow_loopback: bool = False
    allow_private: bool = False

    def check_spec(self, spec: RunSpec) -> RunSpec:
        """A request for a run, as it is to be made: what its webhook tells of it must be kept. Raises InvalidField, and NotOffered where webhooks are off."""
        if spec.webhook is None:
            return spec
        self.check(spec.webhook)
        return spec if spec.keep_output else replace(spec, keep_output=True)

    def check(self, url: str) -> Target:
        """Where a URL leads.

        Raises:
            InvalidField: It cannot be meant, or may not be called.
            NotOffered: Webhooks are off.
        """
        if not self.offered:
            raise NotOffered("the field webhook, which http.disable_webhooks of langgraph.json turns off,")
        if len(url) > self.most_characters:
            raise InvalidField(_FIELD, f"has {len(url)} characters; at most {self.most_characters} are taken")
        if not _PLAIN.fullmatch(url):
            raise InvalidField(_FIELD, "must be a URL of visible ASCII characters; percent-encode all others")
        target = _target(url)
        if self.require_https and not target.secure:
            raise InvalidField(_FIELD, "must be an https URL; this server calls no others")
        if self.allowed_ports and target.port not in self.allowed_ports:
            ports = ", ".join(map(str, self.allowed_ports))
            raise InvalidField(_FIELD, f"has the port {target.port}; this server calls {ports} alone")
        self._check_host(target.host)
        return target

    def refuses(self, address: str) -> AddressKind | None:
        """For which reason an address is not called; None where it may be. Raises ValueError for what is no address."""
        kind = kind_of(address)
        allowed = (kind is AddressKind.LOOPBACK and self.allow_loopback) or (
            kind is AddressKind.PRIVATE and self.allow_private
        )
        return None if allowed else kind

    def _check_host(self, host: str) -> None:
        if self.allowed_domains and not any(_below(host, domain) for domain in self.allowed_domains):
            raise InvalidField(_FIELD, f"names the host {host!r}, which is not one that this server calls")
        kind = AddressKind.LOOPBACK if _LOCAL.fullmatch(host) else None
        if kind is None and (literal := _literal(host)) is not None:
            kind = kind_of(literal)
        if kind is AddressKind.LOOPBACK and self.allow_loopback:
            return
        if kind is not None and not (kind is AddressKind.PRIVATE and self.allow_private):
            raise InvalidField(_FIELD, f"names {host!r}, {kind.value}; this server calls hosts of the Internet alone")


def _target(url: str) -> Target:
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise InvalidField(_FIELD, f"{_shown(url)!r} is not a URL such as https://example.com/hook") from None
    if parts.scheme not in _PORTS:
        raise InvalidField(_FIELD, "must be an absolute URL with the scheme https or http")
    if "@" in parts.netloc:
        raise InvalidField(_FIELD, "must not have a user or a password; put a header into langgraph.json instead")
    if not (_NAME.fullmatch(host) or ":" in host) or port == 0 or "\\" in url:
        raise InvalidField(_FIELD, f"{_shown(url)!r} is not a URL such as https://example.com/hook")
    return Target(
        secure=parts.scheme == "https",
        host=host,
        port=_PORTS[parts.scheme] if port is None else port,
        path=_path(parts),
    )


def _path(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _shown(url: str) -> str:
    """A URL without its query, which may be a secret."""
    return url.partition("?")[0]


def _literal(host: str) -> str | None:
    """The address that a host is, in whichever way it is written; None for a name. What ends in a number is an address (WHATWG URL), as resolvers take it too."""
    if ":" in host:
        try:
            kind_of(host)
        except ValueError:
            raise InvalidField(_FIELD, f"names {host!r}, which is no IPv6 address") from None
        return host
    if not _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        return None
    try:
        return str(IPv4Address(socket.inet_aton(host.rstrip("."))))
    except OSError:
        raise InvalidField(_FIELD, f"names {host!r}, which is no IPv4 address") from None


def _below(host: str, domain: str) -> bool:
    name, domain = host.rstrip(".").lower(), domain.lower()
    return name.endswith(domain[1:]) if domain.startswith("*.") else name == domain


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a delivery is tried again.

    Attributes:
        attempts: How often it is tried, at least 1.
        first: How long after the first attempt, about: each time four times as long.
        longest: The longest wait, also where the receiver asks for more.
    """

    attempts: int = 9
    first: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(hours=1)

    def wait(self, attempts: int, asked: timedelta | None, chance: float) -> timedelta | None:
        """How long to wait; None where it is not tried again.

        Args:
            attempts: How often it was tried, at least 1.
            asked: How long the receiver wants it to be (Retry-After); None where it does not say.
            chance: 0 to 1: receivers that fell over at once are not called at once. The wait is half to all of its time.
        """
        if attempts >= self.attempts:
            return None
        whole = min(self.first * (1 << 2 * min(attempts - 1, 16)), self.longest)
        return max(whole * (0.5 + chance / 2), min(asked or timedelta(0), self.longest))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of an attempt.

    Attributes:
        status: The HTTP status; None where there was no answer.
        error: Why there was none; empty where there was one.
        final: Whether trying again is of no use, whatever the status.
        retry_after: How long the receiver wants to be left alone; None where it does not say.
    """

    status: int | None = None
    error: str = ""
    final: bool = False
    retry_after: timedelta | None = None

    @property
    def taken(self) -> bool:
        """Whether the receiver has it: it said so with 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def over(self) -> bool:
        """Whether it is not tried again: redirects are not followed, and 410 says that the receiver is gone for good."""
        return self.final or (self.status is not None and (300 <= self.status < 400 or self.status == 410))

    @property
    def problem(self) -> str:
        """Why it failed, for people."""
        if self.status is None or self.error:
            return self.error
        if 300 <= self.status < 400:
            return f"answered {self.status}: redirects are not followed"
        return f"answered {self.status}"


def begun(ended: Run) -> Delivery | None:
    """The delivery that a run's end makes; None where it has no webhook."""
    if ended.spec.webhook is None:
        return None
    return Delivery(run_id=ended.run_id, thread_id=ended.thread_id, url=ended.spec.webhook, next_at=ended.updated_at)


def delivering(ended: Run, *, rolled_back: bool) -> Run:
    """A run at its end, with the delivery that this makes. Of one that was rolled back it says so, also where another caller asked for that in the last moment."""
    delivery = begun(ended)
    if delivery is None:
        return ended
    return replace(ended, delivery=delivery, cancel=CancelAction.ROLLBACK if rolled_back else ended.cancel)


def judged(
    delivery: Delivery, answer: Answer, schedule: Schedule, now: datetime, chance: Callable[[], float]
) -> Delivery:
    """A delivery after an attempt."""
    tried = replace(
        delivery,
        attempts=delivery.attempts + 1,
        attempted_at=now,
        status=answer.status,
        error="" if answer.taken else answer.problem,
    )
    if answer.taken:
        return replace(tried, state=DeliveryState.DELIVERED, next_at=None, settled_at=now)
    wait = None if answer.over else schedule.wait(tried.attempts, answer.retry_after, chance())
    if wait is None:
        return replace(tried, state=DeliveryState.FAILED, next_at=None, settled_at=now)
    return replace(tried, next_at=now + wait)
