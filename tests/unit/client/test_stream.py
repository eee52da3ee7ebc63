"""The reader of a run's events, against a server that does what each test says."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

import graphwire
from graphwire.v1.run_service_pb2 import JoinRunResponse, StreamRunResponse
from tests.unit.client.scripted import IDS, RUN, THREAD, batch, end, fragments, metadata, rich_status, serving, values

PATIENCE = 15


async def test_batches_arrive_as_single_events_in_order() -> None:
    async def stream(_request: Any, context: Any) -> AsyncIterator[StreamRunResponse]:
        yield batch(metadata())
        yield batch(values(2, '{"n":1}'), values(3, '{"n":2}'), end(4))

    async with serving(StreamRun=stream) as client:
        events = [event async for event in client.stream("agent", {})]

    assert [(event.seq, event.mode) for event in events] == [(1, "metadata"), (2, "values"), (3, "values"), (4, "end")]
    assert events[2].data == {"n": 2}
    assert events[3].status == "success"


async def test_fragments_are_joined() -> None:
    large = values(2, '{"text":"' + "x" * 5000 + '"}')

    async def stream(_request: Any, _context: Any) -> AsyncIterator[StreamRunResponse]:
        first, *others = fragments(large, 3)
        yield batch(metadata(), first)
        for other in others:
            yield batch(other)
        yield batch(end(3))

    async with serving(StreamRun=stream) as client:
        events = [event async for event in client.stream("agent", {})]

    assert [event.seq for event in events] == [1, 2, 3]
    assert events[1].proto == large


@pytest.mark.parametrize("kept", [[0, 2], [1, 2], [0, 1], [0, 1, 1]])
async def test_a_lost_fragment_is_noticed(kept: list[int]) -> None:
    pieces = fragments(values(2, '"' + "x" * 5000 + '"'), 3)

    async def stream(_request: Any, _context: Any) -> AsyncIterator[StreamRunResponse]:
        yield batch(metadata(), *(pieces[i] for i in kept), end(3))

    async with serving(StreamRun=stream, patience=0) as client:
        run = client.stream("agent", {})
        with pytest.raises(graphwire.GraphwireError) as caught:
            [event async for event in run]

    assert caught.value.reason == "STREAM_CUT"
    assert run.last_seq == 1


async def test_a_stream_without_its_terminal_event_is_noticed() -> None:
    async def stream(_request: Any, _context: Any) -> AsyncIterator[StreamRunResponse]:
        yield batch(metadata())

    async with serving(StreamRun=stream, patience=0) as client:
        with pytest.raises(graphwire.GraphwireError, match="terminal event") as caught:
            [event async for event in client.stream("agent", {})]

    assert caught.value.code is grpc.StatusCode.DATA_LOSS


async def test_the_ids_are_known_before_the_first_event() -> None:
    known = asyncio.Event()

    async def stream(_request: Any, context: Any) -> AsyncIterator[StreamRunResponse]:
        await context.send_initial_metadata(IDS)
        await known.wait()
        yield batch(metadata(), end(2))

    async with serving(StreamRun=stream) as client, client.stream("agent", {}) as run:
        ids = run.run_id, run.thread_id, run.last_seq
        known.set()
        seqs = [event.seq async for event in run]

    assert ids == (RUN, THREAD, None)
    assert seqs == [1, 2]
    assert run.end is not None
    assert run.last_seq == 2


async def test_the_ids_of_a_stream_that_has_not_started_are_not_guessed() -> None:
    async with serving() as client:
        with pytest.raises(RuntimeError, match="enter the stream"):
            _ = client.stream("agent", {}).run_id


async def test_the_ids_come_from_the_first_event_where_metadata_was_dropped() -> None:
    async def stream(_request: Any, _context: Any) -> AsyncIterator[StreamRunResponse]:
        yield batch(metadata(), end(2))

    async with serving(StreamRun=stream) as client, client.stream("agent", {}) as run:
        assert (run.run_id, run.thread_id) == (RUN, THREAD)
        assert [event.seq async for event in run] == [1, 2]


async def test_a_refused_call_raises_when_the_stream_is_entered() -> None:
    async def stream(_request: Any, context: Any) -> AsyncIterator[StreamRunResponse]:
        await context.abort_with_status(
            rich_status(grpc.StatusCode.NOT_FOUND, "ASSISTANT_NOT_FOUND", "no such assistant")
        )
        yield batch()

    async with serving(StreamRun=stream) as client:
        with pytest.raises(graphwire.NotFound, match="no such assistant"):
            async with client.stream("nobody"):
                pytest.fail("the stream was entered")


async def test_a_failure_comes_after_the_events_before_it() -> None:
    async def join(_request: Any, context: Any) -> AsyncIterator[JoinRunResponse]:
        yield JoinRunResponse(events=[metadata(), values(2, "{}")])
        status = rich_status(grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_READER", "read faster", after_seq="9")
        await context.abort_with_status(status)

    async with serving(JoinRun=join) as client:
        run = client.join(RUN, after_seq=0)
        seen: list[int] = []
        with pytest.raises(graphwire.SlowReader):
            await _read_into(run, seen)

    assert seen == [1, 2]
    assert run.last_seq == 2


async def _read_into(run: graphwire.RunStream, seen: list[int]) -> None:
    async for event in run:
        seen.append(event.seq)  # noqa: PERF401  what came before the error counts


class Endless:
    """A run that gives one event and then waits; it knows when its caller is gone."""

    def __init__(self) -> None:
        self.left = asyncio.Event()

    async def stream(self, _request: Any, context: Any) -> AsyncIterator[StreamRunResponse]:
        await context.send_initial_metadata(IDS)
        try:
            yield batch(metadata())
            await asyncio.Event().wait()
        finally:
            self.left.set()


async def test_leaving_the_context_ends_the_call() -> None:
    endless = Endless()
    async with serving(StreamRun=endless.stream) as client:
        async with client.stream("agent", {}) as run:
            async for _event in run:
                break
        await asyncio.wait_for(endless.left.wait(), PATIENCE)


async def test_a_stream_that_is_dropped_ends_the_call() -> None:
    endless = Endless()
    async with serving(StreamRun=endless.stream) as client:
        async for _event in client.stream("agent", {}):
            break
        await asyncio.wait_for(endless.left.wait(), PATIENCE)


async def test_a_cancelled_reader_ends_the_call_and_stays_cancelled() -> None:
    endless = Endless()
    first = asyncio.Event()

    async def read() -> None:
        async for _event in client.stream("agent", {}):
            first.set()

    async with serving(StreamRun=endless.stream) as client:
        reader = asyncio.create_task(read())
        await asyncio.wait_for(first.wait(), PATIENCE)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        await asyncio.wait_for(endless.left.wait(), PATIENCE)


async def test_closing_a_stream_ends_its_reader_plainly() -> None:
    endless = Endless()
    first = asyncio.Event()

    async def read(run: graphwire.RunStream) -> int | None:
        async for _event in run:
            first.set()
        return run.last_seq

    async with serving(StreamRun=endless.stream) as client:
        run = client.stream("agent", {})
        reader = asyncio.create_task(read(run))
        await asyncio.wait_for(first.wait(), PATIENCE)
        await run.aclose()
        await run.aclose()
        assert await asyncio.wait_for(reader, PATIENCE) == 1
        await asyncio.wait_for(endless.left.wait(), PATIENCE)


async def test_closing_the_client_is_an_error_for_the_reader_not_a_cancellation() -> None:
    endless = Endless()
    first = asyncio.Event()

    async def read() -> None:
        async for _event in client.stream("agent", {}):
            first.set()

    async with serving(StreamRun=endless.stream) as client:
        reader = asyncio.create_task(read())
        await asyncio.wait_for(first.wait(), PATIENCE)
        await client.aclose()
        with pytest.raises(graphwire.GraphwireError, match="client was closed"):
            await asyncio.wait_for(reader, PATIENCE)


async def test_a_time_limit_ends_the_call() -> None:
    endless = Endless()
    async with serving(StreamRun=endless.stream) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                [event async for event in client.stream("agent", {})]
        await asyncio.wait_for(endless.left.wait(), PATIENCE)
