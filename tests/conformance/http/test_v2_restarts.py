"""The v2 event protocol through restarts of the server: numbers and ids stay what they were, and what is gone is said."""

from pathlib import Path

import httpx
import pytest

from tests.conformance.http.lives import life
from tests.conformance.http.test_v2_events import ALL, ended, start, streamed, whole


async def test_a_run_is_the_same_after_a_restart(tmp_path: Path) -> None:
    async with life(tmp_path) as api:
        thread = await api.thread()
        await start(api, thread, "nested", {"foo": "x"})
        before = await whole(api, thread)
    async with life(tmp_path) as api:
        assert await whole(api, thread) == before
        assert await whole(api, thread, since=before[3]["seq"]) == before[4:]
        await start(api, thread, "nested", {"foo": "y"})
        after = await whole(api, thread, since=before[-1]["seq"])

    assert after[0]["params"]["data"]["event"] == "running"
    assert after[0]["seq"] > before[-1]["seq"]


async def test_a_cursor_whose_run_is_gone(tmp_path: Path) -> None:
    async with life(tmp_path) as api:
        thread = await api.thread()
        body = {"assistant_id": "joke", "input": {"topic": "ice"}, "stream_mode": ["values", "updates"]}
        await api.post(f"/threads/{thread}/runs/wait", body)
        before = await whole(api, thread)
    async with life(tmp_path) as api:
        path = f"/threads/{thread}/stream/events"
        gone = await api.client.post(path, json={"channels": ALL, "since": before[1]["seq"]})
        async with streamed(api, thread, "lifecycle", since=before[-1]["seq"]) as reader:
            await start(api, thread, "joke", {"topic": "tea"})
            frames = await reader.until(ended)

    assert (gone.status_code, gone.json()["code"]) == (416, "CURSOR_EXPIRED")
    assert len(frames) == 2


async def test_a_server_that_stops_cuts_the_line(tmp_path: Path) -> None:
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        async with life(tmp_path) as api:
            thread = await api.thread()
            await start(api, thread, "joke", {"topic": "ice"})
            await whole(api, thread, "lifecycle")
            url = f"{api.client.base_url}/threads/{thread}/stream/events"
            request = client.build_request("POST", url, json={"channels": ["lifecycle"]})
            response = await client.send(request, stream=True)
        with pytest.raises(httpx.RemoteProtocolError):
            await response.aread()
        await response.aclose()
