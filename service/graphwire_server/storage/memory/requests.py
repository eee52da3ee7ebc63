"""Request keys in memory (design, promise 9).

Owns the keys. The invariant: a key whose time has passed is as if it were not there.
"""

from datetime import datetime

from graphwire_server.core.errors import RequestReused
from graphwire_server.core.model import RequestKey


class RequestKeys:
    """The keys of one store, or of several that share them."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[RequestKey, str]] = {}

    def known(self, key: RequestKey) -> str | None:
        """The run of an earlier request with the key, or None. Raises RequestReused where that was another request."""
        earlier, run_id = self._known.get(key.request_id, (None, ""))
        if earlier is None or earlier.expires_at <= key.now:
            return None
        if earlier.fingerprint != key.fingerprint:
            raise RequestReused(key.request_id, run_id)
        return run_id

    def add(self, key: RequestKey, run_id: str) -> None:
        """Remembers a key, in place of one whose time has passed."""
        self._known[key.request_id] = (key, run_id)

    def expire(self, now: datetime) -> datetime | None:
        """Drops keys whose time has passed. Returns when the next passes it, or None."""
        for request_id in [request_id for request_id, (key, _) in self._known.items() if key.expires_at <= now]:
            del self._known[request_id]
        return min((key.expires_at for key, _ in self._known.values()), default=None)
