"""What has happened since the server started, in numbers.

Owns counts and sums, in memory: they begin at nothing with each process, as those who scrape them expect. Nothing decides by them.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass

from graphwire_server.core.delivery import Delivery, DeliveryState
from graphwire_server.core.model import Run, RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What the server has in its hands at a moment.

    Attributes:
        executing: Runs that execute.
        waiting: Runs that wait for their turn or for their time.
        slots: The most runs that execute at once.
        streams: Streams that are open.
        held_bytes: About how many bytes of events are held in memory for readers.
    """

    executing: int
    waiting: int
    slots: int
    streams: int
    held_bytes: int


class Tally:
    """Counts of one server.

    Attributes:
        calls: How many calls ended, by face (`grpc`, `http`), operation and code: the name of a gRPC code or the number of an HTTP status.
        seconds: How long they took together, by face and operation. A stream's call takes as long as the stream.
        ends: How many runs ended, by status.
        events: How many events those runs had.
        attempts: How often webhooks were called, by what became of the delivery: one that is pending is tried again.
    """

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str, str]] = Counter()
        self.seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
        self.ends: Counter[RunStatus] = Counter()
        self.events = 0
        self.attempts: Counter[DeliveryState] = Counter()

    def called(self, face: str, operation: str, code: str, seconds: float) -> None:
        """A call has ended."""
        self.calls[face, operation, code] += 1
        self.seconds[face, operation] += seconds

    def ended(self, run: Run) -> None:
        """A run has ended."""
        self.ends[run.status] += 1
        if run.first_seq:
            self.events += run.last_seq - run.first_seq + 1

    def attempted(self, delivery: Delivery) -> None:
        """A webhook was called."""
        self.attempts[delivery.state] += 1
