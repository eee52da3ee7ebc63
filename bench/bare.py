"""The limit: the same graphs run in process by `graph.astream`, with no server.

Owns the bare side of each row. It runs as a process of its own, `python -m bench.bare ROW`, and prints one number, so that both sides of a row
start from the same place.
"""

import asyncio
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from bench.app import graphs
from bench.rows import CUSTOM_EVENTS, RUNS, RUNS_AT_ONCE, TOKENS


async def _consume(graph: Any, given: Any, mode: str, config: RunnableConfig | None = None) -> int:
    seen = 0
    async for _ in graph.astream(given, config, stream_mode=mode):
        seen += 1
    return seen


async def _many(one: Callable[[], Awaitable[Any]]) -> float:
    """Runs a second, RUNS_AT_ONCE at a time."""
    left = iter(range(RUNS))

    async def work() -> None:
        for _ in left:
            await one()

    begun = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(RUNS_AT_ONCE)))
    return RUNS / (time.perf_counter() - begun)


async def tokens() -> float:
    """Tokens a second of one run."""
    await _consume(graphs.tokens, {"messages": [], "words": 50}, "messages")
    begun = time.perf_counter()
    seen = await _consume(graphs.tokens, {"messages": [], "words": TOKENS}, "messages")
    return seen / (time.perf_counter() - begun)


async def custom() -> float:
    """Custom events a second of one run."""
    begun = time.perf_counter()
    seen = await _consume(graphs.ticks, {"count": CUSTOM_EVENTS}, "custom")
    return seen / (time.perf_counter() - begun)


async def stateless() -> float:
    """Two-node runs a second without checkpoints."""

    async def one() -> None:
        await _consume(graphs.two_nodes, {"topic": "ice"}, "updates")

    await one()
    return await _many(one)


async def threads() -> float:
    """Two-node runs a second on new threads with LangGraph's own SQLite checkpointer, tuned as the server's is."""
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncSqliteSaver.from_conn_string(str(Path(folder) / "bare.sqlite")) as saver:
            await saver.conn.execute("PRAGMA synchronous=NORMAL")
            graph = graphs.two_nodes.copy({"checkpointer": saver})

            async def one() -> None:
                await _consume(graph, {"topic": "ice"}, "updates", {"configurable": {"thread_id": str(uuid.uuid4())}})

            await one()
            return await _many(one)


if __name__ == "__main__":
    print(uvloop.run(globals()[sys.argv[1]]()))
