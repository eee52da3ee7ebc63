"""The keys that callers show.

Owns which keys are right, and how a caller names one. Which calls need a key is the matter of each transport. The invariant: how long a check
takes tells nothing of a key, and no text made here has one in it.
"""

import hmac
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256

from graphwire_server.core.errors import Unauthenticated

_VISIBLE = frozenset(map(chr, range(0x21, 0x7F)))


class ApiKeys:
    """The keys of a server. It is false where there are none: then nobody is asked.

    Args:
        keys: The keys: visible ASCII without spaces, since headers carry no more.

    Raises:
        ValueError: A key is empty, which would let everybody in, or could never be sent. The text does not show it.
    """

    __slots__ = ("_digests",)

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._digests = frozenset(_digest(_usable(key)) for key in keys)

    def __len__(self) -> int:
        return len(self._digests)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} keys)"

    def check(self, headers: Mapping[str, str]) -> None:
        """Lets a caller pass who shows a right key, or where there are no keys.

        Args:
            headers: The caller's headers, or metadata, by lower-case name: `x-api-key`, or `authorization` with the scheme Bearer. One
                right key is enough.

        Raises:
            Unauthenticated: The caller has shown no key, or a wrong one.
        """
        found = not self._digests
        for shown in _shown(headers):
            digest = _digest(shown)
            for right in self._digests:
                # No early exit: the time would tell which of the keys it was, and digests hide how long keys are.
                found |= hmac.compare_digest(digest, right)
        if not found:
            raise Unauthenticated


def _shown(headers: Mapping[str, str]) -> Iterator[str]:
    if "x-api-key" in headers:
        yield headers["x-api-key"]
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        yield credentials.strip()


def _usable(key: str) -> str:
    if not key:
        raise ValueError("a key is empty")
    if not _VISIBLE.issuperset(key):
        raise ValueError("a key has a space, or a character that is not visible ASCII")
    return key


def _digest(key: str) -> bytes:
    return sha256(key.encode("utf-8", "surrogatepass")).digest()
