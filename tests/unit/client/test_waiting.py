"""Streams whose calls break, in fake time: how long they wait, and when they have waited enough."""

import asyncio
from itertools import islice

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2

import graphwire
from tests.unit.client.scripted import RUN, batch, rich_status, values
from tests.unit.client.staged import AT, Made, Reader, Stage, begun, finished, staged, steps

Code = grpc.StatusCode


@pytest.mark.parametrize(("chance", "factor"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
async def test_waits_grow_from_a_tenth_of_a_second_to_five(chance: float, factor: float) -> None:
    async with staged(chance=chance) as (client, stage):
        reader, call, _ = await begun(client, stage)
        for _ in range(9):
            call.end(Code.UNAVAILABLE)
            call = await stage.made()

        assert stage.clock.waits == pytest.approx(list(islice(steps(factor), 9)))
        assert stage.clock.waits[-1] == 5.0 * factor
        assert await finished(reader, call, 2) == [1, 2]


async def test_an_event_is_progress() -> None:
    async with staged() as (client, stage):
        reader, call, _ = await begun(client, stage)
        for seq in range(2, 5):
            call.end(Code.UNAVAILABLE)
            call = await stage.made()
            call.end(Code.UNAVAILABLE)
            call = await stage.made()
            call.take(*AT)
            call.send(batch(values(seq, "{}")))
            await reader.reached(seq)

        assert stage.clock.waits == pytest.approx([0.1, 0.2] * 3)


@pytest.mark.parametrize(("lasted", "waits"), [(5.1, [0.1, 0.1, 0.1]), (4.9, [0.1, 0.2, 0.4])])
async def test_a_call_that_lasted_is_progress_too(lasted: float, waits: list[float]) -> None:
    async with staged() as (client, stage):
        _reader, call, _ = await begun(client, stage)
        for _ in range(3):
            call.end(Code.UNAVAILABLE)
            call = await stage.made()
            call.take(*AT)
            stage.clock.pass_by(lasted)

        assert stage.clock.waits == pytest.approx(waits)


async def test_a_long_wait_for_a_server_that_is_not_there_is_no_progress() -> None:
    async with staged(seconds=20) as (client, stage):
        reader, call, _ = await begun(client, stage)
        call.end(Code.UNAVAILABLE)
        for _ in range(4):
            call = await stage.made()
            stage.clock.pass_by(6)
            call.end(Code.UNAVAILABLE, "nobody answers")
        with pytest.raises(graphwire.Unavailable, match="nobody answers"):
            await reader.ended()


async def test_a_retry_delay_is_honoured_to_the_second() -> None:
    later = error_details_pb2.RetryInfo(retry_delay=Duration(seconds=17, nanos=500_000_000))
    async with staged() as (client, stage):
        reader, call, _ = await begun(client, stage)
        before = stage.clock.now()
        call.refuse(rich_status(Code.UNAVAILABLE, "DRAINING", "the server stops", later))
        again = await stage.made()

        assert stage.clock.now() - before == 17.5
        assert await finished(reader, again, 2) == [1, 2]


async def test_a_short_retry_delay_does_not_shorten_the_wait() -> None:
    soon = error_details_pb2.RetryInfo(retry_delay=Duration(nanos=1_000_000))
    async with staged() as (client, stage):
        _reader, call, _ = await begun(client, stage)
        call.refuse(rich_status(Code.UNAVAILABLE, "DRAINING", "the server stops", soon))
        await stage.made()

        assert stage.clock.waits == [0.1]


async def test_a_retry_delay_beyond_patience_is_told_at_once() -> None:
    later = error_details_pb2.RetryInfo(retry_delay=Duration(seconds=61))
    async with staged() as (client, stage):
        reader, call, _ = await begun(client, stage)
        call.refuse(rich_status(Code.UNAVAILABLE, "DRAINING", "the server stops", later))
        with pytest.raises(graphwire.Unavailable) as caught:
            await reader.ended()

        assert (caught.value.retry_after, stage.clock.waits) == (61.0, [])


async def _patience_over(stage: Stage, call: Made, reader: Reader, last: str) -> float:
    """Breaks every call until the stream gives up; the seconds that it took."""
    began, ended = stage.clock.now(), asyncio.ensure_future(reader.ended())
    call.end(Code.UNAVAILABLE, last)
    while True:
        made = asyncio.ensure_future(stage.made())
        await asyncio.wait({made, ended}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            made.cancel()
            with pytest.raises(graphwire.Unavailable, match=last):
                await ended
            return stage.clock.now() - began
        (await made).end(Code.UNAVAILABLE, last)


@pytest.mark.parametrize("seconds", [3.0, 60.0])
async def test_the_last_error_is_raised_when_patience_is_over(seconds: float) -> None:
    async with staged(seconds) as (client, stage):
        reader, call, run = await begun(client, stage)

        assert await _patience_over(stage, call, reader, "still away") == pytest.approx(seconds)
        assert (run.last_seq, run.run_id) == (1, RUN)
        assert [event async for event in run] == []


async def test_without_patience_the_first_break_is_raised() -> None:
    async with staged(0) as (client, stage):
        reader, call, _ = await begun(client, stage)
        call.end(Code.UNAVAILABLE)
        with pytest.raises(graphwire.Unavailable):
            await reader.ended()

        assert (stage.clock.waits, stage.quiet()) == ([], True)


async def test_a_server_that_never_answered_is_told_within_two_seconds() -> None:
    async with staged() as (client, stage):
        reader = Reader(client.stream("agent", {}))

        assert await _patience_over(stage, await stage.made(), reader, "refused") == pytest.approx(2.0)


async def test_a_server_that_gave_a_reason_has_answered() -> None:
    async with staged() as (client, stage):
        reader = Reader(client.stream("agent", {}))
        call = await stage.made()
        call.refuse(rich_status(Code.UNAVAILABLE, "DRAINING", "the server stops"))

        assert await _patience_over(stage, await stage.made(), reader, "refused") == pytest.approx(59.9)
