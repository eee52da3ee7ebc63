import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock

import pytest
from starlette.types import Message

from graphwire_server.core.batch import Batch
from graphwire_server.core.errors import CapacityReached, Draining, GraphwireError, SlowReader, ThreadNotFound
from graphwire_server.core.events import Custom, End, Error, Event, Payload
from graphwire_server.core.follow import Batches
from graphwire_server.core.model import RunError, RunStatus
from graphwire_server.core.streams import StreamLimits, Streams
from graphwire_server.rest.event_stream import EventStream, FailedStream, Source
from tests.unit.rest.wire import GONE, Caller, frames, jumping, tasks

LIMITS = StreamLimits(streams=2, write_timeout=timedelta(seconds=3), heartbeat=timedelta(seconds=5))
FAILED = RunError(type="E", message="m")
Step = Sequence[Event] | BaseException | float
"""What a source does next: a batch, a failure, or a pause in seconds."""


def event(seq: int, payload: Payload | None = None) -> Event:
    return Event(seq, "r", "t", 1.0, (), payload or Custom(b"%d" % seq, "n"), 1)


def end(seq: int, error: RunError | None = None) -> Event:
    status = RunStatus.ERROR if error else RunStatus.SUCCESS
    return event(seq, End(status=status, error=error, interrupts=(), next=(), checkpoint_id="", event_count=seq))


async def never() -> None:
    await asyncio.Event().wait()


class Streaming:
    """A stream of scripted steps, and what became of it."""

    def __init__(self, *steps: Step, **source: Any) -> None:
        self.gone = 0
        self.closed = 0
        self.streams = Streams(LIMITS)
        self._steps = steps
        self._source = source

    def _note(self) -> None:
        self.gone += 1

    async def _batches(self) -> AsyncIterator[Batch]:
        for step in self._steps:
            if isinstance(step, BaseException):
                raise step
            if isinstance(step, float):
                await (never() if step < 0 else asyncio.sleep(step))
            else:
                yield Batch(step)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Source]:
        try:
            yield Source(batches=Batches(0, self._batches()), gone=self._note, **self._source)
        finally:
            self.closed += 1

    async def send(self, caller: Caller) -> int:
        stream = EventStream(self._open(), self.streams)
        return await stream.send(caller.scope(), caller.receive, caller.send)

    @property
    def left(self) -> tuple[int, int, set[str]]:
        """What is open behind it: streams, sources, tasks."""
        return self.streams.open, 1 - self.closed, tasks()


FOREVER = -1.0
NOTHING_LEFT = (0, 0, set[str]())


async def test_a_stream_from_its_head_to_its_end() -> None:
    streaming, caller = Streaming([event(1)], [event(2), end(3)], headers=[("location", "/runs/r/stream")]), Caller()

    status = await streaming.send(caller)

    assert (status, caller.status, caller.ended) == (200, 200, True)
    assert caller.headers == {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
        "connection": "keep-alive",
        "location": "/runs/r/stream",
        "graphwire-after-seq": "0",
    }
    assert caller.bodies == [
        b"event: custom\r\ndata: 1\r\n\r\n",
        b"event: custom\r\ndata: 2\r\n\r\n",
        b"",
    ]
    assert (streaming.gone, streaming.left) == (0, NOTHING_LEFT)


async def test_a_batch_that_has_no_frames_is_not_written() -> None:
    caller = Caller()

    await Streaming([end(1)]).send(caller)

    assert caller.bodies == [b""]


@pytest.mark.parametrize(
    ("source", "last"),
    [
        ({}, b"event: custom\r\ndata: 1\r\n\r\n"),
        ({"numbered": True}, b"event: custom\r\ndata: 1\r\nid: 1\r\n\r\n"),
        (
            {"watched": True},
            b'event: custom\r\ndata: 1\r\nid: 1\r\n\r\nevent: metadata\r\ndata: {"status":"run_done","run_id":"r"}\r\nid: 2\r\n\r\n',
        ),
    ],
)
async def test_frames_are_those_that_the_source_asks_for(source: dict[str, bool], last: bytes) -> None:
    caller = Caller()

    await Streaming([event(1), end(2)], **source).send(caller)

    assert caller.body == last


def test_signs_of_life_come_between_events() -> None:
    async def main() -> Caller:
        caller = Caller()
        await Streaming([event(1)], 7.0, [event(2)], 4.0, [end(3)]).send(caller)
        return caller

    caller = jumping(main())
    assert [(when, message["body"][:9]) for when, message in caller.sent[1:]] == [
        (0, b"event: cu"),
        (5, b": heartbe"),
        (7, b"event: cu"),
        (10, b": heartbe"),
        (11, b""),
    ]


async def test_a_caller_who_goes_away_is_gone_and_the_source_is_closed() -> None:
    streaming, caller = Streaming([event(1)], FOREVER), Caller()
    task = asyncio.create_task(streaming.send(caller))
    await caller.until(2)

    caller.say(GONE)

    async with asyncio.timeout(15):
        assert await task == 499
    assert (streaming.gone, caller.ended, caller.aborted) == (1, False, 0)
    assert streaming.left == NOTHING_LEFT


async def test_who_cancels_a_stream_takes_its_caller_away() -> None:
    streaming, caller = Streaming([event(1)], FOREVER), Caller()
    task = asyncio.create_task(streaming.send(caller))
    await caller.until(2)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert (streaming.gone, caller.ended) == (1, False)
    assert streaming.left == NOTHING_LEFT


def test_a_slow_caller_is_cut_and_gone() -> None:
    async def stuck(message: Message) -> None:
        if message.get("body"):
            await never()

    async def main() -> tuple[Streaming, Caller, int, float]:
        streaming, caller = Streaming([event(1)], [event(2)]), Caller(hook=stuck)
        status = await streaming.send(caller)
        assert streaming.left == NOTHING_LEFT
        return streaming, caller, status, asyncio.get_running_loop().time()

    streaming, caller, status, took = jumping(main())
    assert (status, streaming.gone, caller.aborted, took) == (499, 1, 1, 3)
    assert not caller.ended


@pytest.mark.parametrize("error", [ThreadNotFound("x"), CapacityReached("full")])
@pytest.mark.parametrize("source", [{}, {"numbered": True}, {"watched": True}])
async def test_an_error_behind_the_head_is_the_last_event(source: dict[str, bool], error: GraphwireError) -> None:
    streaming, caller = Streaming([event(1)], error, **source), Caller()

    status = await streaming.send(caller)

    assert (status, caller.ended, caller.aborted, streaming.gone) == (200, True, 0, 0)
    assert caller.bodies[-1].startswith(b"event: error\r\n")
    assert frames(caller.bodies[-1].decode()) == [("error", {"error": type(error).__name__, "message": error.message})]


@pytest.mark.parametrize("source", [{}, {"numbered": True}, {"watched": True}])
async def test_a_server_that_stops_cuts_the_line(source: dict[str, bool]) -> None:
    streaming, caller = Streaming([event(1)], Draining(1), **source), Caller()

    await streaming.send(caller)

    assert (caller.aborted, caller.ended, streaming.left) == (1, False, NOTHING_LEFT)
    assert b"error" not in caller.body


async def test_a_slow_reader_who_can_come_back_is_cut() -> None:
    caller = Caller()

    await Streaming([event(1)], SlowReader(1), numbered=True).send(caller)

    assert (caller.aborted, caller.ended) == (1, False)
    assert b"error" not in caller.body


async def test_a_slow_reader_who_cannot_hears_why() -> None:
    caller = Caller()

    await Streaming([event(1)], SlowReader(1)).send(caller)

    assert (caller.aborted, caller.ended) == (0, True)
    assert frames(caller.body.decode())[-1] == ("error", {"error": "SlowReader", "message": SlowReader(1).message})


async def test_a_defect_is_the_last_event_without_its_detail(caplog: pytest.LogCaptureFixture) -> None:
    streaming, caller = Streaming([event(1)], KeyError("secret")), Caller()
    with caplog.at_level(logging.ERROR, "graphwire.rest"):
        await streaming.send(caller)

    ((name, said),) = frames(caller.bodies[-1].decode())
    (record,) = caplog.records
    assert (name, said["error"], caller.ended) == ("error", "InternalError", True)
    assert "secret" not in said["message"]
    assert record.__dict__["request_id"] in said["message"]


@pytest.mark.parametrize(
    "batches",
    [
        [[end(3, FAILED)]],
        [[event(2), end(3, FAILED)]],
        [[event(2)], [end(3, FAILED)]],
        [[event(2, Error(error=FAILED)), end(3, FAILED)]],
        [[event(2, Error(error=FAILED))], [end(3, FAILED)]],
    ],
)
async def test_a_run_that_failed_is_told_once_whatever_was_seen_of_it(batches: list[list[Event]]) -> None:
    caller = Caller()

    await Streaming(*batches).send(caller)

    told = [data for name, data in frames(caller.body.decode()) if name == "error"]
    assert told == [{"error": "E", "message": "m"}]
    assert frames(caller.body.decode())[-1][0] == "error"


async def test_what_fails_before_the_head_is_an_ordinary_failure() -> None:
    opened = AsyncMock()
    opened.__aenter__.side_effect = ThreadNotFound("x")
    streams, caller = Streams(LIMITS), Caller()

    with pytest.raises(ThreadNotFound):
        await EventStream(opened, streams).send(caller.scope(), caller.receive, caller.send)

    assert (caller.sent, streams.open) == ([], 0)


async def test_streams_are_bounded_before_their_source_is_opened() -> None:
    streaming, caller = Streaming([event(1)]), Caller()

    with streaming.streams, streaming.streams, pytest.raises(CapacityReached):
        await streaming.send(caller)

    assert (caller.sent, streaming.closed) == ([], 0)


async def test_a_caller_who_takes_no_head_is_gone() -> None:
    async def broken(message: Message) -> None:
        raise OSError

    streaming = Streaming([event(1)])

    with pytest.raises(OSError):  # noqa: PT011  the caller's own, which has no text
        await streaming.send(Caller(hook=broken))

    assert (streaming.gone, streaming.left) == (1, NOTHING_LEFT)


async def test_a_stream_of_nothing_but_a_failure() -> None:
    caller = Caller()

    status = await FailedStream("HTTPException", "404: Run not found").send(caller.scope(), caller.receive, caller.send)

    assert (status, caller.status, caller.ended) == (200, 200, True)
    assert caller.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert frames(caller.body.decode()) == [("error", {"error": "HTTPException", "message": "404: Run not found"})]
