"""Runs that are created once, start later and may not take for ever, over HTTP, on a core of fakes."""

from datetime import timedelta
from typing import Any

import pytest

from graphwire_server.core.model import RunStatus
from tests.unit.core.fakes import Executor, house
from tests.unit.rest.held import AGENT, ON_THREAD, RUNS, holding
from tests.unit.rest.visits import visiting
from tests.unit.rest.wire import frames

KEY = {"Idempotency-Key": "k"}
BASES = [(RUNS, ON_THREAD), ("/runs", AGENT)]


def located(answer: Any) -> str:
    """The run that an answer names, wherever it says its thread is."""
    return str(answer.headers["content-location"]).rpartition("/")[2]


@pytest.mark.parametrize(("base", "body"), BASES)
@pytest.mark.parametrize("how", ["", "/wait", "/stream"])
async def test_a_second_request_with_a_key_is_the_first(how: str, base: str, body: Any) -> None:
    core = house()
    resumable = {**body, "stream_resumable": True}
    async with visiting(core) as client:
        first, again = [await client.post(base + how, json=resumable, headers=KEY) for _ in range(2)]
        other = await client.post(base + how, json=resumable, headers={"Idempotency-Key": "l"})
        for answer in (first, other):
            await client.get(f"/runs/{located(answer)}/join")

    assert (first.status_code, again.status_code) == (200, 200)
    assert located(first) == located(again)
    assert core.executor.executed == [located(first), located(other)]


async def test_a_stream_with_a_key_that_is_known_is_that_of_the_run_from_its_start() -> None:
    body = {**ON_THREAD, "stream_resumable": True}
    async with visiting() as client:
        first, again = [await client.post(f"{RUNS}/stream", json=body, headers=KEY) for _ in range(2)]

    assert [name for name, _ in frames(again.text)] == ["metadata", "values"]
    assert again.text == first.text


async def test_who_asks_again_while_the_run_goes_on_gets_it() -> None:
    executor = Executor()
    executor.script = executor.held
    core = house(executor)
    async with visiting(core) as client:
        first = (await client.post(RUNS, json=ON_THREAD, headers=KEY)).json()
        await core.begun()
        again = (await client.post(RUNS, json=ON_THREAD, headers=KEY)).json()
        executor.release.set()

    assert (again["run_id"], again["status"]) == (first["run_id"], "running")


@pytest.mark.parametrize(("base", "body"), BASES)
async def test_a_key_of_another_request_is_refused(base: str, body: Any) -> None:
    resumable = {**body, "stream_resumable": True}
    async with visiting() as client:
        first = (await client.post(base, json=resumable, headers=KEY)).json()
        answer = await client.post(base, json={**resumable, "input": {"other": 1}}, headers=KEY)

    said = answer.json()
    assert (answer.status_code, said["code"], said["metadata"]) == (
        409,
        "REQUEST_ID_REUSED",
        {"run_id": first["run_id"]},
    )


@pytest.mark.parametrize("how", ["", "/wait", "/stream"])
async def test_a_key_of_a_run_that_is_gone_is_not_found(how: str) -> None:
    async with visiting() as client:
        first = await client.post(f"{RUNS}{how}", json=ON_THREAD, headers=KEY)
        await client.get(f"{RUNS}/{located(first)}/join")
        deleted = await client.delete(f"{RUNS}/{located(first)}")
        answer = await client.post(f"{RUNS}{how}", json=ON_THREAD, headers=KEY)

    assert (deleted.status_code, answer.status_code, answer.json()["code"]) == (204, 404, "RUN_NOT_FOUND")


async def test_each_run_of_a_batch_is_created_once() -> None:
    core = house()
    body = [{**AGENT, "metadata": {"n": n}, "stream_resumable": True} for n in range(3)]
    async with visiting(core) as client:
        first = (await client.post("/runs/batch", json=body, headers=KEY)).json()
        again = (await client.post("/runs/batch", json=body, headers=KEY)).json()
        one = (await client.post("/runs", json=body[1], headers={"Idempotency-Key": "k/1"})).json()

    ids = [run["run_id"] for run in first]
    assert (len(set(ids)), [run["run_id"] for run in again], one["run_id"]) == (3, ids, ids[1])


@pytest.mark.parametrize("key", ["", "k" * 129, "clé"])
@pytest.mark.parametrize("path", ["/runs", "/runs/wait", "/runs/stream", RUNS, f"{RUNS}/wait", f"{RUNS}/stream"])
async def test_what_is_no_key_names_the_header(path: str, key: str) -> None:
    core = house()
    async with visiting(core) as client:
        answer = await client.post(path, json=ON_THREAD, headers={b"Idempotency-Key": key.encode()})

    assert (answer.status_code, answer.json()["field"]) == (422, "Idempotency-Key")
    assert core.executor.executed == []


@pytest.mark.parametrize(("key", "status"), [("k" * 126, 200), ("k" * 127, 422), ("k" * 129, 422), ("", 422)])
async def test_the_key_of_a_batch_has_room_for_the_places_of_its_runs(key: str, status: int) -> None:
    async with visiting() as client:
        answer = await client.post("/runs/batch", json=[AGENT], headers={"Idempotency-Key": key})

    assert answer.status_code == status
    assert status == 200 or answer.json()["field"] == "Idempotency-Key"


async def test_two_keys_are_refused() -> None:
    async with visiting() as client:
        answer = await client.post("/runs", json=AGENT, headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "b")])

    assert (answer.status_code, answer.json()["field"]) == (422, "Idempotency-Key")


async def test_a_run_may_start_later() -> None:
    core = house()
    async with visiting(core) as client:
        run = (await client.post(RUNS, json={**ON_THREAD, "after_seconds": 60})).json()
        thread = (await client.get(RUNS.removesuffix("/runs"))).json()
        early = list(core.executor.executed)
        core.alarms.move(timedelta(seconds=120))
        ended = await core.end(await core.runs.get(run["run_id"]))

    assert (run["status"], thread["status"], early) == ("pending", "busy", [])
    assert ended.status is RunStatus.SUCCESS


@pytest.mark.parametrize("how", ["wait", "stream"])
async def test_a_run_that_takes_too_long_says_so(how: str) -> None:
    async with holding(timeout_seconds=60, stream_resumable=True) as held:
        held.core.alarms.move(timedelta(seconds=61))
        answer = await (
            held.client.get(f"{held.path}/join")
            if how == "wait"
            else held.client.get(f"{held.path}/stream", headers={"last-event-id": "-1"})
        )
        run = (await held.client.get(held.path)).json()

    said = answer.json()["__error__"] if how == "wait" else frames(answer.text)[-1][1]
    assert (run["status"], said["error"]) == ("timeout", "RunTimedOut")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"after_seconds": -0.5}, "after_seconds"),
        ({"after_seconds": 3650 * 86400 + 1}, "after_seconds"),
        ({"after_seconds": "soon"}, "after_seconds"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"timeout_seconds": 1e-9}, "timeout_seconds"),
        ({"timeout_seconds": 1e300}, "timeout_seconds"),
        ({"timeout_seconds": [1]}, "timeout_seconds"),
    ],
)
@pytest.mark.parametrize("how", ["", "/wait", "/stream"])
async def test_times_that_no_run_can_have_are_named(how: str, fields: Any, field: str) -> None:
    async with visiting() as client:
        answer = await client.post(RUNS + how, json={**ON_THREAD, **fields})
        batch = await client.post("/runs/batch", json=[AGENT, {**AGENT, **fields}])

    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert (batch.status_code, batch.json()["field"]) == (422, f"[1].{field}")
