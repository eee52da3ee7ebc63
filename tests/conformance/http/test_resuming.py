"""Coming back to a stream with Last-Event-ID (wire facts 10 and 30 to 33): without a seam, or with a refusal, never with less."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.conformance.http.api import Api, Streamed
from tests.conformance.http.conftest import APP
from tests.conformance.http.held import at_gate, held_body, new_name
from tests.conformance.http.sse import PATIENCE, Frame
from tests.faults.gate import Gate
from tests.support.serving import running

pytestmark = pytest.mark.asyncio(loop_scope="module")

RUN = {
    "assistant_id": "custom",
    "input": {"n": 12},
    "stream_mode": ["values", "updates", "custom", "debug"],
    "stream_resumable": True,
}
"""More than nine events, so that an order of texts is not that of numbers."""


async def _back(api: Api, streamed: Streamed, cursor: str) -> Streamed:
    return await api.stream(streamed.headers["location"], method="GET", headers={"last-event-id": cursor})


def _ids(frames: Sequence[Frame]) -> list[int]:
    return [int(frame.id or "none") for frame in frames]


async def test_ids_are_ascending_numbers(api: Api) -> None:
    thread_id = await api.thread()
    first = await api.stream(f"/threads/{thread_id}/runs/stream", RUN)
    second = await api.stream(f"/threads/{thread_id}/runs/stream", RUN)

    ids = _ids([*first.frames, *second.frames])
    assert len(first.frames) > 12
    assert ids == sorted(set(ids))
    assert [str(each) for each in ids] == [frame.id for frame in (*first.frames, *second.frames)]


@pytest.mark.parametrize("path", ["/runs/stream", "/threads/{}/runs/stream"])
async def test_every_id_is_a_way_back_without_a_seam(api: Api, path: str) -> None:
    streamed = await api.stream(path.format(await api.thread()), RUN)

    for place, frame in enumerate(streamed.frames, 1):
        back = await _back(api, streamed, frame.id or "")
        assert [each.plain() for each in back.frames] == [each.plain() for each in streamed.frames[place:]]


@pytest.mark.parametrize("cursor", ["-1", "0", "-"])
async def test_the_start_has_three_names(api: Api, cursor: str) -> None:
    thread = f"/threads/{await api.thread()}"
    await api.post(f"{thread}/runs/wait", {"assistant_id": "joke", "input": {"topic": "ice"}})
    streamed = await api.stream(f"{thread}/runs/stream", RUN)

    back = await _back(api, streamed, cursor)

    assert back.raw == streamed.raw


async def test_a_replay_goes_on_live(api: Api, gate: Gate) -> None:
    name = new_name()
    body = held_body(gate, name, {"n": 5, "more": 5}, stream_resumable=True)
    async with api.opened(f"/threads/{await api.thread()}/runs/stream", body) as reader:
        await gate.entered(name)
        before = await reader.take(7)
        async with (
            api.opened(reader.headers["location"], method="GET", headers={"last-event-id": "-1"}) as whole,
            api.opened(reader.headers["location"], method="GET", headers={"last-event-id": "3"}) as tail,
        ):
            gate.release(name)
            frames = [*before, *await reader.rest()]
            replayed, rest = await asyncio.gather(whole.rest(), tail.rest())

    assert len(frames) == 13
    assert replayed == frames
    assert rest == [frame for frame in frames if int(frame.id or 0) > 3]


async def test_a_failed_run_is_replayed_with_its_error(api: Api) -> None:
    run = {"assistant_id": "failing", "input": {"a": 0}, "stream_mode": "updates", "stream_resumable": True}
    streamed = await api.stream("/runs/stream", run)

    assert streamed.names == ["metadata", "updates", "error"]
    assert (await _back(api, streamed, "-1")).raw == streamed.raw
    assert (await _back(api, streamed, streamed.frames[1].id or "")).names == ["error"]


async def test_without_an_id_a_resumable_run_is_joined_live(api: Api) -> None:
    streamed = await api.stream(f"/threads/{await api.thread()}/runs/stream", RUN)

    assert (await api.stream(streamed.headers["location"], method="GET")).raw == b""
    assert (await _back(api, streamed, "")).raw == b""


@pytest.mark.parametrize("cursor", ["-1", "0", "-", "1", "999999", "nonsense"])
async def test_a_run_that_is_not_resumable_has_no_ids_and_replays_nothing(api: Api, cursor: str) -> None:
    streamed = await api.stream(f"/threads/{await api.thread()}/runs/stream", {**RUN, "stream_resumable": False})

    back = await _back(api, streamed, cursor)

    assert {frame.id for frame in streamed.frames} == {None}
    assert (back.status, back.raw) == (200, b"")


@pytest.mark.parametrize(
    "cursor", ["999999", "nonsense", "1-0", "-2", "1.5", "0x1", "\u00b2".encode(), "9" * 40, "1 2"]
)
async def test_an_id_that_no_event_has_is_refused(api: Api, cursor: str | bytes) -> None:
    streamed = await api.stream(f"/threads/{await api.thread()}/runs/stream", RUN)

    headers = httpx.Headers([(b"last-event-id", cursor if isinstance(cursor, bytes) else cursor.encode())])
    answer = await api.client.get(streamed.headers["location"], headers=headers)

    assert answer.status_code == 422
    assert answer.json()["code"] == "INVALID_FIELD"
    assert answer.json()["field"] == "Last-Event-ID"


async def test_an_id_beyond_the_newest_event_of_a_run_at_work_is_refused(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate, stream_resumable=True) as held:
        answer = await api.client.get(f"{held.path}/stream", headers={"last-event-id": "999999"})

    assert (answer.status_code, answer.json()["field"]) == (422, "Last-Event-ID")


async def test_the_newest_id_is_followed_by_nothing(api: Api) -> None:
    streamed = await api.stream(f"/threads/{await api.thread()}/runs/stream", RUN)

    assert (await _back(api, streamed, streamed.frames[-1].id or "")).raw == b""


LOUD = {
    **RUN,
    "assistant_id": "loud",
    "input": {"n": 20, "pad": 2000, "rounds": 20},
    "stream_mode": "custom",
    "durability": "sync",
}
"""Almost a MB of events, which are made no faster than they are kept."""


async def test_events_that_are_gone_are_a_refusal_that_names_what_is_left(tmp_path: Path) -> None:
    async with (
        running(tmp_path, APP, log_bytes_per_thread=1 << 18, log_bytes_spare=0, kept_bytes_per_run=1 << 16) as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False) as client,
    ):
        api = Api(client)
        runs = f"/threads/{await api.thread()}/runs"
        await api.post(f"{runs}/wait", LOUD)
        path = f"{runs}/{(await api.get(runs))[0]['run_id']}/stream"
        refused = await client.get(path, headers={"last-event-id": "1"})
        whole = await client.get(path, headers={"last-event-id": "-1"})
        oldest = int(refused.json()["metadata"]["oldest_seq"])
        back = await api.stream(path, method="GET", headers={"last-event-id": str(oldest - 1)})

    for answer in (refused, whole):
        assert (answer.status_code, answer.json()["code"]) == (416, "CURSOR_EXPIRED")
    # The first event was the metadata, and the last one has no frame here.
    assert _ids(back.frames) == list(range(oldest, 402))
    assert oldest > 100


async def test_events_are_kept_for_their_time_and_then_refused(tmp_path: Path) -> None:
    async with (
        running(tmp_path, APP, resumable_ttl=timedelta(0)) as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False) as client,
    ):
        api = Api(client)
        streamed = await api.stream(f"/threads/{await api.thread()}/runs/stream", RUN)
        path = streamed.headers["location"]
        async with asyncio.timeout(PATIENCE):
            while (gone := await client.get(path, headers={"last-event-id": "-1"})).status_code == 200:
                assert gone.content == streamed.raw
        last = await client.get(path, headers={"last-event-id": streamed.frames[-1].id or ""})
        live = await client.get(path)

    assert (gone.status_code, gone.json()["code"]) == (416, "CURSOR_EXPIRED")
    assert int(gone.json()["metadata"]["newest_seq"]) == int(streamed.frames[-1].id or "") + 1
    assert (last.status_code, last.content) == (live.status_code, live.content) == (200, b"")
