"""More runs than execute at once (N_JOBS_PER_WORKER, wire fact 91): all have their turn, and all end."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.conformance.http.api import Api, Json
from tests.conformance.http.conftest import APP
from tests.conformance.http.held import held_body, new_name
from tests.faults.gate import Gate
from tests.support.serving import running

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOM = 2
JOKE: Json = {"assistant_id": "joke", "input": {"topic": "ice"}, "stream_mode": "updates"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    folder: Path = tmp_path_factory.mktemp("data")
    async with (
        running(folder, APP, n_jobs_per_worker=ROOM) as server,
        httpx.AsyncClient(base_url=server.url, timeout=30, limits=httpx.Limits(max_connections=None)) as client,
    ):
        yield Api(client)


async def _filled(api: Api, gate: Gate) -> list[str]:
    """The names of as many runs at the gate as there is room for."""
    names = [new_name() for _ in range(ROOM)]
    for name in names:
        await api.post("/runs", held_body(gate, name))
        await gate.entered(name)
    return names


async def _in_status(api: Api, runs: Sequence[Json], status: str) -> list[str]:
    """The ids of those runs that are in a status."""
    found = [await api.get(f"/runs/{run['run_id']}") for run in runs]
    return [run["run_id"] for run in found if run["status"] == status]


async def test_beyond_the_room_runs_wait_and_all_end(api: Api, gate: Gate) -> None:
    names = await _filled(api, gate)
    threads = [await api.thread() for _ in range(4)]
    made = [await api.post(f"/threads/{threads[n % 4]}/runs", JOKE) for n in range(12)]
    stateless = asyncio.gather(*(api.post("/runs/wait", JOKE) for _ in range(4)))
    streams = asyncio.gather(*(api.stream("/runs/stream", JOKE) for _ in range(4)))
    early = [(await api.get(f"/threads/{thread}"))["status"] for thread in threads]
    for name in names:
        gate.release(name)
    ended = [await api.ended(run["thread_id"], run["run_id"]) for run in made]

    assert {run["status"] for run in made} == {"pending"}
    assert early == ["busy"] * 4
    assert {run["status"] for run in ended} == {"success"}
    assert {values["topic"] for values in await stateless} == {"ice and cats"}
    assert [streamed.names for streamed in await streams] == [["metadata", "updates", "updates"]] * 4


async def test_never_more_than_there_is_room_for(api: Api, gate: Gate) -> None:
    """They come to the gate in the order in which they were created, as many at a time as there is room for."""
    names = [new_name() for _ in range(3 * ROOM)]
    runs = [await api.post(f"/threads/{await api.thread()}/runs", held_body(gate, name)) for name in names]
    for place in range(0, len(names), ROOM):
        for name in names[place : place + ROOM]:
            await gate.entered(name)
        assert await _in_status(api, runs, "running") == [run["run_id"] for run in runs[place : place + ROOM]]
        for name in names[place : place + ROOM]:
            gate.release(name)
    for run in runs:
        await api.ended(run["thread_id"], run["run_id"])


async def test_threads_take_turns(api: Api, gate: Gate) -> None:
    """A thread with many runs holds up another by one of them."""
    names = await _filled(api, gate)
    many, one = await api.thread(), await api.thread()
    runs = [await api.post(f"/threads/{many}/runs", JOKE) for _ in range(10)]
    last = new_name()
    waits = await api.post(f"/threads/{one}/runs", held_body(gate, last))
    gate.release(names[0])
    await gate.entered(last)
    done = len(await _in_status(api, runs, "success"))
    for name in (names[1], last):
        gate.release(name)
    for run in (*runs, waits):
        await api.ended(run["thread_id"], run["run_id"])

    assert done < len(runs) - 1


async def test_what_waits_for_room_can_be_cancelled(api: Api, gate: Gate) -> None:
    names = await _filled(api, gate)
    made = [await api.post(f"/threads/{await api.thread()}/runs", JOKE) for _ in range(3)]
    paths = [f"/threads/{run['thread_id']}/runs/{run['run_id']}" for run in made]
    await api.post(f"{paths[0]}/cancel?wait=1")
    await api.post(f"{paths[1]}/cancel?wait=1&action=rollback")
    early = [(await api.call("GET", path))["status"] for path in paths]
    for name in names:
        gate.release(name)
    last = await api.ended(made[2]["thread_id"], made[2]["run_id"])

    assert (early, last["status"]) == ([200, 404, 200], "success")
    assert (await api.get(paths[0]))["status"] == "interrupted"
