"""Promises 1, 2, 4 and 6 for those who watch a thread: every number once and in order over all its runs, no seam, and nobody is slowed."""

import asyncio
import random
from pathlib import Path

import grpc

from tests.faults import promises
from tests.faults.client import Client, new_thread
from tests.faults.gate import Gate
from tests.faults.history import Recorder, Watcher
from tests.faults.process import APP, connected, served
from tests.faults.test_slow_reader import BURST, MANY, PATIENT
from tests.support.serving import running

NEWEST = 3 * 103 + 6
"""The last event of three runs with 100 ticks and one with three, each with `metadata`, `updates` and `end`."""


async def test_a_watcher_sees_every_event_of_three_runs_once_and_in_order(client: Client) -> None:
    thread = await client.new_thread()
    watcher = await client.watch(thread).joined()

    for graph, given in (("ticks", {"n": 20}), ("failing", {}), ("ticks", {"n": 20})):
        await client.stream(graph, thread, given).read()
    history = await watcher.read(upto=(await client.thread(thread)).last_seq)

    streams = client.recorder.histories[1:]
    promises.ordered(history)
    promises.unique(history)
    promises.complete(history)
    promises.same_event_under_same_seq(client.recorder.histories)
    assert history.seqs == list(range(1, history.last_seq + 1))
    assert [seen.run_id for seen in history.seen if seen.kind == "end"] == [stream.run_id for stream in streams]
    assert history.ending is None


async def test_runs_that_wait_and_one_that_is_cancelled_while_it_waits(client: Client, gate: Gate) -> None:
    thread = await client.new_thread()
    watcher = await client.watch(thread, 0).joined()
    first = await client.create("gate", thread, {"port": gate.port})
    await gate.entered()
    doomed = client.stream("ticks", thread, {"n": 3})
    last = await client.create("ticks", thread, {"n": 3})
    await client.cancelled((await doomed.joined()).history.run_id)

    gate.release()
    await client.finished(last.run_id)
    history = await watcher.read(upto=(await client.thread(thread)).last_seq)

    promises.ordered(history)
    promises.unique(history)
    promises.thread_complete([history], history.last_seq)
    ends = [seen.run_id for seen in history.seen if seen.kind == "end"]
    assert ends == [doomed.history.run_id, first.run_id, last.run_id]


async def _visitor(
    client: Client, number: int, chance: random.Random, reference: Watcher, ready: asyncio.Barrier
) -> None:
    """Watches from a random moment, mostly with a cursor; some leave in the middle and come back from their last event. All stay for the last run."""
    thread = reference.history.thread_id
    await reference.reached(chance.randrange(1, NEWEST - 20))
    known = reference.history.last_seq
    after = chance.choice([0, chance.randrange(0, known), known]) if number % 3 else None
    while after is not None and after < known and chance.random() < 0.7:
        watcher = await client.watch(thread, after, f"visitor {number}").joined()
        await watcher.read(upto=chance.randrange(after + 1, known + 1))
        after = (await watcher.leave()).last_seq
    watcher = await client.watch(thread, after, f"visitor {number} stays").joined()
    await ready.wait()
    await watcher.read(upto=NEWEST)
    await watcher.leave()


async def test_watchers_who_join_and_leave_during_runs_see_no_seam(client: Client) -> None:
    chance, visitors = random.Random(411), 15
    thread, ready = await client.new_thread(), asyncio.Barrier(visitors + 1)
    reference = await client.watch(thread, 0, "reference").joined()
    async with asyncio.TaskGroup() as group:
        group.create_task(reference.read(upto=NEWEST))
        for _ in range(3):
            await client.create("ticks", thread, {"n": 100, "delay": 0.003})
        for number in range(visitors):
            group.create_task(_visitor(client, number, chance, reference, ready))
        await ready.wait()
        await client.create("ticks", thread, {"n": 3})
    await reference.leave()

    everything = reference.history.seen
    assert [seen.seq for seen in everything] == list(range(1, NEWEST + 1))
    promises.same_event_under_same_seq(client.recorder.histories)
    for history in client.recorder.histories:
        promises.ordered(history)
        promises.unique(history)
        promises.complete(history)
        if history.after_seq is None:
            promises.live_by_default(history, everything)
        else:
            promises.replay_without_seam(history, everything)


async def test_a_watcher_goes_on_from_its_cursor_after_the_server_was_stopped(tmp_path: Path) -> None:
    recorder = Recorder()
    async with running(tmp_path, APP) as server:
        client = Client(server, recorder)
        thread = await client.new_thread()
        await client.finished((await client.create("ticks", thread, {"n": 3})).run_id)
        before = await client.watch(thread, 0).read(upto=6)
    async with running(tmp_path, APP) as server:
        client = Client(server, recorder)
        again = await client.watch(thread, before.last_seq).joined()
        lost = await client.watch(thread, before.last_seq - 1, "came back too late").read()
        await client.finished((await client.create("ticks", thread, {"n": 3})).run_id)
        after = await again.read(upto=12)

    assert [*before.seqs, *after.seqs] == list(range(1, 13))
    assert lost.ending is not None
    assert (lost.ending.code, lost.ending.reason) == (grpc.StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED")
    assert (lost.ending.metadata["oldest_seq"], lost.ending.metadata["newest_seq"]) == ("7", "6")


async def test_a_stuck_watcher_does_not_slow_the_run(tmp_path: Path) -> None:
    async with (
        served(tmp_path / "data", log_bytes_spare="0", write_timeout=PATIENT) as process,
        process.client() as server,
        connected(process.address) as other,
    ):
        client, stuck = Client(server), Client(other)
        begun, watched = process.cpu, await client.new_thread()
        await client.finished((await client.create("burst", new_thread(), BURST)).run_id)
        alone = process.cpu - begun
        watcher = await stuck.watch(watched).joined()

        begun = process.cpu
        await client.finished((await client.create("burst", watched, BURST)).run_id)
        beside = process.cpu - begun
        history = await watcher.read()

    promises.nobody_slows_the_graph(alone, beside)
    promises.complete(history)
    promises.told_why(history)
    assert history.ending is not None
    assert (history.ending.code, history.ending.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_READER")
    assert history.last_seq < MANY
