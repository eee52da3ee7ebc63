"""How cost changes with load: runs at a time, bytes of an event, joiners of a run. With it go the curves of `growth.py` and `items.py`.

Owns these curves and their sizes.
"""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

from bench import bare, growth, items, joiners, loads
from bench.curve import Curve, Point
from bench.face import Face
from bench.grpc_face import GrpcFace
from bench.http_face import HttpFace
from bench.rows import RUNS, SHARED_EVENTS
from bench.server import server
from bench.sides import Side, attempt
from bench.target import Target

AT_ONCE = (1, 4, 16, 64, 256)
"""Runs at a time."""
BYTES = tuple(32 << (3 * step) for step in range(6))
"""Bytes of a custom event: 32 B to 1 MiB."""
JOINERS = (1, 2, 5, 10, 20, 50, 100, 200)
"""Joiners of one run."""
MOST_ROUNDS = 3
_MOST_EVENTS = 20_000
_ALL_BYTES = 32 << 20
_BYTES_A_TURN = 1 << 18

Ways = dict[str, Callable[[], Awaitable[float]]]
"""What is measured of a point, by name of the series."""


async def measure(rounds: int) -> AsyncIterator[Curve]:
    """All curves, as they come."""
    rounds = min(rounds, MOST_ROUNDS)
    async with server() as target:
        yield await _load(target, rounds)
        payload = await _payload(target, rounds)
        yield payload
        yield _throughput(payload)
    async with server() as target:
        yield await _joiners(target, rounds)
    for grown in (growth, items):
        async for curve in grown.measure():
            yield curve


async def _load(target: Target, rounds: int) -> Curve:
    def ways(at_once: int) -> Ways:
        count = RUNS if at_once > 1 else RUNS // 4
        return {
            "bare": lambda: _bare(at_once),
            "gRPC": lambda: _over_grpc(target, lambda face: loads.runs(face, count, at_once)),
            "HTTP": lambda: _over_http(target, lambda face: loads.runs(face, count, at_once)),
        }

    points = [await _point(at_once, ways(at_once), rounds) for at_once in AT_ONCE]
    return Curve(
        name="load", title="two-node stateless runs", size="runs at a time", unit="runs/s", points=tuple(points)
    )


async def _payload(target: Target, rounds: int) -> Curve:
    def ways(size: int) -> Ways:
        return {
            "gRPC": lambda: _over_grpc(target, lambda face: _of_each(face, size)),
            "HTTP": lambda: _over_http(target, lambda face: _of_each(face, size)),
        }

    points = [await _point(size, ways(size), rounds) for size in BYTES]
    return Curve(name="payload", title="a custom event", size="bytes of its payload", unit="µs", points=tuple(points))


async def _of_each(face: Face, size: int) -> float:
    """Microseconds for each of a stream of custom events with so many bytes."""
    count = max(32, min(_MOST_EVENTS, _ALL_BYTES // size))
    turn = max(1, min(64, _BYTES_A_TURN // size))
    line = await face.line()
    seen = await line.run(loads.events(count, pad=size, turn=turn))
    return seen.end / count * 1e6


def _throughput(payload: Curve) -> Curve:
    """The same measure, as bytes a second."""
    points = tuple(
        Point(size=point.size, values={name: value and point.size / value for name, value in point.values.items()})
        for point in payload.points
    )
    return Curve(name="throughput", title="custom events", size=payload.size, unit="MB/s", points=points)


async def _joiners(target: Target, rounds: int) -> Curve:
    async def each(count: int) -> float:
        async with GrpcFace(target) as face:
            alone = await joiners.cpu_of(face, 0)
            return (await joiners.cpu_of(face, count) - alone) / (SHARED_EVENTS * count) * 1e6

    points = [await _point(count, {"gRPC": partial(each, count)}, rounds) for count in JOINERS]
    return Curve(
        name="joiners",
        title="server CPU for a delivered event",
        size="joiners of the run",
        unit="µs",
        points=tuple(points),
    )


async def _point(size: int, ways: Ways, rounds: int) -> Point:
    """All series of a point, in turns. One that fails is missing, and says why on standard error."""
    sides = {name: Side() for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            await attempt(sides[name], way)
    for name, side in sides.items():
        if side.failure is not None:
            print(f"{name} at {size} failed: {side.failure}", file=sys.stderr)
    return Point(size=size, values={name: side.median for name, side in sides.items()})


async def _bare(at_once: int) -> float:
    (found,) = await bare.measure("stateless", at_once=at_once)
    return found.rate


async def _over_grpc(target: Target, measure: Callable[[Face], Awaitable[float]]) -> float:
    async with GrpcFace(target) as face:
        return await measure(face)


async def _over_http(target: Target, measure: Callable[[Face], Awaitable[float]]) -> float:
    async with HttpFace(target) as face:
        return await measure(face)
