"""The sides of a row, and how each is measured: bare, over gRPC, over HTTP, and over HTTP against another server.

Owns the table of measures, and what a side is that could not be measured: a failure with its reason, beside which the rest goes on.
"""

import asyncio
import statistics
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bench import bare, joiners, loads, waiting
from bench.face import Face, Measure
from bench.grpc_face import GrpcFace
from bench.http_face import HttpFace
from bench.rows import LIMIT, Row
from bench.server import server
from bench.target import Target

MEASURES: dict[str, Measure] = {
    measure.__name__: measure
    for measure in (
        loads.startup,
        loads.rest,
        loads.first_event,
        loads.first_update,
        loads.tokens,
        loads.tokens_of_eight,
        loads.custom,
        loads.stateless,
        loads.threads,
        loads.large,
        loads.joined,
        joiners.delivered,
        joiners.one_more,
        joiners.idle,
        waiting.many,
    )
}
"""By the name of the row."""


@dataclass(slots=True)
class Side:
    """What was measured of one side of a row.

    Attributes:
        rounds: A value for each round, in the order in which they were measured.
        failure: Why a round failed; none is measured after it.
    """

    rounds: list[float] = field(default_factory=list)
    failure: str | None = None

    @property
    def median(self) -> float | None:
        """The median of the rounds; None where one failed."""
        return statistics.median(self.rounds) if self.rounds and self.failure is None else None


Sides = dict[str, Side]
"""By name: bare, grpc, http, against."""


class Sweep:
    """All sides of one row.

    Args:
        row: The row.
        ours: Our server, where the row shares it.
        other: Another server, where there is one.
    """

    def __init__(self, row: Row, ours: Target | None, other: Target | None) -> None:
        self._row = row
        self._ours = ours
        self._other = other

    async def measure(self, rounds: int) -> Sides:
        """Measures all sides in turns, so that a machine that is busy for a moment is busy for all."""
        ways = self._ways()
        sides = {name: Side() for name in ways}
        for _ in range(1 if self._row.once else rounds):
            for name, way in ways.items():
                await attempt(sides[name], way)
        return sides

    def _ways(self) -> dict[str, Callable[[], Awaitable[float]]]:
        ways: dict[str, Callable[[], Awaitable[float]]] = {}
        if self._row.bare:
            ways["bare"] = self._bare
        if self._row.grpc is not None:
            ways["grpc"] = self._grpc
        if self._row.http is not None:
            ways["http"] = self._http
            if self._other is not None:
                ways["against"] = self._against
        return ways

    async def _bare(self) -> float:
        (found,) = await bare.measure(self._row.name)
        return found.seconds * 1e3 if self._row.unit == "ms" else found.rate

    async def _grpc(self) -> float:
        async with self._server() as target, GrpcFace(target) as face:
            return await self._measured(face)

    async def _http(self) -> float:
        async with self._server() as target, HttpFace(target) as face:
            return await self._measured(face)

    async def _against(self) -> float:
        assert self._other is not None  # noqa: S101  or this is no side
        async with HttpFace(self._other) as face:
            return await self._measured(face)

    async def _measured(self, face: Face) -> float:
        return await MEASURES[self._row.name](face)

    @asynccontextmanager
    async def _server(self) -> AsyncIterator[Target]:
        if self._row.fresh is None and self._ours is not None:
            yield self._ours
        else:
            async with server(self._row.fresh) as target:
                yield target


async def attempt(side: Side, way: Callable[[], Awaitable[float]]) -> None:
    """One more round, unless one has failed. A row that fails is a result; the others go on."""
    if side.failure is not None:
        return
    limit = asyncio.timeout(LIMIT)
    try:
        async with limit:
            side.rounds.append(await way())
    except Exception as error:  # noqa: BLE001  whatever the other server does
        side.failure = f"not done after {LIMIT:g} s" if limit.expired() else reason(error)


def reason(error: BaseException) -> str:
    """Why it failed, in a line; of a group, why its first did."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
