"""Promise 6 over HTTP: nobody slows the graph. A reader that does not read costs bounded memory, and is cut.

The stuck readers read the head of their stream and nothing more.
"""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.faults import promises
from tests.faults.gate import Gate
from tests.faults.http.talk import Frame, Stream, goes_on, new_thread, run, shown, streaming, told
from tests.faults.http.wire import Cut, get, post
from tests.faults.process import served
from tests.faults.test_slow_reader import BOUND, MANY, ROUND, ROUNDS, sampled

NARROW = 1024
"""How many bytes a stuck reader's side takes in before it says that it wants no more."""


class Stuck:
    """A stream whose reader has stopped reading, for as long as the block lasts."""

    def __init__(self, url: str, asked: bytes) -> None:
        self._opened = streaming(url, asked, NARROW)

    async def __aenter__(self) -> Stream:
        stream = await self._opened.__aenter__()
        stream.line.reader._transport.pause_reading()  # type: ignore[attr-defined]  # streams have no other way not to read
        return stream

    async def __aexit__(self, *_: object) -> None:
        await self._opened.__aexit__(None, None, None)


async def cut(url: str) -> None:
    """Returns when the server has no open stream any more: the others have ended, and the stuck one is given up."""
    async with asyncio.timeout(60):
        while await _streams(url):  # noqa: ASYNC110  it is another process
            await asyncio.sleep(0.1)


async def _streams(url: str) -> float:
    shown_now = await shown(url, "/metrics?format=json")
    (open_streams,) = (each["samples"] for each in shown_now if each["name"] == "graphwire_streams")
    return float(open_streams[0]["value"])


async def read_at_last(stream: Stream) -> list[Frame]:
    """What a stuck reader gets when it reads after all, up to its cut."""
    stream.line.reader._transport.resume_reading()  # type: ignore[attr-defined]  # as above
    got: list[Frame] = []
    async with asyncio.timeout(40):
        with pytest.raises(Cut):
            await stream.rest(got)
    return got


async def test_a_stuck_reader_is_cut_and_hinders_nobody(tmp_path: Path, gate: Gate) -> None:
    given = {"n": ROUND, "rounds": ROUNDS, "pad": 20, "port": gate.port}
    async with served(tmp_path / "data", write_timeout="PT5S", log_bytes_spare="0") as process:
        before, costs = process.rss, list[float]()
        for beside in (False, True):
            thread = await new_thread(process.url)
            made = await told(process.url, f"/threads/{thread}/runs", run("bursts", given))
            path = f"/threads/{thread}/runs/{made['run_id']}"
            async with sampled(process) as samples, AsyncExitStack() as stack:
                asked = get(f"{path}/stream")
                stuck = await stack.enter_async_context(Stuck(process.url, asked)) if beside else None
                other = await stack.enter_async_context(streaming(process.url, asked))
                begun = process.cpu
                got = await _in_rounds(other, gate)
                costs.append(process.cpu - begun)
                await shown(process.url, f"{path}/join")
                await goes_on(process.url)
                await cut(process.url)
                lost = await read_at_last(stuck) if stuck else []

    promises.nobody_slows_the_graph(*costs)
    promises.memory_is_bounded(before, samples, BOUND)
    assert [frame.data["i"] for frame in got if frame.event == "custom"] == list(range(MANY)), "who reads gets all"
    assert 0 < len(lost) < MANY
    assert all(each.event != "error" for each in lost), "an error would look like the run's"


async def _in_rounds(stream: Stream, gate: Gate) -> list[Frame]:
    """All of a run of which each round begins when all before it has been read."""
    got: list[Frame] = []
    await gate.entered("0")
    gate.release("0")
    async for frame in stream.frames():
        got.append(frame)
        number = len(got) // ROUND
        if len(got) % ROUND == 0 and number < ROUNDS:
            await gate.entered(str(number))
            gate.release(str(number))
    return got


async def test_a_reader_that_is_slow_gets_all(tmp_path: Path) -> None:
    """It takes less than the graph makes, but never stops: the log holds what it has not read yet."""
    given = {"n": 30_000, "pad": 100}
    got, asked = 0, post("/runs/stream", run("burst", given))
    async with (
        served(tmp_path / "data", write_timeout="PT3S") as process,
        streaming(process.url, asked, NARROW) as reader,
    ):
        async for frame in reader.frames():
            got += frame.event == "custom"
            if got % 900 == 0:
                await asyncio.sleep(0.1)  # its slowness, not a wait
    assert got == given["n"]


async def test_many_stuck_readers_cost_little(tmp_path: Path, gate: Gate) -> None:
    """Readers have no queue of their own: thirty that do not read cost what lies in their connections, which is one batch each, of a MiB at most."""
    readers, given = 30, {"more": 20_000, "pad": 100, "port": gate.port}
    async with served(tmp_path / "data", log_bytes_per_thread=str(4 << 20), log_bytes_spare="0") as process:
        url = process.url
        thread = await new_thread(url)
        await told(url, "/runs/wait", run("burst", {"n": 60_000, "pad": 20}))
        made = await told(url, f"/threads/{thread}/runs", run("gate", given))
        path = f"/threads/{thread}/runs/{made['run_id']}"
        await gate.entered()
        before = process.rss
        blocked = [Stuck(url, get(f"{path}/stream")) for _ in range(readers)]
        async with sampled(process) as samples:
            for each in blocked:
                await each.__aenter__()
            gate.release()
            await shown(url, f"{path}/join")
            for each in blocked:
                await each.__aexit__()

    promises.memory_is_bounded(before, samples, readers * (1 << 20) + (16 << 20))
