"""SIGTERM and kill -9 while callers are attached over HTTP: runs get the grace or go on in the next process, nobody takes a cut for an end, and nobody hangs."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from tests.faults import promises
from tests.faults.gate import Gate
from tests.faults.http.talk import Frame, Stream, new_thread, run, shown, streaming, told
from tests.faults.http.wire import Cut, Heard, exchange, get, post, request, wire
from tests.faults.lives import lives
from tests.faults.process import served


async def _started(url: str, gate: Gate, **fields: Any) -> str:
    """The path of a run that stands at the gate."""
    thread = await new_thread(url)
    made = await told(url, f"/threads/{thread}/runs", run("gate", {"port": gate.port}, **fields))
    await gate.entered()
    return f"/threads/{thread}/runs/{made['run_id']}"


async def _draining(url: str) -> Heard:
    """Waits until the server says that it stops."""
    async with asyncio.timeout(40):
        while True:
            heard = await exchange(url, get("/ok"))
            if heard is not None and heard.status != 200:
                return heard


async def _waited(stream: Stream) -> Any:
    """What a wait answers. Raises Cut."""
    text = b""
    while part := await stream.line.chunk():
        text += part
    return httpx.Response(200, content=text).json()


async def _cut(stream: Stream) -> list[Frame]:
    """What a stream brings before its connection is cut."""
    got: list[Frame] = []
    with pytest.raises(Cut):
        await stream.rest(got)
    return got


async def test_what_is_under_way_gets_the_grace_and_what_is_new_is_refused(tmp_path: Path, gate: Gate) -> None:
    async with served(tmp_path / "data", drain_grace="PT60S") as process, AsyncExitStack() as stack:
        url = process.url
        path = await _started(url, gate)
        opened = [get(f"{path}/stream"), get(f"{path}/join"), get(f"{path.partition('/runs')[0]}/stream")]
        stream, join, watch = [await stack.enter_async_context(streaming(url, each)) for each in opened]
        process.terminate()
        unwell = await _draining(url)
        refused = [
            await exchange(url, post(f"/{kind}", run("ticks", {"n": 1})))
            for kind in ("runs", "runs/stream", "runs/wait")
        ]
        gate.release()
        frames, value, watched = await stream.rest(), await _waited(join), await _cut(watch)
        status = await process.ended()

    assert status == 0
    assert (unwell.status, unwell.json["code"]) == (503, "DRAINING")
    for each in (unwell, *refused):
        assert each is not None
        assert each.status == 503
        assert int(each.headers["retry-after"]) >= 1
    assert frames[-1].event == "updates"
    assert value["trail"] == [" knocked", " passed"]
    assert watched[-1].data["status"] == "run_done", "a watch has no end of its own, so it is cut"
    assert "Traceback" not in process.log
    assert "Exception" not in process.log


async def test_a_run_that_outlives_the_grace_is_cut_and_goes_on_in_the_next_process(tmp_path: Path, gate: Gate) -> None:
    """Its lines are cut, not closed: it has not ended. Who comes back with the last id gets the rest, and nothing twice."""
    async with served(tmp_path / "data", drain_grace="PT0.3S", max_losses="0") as process, AsyncExitStack() as stack:
        url = process.url
        path = await _started(url, gate, stream_resumable=True)
        stream = await stack.enter_async_context(streaming(url, get(f"{path}/stream", "last-event-id: -1")))
        join = await stack.enter_async_context(streaming(url, get(f"{path}/join")))
        process.terminate()
        frames = await _cut(stream)
        with pytest.raises(Cut):
            await _waited(join)
        assert await process.ended() == 0
        assert "Traceback" not in process.log
        await process.start()
        rest = await _rest(process.url, gate, f"{path}/stream", frames[-1])
        value = await shown(process.url, f"{path}/join")

    promises.complete_ids("who came back", [int(frame.id) for frame in (*frames, *rest)], len(frames) + len(rest))
    assert (rest[0].event, rest[0].data["attempt"]) == ("metadata", 2)
    assert [frame.event for frame in rest[1:]] == ["custom", "updates", "updates"]
    assert value["trail"] == [" knocked", " passed"]


async def _rest(url: str, gate: Gate, path: str, last: Frame) -> list[Frame]:
    """What a client gets that comes back behind an event; its run, which stands at the gate again, may go on."""
    async with streaming(url, get(path, f"last-event-id: {last.id}")) as again:
        await gate.entered()
        gate.release()
        return await again.rest()


async def test_who_waits_for_a_run_whose_turn_does_not_come_is_cut(tmp_path: Path, gate: Gate) -> None:
    """The run gets its turn at the next start. A clean end would look as if it had ended, and a 500 as if it had failed."""
    async with served(tmp_path / "data", drain_grace="PT0.3S") as process, AsyncExitStack() as stack:
        url = process.url
        thread = (await _started(url, gate)).split("/")[2]
        waiting = await told(url, f"/threads/{thread}/runs", run("ticks", {"n": 1, "name": "patient"}))
        path = f"/threads/{thread}/runs/{waiting['run_id']}"
        stream = await stack.enter_async_context(streaming(url, get(f"{path}/stream")))
        join = await stack.enter_async_context(streaming(url, get(f"{path}/join")))
        process.terminate()
        assert await _cut(stream) == []
        with pytest.raises(Cut):
            await _waited(join)
        assert await process.ended() == 0
        assert "Traceback" not in process.log
        await process.start()
        await gate.entered()
        gate.release()
        value = await shown(process.url, f"{path}/join")

    assert value["trail"] == [" knocked", " passed", "patient"]


async def test_the_sdk_comes_back_through_a_stop_and_a_kill(tmp_path: Path, gate: Gate) -> None:
    """One stream and one wait of the official client, over two deaths of their server."""
    async with (
        lives(tmp_path / "data", drain_grace="PT0.2S") as server,
        get_client(url=server.process.url, api_key=None) as sdk,
    ):
        names = ["streams", "waits"]
        streamed, waited = [asyncio.create_task(_used(sdk, gate, name)) for name in names]
        for end in (server.process.stop, server.kill):
            for name in names:
                await gate.entered(name)
            await end()
            for name in names:
                await gate.left(name)
            await server.again()
        for name in names:
            await gate.entered(name)
            gate.release(name)
        parts, value = await streamed, await waited

    promises.complete_ids("the SDK", [int(part.id) for part in parts], len(parts))
    # What a killed process has not kept yet, nobody was shown: the second attempt may have come to no more than the gate.
    assert [part.data["attempt"] for part in parts if part.event == "metadata"] in ([1, 2, 3], [1, 3])
    assert value["trail"] == ["waits knocked", "waits passed"]


async def _used(sdk: LangGraphClient, gate: Gate, name: str) -> Any:
    """What the official client gives of a run at the gate: its stream, or its value."""
    thread = (await sdk.threads.create())["thread_id"]
    given: dict[str, Any] = {"port": gate.port, "name": name}
    if name == "waits":
        with pytest.warns(UserWarning, match="attempting reconnect"):
            return await sdk.runs.wait(thread, "gate", input=given)
    parts = sdk.runs.stream(thread, "gate", input=given, stream_mode=["custom", "updates"], stream_resumable=True)
    return [part async for part in parts]


async def test_enemies_do_not_hold_the_server_up(tmp_path: Path) -> None:
    """A stuck reader, half a request, half a body, and a connection that is idle."""
    async with served(tmp_path / "data", drain_grace="PT0.3S") as process, AsyncExitStack() as stack:
        url = process.url
        body = post("/runs/stream", run("burst", {"n": 20_000, "pad": 100}))
        stuck = await stack.enter_async_context(streaming(url, body, limit=1024))
        stuck.line.reader._transport.pause_reading()  # type: ignore[attr-defined]  # streams have no other way not to read
        half = await stack.enter_async_context(wire(url))
        await half.say(b"GET /ok HTTP/1.1\r\nho")
        body_half = await stack.enter_async_context(wire(url))
        await body_half.say(request("POST", "/threads", "content-length: 100"), b"{")
        idle = await stack.enter_async_context(wire(url))
        await idle.say(get("/ok"))
        assert await idle.hear()
        process.terminate()
        status = await process.ended(within=25)
        left = await body_half.ended()

    assert status == 0
    assert b"500" not in left, "a request that was cut short by the stop is no defect"
    assert "Traceback" not in process.log


async def test_after_kill_9_who_comes_back_gets_the_rest(tmp_path: Path, gate: Gate) -> None:
    async with served(tmp_path / "data") as process:
        path = await _started(process.url, gate, stream_resumable=True)
        async with (
            streaming(process.url, get(f"{path}/stream", "last-event-id: -1")) as stream,
            streaming(process.url, get(f"{path}/join")) as join,
        ):
            begun, first = await stream.first("metadata"), await stream.first("custom")
            await process.kill()
            frames = [begun, first, *await _cut(stream)]
            with pytest.raises(Cut):
                await _waited(join)
        await gate.left()
        await process.start()
        rest = await _rest(process.url, gate, f"{path}/stream", frames[-1])
        whole = await exchange(process.url, get(f"{path}/stream", "last-event-id: -1"))
        value, row = await shown(process.url, f"{path}/join"), await shown(process.url, path)

    promises.complete_ids("who came back", [int(frame.id) for frame in (*frames, *rest)], len(frames) + len(rest))
    assert row["status"] == "success"
    assert row["attempt"] == 2
    assert value["trail"] == [" knocked", " passed"]
    assert whole is not None
    assert whole.body.count(b"\r\nid: ") == len(frames) + len(rest), "all of it can still be read"


async def test_after_kill_9_a_run_that_is_not_resumable_is_joined_live(tmp_path: Path, gate: Gate) -> None:
    """What the dead process alone knew is gone; the run goes on."""
    async with served(tmp_path / "data") as process:
        path = await _started(process.url, gate)
        await process.kill()
        await gate.left()
        await process.start()
        await gate.entered()
        async with streaming(process.url, get(f"{path}/stream")) as live:
            gate.release()
            frames = await live.rest()
        value, row = await shown(process.url, f"{path}/join"), await shown(process.url, path)

    assert [frame.event for frame in frames] == ["custom", "updates", "updates"]
    assert (row["status"], row["attempt"]) == ("success", 2)
    assert value["trail"] == [" knocked", " passed"]
