"""A thread's stream: all its runs, and what lies between them (wire facts 41 to 44)."""

from typing import Any

import pytest

from tests.conformance.http.api import Api, Json
from tests.conformance.http.held import held_body, new_name
from tests.conformance.http.sse import Frame, Reader
from tests.faults.gate import Gate

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOKE: Json = {"assistant_id": "joke", "input": {"topic": "ice"}, "stream_mode": "updates"}
NOBODY = "00000000-0000-4000-8000-000000000000"
NAMES = ["metadata", "updates", "updates", "metadata"]


def done(frame: Frame) -> bool:
    return frame.event == "metadata" and frame.data.get("status") == "run_done"


async def _run(api: Api, thread: str, **more: Any) -> str:
    await api.post(f"{thread}/runs/wait", {**JOKE, **more})
    return str((await api.get(f"{thread}/runs"))[0]["run_id"])


async def test_a_watcher_sees_run_after_run(api: Api) -> None:
    thread = f"/threads/{await api.thread()}"
    async with api.opened(f"{thread}/stream", method="GET") as reader:
        ids = [await _run(api, thread), await _run(api, thread, stream_resumable=True)]
        runs = [await reader.until(done), await reader.until(done)]

    for run_id, frames in zip(ids, runs, strict=True):
        assert [frame.event for frame in frames] == NAMES
        assert frames[0].data == {"run_id": run_id, "attempt": 1}
        assert frames[-1].data == {"status": "run_done", "run_id": run_id}
    numbers = [int(frame.id or "none") for frames in runs for frame in frames]
    assert numbers == sorted(set(numbers))
    assert reader.headers["content-type"] == "text/event-stream; charset=utf-8"


async def test_a_watcher_sees_what_goes_wrong(api: Api) -> None:
    thread = f"/threads/{await api.thread()}"
    async with api.opened(f"{thread}/stream", method="GET") as reader:
        await api.post(f"{thread}/runs/wait", {"assistant_id": "failing", "input": {"a": 0}, "stream_mode": "updates"})
        frames = await reader.until(done)

    assert [frame.event for frame in frames] == ["metadata", "updates", "error", "metadata"]


@pytest.mark.parametrize("key", ["stream_mode", "stream_modes", "streamMode"])
async def test_starts_and_ends_alone(api: Api, key: str) -> None:
    thread = f"/threads/{await api.thread()}"
    async with api.opened(f"{thread}/stream?{key}=lifecycle", method="GET") as reader:
        run_id = await _run(api, thread)
        frames = await reader.until(done)

    assert [frame.data for frame in frames] == [
        {"run_id": run_id, "attempt": 1},
        {"status": "run_done", "run_id": run_id},
    ]


@pytest.mark.parametrize(
    "query",
    [
        "stream_modes=run_modes",
        "stream_mode=lifecycle&stream_mode=run_modes",
        "stream_modes=lifecycle,run_modes",
        "stream_mode=[%22run_modes%22]",
    ],
)
async def test_everything_in_every_encoding(api: Api, query: str) -> None:
    thread = f"/threads/{await api.thread()}"
    async with api.opened(f"{thread}/stream?{query}", method="GET") as reader:
        await _run(api, thread)
        frames = await reader.until(done)

    assert [frame.event for frame in frames] == NAMES


async def test_a_watcher_comes_back_without_a_seam(api: Api) -> None:
    thread = f"/threads/{await api.thread()}"
    async with api.opened(f"{thread}/stream", method="GET") as reader:
        await _run(api, thread)
        await _run(api, thread)
        frames = [*await reader.until(done), *await reader.until(done)]
        for place, frame in enumerate(frames[:-1], 1):
            headers = {"last-event-id": frame.id or ""}
            async with api.opened(f"{thread}/stream", method="GET", headers=headers) as back:
                assert await back.take(len(frames) - place) == frames[place:]


async def test_all_that_is_held_goes_on_live(api: Api) -> None:
    thread = f"/threads/{await api.thread()}"
    await _run(api, thread)
    async with api.opened(f"{thread}/stream", method="GET", headers={"last-event-id": "-"}) as reader:
        first = await reader.until(done)
        run_id = await _run(api, thread)
        second = await reader.until(done)

    assert [frame.event for frame in first] == [frame.event for frame in second] == NAMES
    assert second[0].data["run_id"] == run_id


async def test_without_an_id_a_watcher_starts_now(api: Api) -> None:
    thread = f"/threads/{await api.thread()}"
    await _run(api, thread)
    async with api.opened(f"{thread}/stream", method="GET") as reader:
        run_id = await _run(api, thread)
        frames = await reader.until(done)

    assert frames[0].data["run_id"] == run_id


@pytest.mark.parametrize("cursor", ["-1", "nonsense", "999999", "1.5", "--", "*"])
async def test_an_id_that_no_event_has_is_refused(api: Api, cursor: str) -> None:
    path = f"/threads/{await api.thread()}/stream"

    answer = await api.client.get(path, headers={"last-event-id": cursor})

    assert (answer.status_code, answer.json()["field"]) == (422, "Last-Event-ID")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("stream_modes=nonsense", 422, "INVALID_FIELD"),
        ("stream_mode=values", 422, "INVALID_FIELD"),
        ("stream_mode=state_update", 501, "NOT_OFFERED"),
    ],
)
async def test_modes_that_there_are_not(api: Api, query: str, status: int, code: str) -> None:
    answer = await api.client.get(f"/threads/{await api.thread()}/stream?{query}")

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_an_unknown_thread_is_not_watched(api: Api) -> None:
    missing, wrong = await api.client.get(f"/threads/{NOBODY}/stream"), await api.client.get("/threads/x/stream")

    assert (missing.status_code, missing.json()["code"]) == (404, "THREAD_NOT_FOUND")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "INVALID_FIELD")


async def test_the_watch_of_a_thread_that_is_deleted_ends_with_an_error(api: Api) -> None:
    thread = f"/threads/{await api.thread()}"
    async with api.opened(f"{thread}/stream", method="GET") as reader:
        await _run(api, thread)
        await api.client.delete(thread)
        frames = await reader.rest()

    assert [frame.event for frame in frames] == [*NAMES, "error"]
    assert frames[-1].data["error"] == "ThreadNotFound"


async def _ends(api: Api, gate: Gate, reader: Reader, thread: str) -> list[tuple[str, str]]:
    """Lets one run end in each way on a thread, and returns what each frame of starts and ends says, by the run's name."""
    names: dict[str, str] = {}

    async def made(name: str, body: Json) -> str:
        run_id = (await api.post(f"{thread}/runs", body))["run_id"]
        names[run_id] = name
        return f"{thread}/runs/{run_id}"

    at = [new_name(), new_name(), new_name()]
    cut = await made("cut", held_body(gate, at[0]))
    await gate.entered(at[0])
    waits = await made("waits", JOKE)
    await api.post(f"{waits}/cancel?wait=1")
    await api.post(f"{cut}/cancel?wait=1")
    undone = await made("undone", held_body(gate, at[1]))
    await gate.entered(at[1])
    await api.post(f"{undone}/cancel?wait=1&action=rollback")
    await made("met", held_body(gate, at[2]))
    await gate.entered(at[2])
    await made("meets", {**JOKE, "multitask_strategy": "interrupt"})
    await made("late", {**JOKE, "after_seconds": 0.01})
    frames = [frame for _ in range(6) for frame in await reader.until(done)]
    told = [frame for frame in frames if frame.event == "metadata"]
    assert {frame.event for frame in frames} <= {"metadata", "custom", "updates"}
    return [(names[frame.data["run_id"]], frame.data.get("status", "begins")) for frame in told]


@pytest.mark.parametrize("mode", ["run_modes", "lifecycle"])
async def test_every_run_that_begins_is_seen_to_end_whatever_ends_it(api: Api, gate: Gate, mode: str) -> None:
    """One that never had its turn ends all the same (wire facts 43, 62, 63 and 66)."""
    thread = f"/threads/{await api.thread()}"
    async with api.opened(f"{thread}/stream?stream_modes={mode}", method="GET") as reader:
        told = await _ends(api, gate, reader, thread)

    assert [name for name, what in told if what == "begins"] == ["cut", "undone", "met", "meets", "late"]
    assert [name for name, what in told if what == "run_done"] == ["waits", "cut", "undone", "met", "meets", "late"]
    for name in ("cut", "undone", "met", "meets", "late"):
        assert told.index((name, "begins")) < told.index((name, "run_done"))


async def test_lifecycle_may_come_back_too(api: Api) -> None:
    thread = f"/threads/{await api.thread()}"
    path = f"{thread}/stream?stream_modes=lifecycle"
    async with api.opened(path, method="GET") as reader:
        first = await _run(api, thread)
        ended = (await reader.until(done))[-1]
    second = await _run(api, thread)
    async with api.opened(path, method="GET", headers={"last-event-id": ended.id or ""}) as reader:
        back = await reader.until(done)
        third = await _run(api, thread)
        live = await reader.until(done)

    assert ended.data["run_id"] == first
    assert [frame.data["run_id"] for frame in (*back, *live)] == [second, second, third, third]


async def test_what_comes_between_runs_does_not_end_the_stream(api: Api) -> None:
    """Nor is it part of it: edits of the state are told to those who ask for `state_update` (wire fact 44)."""
    thread = f"/threads/{await api.thread()}"
    async with api.opened(f"{thread}/stream", method="GET") as reader:
        await _run(api, thread)
        await reader.until(done)
        await api.post(f"{thread}/state", {"values": {"topic": "tea"}, "as_node": "refine_topic"})
        await api.client.patch(thread, json={"metadata": {"k": 1}})
        await api.post(f"{thread}/copy")
        run_id = await _run(api, thread)
        frames = await reader.until(done)

    assert [frame.event for frame in frames] == NAMES
    assert frames[0].data["run_id"] == run_id
