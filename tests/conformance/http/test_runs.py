"""Runs as rows: creating, batches, listing, deleting, and how several share a thread."""

import json
from typing import Any

import pytest

from tests.conformance.http.api import Api, Json
from tests.conformance.http.held import at_gate, held_body, new_name
from tests.faults.gate import Gate

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOKE: Json = {"assistant_id": "joke", "input": {"topic": "ice"}}
TOLD = {"topic": "ice and cats", "joke": "这是一个关于 ice and cats 的笑话"}
NOBODY = "00000000-0000-4000-8000-000000000000"


async def test_a_run_shows_what_was_asked(api: Api) -> None:
    thread_id = await api.thread()
    body = {**JOKE, "metadata": {"k": "v"}, "config": {"tags": ["t"], "recursion_limit": 7}, "stream_mode": ["updates"]}
    run = await api.post(f"/threads/{thread_id}/runs", body)

    assert (run["thread_id"], run["status"], run["multitask_strategy"]) == (thread_id, "running", "enqueue")
    assert run["metadata"] == {"k": "v"}
    assert run["kwargs"]["input"] == {"topic": "ice"}
    assert run["kwargs"]["config"] == {"tags": ["t"], "recursion_limit": 7}
    assert run["kwargs"]["stream_mode"] == ["updates"]
    assert run["created_at"].endswith("+00:00")


async def test_a_batch_is_runs_in_order(api: Api) -> None:
    runs = await api.post("/runs/batch", [{**JOKE, "metadata": {"n": n}} for n in range(3)])

    assert [run["metadata"]["n"] for run in runs] == [0, 1, 2]
    assert len({run["run_id"] for run in runs}) == len({run["thread_id"] for run in runs}) == 3


async def test_a_batch_as_the_javascript_sdk_sends_it(api: Api, gate: Gate) -> None:
    name = new_name()
    body = held_body(
        gate, name, assistantId="gate", onCompletion="keep", multitaskStrategy="reject", streamMode="custom"
    )
    # It says both: the assistant in snake_case, all else in camelCase.
    run, _ = await api.post("/runs/batch", [{**body, "ifNotExists": "create"}, {**JOKE, "assistantId": "joke"}])
    await gate.entered(name)
    gate.release(name)

    assert (run["multitask_strategy"], run["kwargs"]["stream_mode"]) == ("reject", ["custom"])
    assert (await api.ended(run["thread_id"], run["run_id"]))["status"] == "success"


@pytest.mark.parametrize(
    ("batch", "status", "code", "field"),
    [
        ([], 422, "INVALID_FIELD", "[]"),
        ([JOKE, {"input": {}}], 422, "INVALID_FIELD", "[1].assistant_id"),
        ([JOKE, {**JOKE, "stream_mode": "x"}], 422, "INVALID_FIELD", "[1].stream_mode"),
        (
            [JOKE, {**JOKE, "context": {"a": 1}, "config": {"configurable": {"b": 2}}}],
            400,
            "INVALID_FIELD",
            "[1].context",
        ),
        ([JOKE, JOKE, {**JOKE, "assistant_id": "nobody"}], 422, "ASSISTANT_NOT_FOUND", None),
        ([JOKE, 1], 422, "INVALID_FIELD", "[1].body"),
        ({}, 422, "INVALID_FIELD", "body"),
    ],
)
async def test_a_batch_that_is_wrong_names_the_run(
    api: Api, batch: Any, status: int, code: str, field: str | None
) -> None:
    answer = await api.client.post("/runs/batch", json=batch)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json().get("field") == field


async def test_runs_are_listed_the_newest_first_in_pages(api: Api) -> None:
    runs = f"/threads/{await api.thread()}/runs"
    ids = [(await api.post(runs, JOKE))["run_id"] for _ in range(4)]

    assert [run["run_id"] for run in await api.get(runs)] == ids[::-1]
    assert [run["run_id"] for run in await api.get(runs, limit=2)] == ids[:1:-1]
    assert [run["run_id"] for run in await api.get(runs, limit=2, offset=1)] == [ids[2], ids[1]]
    assert await api.get(runs, offset=9) == []
    answer = await api.client.get(runs, params={"limit": 1})
    assert not any(name.startswith("x-pagination") for name in answer.headers)


async def test_runs_are_listed_by_status(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate) as held:
        waiting = await api.post(f"{held.thread}/runs", JOKE)
        found = {
            status: [run["run_id"] for run in await api.get(f"{held.thread}/runs", status=status)]
            for status in ("pending", "running", "success")
        }

    assert found == {"pending": [waiting["run_id"]], "running": [held.run_id], "success": []}


async def test_chosen_fields_of_runs(api: Api) -> None:
    runs = f"/threads/{await api.thread()}/runs"
    made = await api.post(runs, JOKE)
    wanted = [{"run_id": made["run_id"], "metadata": {}}]

    assert (await api.client.get(runs, params={"select": ["run_id", "metadata"]})).json() == wanted
    assert (await api.client.get(runs, params=[("select", "run_id"), ("select", "metadata")])).json() == wanted


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("offset=-1", "offset"),
        ("status=done", "status"),
        ("limit=x", "limit"),
    ],
)
async def test_a_page_that_cannot_be_meant(api: Api, query: str, field: str) -> None:
    answer = await api.client.get(f"/threads/{await api.thread()}/runs?{query}")

    assert (answer.status_code, answer.json()["field"]) == (422, field)


async def test_a_run_that_has_ended_is_deleted(api: Api) -> None:
    thread_id = await api.thread()
    path = f"/threads/{thread_id}/runs/{(await api.post(f'/threads/{thread_id}/runs', JOKE))['run_id']}"
    await api.get(f"{path}/join")

    answer, again = await api.client.delete(path), await api.client.delete(path)

    assert (answer.status_code, answer.content) == (204, b"")
    assert (again.status_code, again.json()["code"]) == (404, "RUN_NOT_FOUND")
    assert await api.get(f"/threads/{thread_id}/runs") == []
    assert (await api.get(f"/threads/{thread_id}"))["values"] == TOLD


async def test_a_run_at_work_is_not_deleted(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate) as held:
        answer = await api.client.delete(held.path)

    assert (answer.status_code, answer.json()["code"]) == (409, "RUN_ACTIVE")


async def test_runs_on_one_thread_follow_each_other(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate) as held:
        second, third = [await api.post(f"{held.thread}/runs", {**JOKE, "input": {"topic": n}}) for n in "ab"]
        refused = await api.client.post(f"{held.thread}/runs", json={**JOKE, "multitask_strategy": "reject"})
    await api.ended(held.thread_id, third["run_id"])

    assert (second["status"], third["status"]) == ("pending", "pending")
    assert (refused.status_code, refused.json()["code"]) == (409, "THREAD_BUSY")
    assert (await api.get(held.thread))["values"]["topic"] == "b and cats"


async def test_a_run_may_create_its_thread(api: Api) -> None:
    thread_id = "0192f2d3-0a6b-7c1e-9b1a-2f6f1c3b5a7d"
    path = f"/threads/{thread_id}/runs/wait"
    missing = await api.client.post(path, json=JOKE)

    assert (missing.status_code, missing.json()["code"]) == (404, "THREAD_NOT_FOUND")
    assert await api.post(path, {**JOKE, "if_not_exists": "create"}) == TOLD
    assert (await api.get(f"/threads/{thread_id}"))["values"] == TOLD


async def test_a_stateless_run_leaves_nothing_unless_its_thread_is_kept(api: Api) -> None:
    gone = await api.client.post("/runs/wait", json=JOKE)
    kept = await api.client.post("/runs/wait", json={**JOKE, "on_completion": "keep"})

    gone_thread, kept_thread = (each.headers["location"].split("/runs/")[0] for each in (gone, kept))
    assert (gone.json(), kept.json()) == (TOLD, TOLD)
    assert (await api.call("GET", gone_thread))["status"] == 404
    assert (await api.get(kept_thread))["values"] == TOLD


async def test_what_a_wait_gives_when_the_run_asks(api: Api) -> None:
    thread = f"/threads/{await api.thread()}"
    body = {"assistant_id": "approval", "input": {"request": "launch"}}
    asked = await api.post(f"{thread}/runs/wait", body)
    run = (await api.get(f"{thread}/runs"))[0]
    answered = await api.post(f"{thread}/runs/wait", {"assistant_id": "approval", "command": {"resume": "yes"}})

    question = asked.pop("__interrupt__")
    assert [each["value"] for each in question] == [{"question": "approve launch?"}]
    assert asked == {"request": "launch", "log": ["prepared"]}
    assert run["status"] == "success"
    assert answered["decision"] == "yes"
    assert "__interrupt__" not in answered


async def test_a_run_goes_on_from_a_checkpoint(api: Api) -> None:
    thread = f"/threads/{await api.thread()}"
    await api.post(f"{thread}/runs/wait", JOKE)
    history = await api.post(f"{thread}/history", {"limit": 10})
    before_joke = next(state["checkpoint"] for state in history if state["next"] == ["generate_joke"])

    short = {"assistant_id": "joke", "checkpoint_id": before_joke["checkpoint_id"], "stream_mode": "updates"}
    long = {"assistant_id": "joke", "checkpoint": before_joke, "stream_mode": "updates"}
    config = {"configurable": {"checkpoint_id": before_joke["checkpoint_id"]}}
    in_config = {"assistant_id": "joke", "config": config, "stream_mode": "updates"}
    for body in (short, long, in_config):
        frames = (await api.stream(f"{thread}/runs/stream", body)).frames
        assert [frame.data for frame in frames[1:]] == [{"generate_joke": {"joke": TOLD["joke"]}}]


async def test_null_is_an_answer(api: Api) -> None:
    path = f"/threads/{await api.thread()}/runs/wait"
    await api.post(path, {"assistant_id": "approval", "input": {"request": "launch"}})

    answer = await api.post(path, {"assistant_id": "approval", "command": {"resume": None}})

    assert answer["log"] == ["prepared", "asked", "acted on None"]


async def test_a_wait_gives_the_last_of_the_values(api: Api) -> None:
    """Also where one node of a superstep has done its work and another one asks."""
    answers = []
    command = {"update": {"decision": "x"}, "goto": "act"}
    for what in ("wait", "stream"):
        path = f"/threads/{await api.thread()}/runs"
        await api.post(f"{path}/wait", {"assistant_id": "approval", "input": {"request": "launch"}})
        answers.append(await api.stream(f"{path}/{what}", {"assistant_id": "approval", "command": command}))
    values, last = json.loads(answers[0].raw), answers[1].frames[-1].data

    assert last["log"] == values["log"] == ["prepared", "acted on x"]
    assert len(values["__interrupt__"]) == 1
