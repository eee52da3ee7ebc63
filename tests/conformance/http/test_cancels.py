"""Cancelling runs (wire facts 25, 62, 64, 65 and 69)."""

import asyncio
from typing import Any

import pytest

from tests.conformance.http.api import Api
from tests.conformance.http.held import Held, at_gate
from tests.faults.gate import Gate

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODY = "00000000-0000-4000-8000-000000000000"


async def _status(api: Api, held: Held) -> str:
    return str((await api.ended(held.thread_id, held.run_id))["status"])


async def test_a_cancel_is_taken_with_an_empty_answer(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate) as held:
        answer = await api.client.post(f"{held.path}/cancel")
        await gate.left(held.name)

    assert (answer.status_code, answer.content) == (202, b"")
    assert await _status(api, held) == "interrupted"


@pytest.mark.parametrize("wait", ["1", "true"])
async def test_a_cancel_that_waits_answers_when_the_run_has_ended(api: Api, gate: Gate, wait: str) -> None:
    async with at_gate(api, gate) as held:
        answer = await api.client.post(f"{held.path}/cancel?wait={wait}&action=interrupt")
        status = (await api.get(held.path))["status"]

    assert (answer.status_code, answer.json()) == (200, {})
    assert status == "interrupted"


async def test_a_stateless_run_is_cancelled_without_its_thread(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate, stateless=True) as held:
        answer = await api.client.post(f"/runs/{held.run_id}/cancel")
        await gate.left(held.name)

    assert answer.status_code == 202


async def test_a_cancelled_run_ends_its_stream_without_an_error(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate) as held, api.opened(f"{held.path}/stream", method="GET") as reader:
        await api.client.post(f"{held.path}/cancel")
        frames = await reader.rest()

    assert frames == []


async def test_who_waits_for_a_run_that_is_cancelled_gets_an_empty_object(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate) as held:
        waiting = asyncio.create_task(api.client.get(f"{held.path}/join"))
        await api.client.post(f"{held.path}/cancel?wait=1")
        answer = await waiting

    assert (answer.status_code, answer.json()) == (200, {})


async def test_the_thread_of_a_cancelled_run_is_interrupted_where_nodes_remain(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate) as held:
        await api.client.post(f"{held.path}/cancel?wait=1")
    thread = await api.get(held.thread)

    assert thread["status"] == "interrupted"
    assert (await api.get(f"{held.thread}/state"))["next"] == ["wait"]


async def test_a_run_that_waits_for_its_turn_can_be_cancelled(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate) as held:
        waiting = await api.post(f"{held.thread}/runs", {"assistant_id": "joke", "input": {}})
        answer = await api.client.post(f"{held.thread}/runs/{waiting['run_id']}/cancel?wait=1")
        run = await api.get(f"{held.thread}/runs/{waiting['run_id']}")

    assert (waiting["status"], answer.json(), run["status"]) == ("pending", {}, "interrupted")
    assert await _status(api, held) == "success"


async def test_a_run_that_has_ended_cannot_be_cancelled(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate) as held:
        await api.client.post(f"{held.path}/cancel?wait=1")
        again = await api.client.post(f"{held.path}/cancel")
    unknown = await api.client.post(f"/threads/{held.thread_id}/runs/{NOBODY}/cancel")

    assert (again.status_code, again.json()["code"]) == (404, "RUN_FINISHED")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "RUN_NOT_FOUND")


async def test_many_are_cancelled_by_id(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate) as held, at_gate(api, gate) as other:
        waiting = await api.post(f"{held.thread}/runs", {"assistant_id": "joke", "input": {}})
        ids = [held.run_id, waiting["run_id"], other.run_id, NOBODY]
        answer = await api.client.post("/runs/cancel", json={"thread_id": held.thread_id, "run_ids": ids})
        await gate.left(held.name)

    assert (answer.status_code, answer.content) == (204, b"")
    assert await _status(api, held) == "interrupted"
    assert (await api.ended(held.thread_id, waiting["run_id"]))["status"] == "interrupted"
    assert await _status(api, other) == "success"  # it is of another thread


@pytest.mark.parametrize(
    ("status", "first", "second"),
    [
        ("pending", "success", "interrupted"),
        ("running", "interrupted", "success"),
        ("all", "interrupted", "interrupted"),
    ],
)
async def test_many_are_cancelled_by_status(api: Api, gate: Gate, status: str, first: str, second: str) -> None:
    async with at_gate(api, gate) as held:
        waiting = await api.post(f"{held.thread}/runs", {"assistant_id": "joke", "input": {"topic": "ice"}})
        answer = await api.client.post("/runs/cancel", json={"status": status})

    assert answer.status_code == 204
    assert await _status(api, held) == first
    assert (await api.ended(held.thread_id, waiting["run_id"]))["status"] == second


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"status": "all", "thread_id": NOBODY, "run_ids": [NOBODY]}, 422, "status"),
        ({}, 422, "status"),
        ({"run_ids": [NOBODY]}, 422, "thread_id"),
        ({"thread_id": "x", "run_ids": [NOBODY]}, 422, "thread_id"),
        ({"status": "success"}, 422, "status"),
        ({"status": "all"}, 404, None),
        ({"thread_id": NOBODY, "run_ids": [NOBODY]}, 404, None),
    ],
)
async def test_what_cannot_be_cancelled(api: Api, body: Any, status: int, field: str | None) -> None:
    answer = await api.client.post("/runs/cancel", json=body)

    assert answer.status_code == status
    assert answer.json().get("field") == field
    assert answer.json()["code"] == ("RUN_NOT_FOUND" if status == 404 else "INVALID_FIELD")
