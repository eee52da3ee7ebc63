"""Callers that vanish: what waited for them is gone at once, and their runs go on unless they asked for the opposite."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.faults.gate import Gate
from tests.faults.http.held import Held, eventually, open_files
from tests.faults.http.talk import goes_on, new_thread, run, shown, streaming, told
from tests.faults.http.wire import Wire, get, post, wire
from tests.faults.process import served
from tests.support.serving import Server

MANY = 300
CYCLES = 600
GROWTH = 6 << 20
"""What may remain of hundreds of callers: noise of the allocator. One that stayed, with its connection, tasks and buffers, is some 20 KiB."""


async def _at_the_gate(url: str, gate: Gate, **fields: Any) -> str:
    """The path of a run that stands at the gate, on a thread of its own."""
    thread = await new_thread(url)
    made = await told(url, f"/threads/{thread}/runs", run("gate", {"port": gate.port, "name": thread}, **fields))
    await gate.entered(thread)
    return f"/threads/{thread}/runs/{made['run_id']}"


async def _status(url: str, path: str) -> str:
    status: str = (await shown(url, path))["status"]
    return status


@pytest.mark.parametrize("how", ["stream", "join", "thread", "replay"])
async def test_three_hundred_that_vanish_leave_nothing(held: Held, server: Server, gate: Gate, how: str) -> None:
    url = server.url
    path = await _at_the_gate(url, gate, stream_resumable=True)
    asked = {
        "stream": get(f"{path}/stream"),
        "replay": get(f"{path}/stream", "last-event-id: -1"),
        "join": get(f"{path}/join"),
        "thread": get(f"{path.partition('/runs')[0]}/stream"),
    }[how]
    before = held.now()
    async with AsyncExitStack() as stack:
        for _ in range(MANY):
            await stack.enter_async_context(streaming(url, asked))
        assert held.now().streams == before.streams + MANY

    await held.back_to(before)
    assert await _status(url, path) == "running"
    gate.release(path.split("/")[2])
    await shown(url, f"{path}/join")
    assert await _status(url, path) == "success"


@pytest.mark.parametrize("cancels", [False, True])
@pytest.mark.parametrize("how", ["runs/stream", "runs/wait"])
async def test_on_disconnect_decides_about_the_run(
    held: Held, server: Server, gate: Gate, how: str, cancels: bool
) -> None:
    url = server.url
    thread = await new_thread(url)
    fields = {"on_disconnect": "cancel"} if cancels else {}
    body = run("gate", {"port": gate.port, "name": thread}, **fields)
    before = held.now()
    async with streaming(url, post(f"/threads/{thread}/{how}", body)) as stream:
        path = stream.head.headers["content-location"]
        await gate.entered(thread)

    await _decided(url, gate, path, cancels)
    await held.back_to(before)


@pytest.mark.parametrize("cancels", [False, True])
@pytest.mark.parametrize("how", ["stream", "join"])
async def test_cancel_on_disconnect_decides_about_the_run(
    held: Held, server: Server, gate: Gate, how: str, cancels: bool
) -> None:
    url = server.url
    path = await _at_the_gate(url, gate)
    before = held.now()
    async with streaming(url, get(f"{path}/{how}?cancel_on_disconnect={int(cancels)}")):
        pass

    await _decided(url, gate, path, cancels)
    await held.back_to(before)


async def _decided(url: str, gate: Gate, path: str, cancels: bool) -> None:
    thread = path.split("/")[2]
    if cancels:
        await gate.left(thread)
    else:
        assert await _status(url, path) == "running"
        gate.release(thread)
    await shown(url, f"{path}/join")
    assert await _status(url, path) == ("interrupted" if cancels else "success")


async def test_hundreds_that_vanish_before_their_answer(held: Held, server: Server) -> None:
    """They ask, and are gone before the server has looked at it."""
    url = server.url
    thread = await new_thread(url)
    asked = (
        post("/runs/stream", run("ticks", {"n": 3}, on_disconnect="cancel")),
        post("/runs/wait", run("ticks", {"n": 3}, on_disconnect="cancel")),
        get(f"/threads/{thread}/stream"),
        get(f"/threads/{thread}/runs/{thread}/join"),
    )
    before = held.now()
    for number in range(MANY):
        async with wire(url) as line:
            line.writer.write(asked[number % len(asked)])
    await goes_on(url)
    await held.back_to(before)


async def _cycle(url: str, path: str, number: int) -> None:
    """Connects, reads the beginning of something that lasts, and vanishes."""
    asked = (
        get(f"{path}/stream", "last-event-id: -1"),
        get(f"{path}/join"),
        get(f"{path.partition('/runs')[0]}/stream"),
        post("/runs/stream", run("ticks", {"n": 2}, on_disconnect="cancel")),
    )[number % 4]
    async with streaming(url, asked):
        pass


async def cycles(url: str, path: str, times: int) -> None:
    """Some callers at a time, each on a connection of its own."""
    for begun in range(0, times, 20):
        await asyncio.gather(*(_cycle(url, path, begun + number) for number in range(20)))


async def test_memory_is_flat_over_hundreds_of_cycles(tmp_path: Path, gate: Gate) -> None:
    async with served(tmp_path / "data") as process:
        path = await _at_the_gate(process.url, gate, stream_resumable=True)
        await cycles(process.url, path, CYCLES)
        files, before = open_files(process.pid), process.rss
        await cycles(process.url, path, CYCLES)

        await eventually(lambda: process.rss - before < GROWTH, 40, lambda: f"{process.rss - before >> 10} KiB more")
        await eventually(lambda: open_files(process.pid) <= files + 2, 40, lambda: open_files(process.pid))
        await goes_on(process.url)


async def test_connections_that_ask_again_and_again_leave_memory_flat(tmp_path: Path) -> None:
    async def asks(line: Wire, times: int) -> None:
        for number in range(times):
            await line.say(get("/ok") if number % 2 else post("/threads/search", {"metadata": {"a": number}}))
            assert await line.hear()

    async with served(tmp_path / "data") as process, wire(process.url) as line:
        await asks(line, 2000)
        before = process.rss
        await asks(line, 2000)
        assert process.rss - before < GROWTH
