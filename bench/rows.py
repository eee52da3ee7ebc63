"""What is measured: the rows of the table, their sizes and their limits.

Owns the numbers that all sides of a row share.
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
JOINERS = 50
"""Readers of the row of joiners."""
JOINED_EVENTS = 300
"""Events of the run that they join, one each 10 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What one face promises of a row; what is None is not promised.

    Attributes:
        ratio: The least part of the bare rate.
        least: The least value.
        most: The largest value.
    """

    ratio: float | None = None
    least: float | None = None
    most: float | None = None

    def met(self, value: float, bare: float | None) -> bool:
        """Whether a measure keeps it."""
        return (
            (self.ratio is None or bare is None or value / bare >= self.ratio)
            and (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
        )

    def __str__(self) -> str:
        if self.ratio is not None:
            return f">= {self.ratio} bare"
        return f">= {self.least:,.0f}" if self.least is not None else f"<= {self.most:,.0f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the table.

    Attributes:
        name: The name of its measure in `bench.grpc_load`, in `bench.http_load`, and in `bench.bare` where it has a bare side.
        title: What a reader sees.
        unit: The unit of all sides.
        bare: Whether the bare graph is measured beside it.
        grpc: What the gRPC face promises; None where it is not measured there.
        http: What the HTTP face promises; None where it is not measured there.
        once: Whether it is measured once, since it is not what it was afterwards.
    """

    name: str
    title: str
    unit: str
    bare: bool = False
    grpc: Promise | None = None
    http: Promise | None = None
    once: bool = False


ROWS = (
    Row(name="rest", title="server memory at rest", unit="MiB", grpc=Promise(most=150), once=True),
    Row(
        name="first_event",
        title="first event, stateless run, idle server",
        unit="ms",
        grpc=Promise(most=5),
        http=Promise(most=4),
    ),
    Row(
        name="tokens",
        title="tokens, one stream",
        unit="/s",
        bare=True,
        grpc=Promise(ratio=0.85),
        http=Promise(ratio=0.85),
    ),
    Row(
        name="custom",
        title="custom events, one stream",
        unit="/s",
        bare=True,
        grpc=Promise(least=60_000),
        http=Promise(least=60_000),
    ),
    Row(
        name="stateless",
        title="two-node stateless runs, 16 at a time",
        unit="/s",
        bare=True,
        grpc=Promise(ratio=0.4),
        http=Promise(ratio=0.35),
    ),
    Row(
        name="threads",
        title="two-node runs on new threads, SQLite, 16 at a time",
        unit="/s",
        bare=True,
        grpc=Promise(ratio=0.5),
        http=Promise(ratio=0.4),
    ),
    Row(
        name="joined",
        title="50 joiners of one run that miss no event behind their join",
        unit="of 50",
        grpc=Promise(least=JOINERS),
        http=Promise(least=JOINERS),
    ),
    Row(name="joiners", title="1,000 idle JoinRun streams, memory more", unit="MiB", grpc=Promise(most=50)),
)
"""The table, in the order in which it is measured."""
