"""The streams that are open.

Owns how many readers a process serves at once, whichever transport they come by, and how long any of them may take nothing. They are counted apart
from calls that are answered at once, so that readers that wait never starve those (wire D, trap 10).
"""

from dataclasses import dataclass
from datetime import timedelta

from graphwire_server.core.errors import CapacityReached


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """Bounds of streams.

    Attributes:
        streams: The most that are open at once.
        write_timeout: How long what is sent may wait for a reader that does not read.
        heartbeat: The time between two signs of life, on a transport that has none of its own (wire fact 9).
    """

    streams: int = 20_000
    write_timeout: timedelta = timedelta(seconds=30)
    heartbeat: timedelta = timedelta(seconds=5)


class Streams:
    """The streams that are open; entered by each for as long as it lasts.

    Args:
        limits: Their bounds.
    """

    def __init__(self, limits: StreamLimits) -> None:
        self.limits = limits
        self.open = 0

    def check_room(self) -> None:
        """Raises CapacityReached where no more may be open. For what must not be begun in vain."""
        if self.open >= self.limits.streams:
            raise CapacityReached(f"the server has {self.limits.streams} open streams; close one, or try again later")

    def __enter__(self) -> None:
        self.check_room()
        self.open += 1

    def __exit__(self, *_: object) -> None:
        self.open -= 1
