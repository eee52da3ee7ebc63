"""How long threads live.

Owns what a time to live is, and what a server is told about it. The time counts from a thread's last change: whoever uses a thread keeps it. Pure; what goes is
the matter of `sweeper.py`.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from graphwire_server.core.errors import InvalidField

LONGEST_TTL = timedelta(days=3650)
"""The longest time to live."""


class TtlStrategy(StrEnum):
    """What goes: the thread with all that it has, or all its states but the latest."""

    DELETE = "delete"
    KEEP_LATEST = "keep_latest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ttl:
    """A time to live.

    Attributes:
        after: How long after the thread's last change. 0 is for ever: of a new thread it puts the server's default aside, of one that exists it takes away
            what was set.
        strategy: What goes then.
    """

    after: timedelta
    strategy: TtlStrategy = TtlStrategy.DELETE


@dataclass(frozen=True, slots=True, kw_only=True)
class TtlPolicy:
    """What a server is told about the life of threads (wire fact 90).

    Attributes:
        default: What threads get that are created from now on and do not say; None is for ever.
        interval: How long after its time a thread goes at the latest, while the server runs.
        limit: The most threads that go at once; those that are left go an interval later.
    """

    default: Ttl | None = None
    interval: timedelta = timedelta(minutes=5)
    limit: int = 1000


def check_ttl(field: str, ttl: Ttl) -> Ttl:
    """The time to live. Raises InvalidField where it is less than 0, or longer than ten years."""
    if not timedelta(0) <= ttl.after <= LONGEST_TTL:
        raise InvalidField(field, f"must be 0 (for ever) to {LONGEST_TTL.days} days")
    return ttl


def given(ttl: Ttl | None, default: Ttl | None) -> Ttl | None:
    """What a new thread gets, from what its caller said and the server's default; None is for ever."""
    chosen = default if ttl is None else ttl
    return None if chosen is None or not chosen.after else chosen


def changed(ttl: Ttl | None, change: Ttl | None) -> Ttl | None:
    """What a thread has after a change; None changes nothing."""
    if change is None:
        return ttl
    return change if change.after else None
