"""The load over gRPC: a client that only counts what arrives, so that the reader is not what is measured.

Owns that side of each row. It talks to a server that runs as a process of its own.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc.aio

from bench.rows import (
    CUSTOM_EVENTS,
    FIRST_EVENTS,
    IDLE_JOINERS,
    JOINED_EVENTS,
    JOINERS,
    RUNS,
    RUNS_AT_ONCE,
    TOKENS,
)
from bench.target import Target
from graphwire.v1 import run_service_pb2, thread_service_pb2
from graphwire.v1.json_pb2 import Json
from graphwire.v1.run_service_pb2_grpc import RunServiceStub
from graphwire.v1.thread_service_pb2_grpc import ThreadServiceStub

JOINERS_A_CHANNEL = 100


def _request(assistant: str, given: str, mode: str, thread_id: str | None = None) -> run_service_pb2.StreamRunRequest:
    return run_service_pb2.StreamRunRequest(
        assistant_id=assistant, input=Json(text=given), stream_mode=[mode], thread_id=thread_id
    )


async def _count(stub: Any, request: run_service_pb2.StreamRunRequest) -> tuple[float, float, int]:
    """Seconds to the first event, seconds to the end, and how many events came."""
    begun, first, seen = time.perf_counter(), 0.0, 0
    async for message in stub.StreamRun(request):
        first = first or time.perf_counter() - begun
        seen += len(message.events)
    return first, time.perf_counter() - begun, seen


async def _many(one: Callable[[], Awaitable[Any]]) -> float:
    left = iter(range(RUNS))

    async def work() -> None:
        for _ in left:
            await one()

    begun = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(RUNS_AT_ONCE)))
    return RUNS / (time.perf_counter() - begun)


async def rest(target: Target) -> float:
    """MiB of the server before anything was asked of it."""
    return target.memory()


async def first_event(target: Target) -> float:
    """Milliseconds to the first event of a stateless run, the median of several, one after the other."""
    async with grpc.aio.insecure_channel(target.address) as channel:
        stub = RunServiceStub(channel)
        request = _request("two_nodes", '{"topic":"ice"}', "updates")
        await _count(stub, request)
        times = [(await _count(stub, request))[0] for _ in range(FIRST_EVENTS)]
    return statistics.median(times) * 1e3


async def tokens(target: Target) -> float:
    """Tokens a second of one stream, from the request to the end."""
    async with grpc.aio.insecure_channel(target.address) as channel:
        stub = RunServiceStub(channel)
        await _count(stub, _request("tokens", '{"messages":[],"words":50}', "messages-tuple"))
        _, end, seen = await _count(stub, _request("tokens", f'{{"messages":[],"words":{TOKENS}}}', "messages-tuple"))
    return seen / end


async def custom(target: Target) -> float:
    """Custom events a second of one stream, from the request to the end."""
    async with grpc.aio.insecure_channel(target.address) as channel:
        request = _request("ticks", f'{{"count":{CUSTOM_EVENTS}}}', "custom")
        _, end, seen = await _count(RunServiceStub(channel), request)
    return seen / end


async def stateless(target: Target) -> float:
    """Two-node stateless runs a second."""
    async with grpc.aio.insecure_channel(target.address) as channel:
        stub = RunServiceStub(channel)
        request = _request("two_nodes", '{"topic":"ice"}', "updates")
        await _count(stub, request)
        return await _many(lambda: _count(stub, request))


async def threads(target: Target) -> float:
    """Two-node runs a second, each on a thread that is created for it."""
    async with grpc.aio.insecure_channel(target.address) as channel:
        runs, made = RunServiceStub(channel), ThreadServiceStub(channel)

        async def one() -> None:
            thread = (await made.CreateThread(thread_service_pb2.CreateThreadRequest())).thread
            await _count(runs, _request("two_nodes", '{"topic":"ice"}', "updates", thread.thread_id))

        await one()
        return await _many(one)


async def joined(target: Target) -> float:
    """How many readers that join a run get every event that comes behind their join."""
    async with grpc.aio.insecure_channel(target.address) as channel:
        stub = RunServiceStub(channel)
        given = Json(text=f'{{"count":{JOINED_EVENTS},"pause":0.01}}')
        request = run_service_pb2.CreateRunRequest(assistant_id="ticks", input=given, stream_mode=["custom"])
        run = (await stub.CreateRun(request)).run
        found = await asyncio.gather(*(_ticks(stub, run.run_id) for _ in range(JOINERS)))
    return sum(1 for ticks in found if ticks and ticks == list(range(ticks[0], JOINED_EVENTS)))


async def _ticks(stub: Any, run_id: str) -> list[int]:
    """The numbers of the ticks that a joiner sees."""
    return [
        json.loads(event.custom.data.text)["number"]
        async for message in stub.JoinRun(run_service_pb2.JoinRunRequest(run_id=run_id))
        for event in message.events
        if event.HasField("custom")
    ]


async def joiners(target: Target) -> float:
    """MiB that idle joiners of one run add, once all of them are attached."""
    async with grpc.aio.insecure_channel(target.address) as channel:
        runs = RunServiceStub(channel)
        created = await runs.CreateRun(
            run_service_pb2.CreateRunRequest(assistant_id="waiting", input=Json(text='{"count":0}'))
        )
        before = target.memory()
        more = await _join(target, created.run.run_id)
        await runs.CancelRun(run_service_pb2.CancelRunRequest(run_id=created.run.run_id, wait=True))
    return more - before


async def _join(target: Target, run_id: str) -> float:
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [
        grpc.aio.insecure_channel(target.address, options=options) for _ in range(IDLE_JOINERS // JOINERS_A_CHANNEL)
    ]
    request = run_service_pb2.JoinRunRequest(run_id=run_id)
    calls = [RunServiceStub(channel).JoinRun(request) for channel in channels for _ in range(JOINERS_A_CHANNEL)]
    await asyncio.gather(*(call.initial_metadata() for call in calls))
    memory = target.memory()
    for call in calls:
        call.cancel()
    for channel in channels:
        await channel.close(None)
    return memory
