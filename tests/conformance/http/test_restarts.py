"""What a server knows of what was before its start: kept streams, values, keys, questions (wire facts 10, 29 to 31, 34 and 37)."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.conformance.http.api import Api, Json, Streamed
from tests.conformance.http.lives import life
from tests.conformance.http.sse import Frame

pytestmark = pytest.mark.asyncio(loop_scope="module")

RUN: Json = {
    "assistant_id": "custom",
    "input": {"n": 12},
    "stream_mode": ["values", "updates", "custom"],
    "stream_resumable": True,
}
JOKE: Json = {"assistant_id": "joke", "input": {"topic": "ice"}, "stream_mode": "updates"}
FAILING: Json = {"assistant_id": "failing", "input": {"a": 0}, "stream_mode": "updates", "stream_resumable": True}
KEY = {"Idempotency-Key": str(uuid4())}


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What was done before the server was started anew; runs and threads by their paths."""

    streams: Sequence[Streamed]
    failed: Streamed
    not_resumable: Streamed
    stateless: Sequence[str]
    keyed: str
    asking: Json
    asked: Json
    late: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def before(data: Path) -> Before:
    async with life(data) as api:
        waits = [{**JOKE, "stream_resumable": resumable} for resumable in (True, False)]
        stateless = [await api.client.post("/runs/wait", json=body) for body in waits]
        keyed = await api.client.post(f"/threads/{await api.thread()}/runs/wait", json=waits[0], headers=KEY)
        asking = f"/threads/{await api.thread()}"
        asked = await api.post(f"{asking}/runs/wait", {"assistant_id": "pair", "input": {}})
        late = await api.client.post(f"/threads/{await api.thread()}/runs", json={**JOKE, "after_seconds": 600})
        return Before(
            streams=[
                await api.stream(path, RUN) for path in ("/runs/stream", f"/threads/{await api.thread()}/runs/stream")
            ],
            failed=await api.stream(f"/threads/{await api.thread()}/runs/stream", FAILING),
            not_resumable=await api.stream(f"/threads/{await api.thread()}/runs/stream", JOKE),
            stateless=[f"/runs/{answer.headers['content-location'].rpartition('/')[2]}" for answer in stateless],
            keyed=keyed.headers["content-location"],
            asking=await api.get(asking),
            asked=asked,
            late=late.headers["content-location"],
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(data: Path, before: Before) -> AsyncIterator[Api]:
    async with life(data) as api:
        yield api


async def _back(api: Api, path: str, cursor: str) -> Streamed:
    return await api.stream(path, method="GET", headers={"last-event-id": cursor})


def _plain(frames: Sequence[Frame]) -> list[Json]:
    return [frame.plain() for frame in frames if frame.event]


@pytest.mark.parametrize("which", [0, 1], ids=["stateless", "on a thread"])
async def test_what_was_kept_is_replayed_from_each_id(api: Api, before: Before, which: int) -> None:
    streamed = before.streams[which]
    path = streamed.headers["location"]

    for start in ("-1", "0", "-"):
        assert (await _back(api, path, start)).raw == streamed.raw
    for place, frame in enumerate(streamed.frames, 1):
        back = await _back(api, path, frame.id or "")
        assert _plain(back.frames) == _plain(streamed.frames[place:])
    assert (await api.stream(path, method="GET")).raw == b""
    assert (await api.client.get(path, headers={"last-event-id": "999"})).status_code == 422


async def test_error_and_metadata_are_replayed_and_no_filter_hides_them(api: Api, before: Before) -> None:
    path = before.failed.headers["location"]

    whole = await _back(api, path, "-1")
    filtered = [await _back(api, f"{path}?stream_mode={mode}", "-1") for mode in ("values", "custom,debug")]
    live = await api.stream(f"{path}?stream_mode=custom", method="GET")

    assert whole.raw == before.failed.raw
    assert [each.names for each in filtered] == [["metadata", "error"]] * 2
    assert live.names == ["error"]


async def test_a_filter_picks_modes_of_what_was_kept(api: Api, before: Before) -> None:
    streamed = before.streams[1]

    back = await _back(api, f"{streamed.headers['location']}?stream_mode=updates&stream_mode=values", "-1")

    assert _plain(back.frames) == [each for each in _plain(streamed.frames) if each["event"] != "custom"]


async def test_a_thread_is_watched_from_what_was_kept(api: Api, before: Before) -> None:
    streamed = before.streams[1]
    thread = streamed.headers["location"].partition("/runs/")[0]
    async with api.opened(f"{thread}/stream", method="GET", headers={"last-event-id": "-"}) as reader:
        frames = await reader.take(len(streamed.frames) + 1)

    assert _plain(frames[:-1]) == _plain(streamed.frames)
    assert frames[-1].data["status"] == "run_done"


async def test_a_stateless_run_that_may_be_joined_is_there(api: Api, before: Before) -> None:
    kept, gone = before.stateless

    row, joined, lost = await api.get(kept), await api.get(f"{kept}/join"), await api.call("GET", gone)
    deleted, after = await api.client.delete(kept), await api.call("GET", kept)

    assert (row["status"], joined["topic"]) == ("success", "ice and cats")
    assert (lost["status"], deleted.status_code, after["status"]) == (404, 204, 404)


async def test_of_a_run_that_is_not_resumable_there_is_the_value_alone(api: Api, before: Before) -> None:
    run = before.not_resumable.headers["content-location"]

    assert (await _back(api, f"{run}/stream", "-1")).raw == b""
    assert (await api.get(f"{run}/join"))["topic"] == "ice and cats"


async def test_a_key_is_known(api: Api, before: Before) -> None:
    runs, _, run_id = before.keyed.rpartition("/")
    body = {**JOKE, "stream_resumable": True}

    again = (await api.client.post(runs, json=body, headers=KEY)).json()
    streamed = await api.stream(f"{runs}/stream", body, headers=KEY)
    other = await api.client.post(runs, json={**body, "input": {"topic": "tea"}}, headers=KEY)

    assert (again["run_id"], again["status"], len(await api.get(runs))) == (run_id, "success", 1)
    assert streamed.names == ["metadata", "updates", "updates"]
    assert (other.status_code, other.json()["code"]) == (409, "REQUEST_ID_REUSED")


async def test_questions_wait_for_their_answers(api: Api, before: Before) -> None:
    thread = f"/threads/{before.asking['thread_id']}"
    answers = {each["id"]: each["value"] for each in before.asked["__interrupt__"]}

    now = await api.get(thread)
    values = await api.post(f"{thread}/runs/wait", {"assistant_id": "pair", "command": {"resume": answers}})

    assert now == before.asking
    assert sorted(values["log"]) == ["left left?", "right right?"]


async def test_a_run_that_waits_for_its_time_waits_on(api: Api, before: Before) -> None:
    thread = before.late.partition("/runs/")[0]

    row, busy = await api.get(before.late), await api.get(thread)
    await api.post(f"{before.late}/cancel?wait=1&action=rollback")
    free = await api.get(thread)

    assert (row["status"], busy["status"], free["status"]) == ("pending", "busy", "idle")


async def test_events_whose_time_has_passed_are_refused_by_name(tmp_path: Path) -> None:
    async with life(tmp_path, resumable_ttl=timedelta(0)) as api:
        streamed = await api.stream(f"/threads/{await api.thread()}/runs/stream", RUN)
    newest = int(streamed.frames[-1].id or "")
    async with life(tmp_path) as api:
        path = streamed.headers["location"]
        refused = [await api.client.get(path, headers={"last-event-id": cursor}) for cursor in ("-1", "0", "1")]
        last = await _back(api, path, str(newest))

    for answer in refused:
        body: Any = answer.json()
        assert (answer.status_code, body["code"]) == (416, "CURSOR_EXPIRED")
        assert int(body["metadata"]["newest_seq"]) == newest + 1
    assert (last.status, last.raw) == (200, b"")


async def test_of_more_than_is_kept_the_newest_are(tmp_path: Path) -> None:
    loud: Json = {
        **RUN,
        "assistant_id": "loud",
        "input": {"n": 20, "pad": 2000, "rounds": 5},
        "stream_mode": "custom",
        "durability": "sync",
    }
    async with life(tmp_path, kept_bytes_per_run=1 << 16) as api:
        streamed = await api.stream(f"/threads/{await api.thread()}/runs/stream", loud)
    async with life(tmp_path) as api:
        path = streamed.headers["location"]
        refused = (await api.client.get(path, headers={"last-event-id": "-1"})).json()
        oldest = int(refused["metadata"]["oldest_seq"])
        back = await _back(api, path, str(oldest - 1))

    assert (refused["code"], len(streamed.frames)) == ("CURSOR_EXPIRED", 101)
    assert 20 < oldest < 101
    assert _plain(back.frames) == _plain(streamed.frames[oldest - 1 :])
