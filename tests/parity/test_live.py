"""Readers over both transports at once, live on the same run and the same thread."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.faults.gate import gated
from tests.parity.compare import Found, differences
from tests.parity.exceptions import EXCEPTIONS
from tests.parity.face import Face, Json

PATIENCE = 15
KEPT: Json = {"stream_resumable": True, "stream_mode": ["values", "updates", "custom", "debug"]}

pytestmark = pytest.mark.asyncio(loop_scope="package")


def _unnamed(found: list[Found], scenario: str) -> list[Found]:
    return [each for each in found if not any(named.covers(scenario, each.path) for named in EXCEPTIONS)]


async def _read_both(attached: list[Any], runs: int | None = None) -> list[Any]:
    return await asyncio.gather(*(each.rest() if runs is None else each.until_ended(runs) for each in attached))


@pytest.mark.parametrize("maker", [0, 1], ids=["made over grpc", "made over http"])
async def test_both_see_the_same_of_a_run_from_the_same_point(shared: tuple[Face, Face], maker: int) -> None:
    async with asyncio.timeout(PATIENCE), gated() as gate, AsyncExitStack() as stack:
        thread_id = (await shared[maker].create_thread())["thread_id"]
        run = await shared[maker].create("gate", thread_id, input={"port": gate.port, "name": "run"}, **KEPT)
        await gate.entered("run")
        attached = [await stack.enter_async_context(face.joining(run["run_id"], thread_id)) for face in shared]
        gate.release("run")
        grpc, http = await _read_both(attached)

    assert grpc.events[0].seq > 2
    assert not _unnamed(differences(grpc, http, same_run=True), "join a run live")


async def test_both_see_the_same_of_a_thread_that_they_watch(shared: tuple[Face, Face]) -> None:
    async with asyncio.timeout(PATIENCE), AsyncExitStack() as stack:
        thread_id = (await shared[0].create_thread())["thread_id"]
        attached = [await stack.enter_async_context(face.watching(thread_id)) for face in shared]
        for face in shared:
            await face.invoke("story", thread_id, input={"topic": "ice"}, **KEPT)
        grpc, http = await _read_both(attached, runs=2)

    assert grpc.last_seq == http.last_seq == 2 * (grpc.last_seq // 2)
    assert not _unnamed(differences(grpc, http, same_run=True), "watch a thread")
