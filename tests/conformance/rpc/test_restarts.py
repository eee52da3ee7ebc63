"""Servers that stop and start again: cursors to come back with, attempts, kept events, keys, and runs that waited."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
import pytest_asyncio

import graphwire
from tests.conformance.http.conftest import APP
from tests.conformance.http.held import new_name
from tests.conformance.rpc.held import AT_ONCE, ICE, TOLD, at_gate_input, life, rest, taken
from tests.faults.gate import Gate
from tests.support.serving import running


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a reader of a run and a reader of its thread got of a server that stopped and of the next one.

    Attributes:
        seen: Of the run: what came before the stop, and what came after.
        watched: Of the thread, likewise; up to the end of the last run.
        refused: What the readers, and somebody who waited, were told by the server that stopped.
        cursors: Where the readers were then.
        whole: All of the run, read at the end.
        runs: The run, and the one that waited behind it.
    """

    seen: tuple[Sequence[graphwire.Event], Sequence[graphwire.Event]]
    watched: tuple[Sequence[graphwire.Event], Sequence[graphwire.Event]]
    refused: Sequence[graphwire.Unavailable]
    cursors: tuple[int | None, int | None]
    whole: Sequence[graphwire.Event]
    runs: tuple[graphwire.Run, graphwire.Run]


async def _found(folder: Path, gate: Gate, *, resumable: bool) -> Found:
    name, refused = new_name(), []
    async with AsyncExitStack() as stack:
        async with running(folder, APP, drain_grace=AT_ONCE) as server:
            # Not the server's own channel, which closes before it stops; and one that tries nothing again: what the server says is to be seen.
            plain = graphwire.connect(server.address, patience=0, options=[("grpc.enable_retries", 0)])
            client = await stack.enter_async_context(plain)
            thread_id = (await client.threads.create()).thread_id
            watch = await client.threads.watch(thread_id).started()
            given = at_gate_input(gate, name, n=3, more=3)
            options = graphwire.StreamOptions(thread_id=thread_id, stream_resumable=resumable, stream_mode="custom")
            stream = await client.stream("gate", given, **options).started()
            await gate.entered(name)
            behind = await client.create("joke", ICE, thread_id=thread_id, stream_mode="updates")
            before, watched = await taken(stream, 5), await taken(watch, 5)
            waiting = asyncio.create_task(client.wait(stream.run_id))
            for _ in range(2):  # calls on one line come in order, so by then the server has the one that waits
                await client.runs.get(stream.run_id)
        for call in (anext(stream), anext(watch), waiting):
            with pytest.raises(graphwire.Unavailable) as stopped:
                await call
            refused.append(stopped.value)
        await gate.left(name)
        run_id, cursors = stream.run_id, (stream.last_seq, watch.last_seq)
    async with (
        life(folder) as client,
        client.threads.watch(thread_id, after_seq=cursors[1]) as watch,
        client.join(run_id, after_seq=cursors[0]) as stream,
    ):
        await gate.entered(name)
        gate.release(name)
        after = await rest(stream)
        told = await taken(watch, len(after) + 4)
        runs = (await client.wait(run_id)).run, (await client.wait(behind.run_id)).run
        async with client.join(run_id, after_seq=0) as again:
            whole = await rest(again)
    return Found(
        seen=(before, after),
        watched=(watched, told),
        refused=refused,
        cursors=cursors,
        whole=whole,
        runs=runs,
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[True, False], ids=["resumable", "not resumable"])
async def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, gate: Gate) -> Found:
    return await _found(tmp_path_factory.mktemp("data"), gate, resumable=request.param)


async def test_a_server_that_stops_sends_everybody_away_with_a_cursor(found: Found) -> None:
    """Who waits for a run's end has none, and is told the same."""
    for refusal in found.refused:
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
        assert refusal.retry_after == 1
    assert found.cursors == (5, 5)
    assert [refusal.metadata.get("after_seq") for refusal in found.refused] == ["5", "5", None]


async def test_the_run_goes_on_as_another_attempt(found: Found) -> None:
    run = found.runs[0]
    begins = found.seen[1][0]

    assert (begins.mode, begins.proto.metadata.attempt) == ("metadata", 2)
    assert [event.mode for event in found.seen[1][1:]] == ["custom"] * 4 + ["end"]
    assert (run.status, run.attempt, run.last_seq) == ("success", 2, found.seen[1][-1].seq)


async def test_readers_of_the_run_have_all_of_it_without_a_seam(found: Found) -> None:
    """It was given back in order, so no number is left out, whether its events are kept or not."""
    events = [*found.seen[0], *found.seen[1]]

    assert [event.seq for event in events] == list(range(1, 12))
    assert list(found.whole) in (events, list(found.seen[1]))
    assert (found.runs[0].first_seq == 1) == (list(found.whole) == events)


async def test_readers_of_the_thread_have_all_of_both_runs(found: Found) -> None:
    events = [*found.watched[0], *found.watched[1]]

    assert [event.seq for event in events] == list(range(1, 16))
    assert [event.run_id for event in events if event.mode == "end"] == [run.run_id for run in found.runs]
    assert (found.runs[1].status, found.runs[1].attempt) == ("success", 1)


async def test_what_was_kept_is_replayed_from_each_cursor(tmp_path: Path) -> None:
    async with life(tmp_path) as client:
        thread_id = (await client.threads.create()).thread_id
        told, failed = [
            [event async for event in client.stream(graph, ICE, thread_id=thread_id, stream_resumable=True)]
            for graph in ("joke", "failing")
        ]
        stateless = (await client.invoke("joke", ICE, stream_resumable=True)).run
        lost = (await client.invoke("joke", ICE)).run
    async with life(tmp_path) as client:
        for events in (told, failed):
            for place, event in enumerate(events):
                assert await rest(client.join(event.run_id, after_seq=event.seq - 1)) == events[place:]
            assert await rest(client.join(events[0].run_id)) == events[-1:]
        filtered = await rest(client.join(failed[0].run_id, after_seq=0, filter=graphwire.Filter(modes="custom")))
        watched = await taken(client.threads.watch(thread_id, after_seq=0), len(told) + len(failed))
        again = await client.wait(stateless.run_id)
        with pytest.raises(graphwire.NotFound):
            await client.runs.get(lost.run_id)

    assert [event.mode for event in filtered] == ["metadata", "error", "end"]
    assert watched == [*told, *failed]
    assert (again.run, again.values) == (stateless, TOLD)


async def test_what_is_no_longer_kept_is_refused_with_what_is(tmp_path: Path) -> None:
    loud = {"n": 20, "pad": 2000, "rounds": 5}
    options = graphwire.StreamOptions(stream_mode="custom", stream_resumable=True, durability="sync")
    async with life(tmp_path, kept_bytes_per_run=1 << 16) as client:
        options["thread_id"] = (await client.threads.create()).thread_id
        events = [event async for event in client.stream("loud", loud, **options)]
    async with life(tmp_path) as client:
        with pytest.raises(graphwire.CursorExpired) as expired:
            await client.join(events[0].run_id, after_seq=0).started()
        oldest = expired.value.oldest_seq
        left = await rest(client.join(events[0].run_id, after_seq=oldest - 1))

    assert expired.value.newest_seq == len(events) == 102
    assert 20 < oldest < 101
    assert left == events[oldest - 1 :]


async def test_after_its_time_nothing_is_kept(tmp_path: Path) -> None:
    async with life(tmp_path, resumable_ttl=timedelta(0)) as client:
        thread_id = (await client.threads.create()).thread_id
        run = (await client.invoke("joke", ICE, thread_id=thread_id, stream_resumable=True)).run
    async with life(tmp_path) as client:
        with pytest.raises(graphwire.CursorExpired) as expired:
            await client.join(run.run_id, after_seq=0).started()
        (end,) = await rest(client.join(run.run_id))

    assert (expired.value.oldest_seq, expired.value.newest_seq) == (run.last_seq, run.last_seq)
    assert (end.mode, end.seq) == ("end", run.last_seq)


async def test_keys_delays_and_questions_outlive_the_server(tmp_path: Path) -> None:
    async with life(tmp_path) as client:
        thread_id, asking, late = [(await client.threads.create()).thread_id for _ in range(3)]
        options = graphwire.RunOptions(thread_id=thread_id, request_id=new_name())
        first = (await client.invoke("joke", ICE, **options)).run
        asked = await client.invoke("pair", {}, thread_id=asking)
        waits = await client.create("joke", ICE, thread_id=late, start_after=600)
    async with life(tmp_path) as client:
        again = await client.invoke("joke", ICE, **options)
        with pytest.raises(graphwire.AlreadyExists):
            await client.create("joke", {"topic": "tea"}, **options)
        answers = graphwire.Command(resume={item.id: item.value for item in asked.interrupts})
        answered = await client.invoke("pair", command=answers, thread_id=asking)
        still = await client.runs.get(waits.run_id)
        await client.cancel(waits.run_id, wait=True)

    assert (again.run, again.values) == (first, TOLD)
    assert sorted(answered.values["log"]) == ["left left?", "right right?"]
    assert (still.status, still.due_time) == ("pending", waits.due_time)
