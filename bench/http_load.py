"""The load over HTTP, on any server of the documented surface that serves the measured graphs.

Owns that side of each row.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

from bench.connection import Connection, Seen
from bench.rows import CUSTOM_EVENTS, FIRST_EVENTS, JOINED_EVENTS, JOINERS, RUNS, RUNS_AT_ONCE, TOKENS
from bench.target import Target

_TWO_NODES = {"assistant_id": "two_nodes", "input": {"topic": "ice"}, "stream_mode": "updates"}


def _run(assistant: str, given: dict[str, Any], mode: str) -> dict[str, Any]:
    return {"assistant_id": assistant, "input": given, "stream_mode": mode}


async def _stateless(line: Connection, body: dict[str, Any]) -> Seen:
    return await line.stream("POST", "/runs/stream", body)


async def _many(url: str, one: Callable[[Connection], Awaitable[Any]]) -> float:
    left = iter(range(RUNS))

    async def work() -> None:
        line = await Connection(url).open()
        for _ in left:
            await one(line)
        line.close()

    begun = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(RUNS_AT_ONCE)))
    return RUNS / (time.perf_counter() - begun)


async def first_event(target: Target) -> float:
    """Milliseconds to the first event of a stateless run, the median of several, one after the other."""
    line = await Connection(target.url).open()
    await _stateless(line, _TWO_NODES)
    times = [(await _stateless(line, _TWO_NODES)).first for _ in range(FIRST_EVENTS)]
    line.close()
    return statistics.median(times) * 1e3


async def tokens(target: Target) -> float:
    """Tokens a second of one stream, from the request to the end."""
    line = await Connection(target.url).open()
    await _stateless(line, _run("tokens", {"messages": [], "words": 50}, "messages-tuple"))
    seen = await _stateless(line, _run("tokens", {"messages": [], "words": TOKENS}, "messages-tuple"))
    line.close()
    return seen.events / seen.end


async def custom(target: Target) -> float:
    """Custom events a second of one stream, from the request to the end."""
    line = await Connection(target.url).open()
    seen = await _stateless(line, _run("ticks", {"count": CUSTOM_EVENTS}, "custom"))
    line.close()
    return seen.events / seen.end


async def stateless(target: Target) -> float:
    """Two-node stateless runs a second."""
    line = await Connection(target.url).open()
    await _stateless(line, _TWO_NODES)
    line.close()
    return await _many(target.url, lambda line: _stateless(line, _TWO_NODES))


async def threads(target: Target) -> float:
    """Two-node runs a second, each on a thread that is created for it."""

    async def one(line: Connection) -> None:
        thread = await line.call("POST", "/threads", {})
        await line.stream("POST", f"/threads/{thread['thread_id']}/runs/stream", _TWO_NODES)

    line = await Connection(target.url).open()
    await one(line)
    line.close()
    return await _many(target.url, one)


async def joined(target: Target) -> float:
    """How many readers that join a run get every event that comes behind their join."""
    line = await Connection(target.url).open()
    thread_id = (await line.call("POST", "/threads", {}))["thread_id"]
    body = _run("ticks", {"count": JOINED_EVENTS, "pause": 0.01}, "custom")
    run_id = (await line.call("POST", f"/threads/{thread_id}/runs", body))["run_id"]
    lines = [await Connection(target.url).open() for _ in range(JOINERS)]
    path = f"/threads/{thread_id}/runs/{run_id}/stream"
    found = await asyncio.gather(*(each.stream("GET", path, keep=True) for each in lines))
    for each in (line, *lines):
        each.close()
    return sum(1 for seen in found if _complete(seen.content))


def _complete(content: bytes) -> bool:
    """Whether the ticks are without a gap up to the last."""
    lines = content.split(b"\r\n")
    data = [lines[index + 1] for index, text in enumerate(lines) if text == b"event: custom"]
    ticks = [json.loads(text.removeprefix(b"data: "))["number"] for text in data]
    return bool(ticks) and ticks == list(range(ticks[0], JOINED_EVENTS))
