"""Two runs that meet on a thread, in each of the four ways (wire facts 62, 63 and 66); `scenarios/meetings.py` has what each leaves."""

import asyncio
import json
from typing import Any

import pytest

from tests.conformance.http.api import Api, Json
from tests.conformance.http.held import at_gate, behind, held_body, new_name, until_shown
from tests.faults.gate import Gate

pytestmark = pytest.mark.asyncio(loop_scope="module")

STOPPING = ["interrupt", "rollback"]
JOKE: Json = {"assistant_id": "joke", "input": {"topic": "tea"}}
TOLD = {"topic": "tea and cats", "joke": "这是一个关于 tea and cats 的笑话"}


async def _statuses(api: Api, thread: str) -> list[str]:
    """Of the runs of a thread, the oldest first."""
    return [run["status"] for run in reversed(await api.get(f"{thread}/runs"))]


@pytest.mark.parametrize("strategy", STOPPING)
@pytest.mark.parametrize("what", ["", "/wait", "/stream"])
async def test_the_new_run_starts_when_the_others_have_ended(api: Api, gate: Gate, what: str, strategy: str) -> None:
    async with at_gate(api, gate) as held:
        await behind(api, held)
        await behind(api, held)
        body = {**JOKE, "multitask_strategy": strategy}
        answer = await api.client.post(f"{held.thread}/runs{what}", json=body)
        await gate.left(held.name)
    run = (await api.get(f"{held.thread}/runs"))[0]
    await api.client.get(f"{held.thread}/runs/{run['run_id']}/join")

    assert (answer.status_code, run["multitask_strategy"]) == (200, strategy)
    left = [] if strategy == "rollback" else ["interrupted"] * 3
    assert await _statuses(api, held.thread) == [*left, "success"]


@pytest.mark.parametrize(("strategy", "stays"), [("interrupt", True), ("rollback", False)])
async def test_what_the_run_has_done_stays_or_goes(api: Api, gate: Gate, strategy: str, stays: bool) -> None:
    thread_id = await api.thread()
    thread = f"/threads/{thread_id}"
    names = new_name(), new_name()
    for name, chosen in zip(names, ("enqueue", strategy), strict=True):
        await api.post(f"{thread}/runs", held_body(gate, name, multitask_strategy=chosen))
        await gate.entered(name)
    values = await until_shown(api, thread, f"{names[1]} knocked")
    gate.release(names[1])

    assert values["trail"] == [f"{name} knocked" for name in (names if stays else names[1:])]


@pytest.mark.parametrize("strategy", STOPPING)
async def test_readers_of_the_run_that_is_stopped_see_it_end_without_an_error(
    api: Api, gate: Gate, strategy: str
) -> None:
    """Fact 25. Who waits for it gets an empty object (fact 69), also where it has not begun."""
    async with at_gate(api, gate, stream_resumable=True) as held:
        waiting = await behind(api, held)
        async with (
            api.opened(f"{held.path}/stream", method="GET", headers={"last-event-id": "-1"}) as reader,
            api.opened(f"{waiting}/stream", method="GET") as patient,
            api.client.stream("GET", f"{held.path}/join") as first,
            api.client.stream("GET", f"{waiting}/join") as second,
        ):
            await asyncio.gather(*(reader.take(2), gate.entered(held.name)))
            await api.post(f"{held.thread}/runs/wait", {**JOKE, "multitask_strategy": strategy})
            rest = [await reader.rest(), await patient.rest()]
            waits = [(wait.status_code, json.loads(await wait.aread())) for wait in (first, second)]

    assert rest == [[], []]
    assert waits == [(200, {})] * 2


async def test_a_run_that_was_rolled_back_is_gone(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate, stream_resumable=True) as held:
        assert await api.post(f"{held.thread}/runs/wait", {**JOKE, "multitask_strategy": "rollback"}) == TOLD
    asked = [await api.call(method, held.path) for method in ("GET", "DELETE")]
    joined = await api.stream(f"{held.path}/stream", method="GET", headers={"last-event-id": "-1"})

    assert [(each["status"], each["body"]["code"]) for each in asked] == [(404, "RUN_NOT_FOUND")] * 2
    assert [frame.data for frame in joined.frames] == [{"error": "HTTPException", "message": "404: Run not found"}]
    assert "__error__" in await api.get(f"{held.path}/join")
    assert await _statuses(api, held.thread) == ["success"]


async def test_a_first_run_that_is_rolled_back_leaves_an_empty_thread(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate) as held:
        await api.post(f"{held.path}/cancel?action=rollback&wait=1")
    thread, state = await api.get(held.thread), await api.get(f"{held.thread}/state")

    assert (thread["status"], thread["values"], thread["error"]["error"]) == ("idle", None, "UserRollback")
    assert (state["values"], state["next"], state["checkpoint"]) == ({}, [], None)
    assert await api.get(f"{held.thread}/history", limit=10) == []


async def _asking(api: Api, gate: Gate) -> tuple[str, str]:
    """A thread that waits for an answer, with which its graph will stand at the gate: its path, and the name there."""
    thread, name = f"/threads/{await api.thread()}", new_name()
    asked = {"port": gate.port, "name": name}
    await api.post(f"{thread}/runs/wait", {"assistant_id": "doubtful", "input": asked})
    return thread, name


async def _answered(api: Api, gate: Gate, thread: str, name: str, answer: str, **more: Any) -> str:
    """The path of the run that stands at the gate with an answer."""
    body = {"assistant_id": "doubtful", "command": {"resume": answer}, **more}
    made = await api.post(f"{thread}/runs", body)
    await gate.entered(name)
    return f"{thread}/runs/{made['run_id']}"


async def test_a_question_that_was_answered_waits_again_after_a_rollback(api: Api, gate: Gate) -> None:
    thread, name = await _asking(api, gate)
    before, states = await api.get(thread), await api.get(f"{thread}/history", limit=10)
    run = await _answered(api, gate, thread, name, "yes")

    await api.post(f"{run}/cancel?action=rollback&wait=1")

    after = await api.get(thread)
    assert (after["status"], after["error"]["error"]) == ("interrupted", "UserRollback")
    assert (after["values"], after["interrupts"]) == (before["values"], before["interrupts"])
    assert await api.get(f"{thread}/history", limit=10) == states
    again = await _answered(api, gate, thread, name, "no")
    gate.release(name)
    assert (await api.get(f"{again}/join"))["decision"] == "no"


async def test_an_answer_takes_the_place_of_another(api: Api, gate: Gate) -> None:
    """A person who answered, and thinks again while the graph is at work."""
    thread, name = await _asking(api, gate)
    first = await _answered(api, gate, thread, name, "yes")

    body = {"assistant_id": "doubtful", "command": {"resume": "no"}, "multitask_strategy": "rollback"}
    second = await api.post(f"{thread}/runs", body)
    await gate.left(name)
    await gate.entered(name)
    gate.release(name)

    assert (await api.get(f"{thread}/runs/{second['run_id']}/join"))["decision"] == "no"
    assert (await api.call("GET", first))["status"] == 404


@pytest.mark.parametrize("strategy", STOPPING)
async def test_who_comes_last_is_the_one_that_runs(api: Api, gate: Gate, strategy: str) -> None:
    async with at_gate(api, gate) as held:
        bodies = [{**JOKE, "input": {"topic": topic}, "multitask_strategy": strategy} for topic in "abcd"]
        made = await asyncio.gather(*(api.post(f"{held.thread}/runs", body) for body in bodies))
    for run in made:
        await api.client.get(f"{held.thread}/runs/{run['run_id']}/join")
    runs = await api.get(f"{held.thread}/runs")

    last = runs[0]
    assert last["status"] == "success"
    assert (await api.get(held.thread))["values"]["topic"] == f"{last['kwargs']['input']['topic']} and cats"
    # Whether one of the others had its turn before the next came, nobody can say.
    assert {run["status"] for run in runs[1:]} <= {"interrupted", "success"}


@pytest.mark.parametrize("what", ["", "/wait", "/stream"])
async def test_reject_counts_a_run_that_waits_for_its_time(api: Api, what: str) -> None:
    thread = f"/threads/{await api.thread()}"
    late = await api.post(f"{thread}/runs", {**JOKE, "after_seconds": 600})

    refused = await api.client.post(f"{thread}/runs{what}", json={**JOKE, "multitask_strategy": "reject"})

    assert (refused.status_code, refused.json()["code"]) == (409, "THREAD_BUSY")
    assert await _statuses(api, thread) == ["pending"]
    await api.post(f"{thread}/runs/{late['run_id']}/cancel?wait=1")


@pytest.mark.parametrize(("strategy", "left"), [("interrupt", ["interrupted"]), ("rollback", [])])
async def test_a_run_that_waits_for_its_time_is_stopped_too(api: Api, strategy: str, left: list[str]) -> None:
    thread = f"/threads/{await api.thread()}"
    await api.post(f"{thread}/runs", {**JOKE, "after_seconds": 600})

    values = await api.post(f"{thread}/runs/wait", {**JOKE, "multitask_strategy": strategy})

    assert values == TOLD
    assert await _statuses(api, thread) == [*left, "success"]
    assert (await api.get(thread))["status"] == "idle"


@pytest.mark.parametrize("strategy", ["enqueue", "reject", *STOPPING])
async def test_on_an_idle_thread_all_are_alike(api: Api, strategy: str) -> None:
    body: dict[str, Any] = {**JOKE, "multitaskStrategy": strategy}

    assert await api.post(f"/threads/{await api.thread()}/runs/wait", body) == TOLD
    assert await api.post("/runs/wait", body) == TOLD
