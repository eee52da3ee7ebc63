"""Streams whose calls break, in fake time: where they go on, and what they raise."""

import asyncio
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2

import graphwire
from graphwire.v1.event_pb2 import EventFilter
from graphwire.v1.json_pb2 import PAYLOAD_FORMAT_VALUE
from graphwire.v1.run_pb2 import DISCONNECT_MODE_CANCEL
from graphwire.v1.run_service_pb2 import JoinRunRequest
from graphwire.v1.thread_service_pb2 import WatchThreadRequest, WatchThreadResponse
from tests.unit.client.scripted import IDS, RUN, THREAD, batch, end, fragments, metadata, rich_status, values
from tests.unit.client.staged import AT, Reader, begun, finished, staged

Code = grpc.StatusCode


@pytest.mark.parametrize(
    "code", [Code.UNAVAILABLE, Code.UNKNOWN, Code.INTERNAL, Code.CANCELLED, Code.DEADLINE_EXCEEDED]
)
async def test_a_run_whose_call_broke_is_joined_behind_its_last_event(code: grpc.StatusCode) -> None:
    async with staged() as (client, stage):
        reader, call, _ = await begun(client, stage)
        call.end(code, "the line broke")
        again = await stage.made()

        assert (again.method, again.request) == ("JoinRun", JoinRunRequest(run_id=RUN, after_seq=1))
        assert await finished(reader, again, 2, 3) == [1, 2, 3]


async def test_an_end_that_comes_too_early_is_a_break() -> None:
    async with staged() as (client, stage):
        reader, call, _ = await begun(client, stage)
        call.end(Code.OK)

        assert await finished(reader, await stage.made(), 2, 3) == [1, 2, 3]


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (Code.INTERNAL, "INTERNAL", graphwire.GraphwireError),
        (Code.DEADLINE_EXCEEDED, "DEADLINE", graphwire.DeadlineExceeded),
        (Code.RESOURCE_EXHAUSTED, "SLOW_READER", graphwire.SlowReader),
        (Code.OUT_OF_RANGE, "CURSOR_EXPIRED", graphwire.CursorExpired),
        (Code.NOT_FOUND, "RUN_NOT_FOUND", graphwire.NotFound),
    ],
)
async def test_what_the_service_says_is_raised_and_nothing_is_tried(
    code: grpc.StatusCode, reason: str, kind: type[graphwire.GraphwireError]
) -> None:
    async with staged() as (client, stage):
        reader, call, _ = await begun(client, stage)
        call.refuse(rich_status(code, reason, "no"))
        with pytest.raises(kind) as caught:
            await reader.ended()

        assert (caught.value.reason, stage.clock.waits, stage.quiet()) == (reason, [], True)


async def test_a_reason_of_somebody_else_is_none_of_ours() -> None:
    detail = error_details_pb2.ErrorInfo(reason="UPSTREAM_RESET", domain="proxy.example.com")
    status = rich_status(Code.INTERNAL, "", "upstream reset", detail)
    async with staged() as (client, stage):
        reader, call, _ = await begun(client, stage)
        call.refuse(status)

        assert await finished(reader, await stage.made(), 2) == [1, 2]


async def test_before_the_run_is_known_the_same_request_is_sent_again() -> None:
    async with staged() as (client, stage):
        reader = Reader(client.stream("agent", {"topic": "ice"}))
        first = await stage.made()
        first.end(Code.UNAVAILABLE)
        second = await stage.made()
        second.end(Code.UNAVAILABLE)
        third = await stage.made()

        assert [call.method for call in (first, second, third)] == ["StreamRun"] * 3
        assert first.request == second.request == third.request
        assert getattr(first.request, "request_id")  # noqa: B009  the class is known by its method
        assert await finished(reader, third, 1, 2) == [1, 2]


async def test_a_run_that_is_known_and_silent_is_joined_where_its_stream_started() -> None:
    async with staged() as (client, stage):
        reader = Reader(client.stream("agent", {}, thread_id=THREAD))
        call = await stage.made()
        call.take(*IDS, ("graphwire-after-seq", "40"))
        call.end(Code.UNAVAILABLE)
        again = await stage.made()

        assert again.request == JoinRunRequest(run_id=RUN, after_seq=40)
        assert await finished(reader, again, 41, 42) == [41, 42]


async def test_a_join_without_a_cursor_goes_on_where_the_server_said_that_it_starts() -> None:
    async with staged() as (client, stage):
        reader = Reader(client.join(RUN))
        first = await stage.made()
        first.end(Code.UNAVAILABLE)
        second = await stage.made()
        second.take(*IDS, ("graphwire-after-seq", "7"))
        second.end(Code.UNAVAILABLE)
        third = await stage.made()

        assert (first.request, second.request) == (JoinRunRequest(run_id=RUN), JoinRunRequest(run_id=RUN))
        assert third.request == JoinRunRequest(run_id=RUN, after_seq=7)
        assert await finished(reader, third, 8) == [8]


async def test_a_join_that_nobody_told_where_it_starts_does_not_skip_what_it_cannot_know() -> None:
    async with staged() as (client, stage):
        reader = Reader(client.join(RUN))
        call = await stage.made()
        call.take(*IDS)
        call.end(Code.UNAVAILABLE, "gone")
        with pytest.raises(graphwire.Unavailable, match="gone"):
            await reader.ended()

        assert stage.quiet()


async def test_the_next_call_asks_for_what_the_first_asked_for() -> None:
    options: dict[str, Any] = {
        "filter": graphwire.Filter(modes="values"),
        "on_disconnect": "cancel",
        "payload_format": "value",
    }
    asked: dict[str, Any] = {
        "filter": EventFilter(modes=["values"]),
        "on_disconnect": DISCONNECT_MODE_CANCEL,
        "payload_format": PAYLOAD_FORMAT_VALUE,
    }
    async with staged() as (client, stage):
        reader, call, _ = await begun(client, stage, **options)
        call.end(Code.UNAVAILABLE)
        again = await stage.made()
        assert again.request == JoinRunRequest(run_id=RUN, after_seq=1, **asked)
        again.end(Code.UNAVAILABLE)
        assert (await stage.made()).request == again.request
        joined = Reader(client.join(RUN, thread_id=THREAD, after_seq=3, **options))
        call = await stage.made()
        call.end(Code.UNAVAILABLE)
        assert (await stage.made()).request == JoinRunRequest(run_id=RUN, thread_id=THREAD, after_seq=3, **asked)
        del reader, joined


async def test_a_watch_goes_on_behind_its_last_event() -> None:
    async with staged() as (client, stage):
        reader = Reader(client.threads.watch(THREAD))
        call = await stage.made()
        call.take(("graphwire-thread-id", THREAD), ("graphwire-after-seq", "4"))
        call.send(WatchThreadResponse(events=[metadata(5), end(6)]))
        await reader.reached(6)
        call.end(Code.OK)
        again = await stage.made()

        assert again.request == WatchThreadRequest(thread_id=THREAD, after_seq=6)
        again.refuse(rich_status(Code.NOT_FOUND, "THREAD_NOT_FOUND", "deleted"))
        with pytest.raises(graphwire.NotFound):
            await reader.ended()


async def test_events_that_come_again_are_handed_out_once() -> None:
    async with staged() as (client, stage):
        reader, call, _ = await begun(client, stage)
        call.end(Code.UNAVAILABLE)

        assert await finished(reader, await stage.made(), 1, 2, 2, 1, 3) == [1, 2, 3]


@pytest.mark.parametrize("pieces", [1, 2])
@pytest.mark.parametrize("after_seq", [None, 5])
async def test_the_end_of_a_run_that_had_ended_is_handed_out_though_its_number_is_the_cursor(
    after_seq: int | None, pieces: int
) -> None:
    async with staged() as (client, stage):
        run = client.join(RUN, after_seq=after_seq)
        reader = Reader(run)
        call = await stage.made()
        call.take(*IDS, ("graphwire-after-seq", "5"))
        call.send(batch(values(5, "{}"), *(fragments(end(5), pieces) if pieces > 1 else [end(5)]), end(5)))
        call.end(Code.OK)

        assert await reader.ended() == [5]
        assert run.end is not None


async def test_pieces_from_before_the_break_are_dropped() -> None:
    pieces = fragments(values(2, '"' + "x" * 50 + '"'), 3)
    async with staged() as (client, stage):
        reader, call, _ = await begun(client, stage)
        call.send(batch(*pieces[:2], *pieces[:0]))
        call.end(Code.OK)
        again = await stage.made()
        assert getattr(again.request, "after_seq") == 1  # noqa: B009  the class is known by its method
        again.take(*AT)
        again.send(batch(*pieces, end(3)))
        again.end(Code.OK)

        assert await reader.ended() == [1, 2, 3]


@pytest.mark.parametrize("kept", [[0, 2], [1, 2]])
async def test_an_event_that_misses_a_piece_is_fetched_again(kept: list[int]) -> None:
    pieces = fragments(values(2, '"' + "x" * 50 + '"'), 3)
    async with staged() as (client, stage):
        reader, call, _ = await begun(client, stage)
        call.send(batch(*(pieces[i] for i in kept), end(3)))
        again = await stage.made()
        await call.left()
        again.take(*AT)
        again.send(batch(*pieces, end(3)))
        again.end(Code.OK)

        assert await reader.ended() == [1, 2, 3]


async def test_after_the_end_of_the_run_nothing_matters_any_more() -> None:
    async with staged() as (client, stage):
        reader, call, _ = await begun(client, stage)
        call.send(batch(end(2)))
        await reader.reached(2)
        call.end(Code.UNAVAILABLE, "the server stops")

        assert await reader.ended() == [1, 2]
        assert stage.quiet()


async def test_entering_goes_on_as_well() -> None:
    async with staged() as (client, stage):
        run = client.stream("agent", {})
        entering = asyncio.create_task(run.started())
        (await stage.made()).end(Code.UNAVAILABLE)
        (await stage.made()).take(*AT)

        assert (await entering).run_id == RUN
        await run.aclose()


async def test_a_stream_that_is_closed_while_it_waits_ends_plainly() -> None:
    async with staged() as (client, stage):
        reader, call, run = await begun(client, stage)
        stage.clock.stands = True
        call.end(Code.UNAVAILABLE)
        await stage.clock.waiting.wait()
        await run.aclose()

        assert await reader.ended() == [1]
        assert stage.quiet()


async def test_a_client_that_is_closed_while_a_stream_waits_is_an_error_for_its_reader() -> None:
    async with staged() as (client, stage):
        reader, call, _ = await begun(client, stage)
        stage.clock.stands = True
        call.end(Code.UNAVAILABLE)
        await stage.clock.waiting.wait()
        await client.aclose()
        with pytest.raises(graphwire.GraphwireError, match="client was closed"):
            await reader.ended()


async def test_a_reader_that_is_cancelled_while_it_waits_stays_cancelled() -> None:
    async with staged() as (client, stage):
        run = client.stream("agent", {})
        stage.clock.stands = True
        reading = asyncio.create_task(anext(run))
        (await stage.made()).end(Code.UNAVAILABLE)
        await stage.clock.waiting.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

        assert [event async for event in run] == []
        assert stage.quiet()


async def test_a_client_that_is_closed_makes_no_call() -> None:
    async with staged() as (client, stage):
        await client.aclose()
        with pytest.raises(graphwire.GraphwireError, match="client was closed"):
            await Reader(client.stream("agent", {})).ended()

        assert stage.quiet()
