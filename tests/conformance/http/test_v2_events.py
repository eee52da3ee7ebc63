"""The v2 event protocol: envelopes over server-sent events (wire facts 45 to 53)."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.conformance.http.api import Api, Json
from tests.conformance.http.held import held_body, new_name
from tests.conformance.http.sse import Frame, Reader
from tests.faults.gate import Gate

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALL = ["values", "updates", "messages", "tools", "lifecycle", "input", "tasks", "custom", "checkpoints"]
NOBODY = "00000000-0000-4000-8000-000000000000"


def ended(frame: Frame) -> bool:
    """Whether a frame is the terminal envelope of a run."""
    data = frame.data
    if data["method"] != "lifecycle" or data["params"]["namespace"]:
        return False
    return data["params"]["data"]["event"] in ("completed", "failed", "interrupted")


async def command(api: Api, thread: str, method: str, **params: Any) -> Json:
    answer: Json = await api.post(f"/threads/{thread}/commands", {"id": 1, "method": method, "params": params})
    return answer


async def start(api: Api, thread: str, assistant: str, given: Any = None, **params: Any) -> str:
    answer = await command(api, thread, "run.start", assistant_id=assistant, input=given, **params)
    assert answer["type"] == "success", answer
    return str(answer["result"]["run_id"])


@asynccontextmanager
async def streamed(api: Api, thread: str, *channels: str, **more: Any) -> AsyncIterator[Reader]:
    async with api.opened(f"/threads/{thread}/stream/events", {"channels": channels or ALL, **more}) as reader:
        yield reader


async def whole(api: Api, thread: str, *channels: str, **more: Any) -> list[Json]:
    """Envelopes up to the end of a run."""
    async with streamed(api, thread, *channels, **more) as reader:
        return [frame.data for frame in await reader.until(ended)]


async def test_a_run_from_its_start_to_its_end(api: Api) -> None:
    thread = await api.thread()
    run_id = await start(api, thread, "joke", {"topic": "ice"})
    async with streamed(api, thread) as reader:
        frames = await reader.until(ended)

    first, last = frames[0].data, frames[-1].data
    assert reader.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert first["params"]["data"] == {"event": "running", "graph_name": "joke"}
    assert first["event_id"] == f"synth:{run_id}:lc||running"
    assert last["params"]["data"]["event"] == "completed"
    assert [(frame.event, frame.id) for frame in frames] == [
        (frame.data["method"], str(frame.data["seq"])) for frame in frames
    ]
    seqs = [frame.data["seq"] for frame in frames]
    assert seqs == sorted(set(seqs))
    updates = [frame.data["params"] for frame in frames if frame.event == "updates"]
    assert [params["data"]["node"] for params in updates] == ["refine_topic", "generate_joke"]
    assert {frame.event for frame in frames} == {"lifecycle", "values", "updates", "tasks", "checkpoints"}


async def test_every_connection_gets_the_same(api: Api) -> None:
    thread = await api.thread()
    await start(api, thread, "joke", {"topic": "ice"})

    found = await whole(api, thread)

    assert await whole(api, thread) == found
    assert await whole(api, thread, "values", "lifecycle") == [
        each for each in found if each["method"] in ("values", "lifecycle")
    ]


async def test_whoever_comes_back_gets_the_rest(api: Api) -> None:
    thread = await api.thread()
    await start(api, thread, "joke", {"topic": "ice"})
    found = await whole(api, thread)

    for at in range(len(found) - 1):
        assert await whole(api, thread, since=found[at]["seq"]) == found[at + 1 :]
    cursor = {"Last-Event-ID": str(found[3]["seq"])}
    async with api.opened(f"/threads/{thread}/stream/events", {"channels": ALL}, headers=cursor) as reader:
        assert [frame.data for frame in await reader.until(ended)] == found[4:]


async def test_a_cursor_behind_the_end_waits_for_the_next_run(api: Api) -> None:
    thread = await api.thread()
    await start(api, thread, "joke", {"topic": "ice"})
    last = (await whole(api, thread, "lifecycle"))[-1]["seq"]
    async with streamed(api, thread, "lifecycle", since=last) as reader:
        run_id = await start(api, thread, "joke", {"topic": "tea"})
        frames = await reader.until(ended)

    assert [frame.data["event_id"] for frame in frames] == [
        f"synth:{run_id}:lc||running",
        f"synth:{run_id}:lc||completed",
    ]


async def test_what_the_answer_to_a_start_says_hides_the_runs_before(api: Api) -> None:
    thread = await api.thread()
    await start(api, thread, "joke", {"topic": "ice"})
    await whole(api, thread, "lifecycle")
    answer = await command(api, thread, "run.start", assistant_id="joke", input={"topic": "tea"})

    found = await whole(api, thread, "lifecycle", since=answer["meta"]["applied_through_seq"])

    assert found[0]["event_id"] == f"synth:{answer['result']['run_id']}:lc||running"


async def test_live(api: Api, gate: Gate) -> None:
    thread, name = await api.thread(), new_name()
    async with streamed(api, thread, "custom", "lifecycle") as reader:
        await start(api, thread, "gate", held_body(gate, name)["input"])
        await gate.entered(name)
        await reader.until(lambda frame: frame.event == "custom")
        gate.release(name)
        frames = await reader.until(ended)

    assert frames[-1].data["params"]["data"]["event"] == "completed"


async def test_subgraphs(api: Api) -> None:
    thread = await api.thread()
    await start(api, thread, "nested", {"foo": "x"})

    found = await whole(api, thread)

    inside = [each for each in found if each["params"]["namespace"]]
    assert [each["params"]["data"]["event"] for each in inside if each["method"] == "lifecycle"] == [
        "started",
        "completed",
    ]
    path = inside[0]["params"]["namespace"]
    assert {tuple(each["params"]["namespace"]) for each in inside} == {tuple(path)}
    name = path[0].partition(":")[0]
    assert await whole(api, thread, *ALL, namespaces=[[name], []], depth=0) == found
    only = await whole(api, thread, "updates", "lifecycle", namespaces=[[]], depth=0)
    assert all(not each["params"]["namespace"] for each in only)


async def test_a_question_and_its_answer(api: Api) -> None:
    thread = await api.thread()
    await start(api, thread, "approval", {"request": "lunch"})
    found = await whole(api, thread)
    asked = next(each for each in found if each["method"] == "input.requested")
    interrupt_id = asked["params"]["data"]["interrupt_id"]

    # The event says that the answer can be given at once (wire fact 57).
    answer = await command(api, thread, "input.respond", namespace=[], interrupt_id=interrupt_id, response="yes")
    rest = await whole(api, thread, since=found[-1]["seq"])

    assert found[-1]["params"]["data"]["event"] == "interrupted"
    assert answer["type"] == "success"
    assert rest[-1]["params"]["data"]["event"] == "completed"
    again = await command(api, thread, "input.respond", namespace=[], interrupt_id=interrupt_id, response="yes")
    assert (again["type"], again["error"]) == ("error", "no_such_interrupt")


async def test_a_failure(api: Api) -> None:
    thread = await api.thread()
    await start(api, thread, "failing", {"a": 0})

    last = (await whole(api, thread, "lifecycle"))[-1]["params"]["data"]

    assert (last["event"], last["error"]) == ("failed", "this node always fails")


async def test_runs_of_the_other_surface_are_seen_too(api: Api) -> None:
    thread = await api.thread()
    async with streamed(api, thread, "updates", "lifecycle") as reader:
        body = {"assistant_id": "joke", "input": {"topic": "ice"}, "stream_mode": "updates"}
        await api.post(f"/threads/{thread}/runs/wait", body)
        frames = await reader.until(ended)

    assert [frame.event for frame in frames] == ["lifecycle", "updates", "updates", "lifecycle"]


async def test_a_thread_that_is_deleted_says_so(api: Api) -> None:
    thread = await api.thread()
    async with streamed(api, thread) as reader:
        await api.client.delete(f"/threads/{thread}")
        frame = await reader.next()
        assert frame is not None
        assert await reader.rest() == []

    assert (frame.event, frame.data["type"], frame.data["id"]) == ("error", "error", None)
    assert frame.data["error"] == "no_such_run"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "channels"),
        ({"channels": []}, "channels"),
        ({"channels": ["nothing"]}, "channels"),
        ({"channels": ["values"], "namespaces": 1}, "namespaces"),
        ({"channels": ["values"], "depth": "1"}, "depth"),
        ({"channels": ["values"], "since": True}, "since"),
        ({"channels": ["values"], "since": 1 << 40}, "since"),
        ([], "body"),
    ],
)
async def test_what_is_wrong_is_named(api: Api, body: Any, field: str) -> None:
    answer = await api.client.post(f"/threads/{await api.thread()}/stream/events", json=body)

    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "INVALID_FIELD", field)


async def test_what_is_no_json(api: Api) -> None:
    for what in ("stream/events", "commands"):
        answer = await api.client.post(f"/threads/{NOBODY}/{what}", content=b"{")

        assert (answer.status_code, answer.json()["field"]) == (400, "body")


@pytest.mark.parametrize(("thread", "status"), [(NOBODY, 404), ("nobody", 422)])
async def test_threads_that_are_none(api: Api, thread: str, status: int) -> None:
    answer = await api.client.post(f"/threads/{thread}/stream/events", json={"channels": ["values"]})

    assert answer.status_code == status


async def test_a_cursor_of_the_header_that_is_none(api: Api) -> None:
    path = f"/threads/{await api.thread()}/stream/events"
    answer = await api.client.post(path, json={"channels": ["values"]}, headers={"Last-Event-ID": "abc"})

    assert (answer.status_code, answer.json()["field"]) == (400, "Last-Event-ID")


async def test_data_is_one_line(api: Api) -> None:
    thread = await api.thread()
    await start(api, thread, "joke", {"topic": "ice\ncream\r"})
    async with streamed(api, thread, "values", "lifecycle") as reader:
        frames = await reader.until(ended)

    assert json.loads(json.dumps(frames[1].data))["params"]["data"] == {"topic": "ice\ncream\r"}
