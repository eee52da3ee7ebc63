"""Cancelling with rollback, in all the places where a run can be (wire facts 63 to 65), and what nothing can stop."""

import asyncio

import pytest

from tests.conformance.http.api import Api, Json
from tests.conformance.http.held import Held, at_gate, behind, held_body, new_name, until_shown
from tests.conformance.http.sse import PATIENCE
from tests.faults.gate import Gate

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOKE: Json = {"assistant_id": "joke", "input": {"topic": "ice"}}
GONE = (404, "RUN_NOT_FOUND")


async def _told(api: Api) -> str:
    thread_id = await api.thread()
    await api.post(f"/threads/{thread_id}/runs/wait", JOKE)
    return thread_id


async def _passed(api: Api, gate: Gate) -> str:
    """A thread on which a run has passed the gate."""
    thread_id = await api.thread()
    async with at_gate(api, gate, thread_id=thread_id):
        pass
    return thread_id


async def _asked(api: Api, path: str) -> tuple[int, str | None]:
    """A run's HTTP status, and the code where it is none of success."""
    found = await api.call("GET", path)
    return found["status"], found["body"].get("code")


async def _until_gone(api: Api, path: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while await _asked(api, path) != GONE:
            pass


async def test_the_thread_is_as_it_was(api: Api, gate: Gate) -> None:
    thread_id = await _passed(api, gate)
    before, states = await api.get(f"/threads/{thread_id}"), await api.get(f"/threads/{thread_id}/history", limit=10)
    async with at_gate(api, gate, thread_id=thread_id) as held:
        await until_shown(api, held.thread, f"{held.name} knocked")
        answer = await api.client.post(f"{held.path}/cancel?action=rollback&wait=1")
        await gate.left(held.name)
    after = await api.get(held.thread)

    assert (answer.status_code, answer.json(), await _asked(api, held.path)) == (200, {}, GONE)
    assert (after["status"], after["values"], after["interrupts"]) == ("idle", before["values"], {})
    assert after["error"] == {"error": "UserRollback", "message": after["error"]["message"]}
    assert await api.get(f"{held.thread}/history", limit=10) == states


async def test_the_thread_is_as_it_was_though_the_run_was_of_another_graph(api: Api, gate: Gate) -> None:
    thread_id = await _told(api)
    before = await api.get(f"/threads/{thread_id}")
    async with at_gate(api, gate, thread_id=thread_id) as held:
        await api.post(f"{held.path}/cancel?action=rollback&wait=1")

    assert (await api.get(held.thread))["values"] == before["values"]


@pytest.mark.parametrize("action", ["interrupt", "rollback"])
async def test_a_run_of_another_graph_that_never_began_changes_nothing(api: Api, action: str) -> None:
    thread = f"/threads/{await _told(api)}"
    before = await api.get(thread)
    late = await api.post(f"{thread}/runs", {"assistant_id": "gate", "input": {}, "after_seconds": 600})
    while_it_waits = await api.get(thread)
    await api.post(f"{thread}/runs/{late['run_id']}/cancel?wait=1&action={action}")
    after = await api.get(thread)

    assert after["values"] == before["values"]
    assert while_it_waits["values"] == before["values"]


async def test_without_waiting_the_wish_is_taken_and_the_run_goes(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate) as held:
        answer = await api.client.post(f"{held.path}/cancel?action=rollback")
        await gate.left(held.name)
        await _until_gone(api, held.path)

    assert (answer.status_code, answer.content) == (202, b"")
    assert (await api.get(held.thread))["status"] == "idle"


async def test_one_that_waits_for_its_turn_disappears_at_once(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate) as held:
        waiting = await behind(api, held)
        answer = await api.client.post(f"{waiting}/cancel?action=rollback&wait=1")
        gone, others = await _asked(api, waiting), await api.get(f"{held.thread}/runs")

    assert (answer.status_code, gone) == (200, GONE)
    assert [run["run_id"] for run in others] == [held.run_id]
    assert (await api.ended(held.thread_id, held.run_id))["status"] == "success"
    assert (await api.get(held.thread))["error"] is None


@pytest.mark.parametrize(("action", "gone"), [("interrupt", (200, None)), ("rollback", GONE)])
async def test_one_that_waits_for_its_time(api: Api, action: str, gone: tuple[int, str | None]) -> None:
    thread = f"/threads/{await _told(api)}"
    late = await api.post(f"{thread}/runs", {**JOKE, "after_seconds": 600})
    path = f"{thread}/runs/{late['run_id']}"

    answer = await api.client.post(f"{path}/cancel?wait=1&action={action}")

    assert (answer.status_code, await _asked(api, path)) == (200, gone)
    assert ((await api.get(thread))["status"], (await api.get(thread))["error"]) == ("idle", None)
    assert await api.get(f"{path}/join") == ({} if action == "interrupt" else await api.get(f"{path}/join"))


async def test_a_stateless_one(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate, stateless=True, stream_resumable=True) as held:
        answer = await api.client.post(f"/runs/{held.run_id}/cancel?action=rollback&wait=true")
        await gate.left(held.name)

    assert (answer.status_code, await _asked(api, f"/runs/{held.run_id}")) == (200, GONE)


async def test_a_cancel_becomes_a_rollback_until_the_run_has_ended_and_not_after(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate) as held:
        both = await asyncio.gather(
            *(api.client.post(f"{held.path}/cancel?wait=1&action={action}") for action in ("interrupt", "rollback"))
        )
        late = await api.client.post(f"{held.path}/cancel?action=rollback")

    assert (both[0].status_code, late.status_code) == (200, 404)
    # Which of the two came first, nobody can say; that a rollback was taken and the run is there cannot be.
    assert (both[1].status_code, (await _asked(api, held.path))[0]) in {(200, 404), (404, 200)}


async def _pair(api: Api, gate: Gate, held: Held) -> tuple[str, str]:
    """A run that waits behind another, and one at the gate on a thread of its own."""
    name, thread_id = new_name(), await api.thread()
    made = await api.post(f"/threads/{thread_id}/runs", held_body(gate, name))
    await gate.entered(name)
    return await behind(api, held), f"/threads/{thread_id}/runs/{made['run_id']}"


async def test_many_by_id(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate, thread_id=await _passed(api, gate)) as held:
        waiting = [await behind(api, held) for _ in range(2)]
        ids = [held.run_id, waiting[0].rpartition("/")[2]]
        body = {"thread_id": held.thread_id, "run_ids": ids}
        answer = await api.client.post("/runs/cancel?action=rollback", json=body)
        for path in (held.path, waiting[0]):
            await _until_gone(api, path)
        await api.client.get(f"{waiting[1]}/join")

    assert (answer.status_code, answer.content) == (204, b"")
    assert (await api.get(waiting[1]))["status"] == "success"
    assert (await api.get(held.thread))["values"] == await api.get(f"{waiting[1]}/join")


@pytest.mark.parametrize(("status", "stays"), [("pending", [0, 2]), ("running", [1]), ("all", [])])
async def test_many_by_status(api: Api, gate: Gate, status: str, stays: list[int]) -> None:
    async with at_gate(api, gate) as held:
        runs = [held.path, *await _pair(api, gate, held)]
        answer = await api.client.post("/runs/cancel?action=rollback", json={"status": status})
        for place, path in enumerate(runs):
            if place not in stays:
                await _until_gone(api, path)
        there = [await _asked(api, path) for path in runs]
        await api.client.post("/runs/cancel", json={"status": "all"})

    assert answer.status_code == 204
    assert [place for place, found in enumerate(there) if found != GONE] == stays


@pytest.mark.parametrize("action", ["undo", "", "ROLLBACK"])
async def test_an_action_that_there_is_not_is_refused_by_name(api: Api, gate: Gate, action: str) -> None:
    """Fact 64: the reference server takes it for an interrupt."""
    async with at_gate(api, gate) as held:
        one = await api.client.post(f"{held.path}/cancel", params={"action": action})
        many = await api.client.post("/runs/cancel", params={"action": action}, json={"status": "all"})

    for answer in (one, many):
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "INVALID_FIELD", "action")
    assert (await api.ended(held.thread_id, held.run_id))["status"] == "success"


@pytest.mark.parametrize(("action", "status"), [("interrupt", "interrupted"), ("rollback", "idle")])
async def test_a_node_in_a_thread_is_left_behind_and_what_it_returns_is_dropped(
    api: Api, gate: Gate, action: str, status: str
) -> None:
    """Nothing can stop it: the run ends, the thread of the graph is free, and what comes of the node is nobody's."""
    thread_id, name = await api.thread(), new_name()
    thread = f"/threads/{thread_id}"
    body = held_body(gate, name, assistant_id="stubborn")
    run = await api.post(f"{thread}/runs", body)
    await gate.entered(name)

    answer = await api.client.post(f"{thread}/runs/{run['run_id']}/cancel?wait=1&action={action}")
    stopped, states = await api.get(thread), await api.get(f"{thread}/history", limit=10)
    gate.release(name)
    await gate.left(name)
    told = await api.post(f"{thread}/runs/wait", JOKE)

    assert (answer.status_code, stopped["status"], told["topic"]) == (200, status, "ice and cats")
    after = await api.get(f"{thread}/history", limit=20)
    assert [state["checkpoint"] for state in after[4:]] == [state["checkpoint"] for state in states]
    assert not any(state["values"].get("trail") for state in (*states, *after))
