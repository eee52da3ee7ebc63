"""Promises 1 and 2: numbers without gaps over all runs of a thread, live by default, and replay without a seam."""

import asyncio
import itertools
import random
from pathlib import Path

from graphwire.v1.run_pb2 import RUN_STATUS_PENDING
from tests.faults import promises
from tests.faults.client import Client, new_thread
from tests.faults.gate import Gate
from tests.faults.history import LEFT, History, Recorder, Seen, Watcher
from tests.faults.process import served


async def test_numbers_go_on_over_the_runs_of_a_thread(client: Client) -> None:
    thread = new_thread()

    for name in "abc":
        await client.stream("ticks", thread, {"n": 5, "name": name}).read()
    queued = await asyncio.gather(*(client.stream("ticks", thread, {"n": 5, "name": name}).read() for name in "defgh"))

    histories = client.recorder.histories
    for history in histories:
        promises.well_formed(history)
        promises.complete(history)
    promises.all_saw_the_end(histories)
    promises.same_event_under_same_seq(histories)
    promises.thread_complete(histories, (await client.thread(thread)).last_seq)
    assert len(queued) == 5
    assert len(await client.trail(thread)) == 8


async def test_a_thread_of_runs_of_every_kind_has_no_gaps(client: Client, gate: Gate) -> None:
    thread, at = new_thread(), gate.port
    blocker = client.stream("gate", thread, {"port": at})
    await blocker.first("custom")
    waiting = [client.stream(graph, thread, {"n": 2}) for graph in ("failing", "ticks", "approval")]
    for each in waiting:
        await each.joined()
    await gate.entered()

    gate.release()
    await asyncio.gather(*(each.read() for each in (blocker, *waiting)))

    for history in client.recorder.histories:
        promises.well_formed(history)
        promises.complete(history)
    promises.all_saw_the_end(client.recorder.histories)
    promises.thread_complete(client.recorder.histories, (await client.thread(thread)).last_seq)


async def test_a_restart_in_between_leaves_no_gap(tmp_path: Path) -> None:
    thread, recorder = new_thread(), Recorder()
    async with served(tmp_path / "data") as process:
        for end in (process.kill, process.stop):
            async with process.client() as server:
                await Client(server, recorder).stream("ticks", thread, {"n": 3}).read()
            await end()
            await process.start()
        async with process.client() as server:
            client = Client(server, recorder)
            await client.stream("ticks", thread, {"n": 3}).read()
            newest = (await client.thread(thread)).last_seq

    promises.all_saw_the_end(recorder.histories)
    promises.same_event_under_same_seq(recorder.histories)
    promises.thread_complete(recorder.histories, newest)


async def test_a_killed_server_never_gives_a_number_twice(tmp_path: Path, gate: Gate) -> None:
    """Numbers may jump where a process died while a run executed whose events are not kept, and only there: before the `metadata` of its next attempt."""
    thread, recorder = new_thread(), Recorder()
    async with served(tmp_path / "data") as process:
        for name in ("first", "second"):
            async with process.client() as server:
                doomed = Client(server, recorder).stream("gate", thread, {"port": gate.port, "name": name})
                await doomed.first("updates")
                await gate.entered(name)
                await process.kill()
                await doomed.read()
            await gate.left(name)
            await process.start()
            async with process.client() as server:
                client = Client(server, recorder)
                again = await client.join(doomed.history.run_id, doomed.history.last_seq, f"{name} again").joined()
                await gate.entered(name)
                gate.release(name)
                await again.read()
                await client.stream("ticks", thread, {"n": 3}).read()

    promises.same_event_under_same_seq(recorder.histories)
    starts = [history.seqs[0] for history in recorder.histories]
    assert starts == sorted(starts), "each stream starts above all that were seen before it"
    for history in recorder.histories:
        promises.ordered(history)
        promises.complete(history)
    assert [history.kinds[0] for history in recorder.histories] == ["metadata"] * 6
    jumps = [after.seqs[0] - before.last_seq for before, after in itertools.pairwise(recorder.histories)]
    assert [jump > 1 for jump in jumps] == [True, False, False, True, False]


async def _joiner(client: Client, number: int, chance: random.Random, reference: Watcher) -> None:
    """Joins at a random moment, mostly with a cursor; every third leaves in the middle and comes back from its last event, once or more."""
    moment = chance.randrange(1, 280)
    await reference.reached(moment)
    seen_so_far = reference.history.last_seq
    after = chance.choice([0, chance.randrange(0, seen_so_far + 1), seen_so_far]) if number % 2 else None
    watcher = await client.join(reference.history.run_id, after, f"joiner {number}").joined()
    stays = number % 3 != 0
    while not stays:
        # What a message brings is noted at once, so it may have come further than whoever is the measure.
        least = max(watcher.history.last_seq, after or 0) + 1
        await watcher.read(upto=chance.randrange(least, max(least + 1, min(seen_so_far + 60, 280))))
        await watcher.leave()
        seen_so_far, after = reference.history.last_seq, watcher.history.last_seq
        watcher = await client.join(watcher.history.run_id, after, f"joiner {number} again").joined()
        stays = after >= 280 or chance.random() < 0.3
    await watcher.read()


async def test_twenty_joiners_at_random_moments(client: Client) -> None:
    chance = random.Random(20260)
    reference = client.stream("ticks", new_thread(), {"n": 300, "delay": 0.004})
    await reference.joined()
    async with asyncio.TaskGroup() as group:
        group.create_task(reference.read())
        for number in range(20):
            group.create_task(_joiner(client, number, chance, reference))

    everything = reference.history.seen
    assert len(everything) == 303
    histories = client.recorder.histories
    _judge(histories, everything)
    assert any(history.ending is LEFT for history in histories)
    promises.all_saw_the_end(histories)


async def test_joiners_of_tokens_see_the_same_tokens(client: Client) -> None:
    chance = random.Random(7)
    given = {"messages": [{"role": "user", "content": "280"}]}
    reference = client.stream("tokens", new_thread(), given, stream_mode=["messages-tuple"])
    await reference.joined()
    async with asyncio.TaskGroup() as group:
        group.create_task(reference.read())
        for number in range(8):
            group.create_task(_joiner(client, number, chance, reference))

    assert reference.history.kinds.count("messages") >= 280
    _judge(client.recorder.histories, reference.history.seen)
    promises.all_saw_the_end(client.recorder.histories)


def _judge(histories: list[History], everything: list[Seen]) -> None:
    promises.same_event_under_same_seq(histories)
    for history in histories:
        promises.well_formed(history)
        promises.complete(history)
        if history.after_seq is None:
            promises.live_by_default(history, everything)
        else:
            promises.replay_without_seam(history, everything)


async def test_a_joiner_of_a_pending_run_sees_all_of_it(client: Client, gate: Gate) -> None:
    thread = new_thread()
    blocker = client.stream("gate", thread, {"port": gate.port})
    await blocker.first("custom")
    pending = await client.create("ticks", thread, {"n": 5})
    assert pending.status == RUN_STATUS_PENDING
    live, replayed = await client.join(pending.run_id).joined(), await client.join(pending.run_id, 0).joined()
    await gate.entered()

    gate.release()
    await asyncio.gather(blocker.read(), live.read(), replayed.read())

    assert live.history.kinds == ["metadata", *["custom"] * 5, "updates", "end"]
    assert live.history.seqs == replayed.history.seqs
    promises.same_event_under_same_seq(client.recorder.histories)
