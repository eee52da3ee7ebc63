"""Cancelling runs over HTTP, on a core of fakes (wire facts 62 to 65)."""

from typing import Any

import pytest

from graphwire_server.core.model import RunStatus
from tests.unit.core.fakes import OTHER, THREAD
from tests.unit.rest.held import AGENT, RUNS, holding
from tests.unit.rest.visits import visiting


async def test_a_cancel_that_does_not_wait() -> None:
    async with holding() as held:
        answer = await held.client.post(f"{held.path}/cancel")
        ended = await held.core.end(await held.core.runs.get(held.run["run_id"]))

    assert (answer.status_code, answer.content, ended.status) == (202, b"", RunStatus.INTERRUPTED)


async def test_a_cancel_that_waits() -> None:
    async with holding() as held:
        answer = await held.client.post(f"{held.path}/cancel", params={"wait": "1"})
        found = await held.core.runs.get(held.run["run_id"])
        again = await held.client.post(f"{held.path}/cancel")

    assert (answer.status_code, answer.json(), found.status) == (200, {}, RunStatus.INTERRUPTED)
    assert (again.status_code, again.json()["code"]) == (404, "RUN_FINISHED")


async def test_a_rollback_that_waits_leaves_no_run() -> None:
    async with holding() as held:
        answer = await held.client.post(f"{held.path}/cancel", params={"wait": "1", "action": "rollback"})
        found = await held.client.get(held.path)
        again = await held.client.post(f"{held.path}/cancel", params={"action": "rollback"})

    assert (answer.status_code, answer.json(), held.core.store.undone) == (200, {}, [held.run["run_id"]])
    assert (found.status_code, again.status_code, again.json()["code"]) == (404, 404, "RUN_NOT_FOUND")


async def test_a_rollback_that_does_not_wait() -> None:
    async with holding() as held:
        answer = await held.client.post(f"{held.path}/cancel", params={"action": "rollback"})
        await held.until_gone()
        found = await held.client.get(held.path)

    assert (answer.status_code, answer.content, found.status_code) == (202, b"", 404)


async def test_a_run_that_waits_for_its_turn_can_be_rolled_back() -> None:
    async with holding() as held:
        waiting = (await held.client.post(RUNS, json=AGENT)).json()
        path = f"{RUNS}/{waiting['run_id']}"
        answer = await held.client.post(f"{path}/cancel", params={"wait": "1", "action": "rollback"})
        found, other = await held.client.get(path), await held.client.get(held.path)

    assert (answer.status_code, answer.json(), found.status_code) == (200, {}, 404)
    assert other.json()["status"] == "running"


async def test_several_runs_are_rolled_back() -> None:
    async with holding() as held:
        answer = await held.client.post("/runs/cancel", params={"action": "rollback"}, json={"status": "all"})
        await held.until_gone()
        found = await held.client.get(held.path)

    assert (answer.status_code, found.status_code, held.core.store.undone) == (204, 404, [held.run["run_id"]])


@pytest.mark.parametrize("path", ["/cancel", "cancel"])
async def test_an_action_that_does_not_exist_cancels_nothing(path: str) -> None:
    async with holding() as held:
        where = f"{held.path}{path}" if path.startswith("/") else "/runs/cancel"
        answer = await held.client.post(where, params={"action": "undo"}, json={"status": "all"})
        found = await held.core.runs.get(held.run["run_id"])

    assert (answer.status_code, answer.json()["field"], found.status) == (422, "action", RunStatus.RUNNING)


async def test_several_runs_are_cancelled() -> None:
    async with holding() as held:
        by_id = {"thread_id": THREAD, "run_ids": [held.run["run_id"]]}
        answer = await held.client.post("/runs/cancel", json=by_id)
        await held.core.end(await held.core.runs.get(held.run["run_id"]))
        again = await held.client.post("/runs/cancel", json={"status": "all"})

    assert (answer.status_code, answer.content, again.status_code) == (204, b"", 404)


@pytest.mark.parametrize("body", [{}, {"status": "all", "thread_id": THREAD, "run_ids": [OTHER]}, {"run_ids": [OTHER]}])
async def test_a_cancel_that_cannot_be_meant(body: dict[str, Any]) -> None:
    async with visiting() as client:
        answer = await client.post("/runs/cancel", json=body)

    assert answer.status_code == 422
