"""A store that is away for a while: clear errors, nothing hangs, and the server goes on when the cause is gone. Resumable runs keep their promise meanwhile."""

import asyncio
from pathlib import Path

import grpc
import grpc.aio
import pytest
from google.rpc.error_details_pb2 import RetryInfo

from graphwire.v1.run_pb2 import (
    DURABILITY_SYNC,
    RUN_STATUS_ERROR,
    RUN_STATUS_INTERRUPTED,
    RUN_STATUS_RUNNING,
    RUN_STATUS_SUCCESS,
)
from tests.faults import promises
from tests.faults.away import AWAY, locked, without_checkpoints
from tests.faults.client import Client, new_thread
from tests.faults.gate import Gate
from tests.faults.history import Ending, ending
from tests.faults.http.talk import run as body
from tests.faults.http.wire import exchange, post
from tests.faults.process import ServerProcess, refused, served

SOON = 30.0
"""Within how many seconds a call is answered, come what may, on a machine that does other things too: the server waits five for a lock."""

RESUMABLE = {"stream_resumable": True}
ENDLESS = {"n": 100_000, "delay": 0.02}


async def _refused(client: Client) -> Ending:
    """How a run is refused that cannot be written."""
    with pytest.raises(grpc.aio.AioRpcError) as told:
        await asyncio.wait_for(client.create("ticks", new_thread(), {"n": 1}), SOON)
    return ending(told.value)


def _retries(told: Ending) -> bool:
    """Whether it says that the store is away, and when to try again."""
    assert (told.code, told.reason) == (grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE"), told
    return any(isinstance(detail, RetryInfo) and detail.retry_delay.ToTimedelta() for detail in told.details)


async def _refused_over_http(process: ServerProcess) -> None:
    async with asyncio.timeout(SOON):
        heard = await exchange(process.url, post("/runs", body("ticks", {"n": 1})))
    assert heard is not None
    assert (heard.status, heard.json["code"]) == (503, "STORE_UNAVAILABLE")
    assert int(heard.headers["retry-after"]) >= 1


@pytest.mark.parametrize("how", AWAY)
async def test_calls_are_refused_and_runs_go_on_when_it_is_back(tmp_path: Path, how: str) -> None:
    """Readers of a resumable run wait until its events are kept, and others do not notice; nobody loses one."""
    async with served(tmp_path / "data") as process, process.client() as server:
        client = Client(server)
        kept = client.stream("ticks", new_thread(), ENDLESS, **RESUMABLE)
        plain = client.stream("ticks", None, ENDLESS)
        for watcher in (kept, plain):
            await watcher.first("custom")
        reading = [asyncio.create_task(watcher.read()) for watcher in (kept, plain)]
        with AWAY[how](process):
            told, _ = await asyncio.gather(_refused(client), _refused_over_http(process))
            found = await client.run(kept.history.run_id)
            await plain.reached(plain.history.last_seq + 10)  # so what was kept before has come
            held = kept.history.last_seq
            await plain.reached(plain.history.last_seq + 10)
            assert kept.history.last_seq == held, "what is not kept is not told"
        await asyncio.wait_for(kept.reached(held + 50), SOON)
        for watcher in (kept, plain):
            await client.cancelled(watcher.history.run_id)
        histories = await asyncio.gather(*reading)
        after = await client.stream("ticks", new_thread(), {"n": 1}, **RESUMABLE).read()

    assert _retries(told)
    assert found.status == RUN_STATUS_RUNNING, "what can be read is read"
    promises.all_saw_the_end([*histories, after])
    for history in histories:
        promises.well_formed(history)
        promises.complete(history)
        assert history.seen[-1].event.end.status == RUN_STATUS_INTERRUPTED


@pytest.mark.parametrize("how", AWAY)
async def test_a_run_whose_checkpoint_fails_ends_as_store_unavailable(tmp_path: Path, gate: Gate, how: str) -> None:
    """Its end is told when it can be written, and not before."""
    thread = new_thread()
    async with served(tmp_path / "data") as process, process.client() as server:
        client = Client(server)
        watcher = client.stream("gate", thread, {"port": gate.port}, durability=DURABILITY_SYNC, **RESUMABLE)
        await watcher.first("updates")
        await gate.entered()
        with AWAY[how](process):
            failed = asyncio.create_task(process.says("graph failed"))
            gate.release()
            assert _retries(await _refused(client))
            await failed
            assert "end" not in watcher.history.kinds
        history = await asyncio.wait_for(watcher.read(), SOON)
        row = await client.run(history.run_id)
        again = await client.stream("gate", thread, None).joined()
        await gate.entered()
        gate.release()
        await again.read()

    promises.well_formed(history)
    promises.complete(history)
    promises.failed_graph_is_data(history)
    assert row.status == RUN_STATUS_ERROR
    assert (row.error.type, row.error.retryable) == ("StoreUnavailable", True)
    assert again.history.seen[-1].event.end.status == RUN_STATUS_SUCCESS, "it goes on from the last checkpoint"


async def test_checkpoints_alone_that_cannot_be_written(tmp_path: Path, gate: Gate) -> None:
    """The run fails, in order and at once: its rows can be written."""
    async with served(tmp_path / "data") as process, process.client() as server:
        client = Client(server)
        thread = new_thread()
        with without_checkpoints(process):
            failed = await asyncio.wait_for(client.stream("steps", thread, {"name": "1"}).read(), SOON)
            exits = await asyncio.wait_for(client.stream("ticks", None, {"n": 1}).read(), SOON)
        good = await client.stream("steps", thread, {"name": "2"}).read()
        trail = await client.trail(thread)

    promises.failed_graph_is_data(failed)
    end = failed.seen[-1].event.end
    assert (end.error.type, end.error.retryable) == ("StoreUnavailable", True)
    assert exits.seen[-1].event.end.status == RUN_STATUS_SUCCESS, "a stateless run has no checkpoints there"
    assert good.seen[-1].event.end.status == RUN_STATUS_SUCCESS
    assert trail == [f"2{node}" for node in "abcxyz"]


async def test_a_resumable_run_with_more_to_keep_than_may_wait_waits(tmp_path: Path) -> None:
    """It neither ends nor loses anything while its store is away for a moment."""
    async with (
        served(tmp_path / "data", log_bytes_per_thread=str(1 << 16), log_bytes_spare="0") as process,
        process.client() as server,
    ):
        client = Client(server)
        watcher = client.stream("burst", None, {"n": 10_000, "pad": 500, "pause": 0.02}, **RESUMABLE)
        await watcher.first("custom")
        with locked(process):
            await asyncio.sleep(1)  # so long it is away
        history = await asyncio.wait_for(watcher.read(), SOON)
        row = await client.run(history.run_id)

    promises.well_formed(history)
    promises.complete(history)
    assert history.kinds.count("custom") == 10_000
    assert (row.status, row.last_seq) == (RUN_STATUS_SUCCESS, history.last_seq)


async def test_a_server_that_stops_while_its_store_is_away(tmp_path: Path, gate: Gate) -> None:
    """It goes in time, though it cannot write what it gives back: the next one finds the run, and counts it as lost."""
    thread = new_thread()
    async with served(tmp_path / "data", drain_grace="PT0.2S") as process:
        async with process.client() as server:
            client = Client(server)
            watcher = client.stream("gate", thread, {"port": gate.port}, **RESUMABLE)
            await watcher.first("updates")
            await gate.entered()
            with locked(process):
                process.terminate()
                status = await process.ended(within=SOON)
            history = await watcher.read()
        await gate.left()
        await process.start()
        async with process.client() as server:
            client = Client(server)
            rest = client.join(history.run_id, history.last_seq)
            await gate.entered()
            gate.release()
            await rest.read()
            row = await client.run(history.run_id)

    assert status == 0
    promises.told_why(history)
    assert [*history.seqs, *rest.history.seqs] == list(range(1, rest.history.last_seq + 1))
    assert (row.status, row.attempt) == (RUN_STATUS_SUCCESS, 2)


async def test_a_start_on_a_store_that_is_away_says_so(tmp_path: Path, gate: Gate) -> None:
    """There is a run to take up, which it cannot."""
    async with served(tmp_path / "data") as process:
        async with process.client() as server:
            await Client(server).create("gate", new_thread(), {"port": gate.port})
            await gate.entered()
        await process.kill()
        with locked(process):
            status, said = await refused(tmp_path / "data", within=SOON)

    assert status == 2
    last = said.strip().splitlines()[-1]
    assert last.startswith("graphwire: the database in")
    assert str(tmp_path / "data") in last
