"""The limit: the same graphs run in process by `graph.astream`, with no server.

Owns the bare side of each row. It runs as a process of its own, `python -m bench.bare ROW [ROUNDS [AT_ONCE]]`, and prints what it measured as JSON, so that both sides of a row
start from the same place.
"""

import asyncio
import json
import sys
import tempfile
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import orjson
import uvloop
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from bench.app import graphs
from bench.process import printed
from bench.rows import CUSTOM_EVENTS, LARGE_STEPS, RUNS, RUNS_AT_ONCE, TOKEN_STREAMS, TOKENS, TOKENS_OF_EACH


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """What one round brought.

    Attributes:
        count: How many events, runs or states.
        seconds: In which time.
        cpu: Of which the process was running, in seconds.
    """

    count: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        """How many a second."""
        return self.count / self.seconds

    @property
    def cost(self) -> float:
        """Seconds of CPU for each."""
        return self.cpu / self.count


async def measure(row: str, rounds: int = 1, at_once: int = RUNS_AT_ONCE) -> list[Bare]:
    """So many rounds of a row, all in one process.

    Args:
        row: Its name.
        rounds: How many.
        at_once: How many runs at a time, where the row has runs.
    """
    found = json.loads(await printed("bench.bare", row, str(rounds), str(at_once)))
    return [Bare(**each) for each in found]


async def _timed(work: Awaitable[int]) -> Bare:
    begun, cpu = perf_counter(), process_time()
    count = await work
    return Bare(count=count, seconds=perf_counter() - begun, cpu=process_time() - cpu)


async def _consume(graph: Any, given: Any, mode: str, config: RunnableConfig | None = None) -> int:
    seen = 0
    async for _ in graph.astream(given, config, stream_mode=mode):
        seen += 1
    return seen


async def _many(one: Callable[[], Awaitable[Any]], at_once: int) -> int:
    left = iter(range(RUNS))

    async def work() -> None:
        for _ in left:
            await one()

    await asyncio.gather(*(work() for _ in range(at_once)))
    return RUNS


async def _words(count: int) -> int:
    return await _consume(graphs.tokens, {"messages": [], "words": count}, "messages")


async def tokens(_: int) -> Bare:
    """One run that streams tokens."""
    await _words(50)
    return await _timed(_words(TOKENS))


async def tokens_of_eight(_: int) -> Bare:
    """Several such runs at once, on one loop and so on one core."""

    async def all_of_them() -> int:
        return sum(await asyncio.gather(*(_words(TOKENS_OF_EACH) for _ in range(TOKEN_STREAMS))))

    await _words(50)
    return await _timed(all_of_them())


async def custom(_: int) -> Bare:
    """One run that streams custom events."""
    return await _timed(_consume(graphs.ticks, {"count": CUSTOM_EVENTS}, "custom"))


async def stateless(at_once: int) -> Bare:
    """Two-node runs without checkpoints."""

    async def one() -> None:
        await _consume(graphs.two_nodes, {"topic": "ice"}, "updates")

    await one()
    return await _timed(_many(one, at_once))


async def threads(at_once: int) -> Bare:
    """Two-node runs on new threads with LangGraph's own SQLite checkpointer, tuned as the server's is."""
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncSqliteSaver.from_conn_string(str(Path(folder) / "bare.sqlite")) as saver:
            await saver.conn.execute("PRAGMA synchronous=NORMAL")
            graph = graphs.two_nodes.copy({"checkpointer": saver})

            async def one() -> None:
                await _consume(graph, {"topic": "ice"}, "updates", {"configurable": {"thread_id": str(uuid.uuid4())}})

            await one()
            return await _timed(_many(one, at_once))


async def large(_: int) -> Bare:
    """The encoding of the large state, as often as the run streams it, and nothing else."""
    state = {"messages": graphs.conversation(), "left": LARGE_STEPS}

    async def encode() -> int:
        for _ in range(LARGE_STEPS):
            orjson.dumps(state)
        return LARGE_STEPS

    return await _timed(encode())


ROWS = {each.__name__: each for each in (tokens, tokens_of_eight, custom, stateless, threads, large)}


async def _main(row: str, rounds: int, at_once: int) -> None:
    print(json.dumps([asdict(await ROWS[row](at_once)) for _ in range(rounds)]))


if __name__ == "__main__":
    uvloop.run(_main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
