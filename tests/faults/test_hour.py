"""An hour's worth of events through one thread with a resumable log: memory and file stay bounded, and each cursor gets all that lies behind it, or is told why not.

`FAULT_EVENTS=180000` makes it the hour, at 50 events a second, as fast as the graph can; it prints the figures.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from graphwire.v1.run_pb2 import RUN_STATUS_SUCCESS
from graphwire_server.storage.sqlite.database import DATABASE_FILE
from tests.faults import promises
from tests.faults.client import Client, new_thread
from tests.faults.history import History, Recorder
from tests.faults.process import ServerProcess, connected, served

EVENTS = int(os.environ.get("FAULT_EVENTS", "18000"))
TOKEN = 12
"""How many characters one has."""

RESUMABLE = {"stream_resumable": True}
GRAPH = {"pad": TOKEN, "pause": 0.001}

LOG = 1 << 20
KEPT = 2 << 20
"""What is held in memory and kept in the database, where the bounds are tight: about 2,000 and 4,500 of these events."""

MEMORY = 64 << 20
"""How much a server may grow over what it holds: LangGraph's own queue between the node and the server, and the allocator's spare."""

pytestmark = pytest.mark.timeout(300 + EVENTS // 500)  # the whole takes minutes


@dataclass(slots=True)
class Growth:
    """What a server needs, looked at every 50 ms."""

    process: ServerProcess
    memory: list[int] = field(default_factory=list)
    database: list[int] = field(default_factory=list)
    log: list[int] = field(default_factory=list)

    def look(self) -> None:
        self.memory.append(self.process.rss)
        path = self.process.data_dir / DATABASE_FILE
        self.database.append(path.stat().st_size)
        self.log.append(path.with_name(f"{path.name}-wal").stat().st_size)

    def __str__(self) -> str:
        return (
            f"memory {self.memory[0] >> 20} MiB, at most {max(self.memory) >> 20} MiB; "
            f"database at most {max(self.database) >> 10} KiB, its write-ahead log {max(self.log) >> 10} KiB"
        )


@asynccontextmanager
async def growing(process: ServerProcess) -> AsyncIterator[Growth]:
    """What it needs over a block."""
    growth = Growth(process)
    growth.look()

    async def look() -> None:
        while True:
            await asyncio.sleep(0.05)
            growth.look()

    task = asyncio.create_task(look())
    try:
        yield growth
    finally:
        task.cancel()
        await asyncio.wait({task})
        growth.look()


def _told(capsys: pytest.CaptureFixture[str], what: str, seconds: float, growth: Growth) -> None:
    with capsys.disabled():
        print(f"\n{what}: {EVENTS} events, {EVENTS / seconds:.0f} a second; {growth}")


async def test_a_stuck_reader_of_one_long_run_gets_all_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It reads nothing until the run has ended: what memory no longer holds comes from the database."""
    async with (
        served(tmp_path / "data", log_bytes_per_thread=str(LOG), log_bytes_spare="0") as process,
        process.client() as server,
    ):
        client = Client(server)
        async with connected(process.address) as other, growing(process) as growth:
            begun = time.monotonic()
            stuck = (
                await Client(other, Recorder())
                .stream("burst", new_thread(), {"n": EVENTS, **GRAPH}, **RESUMABLE)
                .joined()
            )
            row = await client.finished(stuck.history.run_id, within=600)
            seconds = time.monotonic() - begun
            history = await stuck.read()
        _told(capsys, "one run, all kept", seconds, growth)

    assert row.status == RUN_STATUS_SUCCESS
    promises.all_saw_the_end([history])
    promises.well_formed(history)
    promises.complete(history)
    assert history.seqs == list(range(1, EVENTS + 4))
    promises.memory_is_bounded(growth.memory[0], growth.memory, LOG + MEMORY)


async def test_of_one_long_run_the_newest_part_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A cursor that fell behind it is told the oldest, and gets all from there; one that streams and falls behind is told where it was."""
    settings = {"log_bytes_per_thread": str(LOG // 4), "log_bytes_spare": "0", "kept_bytes_per_run": str(KEPT)}
    async with served(tmp_path / "data", **settings) as process, process.client() as server:
        client = Client(server)
        async with growing(process) as growth:
            begun = time.monotonic()
            history = await client.stream("burst", new_thread(), {"n": EVENTS, **GRAPH}, **RESUMABLE).read()
            await client.finished(history.run_id, within=600)
            seconds = time.monotonic() - begun
        refused = await client.join(history.run_id, 1, "came too late").read()
        oldest = _oldest(refused)
        rest = await client.join(history.run_id, oldest - 1, "from the oldest").read()
        before = await client.join(history.run_id, oldest - 2, "one before").read()
        _told(capsys, f"one run, {KEPT >> 20} MiB kept", seconds, growth)

    promises.well_formed(history)
    promises.complete(history)
    promises.all_saw_the_end([rest])
    promises.complete(rest)
    assert rest.seqs[0] == oldest
    promises.same_event_under_same_seq([history, rest])
    assert _oldest(before) == oldest
    promises.memory_is_bounded(growth.memory[0], growth.memory, MEMORY)
    promises.file_is_bounded(growth.database, 2 * KEPT)
    promises.file_is_bounded(growth.log, WAL)


SHORT = 8 << 20
"""How large the database may become where what is kept goes after half a second: all of the hour would be more."""

WAL = 48 << 20
"""How large the write-ahead log may become while writes never stop: it starts anew from 8,000 pages, 32 MiB, on."""


def _oldest(refused: History) -> int:
    """The oldest number that a reader is told that was refused."""
    told = refused.ending
    assert told is not None
    assert refused.seen == []
    assert (told.code, told.reason) == (grpc.StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED")
    return int(told.metadata["oldest_seq"])


async def test_many_short_runs_on_one_thread(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was kept of one goes when its time has passed, so the file grows with what is kept at a time, and not with the hour."""
    each = 300
    settings = {"log_bytes_per_thread": str(LOG), "log_bytes_spare": "0", "resumable_ttl": "PT0.5S"}
    thread = new_thread()
    async with served(tmp_path / "data", **settings) as process, process.client() as server:
        client = Client(server)
        watch = await client.watch(await _with_a_run(client, thread), 0).joined()
        watching = asyncio.create_task(watch.read())
        async with growing(process) as growth:
            begun = time.monotonic()
            for number in range(EVENTS // each):
                streamed = await client.stream("burst", thread, {"n": each, "pad": TOKEN}, **RESUMABLE).read()
                if number % 50 == 0:
                    promises.complete(streamed)
            seconds = time.monotonic() - begun
        await watch.reached(streamed.last_seq)
        watching.cancel()
        await asyncio.wait([watching])
        _told(capsys, f"{EVENTS // each} runs", seconds, growth)

    promises.ordered(watch.history)
    promises.unique(watch.history)
    promises.complete(watch.history)
    assert watch.history.seqs[0] == 1
    promises.memory_is_bounded(growth.memory[0], growth.memory, LOG + MEMORY)
    promises.file_is_bounded(growth.database, SHORT)
    promises.file_is_bounded(growth.log, WAL)


async def _with_a_run(client: Client, thread: str) -> str:
    await client.finished((await client.create("ticks", thread, {"n": 1})).run_id)
    return thread
