"""`python -m bench.guard`: refuses a change with which a hot path costs twice as much.

Owns the paths and their limits. What is compared is CPU time, since wall time is that of the machine: that of the server's process for a unit of work, beside that of the bare graph's
process for the same unit, in one run. The least of several rounds is taken on both sides, since what disturbs only ever adds.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from bench import bare, joiners, loads
from bench.face import Measure
from bench.grpc_face import GrpcFace
from bench.http_face import HttpFace
from bench.process import run
from bench.rows import CUSTOM_EVENTS, RUNS, SEVERAL_JOINERS, SHARED_EVENTS, TOKENS
from bench.server import server
from bench.target import Target

ROUNDS = 3
AGAIN = 2
"""How often all is measured again where a path is over its limit. What has grown is over it each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A hot path: a load on a face.

    Attributes:
        name: What is said of it.
        face: The face, gRPC or HTTP.
        load: The load.
        count: How many units it has.
        row: The row of `bench.bare` that has the same unit.
        limit: The most times the CPU of the bare graph that a unit may cost.
    """

    name: str
    face: str
    load: Measure
    count: int
    row: str
    limit: float


# Behind each limit stand the ratios that were seen. A limit is about 1.7 times as much, so that noise stays below and a cost that doubles does not. A change that makes a path cheaper lowers
# its limit.
_LOADS: dict[str, tuple[str, Measure, int]] = {
    "tokens": ("a token", loads.tokens, TOKENS),
    "custom": ("a custom event", loads.custom, CUSTOM_EVENTS),
    "stateless": ("a stateless run", loads.stateless, RUNS),
    "threads": ("a run on a new thread", loads.threads, RUNS),
}
_LIMITS = {
    ("tokens", "gRPC"): 2.1,  # 0.9 to 1.3
    ("tokens", "HTTP"): 1.9,  # 1.0 to 1.15
    ("custom", "gRPC"): 7.0,  # 2.5 to 4.5
    ("custom", "HTTP"): 4.2,  # 1.6 to 2.6
    ("stateless", "gRPC"): 7.0,  # 3.0 to 5.2
    ("stateless", "HTTP"): 4.6,  # 2.0 to 2.9
    ("threads", "gRPC"): 2.8,  # 1.4 to 1.7
    ("threads", "HTTP"): 1.8,  # 0.8 to 1.05
}
PATHS = tuple(
    Path(name=_LOADS[row][0], face=face, load=_LOADS[row][1], count=_LOADS[row][2], row=row, limit=limit)
    for (row, face), limit in _LIMITS.items()
)
JOINER_LIMIT = 0.6
"""The same for an event that is delivered to one more joiner, beside a bare custom event. Seen: 0.2 to 0.35."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a unit of a path costs.

    Attributes:
        name: The unit, and the face.
        server: Seconds of the server's CPU.
        bare: Seconds of the bare graph's CPU.
        limit: The most times that it may be.
    """

    name: str
    server: float
    bare: float
    limit: float

    @property
    def ratio(self) -> float:
        """The server's over the bare graph's."""
        return self.server / self.bare

    @property
    def grown(self) -> bool:
        """Whether it is over its limit."""
        return self.ratio > self.limit


async def measure() -> list[Cost]:
    """All paths."""
    before = await _bare_rows()
    async with server() as target:
        ours: list[list[float]] = [[] for _ in PATHS]
        shared: list[tuple[float, float]] = []
        for _ in range(ROUNDS):
            for path, costs in zip(PATHS, ours, strict=True):
                costs.append(await _cost(path, target))
            shared.append(await _shared(target))
    after = await _bare_rows()
    rows = {row: min(cost, after[row]) for row, cost in before.items()}
    found = [
        Cost(name=f"{path.name} over {path.face}", server=min(costs), bare=rows[path.row], limit=path.limit)
        for path, costs in zip(PATHS, ours, strict=True)
    ]
    return [
        *found,
        Cost(name="an event to one more joiner", server=_more(shared), bare=rows["custom"], limit=JOINER_LIMIT),
    ]


async def _bare_rows() -> dict[str, float]:
    """Seconds of the bare graph's CPU for each unit, by row. Asked for before and after the server's, so that a machine that was busy for one is not for both."""
    rows = dict.fromkeys(path.row for path in PATHS)
    return {row: min(found.cost for found in await bare.measure(row, ROUNDS)) for row in rows}


async def _cost(path: Path, target: Target) -> float:
    """Seconds of the server's CPU for each unit."""
    before = target.cpu()
    async with GrpcFace(target) if path.face == "gRPC" else HttpFace(target) as face:
        await path.load(face)
    return (target.cpu() - before) / path.count


async def _shared(target: Target) -> tuple[float, float]:
    """Seconds of the server's CPU for a run with one joiner, and with several."""
    async with GrpcFace(target) as face:
        return await joiners.cpu_of(face, 1), await joiners.cpu_of(face, SEVERAL_JOINERS)


def _more(shared: list[tuple[float, float]]) -> float:
    """Seconds for an event to one more joiner. The least of each is taken before the difference: that of differences would be what noise made least."""
    first, several = min(one for one, _ in shared), min(more for _, more in shared)
    return (several - first) / ((SEVERAL_JOINERS - 1) * SHARED_EVENTS)


def lines(costs: list[Cost]) -> Iterator[str]:
    """The costs as a table, and what grew."""
    yield f"{'CPU of':34} {'server':>10} {'bare':>10} {'ratio':>7} {'limit':>7}"
    for cost in costs:
        told = f"{cost.server * 1e6:8.2f}µs {cost.bare * 1e6:8.2f}µs {cost.ratio:7.2f} {cost.limit:7.2f}"
        yield f"{cost.name:34} {told} {'GREW' if cost.grown else 'ok'}"
    for cost in costs:
        if cost.grown:
            yield f"{cost.name} costs {cost.ratio:.2f} times the bare graph; the limit is {cost.limit:g}"


def main() -> int:
    """The command. Gives its exit code: 0, or 1 where a path grew. What is over a limit is measured again: a machine may be busy for some minutes."""
    costs = run(measure())
    for _ in range(AGAIN):
        if not any(cost.grown for cost in costs):
            break
        costs = [min(pair, key=lambda cost: cost.ratio) for pair in zip(costs, run(measure()), strict=True)]
    print(*lines(costs), sep="\n")
    return 1 if any(cost.grown for cost in costs) else 0


if __name__ == "__main__":
    sys.exit(main())
