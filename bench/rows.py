"""What is measured: the rows of the table, their sizes and what is promised of them.

Owns the numbers that all sides of a row share.
"""

from dataclasses import dataclass

from bench.promise import Promise
from bench.server import ONE_GRAPH, Serving

TOKENS = 4000
"""Tokens of the token stream."""
TOKEN_STREAMS = 8
"""Streams of the row of several."""
TOKENS_OF_EACH = 1000
"""Tokens of each of them."""
CUSTOM_EVENTS = 40_000
"""Custom events of the custom stream."""
RUNS = 400
"""Runs of the two-node rows."""
RUNS_AT_ONCE = 16
"""How many of them at a time."""
FIRST_EVENTS = 30
"""Runs of the rows of an idle server, one after the other."""
JOINERS = 50
"""Readers of the row of joiners that miss nothing."""
JOINED_EVENTS = 300
"""Events of the run that they join, one each 10 ms."""
IDLE_JOINERS = 5000
"""Streams of the row of idle joiners."""
FAST_JOINERS = 200
"""Readers of one fast run."""
DELIVERED_EVENTS = 20_000
"""Events of that run."""
SEVERAL_JOINERS = 20
"""Readers whose mean cost is that of one more: the tenth lies between the first and the last."""
SHARED_EVENTS = 60_000
"""Events of the run that they read."""
WAITING_RUNS = 2000
"""Runs that mostly wait."""
LARGE_STEPS = 50
"""Supersteps of the run with the large state."""
LIMIT = 120.0
"""Seconds after which a measure of one side is given up; the rest goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the table.

    Attributes:
        name: The name of its measures: in `bench.sides`, and of its function in `bench.bare` where it has a bare side.
        title: What a reader sees.
        unit: The unit of all sides.
        bare: Whether it is measured without a server too.
        grpc: What the gRPC face promises; None where it is not measured there.
        http: What the HTTP face promises; None where it is not measured there.
        fresh: How the server is started that each measure has for itself; None where it shares that of the other rows.
        once: Whether it is measured once, since it takes long and hardly varies.
    """

    name: str
    title: str
    unit: str
    bare: bool = False
    grpc: Promise | None = None
    http: Promise | None = None
    fresh: Serving | None = None
    once: bool = False


ROWS = (
    Row(
        name="startup",
        title="from the command to ready, one small graph",
        unit="s",
        grpc=Promise(most=1.5),
        fresh=Serving(config=ONE_GRAPH),
    ),
    Row(name="rest", title="server memory at rest", unit="MiB", grpc=Promise(most=150), fresh=Serving()),
    Row(
        name="first_event",
        title="first event, stateless run, idle server",
        unit="ms",
        grpc=Promise(most=2),
        http=Promise(most=2),
    ),
    Row(
        name="first_update",
        title="first node's update, idle server",
        unit="ms",
        grpc=Promise(most=4),
        http=Promise(most=4),
    ),
    Row(
        name="tokens",
        title="tokens, one stream",
        unit="/s",
        bare=True,
        grpc=Promise(least_ratio=0.95),
        http=Promise(least_ratio=0.95),
    ),
    Row(
        name="tokens_of_eight",
        title=f"tokens, {TOKEN_STREAMS} streams at once; bare on one loop",
        unit="/s",
        bare=True,
        grpc=Promise(least_ratio=0.9),
        http=Promise(),
    ),
    Row(
        name="custom",
        title="custom events, one stream",
        unit="/s",
        bare=True,
        grpc=Promise(least=100_000),
        http=Promise(least=150_000),
    ),
    Row(
        name="stateless",
        title=f"two-node stateless runs, {RUNS_AT_ONCE} at a time",
        unit="/s",
        bare=True,
        grpc=Promise(least_ratio=0.5),
        http=Promise(least_ratio=0.4),
    ),
    Row(
        name="threads",
        title=f"two-node runs on new threads, SQLite, {RUNS_AT_ONCE} at a time",
        unit="/s",
        bare=True,
        grpc=Promise(least_ratio=0.8),
        http=Promise(least_ratio=0.8),
    ),
    Row(
        name="large",
        title=f"{LARGE_STEPS} values of a 5 MB state; bare: to encode them",
        unit="ms",
        bare=True,
        grpc=Promise(most_ratio=1.5),
        http=Promise(most_ratio=1.5),
    ),
    Row(
        name="joined",
        title=f"{JOINERS} joiners of one run that miss no event behind their join",
        unit=f"of {JOINERS}",
        grpc=Promise(least=JOINERS),
        http=Promise(least=JOINERS),
    ),
    Row(
        name="delivered",
        title=f"events delivered to {FAST_JOINERS} joiners of one run",
        unit="/s",
        grpc=Promise(least=400_000),
    ),
    Row(
        name="one_more",
        title="server CPU for an event: one more joiner over the first",
        unit="",
        grpc=Promise(most=0.1),
    ),
    Row(
        name="idle",
        title=f"memory of each of {IDLE_JOINERS:,} idle JoinRun streams",
        unit="KiB",
        grpc=Promise(most=20),
        fresh=Serving(),
        once=True,
    ),
    Row(
        name="many",
        title=f"{WAITING_RUNS:,} waiting runs: p99 of an event's delay",
        unit="ms",
        grpc=Promise(most=50),
        http=Promise(most=50),
        fresh=Serving(environment=(("GRAPHWIRE_N_JOBS_PER_WORKER", str(WAITING_RUNS + 100)),)),
        once=True,
    ),
)
"""The table, in the order in which it is measured: what leaves another server with much to do comes last."""
