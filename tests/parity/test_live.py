"""Both transports at once: readers live on the same run and the same thread, one key for both, and what both know after a new start."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.faults.gate import gated
from tests.parity.compare import Found, differences
from tests.parity.exceptions import EXCEPTIONS
from tests.parity.face import Face, Json, Refused, join
from tests.parity.faces import both_faces
from tests.parity.results import all_of_thread

PATIENCE = 90
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


@pytest.mark.parametrize("maker", [0, 1], ids=["made over grpc", "made over http"])
async def test_a_key_is_one_for_both(shared: tuple[Face, Face], maker: int) -> None:
    """A request that says the same is the same request, whichever way it comes."""
    thread_id = (await shared[0].create_thread())["thread_id"]
    body: Json = {
        "input": {"topic": "ice"},
        "metadata": {"a": 1},
        "config": {"tags": ["t"], "recursion_limit": 9},
        "stream_mode": ["values", "updates"],
        "interrupt_after": ["refine"],
        "after_seconds": 0.01,
        "timeout_seconds": 60,
        "multitask_strategy": "interrupt",
        "durability": "sync",
        "request_id": f"both-{thread_id}",
    }
    made = await shared[maker].create("story", thread_id, **body)
    again = [await face.create("story", thread_id, **body) for face in shared]
    outcome = [await face.invoke("story", thread_id, **body) for face in shared]
    other = []
    for face in shared:
        with pytest.raises(Refused) as refused:
            await face.create("story", thread_id, **{**body, "input": {"topic": "tea"}})
        other.append(refused.value.reason)

    found = [*(run["run_id"] for run in again), *(each["run"]["run_id"] for each in outcome)]
    assert set(found) == {made["run_id"]}
    assert other == ["REQUEST_ID_REUSED"] * 2


@pytest.mark.parametrize("maker", [0, 1], ids=["made over grpc", "made over http"])
async def test_both_know_the_same_of_a_run_that_another_server_began(tmp_path: Path, maker: int) -> None:
    # Not `debug`: of a checkpoint that a run goes on from, LangGraph names the parent with fewer words.
    body: Json = {"stream_resumable": True, "stream_mode": ["values", "updates", "custom", "tasks"]}
    async with asyncio.timeout(PATIENCE), gated() as gate:
        async with both_faces(tmp_path, {"drain_grace": timedelta(0)}) as faces:
            thread_id = (await faces[maker].create_thread())["thread_id"]
            run = await faces[maker].create("gate", thread_id, input={"port": gate.port, "name": "run"}, **body)
            await gate.entered("run")
            behind = await faces[maker].create("story", thread_id, input={"topic": "ice"}, **body)
        await gate.left("run")
        async with both_faces(tmp_path) as faces:
            await gate.entered("run")
            gate.release("run")
            await faces[maker].wait(behind["run_id"], thread_id)
            grpc, http = [
                [
                    *[await join(face, each["run_id"], thread_id, 0) for each in (run, behind)],
                    *[await face.run(each["run_id"]) for each in (run, behind)],
                    *await all_of_thread(face, {"thread_id": thread_id}),
                ]
                for face in faces
            ]

    assert [event.metadata.attempt for event in grpc[0].events if event.HasField("metadata")] == [1, 2]
    assert (grpc[2]["attempt"], grpc[3]["attempt"]) == (2, 1)
    assert not _unnamed(differences(grpc, http, same_run=True), "run that another server began")
