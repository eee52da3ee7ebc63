"""Promise 3 for runs that readers may come back to (`stream_resumable`): for a time after their end all is replayed, then the reader is told why not."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import grpc
import pytest

from graphwire.v1.run_pb2 import RUN_STATUS_SUCCESS
from tests.faults import promises
from tests.faults.client import Client, new_thread
from tests.faults.gate import Gate
from tests.faults.history import Ending, History, Recorder
from tests.faults.process import APP, ServerProcess, served
from tests.support.passing import Time, passing
from tests.support.serving import running

KEPT = timedelta(seconds=120)
NOT_FOUND = (grpc.StatusCode.NOT_FOUND, "RUN_NOT_FOUND")
EXPIRED = (grpc.StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED")


@pytest.fixture
def time() -> Iterator[Time]:
    with passing() as made:
        yield made


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


async def _two_kept(client: Client) -> tuple[History, History]:
    """A resumable run on a thread, and one without, which fails."""
    return (
        await client.stream("ticks", new_thread(), {"n": 5}, stream_resumable=True).read(),
        await client.stream("failing", None, {"name": "a"}, stream_resumable=True).read(),
    )


async def _again(process: ServerProcess, end: str) -> None:
    await (process.stop() if end == "stop" else process.kill())
    await process.start()


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_after_a_restart_all_is_replayed(tmp_path: Path, end: str) -> None:
    recorder = Recorder()
    async with served(tmp_path / "data") as process:
        async with process.client() as server:
            kept, stateless = await _two_kept(Client(server, recorder))
        await _again(process, end)
        async with process.client() as server:
            client = Client(server, recorder)
            late = [
                await client.join(each.run_id, after).read() for each in (kept, stateless) for after in (0, 3, None)
            ]
            row = await client.run(stateless.run_id)

    for each, readers in ((kept, late[:3]), (stateless, late[3:])):
        promises.same_event_under_same_seq([each, *readers])
        assert [history.seqs for history in readers] == [each.seqs, each.seqs[3:], each.seqs[-1:]]
        promises.all_saw_the_end(readers)
    assert row.error.type == "ValueError"


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_after_a_restart_all_is_refused_when_its_time_has_passed(tmp_path: Path, end: str) -> None:
    """Whether that was before the restart or after it."""
    async with served(tmp_path / "data", resumable_ttl="PT4S") as process:
        async with process.client() as server:
            kept, stateless = await _two_kept(Client(server))
        await _again(process, end)
        async with process.client() as server:
            client = Client(server)
            gone = [await _until_gone(client, each.run_id) for each in (kept, stateless)]
            live = await client.join(kept.run_id).read()

    assert [(told.code, told.reason) for told in gone] == [EXPIRED, NOT_FOUND]
    assert (live.kinds, live.seqs) == (["end"], [kept.last_seq])


async def test_a_run_that_executed_when_its_server_died_is_read_without_a_seam(tmp_path: Path, gate: Gate) -> None:
    """What was streamed before the death, and what is streamed after it, is one history."""
    recorder = Recorder()
    async with served(tmp_path / "data") as process:
        async with process.client() as server:
            client = Client(server, recorder)
            before = client.stream("gate", None, {"port": gate.port, "n": 300, "more": 5}, stream_resumable=True)
            await before.read(upto=200)
            await gate.entered()
            await process.kill()
            await before.read()
        await gate.left()
        await process.start()
        async with process.client() as server:
            client = Client(server, recorder)
            rest = await client.join(before.history.run_id, before.history.last_seq, "comes back").joined()
            whole = await client.join(before.history.run_id, 0, "reads it from its start").joined()
            await gate.entered()
            gate.release()
            histories = [await rest.read(), await whole.read()]

    promises.all_saw_the_end(histories)
    promises.same_event_under_same_seq(recorder.histories)
    promises.complete(histories[1])
    promises.attempts_rise(histories[1])
    assert [*before.history.seqs, *histories[0].seqs] == histories[1].seqs
    assert [seen.event.metadata.attempt for seen in histories[1].seen if seen.kind == "metadata"] == [1, 2]
