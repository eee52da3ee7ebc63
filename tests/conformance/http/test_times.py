"""Runs that start later (after_seconds) and runs that may not take for ever (timeout_seconds, BG_JOB_TIMEOUT_SECS; wire A1 and A6)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.conformance.http.api import Api, Json
from tests.conformance.http.conftest import APP
from tests.conformance.http.held import at_gate, behind, held_body, new_name
from tests.faults.gate import Gate
from tests.support.passing import Time, passing
from tests.support.serving import Server, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOKE: Json = {"assistant_id": "joke", "input": {"topic": "ice"}, "stream_mode": "updates"}
LATER = 600
"""A delay, in seconds."""
SHORT = 300
"""A time limit, in seconds, that a run at the gate passes."""
NAMES = ["metadata", "updates", "updates"]


@pytest.fixture(scope="module")
def time() -> Iterator[Time]:
    with passing() as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory, time: Time) -> AsyncIterator[Server]:
    """A server whose time the test lets pass."""
    async with running(tmp_path_factory.mktemp("data"), APP) as started:
        yield started


@pytest.mark.parametrize("path", ["/threads/{}/runs/stream", "/runs/stream"])
async def test_a_stream_of_a_run_that_starts_later_waits_for_it(api: Api, time: Time, path: str) -> None:
    body = {**JOKE, "after_seconds": LATER}
    async with api.opened(path.format(await api.thread()), body) as reader:
        run = await api.get(reader.headers["content-location"])
        time.pass_(timedelta(seconds=LATER))
        frames = await reader.rest()

    assert run["status"] == "pending"
    assert [frame.event for frame in frames] == NAMES


async def test_it_starts_at_its_time_and_not_before(api: Api) -> None:
    """By the clock, which no test moves here."""
    loop, delay = asyncio.get_running_loop(), 0.1
    runs = f"/threads/{await api.thread()}/runs"
    begun = loop.time()
    made = await api.post(runs, {**JOKE, "afterSeconds": delay})
    await api.get(f"{runs}/{made['run_id']}/join")

    assert loop.time() - begun >= delay
    assert (await api.get(f"{runs}/{made['run_id']}"))["status"] == "success"


async def test_when_its_time_comes_it_waits_for_the_run_that_executes(api: Api, gate: Gate, time: Time) -> None:
    async with at_gate(api, gate) as held:
        late = await behind(api, held, after_seconds=LATER)
        body = {**JOKE, "after_seconds": LATER, "stream_resumable": True}
        beside = await api.post(f"/threads/{await api.thread()}/runs", body)
        time.pass_(timedelta(seconds=LATER))
        other = await api.get(f"/runs/{beside['run_id']}/join")
        status = (await api.get(late))["status"]

    assert other["topic"] == "ice and cats"  # so the time of the first has come
    assert status == "pending"
    await api.get(f"{late}/join")
    assert (await api.get(late))["status"] == "success"


async def test_runs_that_come_later_go_before_it(api: Api) -> None:
    thread = f"/threads/{await api.thread()}"
    late = await api.post(f"{thread}/runs", {**JOKE, "after_seconds": 600})
    soon = [await api.post(f"{thread}/runs/wait", {**JOKE, "input": {"topic": topic}}) for topic in "ab"]
    runs = await api.get(f"{thread}/runs")

    assert [values["topic"] for values in soon] == ["a and cats", "b and cats"]
    assert [run["status"] for run in runs] == ["success", "success", "pending"]
    assert (await api.get(thread))["status"] == "busy"
    assert (await api.client.post(f"{thread}/state", json={"values": {"topic": "x"}})).status_code == 409
    assert (await api.client.delete(thread)).status_code == 409
    await api.post(f"{thread}/runs/{late['run_id']}/cancel?wait=1")
    assert (await api.get(thread))["status"] == "idle"


async def test_a_batch_of_runs_that_start_later(api: Api, time: Time) -> None:
    bodies = [{**JOKE, "after_seconds": delay, "stream_resumable": True} for delay in (LATER, 0)]

    runs = await api.post("/runs/batch", bodies)
    time.pass_(timedelta(seconds=LATER))

    assert [run["status"] for run in runs] == ["pending", "running"]
    for run in runs:
        assert (await api.get(f"/runs/{run['run_id']}/join"))["topic"] == "ice and cats"


async def _too_slow(api: Api, gate: Gate, time: Time, **more: Any) -> tuple[str, str, list[Json]]:
    """A run that stood at the gate for too long: the paths of its thread and of it, and its stream."""
    thread, name = f"/threads/{await api.thread()}", new_name()
    async with api.opened(f"{thread}/runs/stream", held_body(gate, name, timeout_seconds=SHORT, **more)) as reader:
        await gate.entered(name)
        time.pass_(timedelta(seconds=SHORT))
        frames = await reader.rest()
    await gate.left(name)
    return thread, reader.headers["content-location"], [frame.plain() for frame in frames]


async def test_a_run_that_takes_too_long_ends_with_an_error_and_the_status_timeout(
    api: Api, gate: Gate, time: Time
) -> None:
    """A1, run timeout: the reference server just ends the stream (fact 25), as if all were well."""
    thread, run, frames = await _too_slow(api, gate, time)
    row, left, joined = await api.get(run), await api.get(thread), await api.get(f"{run}/join")

    error = frames[-1]["data"]
    assert [frame["event"] for frame in frames] == ["metadata", "custom", "error"]
    assert error == {"error": "RunTimedOut", "message": f"the run took longer than {SHORT:g} seconds"}
    assert joined == {"__error__": error}
    assert row["status"] == "timeout"
    assert (left["status"], left["error"]) == ("error", error)


async def test_what_a_run_that_took_too_long_has_done_stays(api: Api, gate: Gate, time: Time) -> None:
    thread, _, _ = await _too_slow(api, gate, time)
    state = await api.get(f"{thread}/state")

    made = await api.post(f"{thread}/runs", {"assistant_id": "gate"})
    name = state["values"]["name"]
    await gate.entered(name)
    gate.release(name)

    assert (state["next"], state["values"]["trail"]) == (["wait"], [f"{name} knocked"])
    values = await api.get(f"{thread}/runs/{made['run_id']}/join")
    assert values["trail"] == [f"{name} knocked", f"{name} passed"]


async def test_whoever_comes_back_hears_of_the_timeout(api: Api, gate: Gate, time: Time) -> None:
    _, run, frames = await _too_slow(api, gate, time, stream_resumable=True)

    replayed = await api.stream(f"{run}/stream", method="GET", headers={"last-event-id": "-1"})
    filtered = await api.stream(f"{run}/stream?stream_mode=values", method="GET", headers={"last-event-id": "2"})
    live = await api.stream(f"{run}/stream", method="GET")

    assert [frame.plain() for frame in replayed.frames] == frames
    assert filtered.names == live.names == ["error"]


async def test_the_time_in_the_queue_does_not_count(api: Api, gate: Gate, time: Time) -> None:
    body = {**JOKE, "after_seconds": 2 * SHORT, "timeout_seconds": SHORT, "stream_resumable": True}
    late = await api.post("/runs", body)
    async with at_gate(api, gate) as held:
        waiting = await behind(api, held, timeout_seconds=SHORT)
        time.pass_(timedelta(seconds=2 * SHORT))
        values = await api.get(f"/runs/{late['run_id']}/join")
    await api.get(f"{waiting}/join")

    assert values["topic"] == "ice and cats"
    assert (await api.get(waiting))["status"] == "success"


async def test_the_server_has_a_limit_of_its_own(tmp_path: Path, gate: Gate, time: Time) -> None:
    async with (
        running(tmp_path, APP, run_timeout=timedelta(seconds=SHORT)) as server,
        httpx.AsyncClient(base_url=server.url, timeout=60, trust_env=False) as client,
    ):
        bodies = [held_body(gate, new_name()), held_body(gate, new_name(), timeout_seconds=3 * SHORT)]
        short, longer = [asyncio.create_task(client.post("/runs/wait", json=body)) for body in bodies]
        for body in bodies:
            await gate.entered(body["input"]["name"])
        time.pass_(timedelta(seconds=SHORT))
        values = (await short).json()
        gate.release(bodies[1]["input"]["name"])
        later = (await longer).json()

    assert values["__error__"]["error"] == "RunTimedOut"
    assert later["trail"] == [f"{bodies[1]['input']['name']} {what}" for what in ("knocked", "passed")]
