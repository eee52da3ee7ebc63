"""Many who come in the same moment."""

import asyncio
from pathlib import Path

import grpc
import grpc.aio

from graphwire.v1.run_service_pb2 import GetRunRequest
from graphwire.v1.run_service_pb2_grpc import RunServiceStub
from tests.faults.process import served

AT_ONCE = 4_000
_CHANNELS = 8


async def test_all_of_a_burst_are_answered(tmp_path: Path) -> None:
    """gRPC's core refuses calls at random where over a thousand wait for the server to see them, unless told otherwise: whoever is refused, is refused with a reason."""
    own = [("grpc.use_local_subchannel_pool", 1)]
    async with served(tmp_path / "data") as process:
        channels = [grpc.aio.insecure_channel(process.address, options=own) for _ in range(_CHANNELS)]
        stubs = [RunServiceStub(channel) for channel in channels]
        asked = GetRunRequest(run_id="018f2d3c-0a6b-7c1e-9b1a-2f6f1c3b5a7d")
        calls = [stubs[number % _CHANNELS].GetRun(asked) for number in range(AT_ONCE)]

        codes = await asyncio.gather(*(call.code() for call in calls))

        for channel in channels:
            await channel.close(None)
    assert {code: codes.count(code) for code in set(codes)} == {grpc.StatusCode.NOT_FOUND: AT_ONCE}
