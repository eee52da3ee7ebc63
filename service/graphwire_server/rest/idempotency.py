"""The header Idempotency-Key: a caller's key against doubled runs.

Owns what its values mean (design, promise 9; wire fact 40), and that a refusal of the core names what the caller sent: the header, and the fields by the names
that they have on this surface. How long a key may be, and for how long it is known, is the core's matter.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from graphwire_server.core.errors import InvalidField
from graphwire_server.rest.calls import Call

HEADER = "Idempotency-Key"

DESCRIBED = {
    HEADER: "A key of your choice: a second request with the same key gives the run of the first. At most 128 visible ASCII characters; known for 24 hours."
}
"""The header as the document says it."""

_SENT = {"request_id": HEADER, "start_after": "after_seconds", "timeout": "timeout_seconds"}
_NAMED = re.compile(rf"(\[\d+\]\.)?({'|'.join(_SENT)})")


def request_key(call: Call) -> str:
    """The key of a request; empty where it has none. Raises InvalidField."""
    found = [value for name, value in call.headers if name == HEADER.lower()]
    if not found:
        return ""
    if len(found) > 1:
        raise InvalidField(HEADER, "is sent more than once; send one")
    if not found[0] or not (found[0].isascii() and found[0].isprintable()):
        raise InvalidField(HEADER, "must be 1 to 128 visible ASCII characters; leave it out for none")
    return found[0]


def item_key(key: str, index: int) -> str:
    """The key of one run of a batch that has a key: `KEY/0` for the first."""
    return f"{key}/{index}" if key else ""


@contextmanager
def as_sent() -> Iterator[None]:
    """What the core calls `request_id`, `start_after` and `timeout`, errors of what is inside call as the caller does."""
    try:
        yield
    except InvalidField as error:
        match = _NAMED.fullmatch(error.field)
        if match is None:
            raise
        place, name = match[1] or "", _SENT[match[2]]
        if name != HEADER:
            raise InvalidField(place + name, error.problem) from error
        raise InvalidField(
            HEADER, f"{error.problem}, with what stands behind it for {place[:-1]}" if place else error.problem
        ) from error
