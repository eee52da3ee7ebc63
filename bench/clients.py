"""What a stream costs in each client: events a second, and CPU of the client's process.

Owns the two streams, and the reader beside which the clients are measured: a bare stub of gRPC for Python, which decodes the messages and does nothing else. A client's process
is its conformance runner, told to count and not to note. Events are held in memory alone here, so that the server's database is not what is measured; the server makes the
events while they are read, on the same machine.

    python -m bench clients
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc.aio
import psutil

from bench.server import server
from graphwire.v1.json_pb2 import Json
from graphwire.v1.run_service_pb2 import StreamRunRequest
from graphwire.v1.run_service_pb2_grpc import RunServiceStub
from tests.clients.languages import LANGUAGES
from tests.clients.runner import Runner

ROUNDS = 3
"""How often each stream is measured, after one that is not; medians are shown."""
STREAMS = {
    "custom": ("ticks", "custom", 100_000, '{{"count":{}}}'),
    "tokens": ("tokens", "messages-tuple", 40_000, '{{"messages":[],"words":{}}}'),
}
"""For each stream: the graph, the mode, how many events, and the input."""
_WARM_UP = 2_000
_LIMIT = 300.0
_STUB = "bare stub (Python)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one stream costs in one client.

    Attributes:
        rate: Events a second, from the request to the end.
        cpu: Seconds of CPU of the client's process for 10,000 events.
    """

    rate: float
    cpu: float


Costs = dict[str, dict[str, Cost]]
"""By client, and there by stream."""


def runners() -> dict[str, Runner]:
    """What is measured: the bare stub, and the client of every language whose runner is built."""
    built = {each.name: Runner(each.command) for each in LANGUAGES if not each.lack and not each.unbuilt}
    return {_STUB: Runner((sys.executable, "-m", "bench.clients"))} | built


async def measure() -> Costs:
    """All of them, in turns, so that a machine that is busy for a moment is busy for all."""
    measured = runners()
    found: dict[str, dict[str, list[Cost]]] = {name: {stream: [] for stream in STREAMS} for name in measured}
    try:
        async with server() as target:
            for stream in STREAMS:
                for runner in measured.values():
                    await _stream(runner, target.address, stream, _WARM_UP)
                for _ in range(ROUNDS):
                    for name, runner in measured.items():
                        found[name][stream].append(await _stream(runner, target.address, stream))
    finally:
        for runner in measured.values():
            await runner.aclose()
    return {name: {stream: _median(costs) for stream, costs in by.items()} for name, by in found.items()}


async def _stream(runner: Runner, address: str, stream: str, count: int | None = None) -> Cost:
    graph, mode, most, given = STREAMS[stream]
    count = most if count is None else count
    request = {"assistant_id": graph, "stream_mode": [mode], "input": {"text": given.format(count)}}
    step = {"do": "stream", "count": True, "request": request}
    asked = {"address": address, "connect": {"keep_events": False}, "steps": [step]}
    before = _cpu(runner)
    (seen,) = await runner.run(asked, _LIMIT)
    if seen.get("error") or seen["events"] < count:
        raise RuntimeError(f"a stream of {count} events was not whole: {seen}")
    return Cost(rate=seen["events"] / seen["seconds"], cpu=(_cpu(runner) - before) * 10_000 / seen["events"])


def _cpu(runner: Runner) -> float:
    """Seconds of CPU that its process has used; none before it was started."""
    if not runner.started:
        return 0.0
    times = psutil.Process(runner.pid).cpu_times()
    return float(times.user + times.system)


def _median(costs: list[Cost]) -> Cost:
    return Cost(rate=statistics.median(cost.rate for cost in costs), cpu=statistics.median(cost.cpu for cost in costs))


def lines(costs: Costs) -> Iterator[str]:
    """The costs as a table."""
    cells = [f"{stream}: events/s | CPU s per 10,000 |" for stream in STREAMS]
    yield f"| client | {' '.join(cells)}"
    yield "| --- |" + " ---: |" * 2 * len(STREAMS)
    for name, by in costs.items():
        shown = [f"{by[stream].rate:,.0f} | {by[stream].cpu:.3f} |" for stream in STREAMS]
        yield f"| {name} | {' '.join(shown)}"
    for language in LANGUAGES:
        if language.name not in costs:
            yield f"{language.name} was not measured: {language.lack or language.unbuilt}"


async def _read_as_a_stub() -> None:
    """The bare reader, as a runner: it reads what it is asked from its standard input."""
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        asked = json.loads(line)
        (step,) = asked["steps"]
        async with grpc.aio.insecure_channel(asked["address"]) as channel:
            print(json.dumps({"seen": [await _counted(RunServiceStub(channel), step["request"])]}), flush=True)


async def _counted(stub: Any, request: dict[str, Any]) -> dict[str, Any]:
    begun, seen = time.perf_counter(), 0
    sent = StreamRunRequest(**request | {"input": Json(**request["input"])})
    async for message in stub.StreamRun(sent):
        seen += len(message.events)
    return {"events": seen, "seconds": time.perf_counter() - begun}


if __name__ == "__main__":
    asyncio.run(_read_as_a_stub())
