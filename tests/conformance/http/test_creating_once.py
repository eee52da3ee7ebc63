"""The header Idempotency-Key: whoever asks again gets the run of the first request (wire facts 39 and 40)."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conformance.http.api import Api, Json
from tests.conformance.http.held import at_gate, held_body, new_name
from tests.faults.gate import Gate

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOKE: Json = {"assistant_id": "joke", "input": {"topic": "ice"}, "stream_mode": "updates", "stream_resumable": True}


def _key(text: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": text or str(uuid4())}


def _run_of(answer: httpx.Response) -> str:
    return answer.headers["content-location"].rpartition("/")[2]


@pytest.mark.parametrize("stateless", [False, True])
@pytest.mark.parametrize("what", ["", "/wait", "/stream"])
async def test_the_same_request_is_the_same_run(api: Api, what: str, stateless: bool) -> None:
    runs = "/runs" if stateless else f"/threads/{await api.thread()}/runs"
    key, other = _key(), _key()

    answers = [await api.client.post(f"{runs}{what}", json=JOKE, headers=headers) for headers in (key, key, other)]

    first, again, another = map(_run_of, answers)
    assert first == again != another
    if what:
        assert answers[1].content == answers[0].content
    if not stateless:
        assert {run["run_id"] for run in await api.get(runs)} == {first, another}


async def test_many_at_once_are_one(api: Api) -> None:
    runs, key = f"/threads/{await api.thread()}/runs", _key()

    answers = await asyncio.gather(*(api.client.post(runs, json=JOKE, headers=key) for _ in range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({_run_of(answer) for answer in answers}) == len(await api.get(runs)) == 1


@pytest.mark.parametrize("resumable", [False, True])
async def test_a_stream_that_is_asked_for_again_begins_with_the_run(api: Api, gate: Gate, resumable: bool) -> None:
    name, key = new_name(), _key()
    path = f"/threads/{await api.thread()}/runs/stream"
    body = held_body(gate, name, {"n": 3}, stream_resumable=resumable)
    async with api.opened(path, body, headers=key) as reader:
        before = await reader.take(5)
    async with api.opened(path, body, headers=key) as reader:
        await gate.entered(name)
        again = await reader.take(5)
        gate.release(name)
        rest = await reader.rest()

    assert again == before
    assert [frame.data for frame in rest] == [{"passed": name}]


async def test_a_wait_that_is_asked_for_again_gets_the_value(api: Api, gate: Gate) -> None:
    name, key = new_name(), _key()
    path = f"/threads/{await api.thread()}/runs/wait"
    body = held_body(gate, name)
    first = asyncio.create_task(api.client.post(path, json=body, headers=key))
    await gate.entered(name)
    async with api.client.stream("POST", path, json=body, headers=key) as again:
        gate.release(name)
        value = await again.aread()

    assert value.lstrip(b"\n") == (await first).content.lstrip(b"\n")


async def test_the_key_of_another_request_is_refused(api: Api) -> None:
    runs, key = f"/threads/{await api.thread()}/runs", _key()
    first = _run_of(await api.client.post(runs, json=JOKE, headers=key))
    bodies: list[tuple[str, Json]] = [
        (runs, {**JOKE, "input": {"topic": "tea"}}),
        (runs, {**JOKE, "stream_mode": "values"}),
        (runs, {**JOKE, "multitask_strategy": "interrupt"}),
        (runs, {**JOKE, "after_seconds": 1}),
        (f"/threads/{await api.thread()}/runs", JOKE),
        ("/runs", JOKE),
    ]

    answers = [await api.client.post(path, json=body, headers=key) for path, body in bodies]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(409, "REQUEST_ID_REUSED")}
    assert {answer.json()["metadata"]["run_id"] for answer in answers} == {first}
    assert len(await api.get(runs)) == 1


async def test_however_it_is_asked_for_it_is_the_same_run(api: Api) -> None:
    """A caller whose stream broke may ask for the value, or for the row."""
    runs, key = f"/threads/{await api.thread()}/runs", _key()

    streamed, waited, made = [
        await api.client.post(f"{runs}{what}", json=JOKE, headers=key) for what in ("/stream", "/wait", "")
    ]

    assert [answer.status_code for answer in (streamed, waited, made)] == [200, 200, 200]
    assert _run_of(streamed) == _run_of(waited) == _run_of(made)
    assert waited.json()["topic"] == "ice and cats"


async def test_headers_that_nodes_read_do_not_make_another_request(api: Api) -> None:
    runs, key = f"/threads/{await api.thread()}/runs", _key()

    first, again = [
        await api.client.post(runs, json=JOKE, headers={**key, "x-trace": trace}) for trace in ("one", "two")
    ]

    assert _run_of(first) == _run_of(again)


async def test_an_answer_that_is_sent_again_is_no_second_answer(api: Api) -> None:
    path, key = f"/threads/{await api.thread()}/runs/wait", _key()
    await api.post(path, {"assistant_id": "approval", "input": {"request": "launch"}})

    answers = [
        await api.client.post(path, json={"assistant_id": "approval", "command": {"resume": "yes"}}, headers=key)
        for _ in range(2)
    ]

    assert answers[0].json() == answers[1].json()
    assert answers[1].json()["log"] == ["prepared", "asked", "acted on yes"]


@pytest.mark.parametrize("strategy", ["enqueue", "interrupt", "rollback"])
async def test_a_run_does_not_meet_itself(api: Api, gate: Gate, strategy: str) -> None:
    async with at_gate(api, gate) as held:
        key, body = _key(), {**JOKE, "multitask_strategy": strategy}
        first = await api.client.post(f"{held.thread}/runs", json=body, headers=key)
        again = await api.client.post(f"{held.thread}/runs", json=body, headers=key)
    await api.client.get(f"{held.thread}/runs/{_run_of(first)}/join")

    assert (again.status_code, _run_of(again)) == (200, _run_of(first))
    assert (await api.get(f"{held.thread}/runs/{_run_of(first)}"))["status"] == "success"


async def test_a_request_that_was_refused_may_be_made_again(api: Api, gate: Gate) -> None:
    key, body = _key(), {**JOKE, "multitask_strategy": "reject"}
    async with at_gate(api, gate) as held:
        refused = await api.client.post(f"{held.thread}/runs", json=body, headers=key)
    made = await api.client.post(f"{held.thread}/runs", json=body, headers=key)

    assert (refused.status_code, made.status_code) == (409, 200)


async def _deleted(api: Api, run: str) -> None:
    await api.client.get(f"{run}/join")
    await api.client.delete(run)


async def _rolled_back(api: Api, run: str) -> None:
    await api.client.post(f"{run}/cancel?action=rollback&wait=1")


@pytest.mark.parametrize(("more", "remove"), [({}, _deleted), ({"after_seconds": 600}, _rolled_back)])
async def test_the_key_of_a_run_that_is_gone_makes_no_other(api: Api, more: Json, remove: Any) -> None:
    runs, key, body = f"/threads/{await api.thread()}/runs", _key(), {**JOKE, **more}
    made = await api.client.post(runs, json=body, headers=key)
    await remove(api, f"{runs}/{_run_of(made)}")

    answers = [await api.client.post(f"{runs}{what}", json=body, headers=key) for what in ("", "/wait", "/stream")]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "RUN_NOT_FOUND")] * 3
    assert await api.get(runs) == []


async def test_the_runs_of_a_batch_have_the_key_and_their_place(api: Api) -> None:
    key, batch = str(uuid4()), [{**JOKE, "metadata": {"n": n}} for n in range(3)]

    first, again = [(await api.client.post("/runs/batch", json=batch, headers=_key(key))).json() for _ in range(2)]
    one = await api.client.post("/runs", json=batch[2], headers=_key(f"{key}/2"))
    longer = await api.client.post("/runs/batch", json=[*batch, JOKE], headers=_key(key))
    other = await api.client.post("/runs/batch", json=batch[::-1], headers=_key(key))

    ids = [run["run_id"] for run in first]
    assert [run["run_id"] for run in again] == ids
    assert one.json()["run_id"] == ids[2]
    assert [run["run_id"] for run in longer.json()][:3] == ids
    assert (other.status_code, other.json()["code"], other.json()["metadata"]["index"]) == (
        409,
        "REQUEST_ID_REUSED",
        "0",
    )


@pytest.mark.parametrize("key", [b"", b"k" * 129, "clé".encode(), b"a\tb"])
@pytest.mark.parametrize("path", ["/runs", "/runs/wait", "/runs/stream", "/runs/batch"])
async def test_what_is_no_key_is_refused_by_the_headers_name(api: Api, path: str, key: bytes) -> None:
    body = [JOKE] if path == "/runs/batch" else JOKE

    answer = await api.client.post(path, json=body, headers=httpx.Headers([(b"idempotency-key", key)]))

    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_FIELD")
    assert answer.json()["field"] == "Idempotency-Key"


async def test_pages_of_other_origins_may_send_a_key(api: Api) -> None:
    asked = {
        "origin": "https://chat.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,idempotency-key",
    }
    answer = await api.client.options("/runs", headers=asked)

    assert answer.status_code == 200
    assert "idempotency-key" in answer.headers["access-control-allow-headers"]
