"""What is measured: the rows of the table, their sizes and their limits.

Owns the numbers that both sides of a row share.
"""

from dataclasses import dataclass

TOKENS = 4000
"""Tokens of the token stream."""
CUSTOM_EVENTS = 40_000
"""Custom events of the custom stream."""
RUNS = 400
"""Runs of the two-node rows."""
RUNS_AT_ONCE = 16
"""How many of them at a time."""
FIRST_EVENTS = 30
"""Runs of the first-event row, one after the other."""
IDLE_JOINERS = 1000
"""Streams of the idle-joiner row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the table.

    Attributes:
        name: The name of its measure in `bench.load`, and in `bench.bare` where it has a bare side.
        title: What a reader sees.
        unit: The unit of both sides.
        bare: Whether the bare graph is measured beside it.
        ratio: The least part of the bare rate that is promised.
        least: The least value that is promised.
        most: The largest value that is promised.
    """

    name: str
    title: str
    unit: str
    bare: bool = False
    ratio: float | None = None
    least: float | None = None
    most: float | None = None

    def met(self, value: float, bare: float | None) -> bool:
        """Whether a measure keeps what the row promises."""
        return (
            (self.ratio is None or bare is None or value / bare >= self.ratio)
            and (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
        )

    @property
    def promise(self) -> str:
        """What the row promises, as text."""
        if self.ratio is not None:
            return f">= {self.ratio} of bare"
        return f">= {self.least:,.0f}" if self.least is not None else f"<= {self.most:,.0f}"


ROWS = (
    Row(name="rest", title="server memory at rest", unit="MiB", most=150),
    Row(name="first_event", title="first event, stateless run, idle server", unit="ms", most=5),
    Row(name="tokens", title="tokens, one stream", unit="/s", bare=True, ratio=0.85),
    Row(name="custom", title="custom events, one stream", unit="/s", bare=True, least=60_000),
    Row(name="stateless", title="two-node stateless runs, 16 at a time", unit="/s", bare=True, ratio=0.4),
    Row(name="threads", title="two-node runs on new threads, SQLite, 16 at a time", unit="/s", bare=True, ratio=0.5),
    Row(name="joiners", title="1,000 idle JoinRun streams, memory more", unit="MiB", most=50),
)
"""The table, in the order in which it is measured."""
