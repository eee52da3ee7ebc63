"""The measures of the rows that one load makes, on any face.

Owns what is asked and what is counted. Readers count, and parse nothing else, so that they are not what is measured.
"""

import asyncio
import re
import statistics
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from bench.face import Asked, Face, Line
from bench.rows import (
    CUSTOM_EVENTS,
    FIRST_EVENTS,
    JOINED_EVENTS,
    JOINERS,
    LARGE_STEPS,
    RUNS,
    RUNS_AT_ONCE,
    TOKEN_STREAMS,
    TOKENS,
    TOKENS_OF_EACH,
)

TWO_NODES = Asked(graph="two_nodes", given={"topic": "ice"}, mode="updates")
_NUMBER = re.compile(rb'"number": ?(\d+)')
_LARGE_BYTES = 5_000_000


def words(count: int) -> Asked:
    """A run of so many tokens."""
    return Asked(graph="tokens", given={"messages": [], "words": count}, mode="messages-tuple")


def events(count: int, **more: Any) -> Asked:
    """A run of so many custom events; see the graph for what else it takes."""
    return Asked(graph="ticks", given={"count": count} | more, mode="custom")


async def startup(face: Face) -> float:
    """Seconds from the command to the ready line."""
    return face.target.started


async def rest(face: Face) -> float:
    """MiB of the server before anything was asked of it."""
    return face.target.memory()


async def first_event(face: Face) -> float:
    """Milliseconds to the first event of a stateless run, the median of several, one after the other."""
    line = await face.line()
    await line.run(TWO_NODES)
    return statistics.median([(await line.run(TWO_NODES)).first for _ in range(FIRST_EVENTS)]) * 1e3


async def first_update(face: Face) -> float:
    """Milliseconds to the first node's update, the second event, likewise."""
    line = await face.line()
    await line.run(TWO_NODES)
    return statistics.median([(await line.run(TWO_NODES)).second for _ in range(FIRST_EVENTS)]) * 1e3


async def tokens(face: Face) -> float:
    """Tokens a second of one stream, from the request to the end."""
    line = await face.line()
    await line.run(words(50))
    seen = await line.run(words(TOKENS))
    return seen.events / seen.end


async def tokens_of_eight(face: Face) -> float:
    """Tokens a second of all of several streams, from the first request to the last end."""
    lines = [await face.line() for _ in range(TOKEN_STREAMS)]
    await lines[0].run(words(50))
    begun = perf_counter()
    found = await asyncio.gather(*(line.run(words(TOKENS_OF_EACH)) for line in lines))
    return sum(seen.events for seen in found) / (perf_counter() - begun)


async def custom(face: Face) -> float:
    """Custom events a second of one stream, from the request to the end."""
    line = await face.line()
    seen = await line.run(events(CUSTOM_EVENTS))
    return seen.events / seen.end


async def stateless(face: Face) -> float:
    """Two-node stateless runs a second."""
    return await runs(face, RUNS, RUNS_AT_ONCE)


async def runs(face: Face, count: int, at_once: int) -> float:
    """So many two-node stateless runs, so many at a time: runs a second."""
    return await _many(face, count, at_once, lambda line: line.run(TWO_NODES))


async def threads(face: Face) -> float:
    """Two-node runs a second, each on a thread that is created for it."""

    async def one(line: Line) -> None:
        thread_id = await line.create_thread()
        await line.run(Asked(graph="two_nodes", given={"topic": "ice"}, mode="updates", thread_id=thread_id))

    return await _many(face, RUNS, RUNS_AT_ONCE, one)


async def _many(face: Face, count: int, at_once: int, one: Callable[[Line], Awaitable[Any]]) -> float:
    lines = [await face.line() for _ in range(at_once)]
    await one(lines[0])
    left = iter(range(count))

    async def work(line: Line) -> None:
        for _ in left:
            await one(line)

    begun = perf_counter()
    await asyncio.gather(*map(work, lines))
    return count / (perf_counter() - begun)


async def large(face: Face) -> float:
    """Milliseconds of a run that streams so many values of 5 MB. Raises RuntimeError where fewer bytes came than that."""
    line, came = await face.line(), 0

    def take(piece: bytes) -> None:
        nonlocal came
        came += len(piece)

    begun = perf_counter()
    asked = Asked(graph="large", given={"left": LARGE_STEPS}, mode="values", supersteps=LARGE_STEPS + 5)
    await line.drain(asked, take)
    taken = perf_counter() - begun
    if came < LARGE_STEPS * _LARGE_BYTES:
        raise RuntimeError(f"{came} bytes came, fewer than {LARGE_STEPS} values have")
    return taken * 1e3


async def joined(face: Face) -> float:
    """How many readers that join a run get every event that comes behind their join."""
    started = await (await face.line()).start(events(JOINED_EVENTS, pause=0.01))
    lines = [await face.line() for _ in range(JOINERS)]
    found = await asyncio.gather(*(line.join(started) for line in lines))
    return sum(1 for seen in found if _complete(seen.content))


def _complete(content: bytes) -> bool:
    """Whether the ticks are without a gap up to the last."""
    ticks = [int(number) for number in _NUMBER.findall(content)]
    return bool(ticks) and ticks == list(range(ticks[0], JOINED_EVENTS))
