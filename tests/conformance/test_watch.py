"""WatchThread, through the client and a real server."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

import graphwire
from graphwire.v1.json_pb2 import PAYLOAD_FORMAT_VALUE
from graphwire.v1.thread_service_pb2 import WatchThreadRequest
from tests.support.serving import Server, running

PATIENCE = 40
JOKE = ["metadata", "updates", "updates", "end"]


@pytest.fixture
async def client(server: Server) -> AsyncIterator[graphwire.Client]:
    async with graphwire.connect(server.address) as client:
        yield client


async def _run(client: graphwire.Client, thread_id: str) -> None:
    await client.invoke("joke", {"topic": "ice"}, thread_id=thread_id, stream_mode="updates")


async def _take(stream: graphwire.ThreadStream, count: int) -> list[graphwire.Event]:
    async with asyncio.timeout(PATIENCE):
        return [await anext(stream) for _ in range(count)]


async def test_a_watch_is_live_over_the_runs_of_its_thread(client: graphwire.Client) -> None:
    thread_id = (await client.threads.create()).thread_id
    await _run(client, thread_id)

    async with client.threads.watch(thread_id) as watch:
        known = watch.thread_id, watch.last_seq
        await _run(client, thread_id)
        await _run(client, thread_id)
        events = await _take(watch, 8)

    assert known == (thread_id, None)
    assert [event.mode for event in events] == JOKE * 2
    assert [event.seq for event in events] == [5, 6, 7, 8, 9, 10, 11, 12]
    assert len({event.run_id for event in events}) == 2
    assert watch.last_seq == 12


async def test_a_watch_with_a_cursor_goes_on_where_another_was_left(client: graphwire.Client) -> None:
    thread_id = (await client.threads.create()).thread_id
    await _run(client, thread_id)
    async with client.threads.watch(thread_id, after_seq=0) as left:
        before = await _take(left, 2)

    async with client.threads.watch(thread_id, after_seq=left.last_seq) as watch:
        await _run(client, thread_id)
        after = await _take(watch, 6)

    assert [event.seq for event in (*before, *after)] == [1, 2, 3, 4, 5, 6, 7, 8]


async def test_a_filter_leaves_the_frame_of_each_run(client: graphwire.Client) -> None:
    thread_id = (await client.threads.create()).thread_id
    only = graphwire.Filter(nodes="generate_joke")

    async with client.threads.watch(thread_id, filter=only) as watch:
        await _run(client, thread_id)
        await _run(client, thread_id)
        events = await _take(watch, 6)

    assert [event.mode for event in events] == ["metadata", "updates", "end"] * 2


async def test_json_comes_as_values_where_that_is_wanted(server: Server, client: graphwire.Client) -> None:
    thread_id = (await client.threads.create()).thread_id
    await _run(client, thread_id)
    request = WatchThreadRequest(thread_id=thread_id, after_seq=0, payload_format=PAYLOAD_FORMAT_VALUE)
    call = server.threads.WatchThread(request)

    metadata, message = dict(await call.initial_metadata()), await anext(aiter(call))

    call.cancel()
    assert metadata["graphwire-thread-id"] == thread_id
    assert message.events[1].updates.update.value.struct_value["topic"] == "ice and cats"


async def test_what_cannot_be_watched_is_refused_before_any_event(client: graphwire.Client) -> None:
    thread_id = (await client.threads.create()).thread_id
    for stream, error in (
        (client.threads.watch(str(uuid.uuid4())), graphwire.NotFound),
        (client.threads.watch("nonsense"), graphwire.InvalidArgument),
        (client.threads.watch(thread_id, after_seq=-1), graphwire.InvalidArgument),
        (client.threads.watch(thread_id, after_seq=1), graphwire.InvalidArgument),
    ):
        with pytest.raises(error):
            async with stream:
                pytest.fail("the watch began")


async def test_the_thread_of_a_stateless_run_cannot_be_watched(client: graphwire.Client) -> None:
    async with client.stream("custom", {"n": 1, "delay": 5}, on_disconnect="cancel") as run:
        with pytest.raises(graphwire.NotFound):
            await client.threads.watch(run.thread_id).started()


async def test_a_cursor_that_is_no_longer_held_names_what_is(tmp_path: Path) -> None:
    async with (
        running(tmp_path, log_bytes_per_thread=1 << 16, log_bytes_spare=0) as server,
        graphwire.connect(server.address) as client,
    ):
        thread_id = (await client.threads.create()).thread_id
        async with client.threads.watch(thread_id):
            await client.invoke("custom", {"n": 1000, "delay": 0}, thread_id=thread_id, stream_mode="custom")
            with pytest.raises(graphwire.CursorExpired) as expired:
                await client.threads.watch(thread_id, after_seq=0).started()
            oldest = expired.value.oldest_seq

            async with client.threads.watch(thread_id, after_seq=oldest - 1) as watch:
                first = await _take(watch, 1)

    assert oldest > 1
    assert first[0].seq == oldest


async def test_a_watch_of_a_thread_that_is_deleted_says_so(client: graphwire.Client) -> None:
    thread_id = (await client.threads.create()).thread_id
    async with client.threads.watch(thread_id) as watch:
        await _run(client, thread_id)
        await client.threads.delete(thread_id)

        events = await _take(watch, 4)
        with pytest.raises(graphwire.NotFound):
            await asyncio.wait_for(anext(watch), PATIENCE)

    assert [event.mode for event in events] == JOKE


async def test_a_server_that_stops_sends_its_watchers_away(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        # Not the server's own channel, which closes before it stops.
        client = graphwire.connect(server.address, patience=0)
        thread_id = (await client.threads.create()).thread_id
        await _run(client, thread_id)
        watch = await client.threads.watch(thread_id, after_seq=0).started()
        await _take(watch, 4)

    with pytest.raises(graphwire.Unavailable) as stopped:
        await asyncio.wait_for(anext(watch), PATIENCE)
    await client.aclose()
    assert (stopped.value.reason, stopped.value.code) == ("DRAINING", grpc.StatusCode.UNAVAILABLE)
    assert watch.last_seq == 4
