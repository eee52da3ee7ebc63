"""How cost grows: with the checkpoints of a thread, and with the threads of a server.

Owns the two curves: what is grown, at which sizes the same three calls are measured, and how much dearer they may be at the end. Everything is done from outside,
over gRPC, on a server of its own.
"""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc.aio

from bench.curve import Curve, Point
from bench.server import server
from graphwire.v1 import run_pb2, run_service_pb2, thread_service_pb2
from graphwire.v1.json_pb2 import Json
from graphwire.v1.run_service_pb2_grpc import RunServiceStub
from graphwire.v1.thread_service_pb2_grpc import ThreadServiceStub

CHECKPOINTS = (10, 100, 1_000, 10_000)
"""Checkpoints of one thread."""
THREADS = (100, 1_000, 10_000, 100_000)
"""Threads of one server, each with a few checkpoints."""
MOST = 2.0
"""How many times dearer a call may be at the largest size than at the smallest."""
CALLS = 25
"""How often each call is made at a size; the median is shown."""
_AT_ONCE = 64


class _Grown:
    """A thread on a server, and what can be done with it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.runs: Any = RunServiceStub(channel)
        self.threads: Any = ThreadServiceStub(channel)
        self.thread_id = ""
        self._checkpoints = 0
        self._threads = 1

    async def open(self) -> None:
        """Makes the thread."""
        created = await self.threads.CreateThread(thread_service_pb2.CreateThreadRequest())
        self.thread_id = created.thread.thread_id
        await self._run(3)

    async def lengthen(self, size: int) -> None:
        """Lets the thread have as many checkpoints."""
        while self._checkpoints < size:
            await self._run(min(2_000, max(1, size - self._checkpoints - 2)))

    async def multiply(self, size: int) -> None:
        """Lets the server have as many threads like it."""
        left = iter(range(size - self._threads))
        request = thread_service_pb2.CopyThreadRequest(thread_id=self.thread_id)

        async def copy() -> None:
            for _ in left:
                await self.threads.CopyThread(request)

        await asyncio.gather(*(copy() for _ in range(_AT_ONCE)))
        self._threads = max(size, self._threads)

    async def point(self, size: int) -> Point:
        """What the calls cost now."""
        calls = {
            "newest state": self._state,
            "first event of a run": self._start,
            "join of an ended run": self._join,
        }
        return Point(size=size, values={name: await _median(call) for name, call in calls.items()})

    async def _run(self, supersteps: int) -> None:
        request = self._request(supersteps)
        request.config.recursion_limit = supersteps + 10
        async for message in self.runs.StreamRun(request):
            self._last = message.events[-1].run_id
        self._checkpoints += supersteps + 2

    def _request(self, supersteps: int) -> run_service_pb2.StreamRunRequest:
        return run_service_pb2.StreamRunRequest(
            assistant_id="steps",
            thread_id=self.thread_id,
            input=Json(text=f'{{"left":{supersteps}}}'),
            stream_mode=["updates"],
            durability=run_pb2.DURABILITY_ASYNC,
        )

    async def _state(self) -> float:
        begun = time.perf_counter()
        await self.threads.GetThreadState(thread_service_pb2.GetThreadStateRequest(thread_id=self.thread_id))
        return time.perf_counter() - begun

    async def _start(self) -> float:
        begun, first = time.perf_counter(), 0.0
        async for message in self.runs.StreamRun(self._request(1)):
            first = first or time.perf_counter() - begun
            self._last = message.events[-1].run_id
        return first

    async def _join(self) -> float:
        begun = time.perf_counter()
        async for _ in self.runs.JoinRun(run_service_pb2.JoinRunRequest(run_id=self._last)):
            pass
        return time.perf_counter() - begun


async def _median(call: Callable[[], Awaitable[float]]) -> float:
    await call()
    return statistics.median([await call() for _ in range(CALLS)]) * 1e3


async def _curve(
    name: str, title: str, size: str, sizes: tuple[int, ...], grow: Callable[[_Grown, int], Awaitable[None]]
) -> Curve:
    points = []
    async with server() as target, grpc.aio.insecure_channel(target.address) as channel:
        grown = _Grown(channel)
        await grown.open()
        for each in sizes:
            await grow(grown, each)
            points.append(await grown.point(each))
    return Curve(name=name, title=title, size=size, unit="ms", points=tuple(points), most=MOST)


async def measure() -> AsyncIterator[Curve]:
    """Both curves, one after the other."""
    yield await _curve("length", "calls as a thread grows", "checkpoints of the thread", CHECKPOINTS, _Grown.lengthen)
    yield await _curve("threads", "calls as a server fills", "threads of the server", THREADS, _Grown.multiply)
