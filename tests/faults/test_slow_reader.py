"""Promise 6: nobody slows the graph. A reader that does not read costs bounded memory, and is ended with its cursor.

The stuck readers take the call and nothing more: without a read, HTTP/2's flow control stops the server after some 64 KiB.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from tests.faults import promises
from tests.faults.client import Client, new_thread
from tests.faults.gate import Gate
from tests.faults.history import OK, History, Recorder
from tests.faults.process import ServerProcess, connected, served

MANY = 200_000
BURST = {"n": MANY, "pad": 20}

ROUNDS = 8
ROUND = MANY // ROUNDS
"""As many events in rounds, each of which begins when the reader that reads has all before it: one that cannot keep up would rightly be ended too."""

PATIENT = "PT10M"
"""A write timeout that no test sees the end of: a run that waited for a reader would not end."""

BOUND = 80 << 20
"""How much a server may grow over a burst. It holds 32 MiB of events as it counts them, some 75,000 of these: about 45 MiB in Python. What LangGraph
has in its queue between node and engine, and what the allocator keeps, come on top. Keeping all 200,000 was measured to cost 100 to 140 MiB.
"""


@asynccontextmanager
async def sampled(process: ServerProcess) -> AsyncIterator[list[int]]:
    """The server's memory over the block, looked at every 50 ms."""
    samples = [process.rss]

    async def look() -> None:
        while True:
            samples.append(process.rss)
            await asyncio.sleep(0.05)

    task = asyncio.create_task(look())
    try:
        yield samples
    finally:
        task.cancel()
        await asyncio.wait({task})
        samples.append(process.rss)


async def test_a_stuck_reader_does_not_slow_the_graph(tmp_path: Path) -> None:
    async with (
        served(tmp_path / "data", log_bytes_spare="0", write_timeout=PATIENT) as process,
        process.client() as server,
        connected(process.address) as other,
    ):
        client, before = Client(server), process.rss
        begun = process.cpu
        await client.finished((await client.create("burst", new_thread(), BURST)).run_id)
        alone = process.cpu - begun

        stuck = Client(other)
        async with sampled(process) as samples:
            begun = process.cpu
            stuck_reader = await stuck.stream("burst", new_thread(), BURST).joined()
            await client.finished(stuck_reader.history.run_id)
            promises.nobody_slows_the_graph(alone, process.cpu - begun)
        history = await stuck_reader.read()

    promises.memory_is_bounded(before, samples, BOUND)
    assert history.ending is not None
    assert (history.ending.code, history.ending.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_READER")
    promises.told_why(history)
    promises.complete(history)
    assert history.last_seq < MANY


async def test_a_reader_that_reads_gets_all_beside_a_stuck_one(tmp_path: Path, gate: Gate) -> None:
    given = {"n": ROUND, "rounds": ROUNDS, "pad": 20, "port": gate.port}
    async with (
        served(tmp_path / "data", log_bytes_spare="0") as process,
        process.client() as server,
        connected(process.address) as other,
    ):
        client, stuck = Client(server, Recorder()), Client(other, Recorder())
        reader = await client.stream("bursts", new_thread(), given).joined()
        await stuck.join(reader.history.run_id, 0, "stuck").joined()
        before = process.rss

        async with sampled(process) as samples:
            for number in range(ROUNDS):
                await gate.entered(str(number))
                gate.release(str(number))
                await reader.read(upto=1 + (number + 1) * ROUND)
            history = await reader.read()

    promises.memory_is_bounded(before, samples, BOUND)
    promises.all_saw_the_end([history])
    promises.complete(history)
    promises.well_formed(history)
    assert history.kinds.count("custom") == MANY


@pytest.mark.parametrize(("spare", "code"), [(str(512 << 20), "OK"), ("0", "RESOURCE_EXHAUSTED")])
async def test_a_reader_that_lags_behind_large_events_gets_all_while_there_is_room(
    tmp_path: Path, spare: str, code: str
) -> None:
    """It does not read until the run has ended: three times what one thread may hold."""
    async with served(tmp_path / "data", log_bytes_spare=spare) as process, process.client() as server:
        client = Client(server)
        async with connected(process.address) as other:
            reader = await Client(other).stream("burst", new_thread(), {"n": 50, "pad": 2_000_000}).joined()
            await client.finished(reader.history.run_id)
            history = await reader.read()

    assert history.ending is not None
    assert history.ending.code.name == code
    promises.complete(history)


async def test_the_cursor_of_a_reader_that_was_given_up_is_the_last_that_it_got(tmp_path: Path) -> None:
    """It was given up while a message waited for it. Whatever reached it, the cursor must be that, or it would see events twice or never."""
    async with served(tmp_path / "data", write_timeout="PT0.4S") as process, process.client() as server:
        client = Client(server)
        thread = new_thread()
        async with connected(process.address) as other:
            reader = await Client(other, client.recorder).stream("burst", thread, {"n": 16_000, "pad": 400}).joined()
            await client.finished(reader.history.run_id)
            await _said(process, "SLOW_READER")
            history = await reader.read()
        rest = await _goes_on(client, history, history.last_seq)

    assert history.ending is not None
    assert (history.ending.code, history.ending.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_READER")
    promises.complete(history)
    promises.told_why(history)
    for each in rest:
        promises.complete(each)
    assert [*history.seqs, *(seq for each in rest for seq in each.seqs)] == list(range(1, 16_004))


async def test_a_reader_given_up_in_the_middle_of_a_large_event_gets_it_again(tmp_path: Path) -> None:
    """Each event goes in four pieces. The cursor is the last event that came whole."""
    async with served(tmp_path / "data", write_timeout="PT0.4S") as process, process.client() as server:
        client = Client(server)
        async with connected(process.address) as other:
            given = {"n": 4, "pad": 3_500_000}
            reader = await Client(other, client.recorder).stream("burst", new_thread(), given).joined()
            await client.finished(reader.history.run_id)
            await _said(process, "SLOW_READER")
            history = await reader.read()
        assert history.ending is not None
        rest = await _goes_on(client, history, history.ending.after_seq)

    assert [*_whole(history), *(seq for each in rest for seq in _whole(each))] == list(range(1, 8))


async def _goes_on(client: Client, history: History, after_seq: int) -> list[History]:
    """What a client gets that comes back and reads: with so short a patience, a busy machine may have it given up again, and it comes back again."""
    rest: list[History] = []
    while not rest or rest[-1].ending != OK:
        rest.append(await client.join(history.run_id, after_seq, f"goes on, {len(rest)}").read())
        if rest[-1].ending != OK:
            assert rest[-1].ending is not None
            assert rest[-1].ending.reason == "SLOW_READER"
            after_seq = rest[-1].ending.after_seq
    return rest


def _whole(history: History) -> list[int]:
    """The numbers of the events that came whole."""
    return [
        seen.seq
        for seen in history.seen
        if seen.kind != "fragment" or seen.event.fragment.index == seen.event.fragment.count - 1
    ]


async def _said(process: ServerProcess, what: str) -> None:
    """Waits until the server has logged something."""
    async with asyncio.timeout(40):
        while what not in process.log:  # noqa: ASYNC110  it is another process
            await asyncio.sleep(0.02)  # a file tells nobody


async def test_many_stuck_readers_cost_little(tmp_path: Path, gate: Gate) -> None:
    """Readers have no queue of their own: thirty that do not read cost what lies in their connections, which is one message that waits, of a MiB at
    most, and flow control's buffers. Were each event kept for each reader, these would be 90 MiB.
    """
    readers, given = 30, {"more": 20_000, "pad": 100, "port": gate.port}
    async with (
        served(tmp_path / "data", log_bytes_per_thread=str(4 << 20), log_bytes_spare="0") as process,
        process.client() as server,
    ):
        client = Client(server)
        await client.finished((await client.create("burst", new_thread(), {"n": 60_000, "pad": 20})).run_id)
        run = await client.create("gate", new_thread(), given)
        await gate.entered()
        before = process.rss
        async with connected(process.address) as other, sampled(process) as samples:
            stuck = Client(other)
            for number in range(readers):
                await stuck.join(run.run_id, client=f"stuck {number}").joined()
            gate.release()
            await client.finished(run.run_id)

    promises.memory_is_bounded(before, samples, readers * (1 << 20) + (16 << 20))
