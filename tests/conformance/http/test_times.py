"""Runs that start later (after_seconds) and runs that may not take for ever (timeout_seconds, BG_JOB_TIMEOUT_SECS; wire A1 and A6)."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conformance.http.api import Api, Json
from tests.conformance.http.conftest import APP
from tests.conformance.http.held import at_gate, behind, held_body, new_name
from tests.faults.gate import Gate
from tests.support.serving import running

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOKE: Json = {"assistant_id": "joke", "input": {"topic": "ice"}, "stream_mode": "updates"}
SOON = 0.1
"""A delay, in seconds, that a test can wait for."""
SHORT = 0.1
"""A time limit, in seconds, that a run at the gate passes."""
NAMES = ["metadata", "updates", "updates"]


async def test_a_stream_of_a_run_that_starts_later_waits_for_it(api: Api) -> None:
    thread_id = await api.thread()
    body = {**JOKE, "after_seconds": SOON}
    async with api.opened(f"/threads/{thread_id}/runs/stream", body) as reader:
        run = await api.get(reader.headers["content-location"])
        frames = await reader.rest()
    stateless = await api.stream("/runs/stream", body)

    assert run["status"] == "pending"
    assert [frame.event for frame in frames] == stateless.names == NAMES


async def test_it_starts_at_its_time_and_not_before(api: Api) -> None:
    loop = asyncio.get_running_loop()
    runs = f"/threads/{await api.thread()}/runs"
    begun = loop.time()
    made = await api.post(runs, {**JOKE, "afterSeconds": SOON})
    await api.get(f"{runs}/{made['run_id']}/join")

    assert loop.time() - begun >= SOON
    assert (await api.get(f"{runs}/{made['run_id']}"))["status"] == "success"


async def test_when_its_time_comes_it_waits_for_the_run_that_executes(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate) as held:
        late = await behind(api, held, after_seconds=SOON)
        other = await api.post(f"/threads/{await api.thread()}/runs/wait", {**JOKE, "after_seconds": 2 * SOON})
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


async def test_a_batch_of_runs_that_start_later(api: Api) -> None:
    bodies = [{**JOKE, "after_seconds": delay, "stream_resumable": True} for delay in (SOON, 0)]

    runs = await api.post("/runs/batch", bodies)

    assert [run["status"] for run in runs] == ["pending", "running"]
    for run in runs:
        assert (await api.get(f"/runs/{run['run_id']}/join"))["topic"] == "ice and cats"


async def _too_slow(api: Api, gate: Gate, **more: Any) -> tuple[str, str, list[Json]]:
    """A run that stood at the gate for too long: the paths of its thread and of it, and its stream."""
    thread, name = f"/threads/{await api.thread()}", new_name()
    async with api.opened(f"{thread}/runs/stream", held_body(gate, name, timeout_seconds=SHORT, **more)) as reader:
        await gate.entered(name)
        frames = await reader.rest()
    await gate.left(name)
    return thread, reader.headers["content-location"], [frame.plain() for frame in frames]


async def test_a_run_that_takes_too_long_ends_with_an_error_and_the_status_timeout(api: Api, gate: Gate) -> None:
    """A1, run timeout: the reference server just ends the stream (fact 25), as if all were well."""
    thread, run, frames = await _too_slow(api, gate)
    row, left, joined = await api.get(run), await api.get(thread), await api.get(f"{run}/join")

    error = frames[-1]["data"]
    assert [frame["event"] for frame in frames] == ["metadata", "custom", "error"]
    assert error == {"error": "RunTimedOut", "message": f"the run took longer than {SHORT:g} seconds"}
    assert joined == {"__error__": error}
    assert row["status"] == "timeout"
    assert (left["status"], left["error"]) == ("error", error)


async def test_what_a_run_that_took_too_long_has_done_stays(api: Api, gate: Gate) -> None:
    thread, _, _ = await _too_slow(api, gate)
    state = await api.get(f"{thread}/state")

    made = await api.post(f"{thread}/runs", {"assistant_id": "gate"})
    name = state["values"]["name"]
    await gate.entered(name)
    gate.release(name)

    assert (state["next"], state["values"]["trail"]) == (["wait"], [f"{name} knocked"])
    values = await api.get(f"{thread}/runs/{made['run_id']}/join")
    assert values["trail"] == [f"{name} knocked", f"{name} passed"]


async def test_whoever_comes_back_hears_of_the_timeout(api: Api, gate: Gate) -> None:
    _, run, frames = await _too_slow(api, gate, stream_resumable=True)

    replayed = await api.stream(f"{run}/stream", method="GET", headers={"last-event-id": "-1"})
    filtered = await api.stream(f"{run}/stream?stream_mode=values", method="GET", headers={"last-event-id": "2"})
    live = await api.stream(f"{run}/stream", method="GET")

    assert [frame.plain() for frame in replayed.frames] == frames
    assert filtered.names == live.names == ["error"]


async def test_the_time_in_the_queue_does_not_count(api: Api, gate: Gate) -> None:
    late = await api.post("/runs/wait", {**JOKE, "after_seconds": 2 * SOON, "timeout_seconds": SOON})
    async with at_gate(api, gate) as held:
        waiting = await behind(api, held, timeout_seconds=60)
    await api.get(f"{waiting}/join")

    assert late["topic"] == "ice and cats"
    assert (await api.get(waiting))["status"] == "success"


async def test_the_server_has_a_limit_of_its_own(tmp_path: Path, gate: Gate) -> None:
    async with (
        running(tmp_path, APP, run_timeout=timedelta(seconds=SHORT)) as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False) as client,
    ):
        name = new_name()
        values = (await client.post("/runs/wait", json=held_body(gate, name))).json()
        longer = held_body(gate, new_name(), timeout_seconds=60)
        run = (await client.post("/runs", json=longer)).json()
        await gate.entered(longer["input"]["name"])
        late = await client.post("/runs/wait", json={**JOKE, "after_seconds": 2 * SHORT})
        still = (await client.get(f"/runs/{run['run_id']}")).json()
        gate.release(longer["input"]["name"])

    assert values["__error__"]["error"] == "RunTimedOut"
    assert (late.status_code, still["status"]) == (200, "running")
