"""The reader of a thread's events, against a server that does what each test says."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

import graphwire
from graphwire.v1.event_pb2 import EventFilter
from graphwire.v1.thread_pb2 import THREAD_STATUS_IDLE, Thread
from graphwire.v1.thread_service_pb2 import (
    CopyThreadRequest,
    CopyThreadResponse,
    WatchThreadRequest,
    WatchThreadResponse,
)
from tests.unit.client.scripted import THREAD, end, fragments, metadata, rich_status, serving, values

PATIENCE = 15
IDS = (("graphwire-thread-id", THREAD),)


def batch(*events: Any) -> WatchThreadResponse:
    return WatchThreadResponse(events=events)


async def test_the_stream_goes_on_after_the_end_of_a_run() -> None:
    async def watch(_request: Any, context: Any) -> AsyncIterator[WatchThreadResponse]:
        await context.send_initial_metadata(IDS)
        yield batch(metadata(), end(2))
        large, last = fragments(values(4, '{"n":1}'), 2)
        yield batch(metadata(3), large)
        yield batch(last, end(5))
        await asyncio.Event().wait()

    async with serving(WatchThread=watch) as client, client.threads.watch(THREAD) as stream:
        thread_id = stream.thread_id
        events = [await asyncio.wait_for(anext(stream), PATIENCE) for _ in range(5)]

    assert thread_id == THREAD
    assert [(event.seq, event.mode) for event in events] == [
        (1, "metadata"), (2, "end"), (3, "metadata"), (4, "values"), (5, "end"),
    ]  # fmt: skip
    assert stream.last_seq == 5


async def test_the_request_has_what_was_asked_for() -> None:
    seen: list[WatchThreadRequest] = []

    async def watch(request: WatchThreadRequest, context: Any) -> AsyncIterator[WatchThreadResponse]:
        seen.append(request)
        await context.send_initial_metadata(IDS)
        await asyncio.Event().wait()
        yield batch()

    async with serving(WatchThread=watch) as client:
        for stream in (
            client.threads.watch(THREAD),
            client.threads.watch(THREAD, after_seq=0, filter=graphwire.Filter(modes="values")),
        ):
            async with stream:
                pass

    assert seen == [
        WatchThreadRequest(thread_id=THREAD),
        WatchThreadRequest(thread_id=THREAD, after_seq=0, filter=EventFilter(modes=["values"])),
    ]


async def test_a_watch_that_ends_without_a_reason_is_noticed() -> None:
    async def watch(_request: Any, _context: Any) -> AsyncIterator[WatchThreadResponse]:
        yield batch(metadata(), end(2))

    async with serving(WatchThread=watch, patience=0) as client:
        stream = client.threads.watch(THREAD)
        with pytest.raises(graphwire.GraphwireError, match="nothing said why") as caught:
            [event async for event in stream]

    assert (caught.value.reason, stream.last_seq) == ("STREAM_CUT", 2)


async def test_a_thread_that_is_deleted_is_an_error_after_its_events() -> None:
    async def watch(_request: Any, context: Any) -> AsyncIterator[WatchThreadResponse]:
        yield batch(metadata(), end(2))
        await context.abort_with_status(rich_status(grpc.StatusCode.NOT_FOUND, "THREAD_NOT_FOUND", "it is gone"))

    async with serving(WatchThread=watch) as client:
        stream = client.threads.watch(THREAD)
        with pytest.raises(graphwire.NotFound, match="it is gone"):
            [event async for event in stream]

    assert stream.last_seq == 2


async def test_leaving_ends_the_call_and_a_reader_sees_a_plain_end() -> None:
    left, first = asyncio.Event(), asyncio.Event()

    async def watch(_request: Any, _context: Any) -> AsyncIterator[WatchThreadResponse]:
        try:
            yield batch(metadata())
            await asyncio.Event().wait()
        finally:
            left.set()

    async def read(stream: graphwire.ThreadStream) -> None:
        async for _ in stream:
            first.set()

    async with serving(WatchThread=watch) as client, client.threads.watch(THREAD) as stream:
        reader = asyncio.create_task(read(stream))
        await asyncio.wait_for(first.wait(), PATIENCE)
        await stream.aclose()
        await asyncio.wait_for(reader, PATIENCE)
        await asyncio.wait_for(left.wait(), PATIENCE)


async def test_a_copy_is_a_thread() -> None:
    async def copy(request: CopyThreadRequest, _context: Any) -> CopyThreadResponse:
        assert request.thread_id == THREAD
        return CopyThreadResponse(thread=Thread(thread_id="copy", status=THREAD_STATUS_IDLE))

    async with serving(CopyThread=copy) as client:
        found = await client.threads.copy(THREAD)

    assert (found.thread_id, found.status) == ("copy", "idle")
