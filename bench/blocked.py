"""A node that blocks its loop: what else waits for it, with `--isolate-graphs` and without, and what isolation costs.

Owns the scene: beside the blocking run one stream has a custom event each 20 ms, another is idle and gets heartbeats alone, and both faces are asked every 100 ms whether they are well.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from time import perf_counter

from bench import loads
from bench.face import Asked, Face, Measure
from bench.grpc_face import GrpcFace
from bench.http_face import HttpFace
from bench.server import Serving, server
from bench.sides import Side, attempt
from bench.target import Target

ISOLATED = Serving(options=("--isolate-graphs",))
SLEEP = 2.0
"""Seconds that the node blocks its loop."""
EVENT_EACH = 0.02
HEARTBEAT_EACH = 5.0
"""Seconds between the heartbeats of an HTTP stream that has no events."""
HEALTH_EACH = 0.1
_BEFORE = HEARTBEAT_EACH - 0.2
_AFTER = 1.0
_WHOLE = _BEFORE + SLEEP + _AFTER
COSTS: tuple[Measure, ...] = (loads.tokens, loads.stateless)
"""The rows on which the cost of isolation is measured."""
_DELAYS = (
    ("events", f"an event of another stream, one each {EVENT_EACH * 1e3:g} ms"),
    ("heartbeat", f"a heartbeat of an idle HTTP stream, due after {HEARTBEAT_EACH:g} s"),
    ("grpc_health", "the gRPC health service"),
    ("http_health", "GET /ok"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """The largest delays while a node blocked its loop, in seconds.

    Attributes:
        events: Of the other stream's events.
        heartbeat: Of the idle stream's heartbeat.
        grpc_health: Of the answer of the gRPC health service.
        http_health: Of the answer of `/ok`.
    """

    events: float
    heartbeat: float
    grpc_health: float
    http_health: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What isolation costs on a row of the table.

    Attributes:
        row: Its name, and the face.
        together: A second, on one loop.
        isolated: A second, with graphs on loops of their own.
    """

    row: str
    together: float | None
    isolated: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """Delays without and with isolation, and its costs."""

    together: Delays
    isolated: Delays
    costs: tuple[Cost, ...]


async def measure(rounds: int) -> Blocked:
    """All of it. Raises RuntimeError where the server knows no such option."""
    async with server() as together, server(ISOLATED) as isolated:
        costs = [await _cost(load, name, (together, isolated), rounds) for load in COSTS for name in ("gRPC", "HTTP")]
        return Blocked(together=await _delays(together), isolated=await _delays(isolated), costs=tuple(costs))


async def _cost(load: Measure, name: str, servers: tuple[Target, Target], rounds: int) -> Cost:
    sides = [Side(), Side()]
    for _ in range(rounds):
        for side, target in zip(sides, servers, strict=True):
            await attempt(side, partial(_on, load, name, target))
    together, isolated = (side.median for side in sides)
    return Cost(row=f"{load.__name__} over {name}", together=together, isolated=isolated)


async def _on(load: Measure, name: str, target: Target) -> float:
    async with GrpcFace(target) if name == "gRPC" else HttpFace(target) as face:
        return await load(face)


async def _delays(target: Target) -> Delays:
    async with GrpcFace(target) as grpc, HttpFace(target) as http, asyncio.TaskGroup() as group:
        events = group.create_task(_late_events(grpc))
        heartbeat = group.create_task(_late_heartbeat(http))
        health = [group.create_task(_late_health(face)) for face in (grpc, http)]
        group.create_task(_block(grpc))
    return Delays(
        events=events.result(),
        heartbeat=heartbeat.result(),
        grpc_health=health[0].result(),
        http_health=health[1].result(),
    )


async def _block(face: Face) -> None:
    """The run that blocks its loop just before the idle stream's first heartbeat is due."""
    line = await face.line()
    await asyncio.sleep(_BEFORE)
    await line.run(Asked(graph="sleepy", given={"seconds": SLEEP}, mode="updates"))


async def _late_events(face: Face) -> float:
    line, times = await face.line(), list[float]()
    asked = loads.events(int(_WHOLE / EVENT_EACH), pause=EVENT_EACH)
    await line.drain(asked, lambda _: times.append(perf_counter()))
    return max(later - earlier for earlier, later in pairwise(times)) - EVENT_EACH


async def _late_heartbeat(face: HttpFace) -> float:
    """How late the first heartbeat is, counted from the stream's last event before it."""
    line, last, beat = await face.line(), perf_counter(), asyncio.get_running_loop().create_future()

    def take(piece: bytes) -> None:
        nonlocal last
        now = perf_counter()
        if piece.startswith(b":") and not beat.done():
            beat.set_result(max(0.0, now - last - HEARTBEAT_EACH))
        last = now

    idle = asyncio.create_task(line.drain(Asked(graph="waiting", given={"count": 0}, mode="custom"), take))
    try:
        return await asyncio.wait_for(beat, HEARTBEAT_EACH + SLEEP + _WHOLE)
    finally:
        idle.cancel()


async def _late_health(face: Face) -> float:
    await face.health()
    longest, until = 0.0, perf_counter() + _WHOLE
    while (begun := perf_counter()) < until:
        await face.health()
        longest = max(longest, perf_counter() - begun)
        await asyncio.sleep(HEALTH_EACH)
    return longest


def lines(found: Blocked) -> Iterator[str]:
    """As two tables."""
    yield f"| largest delay while a node blocks its loop for {SLEEP:g} s | one loop | --isolate-graphs |"
    yield "| --- | ---: | ---: |"
    for name, title in _DELAYS:
        together, isolated = (getattr(delays, name) * 1e3 for delays in (found.together, found.isolated))
        yield f"| {title} | {together:,.0f} ms | {isolated:,.0f} ms |"
    yield ""
    yield "| what isolation costs | one loop | --isolate-graphs | ratio |"
    yield "| --- | ---: | ---: | ---: |"
    for cost in found.costs:
        yield _line(cost)


def _line(cost: Cost) -> str:
    if cost.together is None or cost.isolated is None:
        return f"| {cost.row} | failed | failed | |"
    return f"| {cost.row} | {cost.together:,.0f} /s | {cost.isolated:,.0f} /s | {cost.isolated / cost.together:.2f} |"
