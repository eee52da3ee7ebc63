"""Promise 3 for runs that readers may come back to (`stream_resumable`): for a time after their end all is replayed, then the reader is told why not."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from graphwire.v1.run_pb2 import RUN_STATUS_SUCCESS
from graphwire_server import app
from graphwire_server.core.worker import Worker
from tests.faults import promises
from tests.faults.client import Client, new_thread
from tests.faults.gate import Gate
from tests.faults.history import Ending
from tests.faults.process import APP, served
from tests.support.serving import running

KEPT = timedelta(seconds=120)
NOT_FOUND = (grpc.StatusCode.NOT_FOUND, "RUN_NOT_FOUND")
EXPIRED = (grpc.StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED")


class Time:
    """The time of a server, which a test can let pass."""

    def __init__(self) -> None:
        self.passed = timedelta(0)
        self._morning = asyncio.Event()

    def worker(self, executor: Any, logs: Any, clock: Any, grace: timedelta) -> Worker:
        def now() -> datetime:
            later: datetime = clock() + self.passed
            return later

        return Worker(executor, logs, now, grace, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        await self._morning.wait()
        self._morning.clear()

    def pass_(self, time: timedelta) -> None:
        self.passed += time
        self._morning.set()


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(app, "Worker", made.worker)
    return made


@pytest.fixture
async def aging(tmp_path: Path, time: Time) -> AsyncIterator[Client]:
    """A client of a server whose time the test lets pass."""
    async with running(tmp_path, APP) as server:
        yield Client(server)


async def test_a_stateless_run_is_joined_after_its_end_and_gone_after_its_time(aging: Client, time: Time) -> None:
    streamed = await aging.stream("ticks", None, {"n": 5}, stream_resumable=True).read()
    late = [await aging.join(streamed.run_id, after, f"after {after}").read() for after in (0, 3, streamed.last_seq)]
    live = await aging.join(streamed.run_id, client="without a cursor").read()
    row = await aging.finished(streamed.run_id)

    time.pass_(KEPT)
    gone = await _until_gone(aging, streamed.run_id)

    assert late[0].kinds == streamed.kinds
    assert late[1].seqs == streamed.seqs[3:]
    assert late[2].kinds == live.kinds == ["end"]
    promises.all_saw_the_end([streamed, *late, live])
    promises.same_event_under_same_seq(aging.recorder.histories)
    for history in (streamed, *late, live):
        promises.well_formed(history)
    assert (row.status, row.last_seq) == (RUN_STATUS_SUCCESS, streamed.last_seq)
    assert (gone.code, gone.reason) == NOT_FOUND


async def _until_gone(client: Client, run_id: str) -> Ending:
    """Asks until the run is gone; each answer before that must still be whole."""
    while True:
        history = await client.join(run_id, 0, "late").read()
        assert history.ending is not None
        if history.ending.code is not grpc.StatusCode.OK:
            return history.ending
        promises.terminal_last_and_once(history)


async def test_a_reader_that_is_cut_off_goes_on_where_it_was_though_the_run_has_ended(
    aging: Client, gate: Gate
) -> None:
    given = {"port": gate.port, "n": 5, "more": 5}
    first = aging.stream("gate", None, given, stream_resumable=True)
    await first.first("updates")
    history = await first.leave()
    await gate.entered()
    gate.release()
    await aging.finished(history.run_id)

    rest = await aging.join(history.run_id, history.last_seq, "again").read()

    assert [*history.seqs, *rest.seqs] == list(range(1, rest.last_seq + 1))
    promises.terminal_last_and_once(rest)


async def test_a_run_that_is_not_resumable_is_gone_with_its_end(client: Client) -> None:
    streamed = await client.stream("ticks", None, {"n": 1}).read()

    gone = await _until_gone(client, streamed.run_id)

    assert (gone.code, gone.reason) == NOT_FOUND


async def test_a_failed_stateless_run_is_replayed_with_its_error(client: Client) -> None:
    streamed = await client.stream("failing", None, {"name": "a"}, stream_resumable=True).read()

    late = await client.join(streamed.run_id, 0).read()

    promises.failed_graph_is_data(late)
    promises.same_event_under_same_seq([streamed, late])


async def test_after_a_restart_a_cursor_is_refused_and_never_served_in_part(tmp_path: Path) -> None:
    async with served(tmp_path / "data") as process:
        async with process.client() as server:
            client = Client(server)
            kept = await client.stream("ticks", new_thread(), {"n": 5}, stream_resumable=True).read()
            stateless = await client.stream("ticks", None, {"n": 5}, stream_resumable=True).read()
        assert await process.stop() == 0
        await process.start()
        async with process.client() as server:
            client = Client(server)
            told = [await client.join(kept.run_id, after).read() for after in (0, 3)]
            live = await client.join(kept.run_id).read()
            gone = await client.join(stateless.run_id, 0).read()

    for history in told:
        assert history.ending is not None
        assert (history.seen, history.ending.code, history.ending.reason) == ([], *EXPIRED)
    assert (live.kinds, live.seqs) == (["end"], [kept.last_seq])
    assert gone.ending is not None
    assert (gone.ending.code, gone.ending.reason) == NOT_FOUND
