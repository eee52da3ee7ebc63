"""Connections on a transport and a clock that are not real."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from graphwire_server.rest.protocol import (
    HEAD_PATIENCE,
    MOST_AHEAD,
    MOST_HEAD_BYTES,
    WRITE_PATIENCE,
    BoundedProtocol,
)

GET = b"GET /ok HTTP/1.1\r\nhost: x\r\n\r\n"


class Timer:
    def __init__(self, delay: float, call: Callable[..., None], *given: Any) -> None:
        self.delay = delay
        self.stopped = False
        self._call, self._given = call, given

    def call(self) -> None:
        self.stopped = True
        self._call(*self._given)

    def cancel(self) -> None:
        self.stopped = True


class Loop:
    """What a connection needs of a loop: timers that a test fires, and tasks that do not run."""

    def __init__(self) -> None:
        self.timers: list[Timer] = []
        self.begun = 0

    def call_later(self, delay: float, call: Callable[..., None], *given: Any) -> Timer:
        self.timers.append(Timer(delay, call, *given))
        return self.timers[-1]

    def create_task(self, work: Any, **_: Any) -> "asyncio.Future[None]":
        work.close()
        self.begun += 1
        return asyncio.get_running_loop().create_future()

    @property
    def running(self) -> list[Timer]:
        return [timer for timer in self.timers if not timer.stopped]


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.waiting = 0
        self.closing = False
        self.aborted = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def write(self, data: Any) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.aborted = True

    def pause_reading(self) -> None:
        """Nothing comes in but what the test says."""

    def resume_reading(self) -> None:
        """As above."""

    @property
    def answer(self) -> tuple[bytes, dict[bytes, bytes], Any]:
        head, _, body = self.written.partition(b"\r\n\r\n")
        line, *headers = head.split(b"\r\n")
        return line, dict(header.split(b": ") for header in headers), json.loads(body)


class Connection:
    """A connection from the first moment."""

    def __init__(self) -> None:
        self.loop, self.transport = Loop(), Transport()
        config = uvicorn.Config(_nothing, log_config=None, access_log=False)
        loop: Any = self.loop
        self.protocol = BoundedProtocol(config, ServerState(), {}, loop)
        self.protocol.connection_made(self.transport)

    def say(self, *parts: bytes) -> None:
        for part in parts:
            self.protocol.data_received(part)


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers nothing."""


@pytest.fixture
async def connection() -> Connection:
    return Connection()


async def test_a_request_in_pieces_is_one(connection: Connection) -> None:
    connection.say(*(GET[at : at + 1] for at in range(len(GET))))

    assert (connection.loop.begun, connection.transport.written, connection.loop.running) == (1, b"", [])


async def test_the_clock_of_the_first_head_starts_with_the_connection(connection: Connection) -> None:
    (timer,) = connection.loop.running

    assert timer.delay == HEAD_PATIENCE


async def test_a_head_that_is_too_slow(connection: Connection) -> None:
    connection.say(GET[:10])
    (timer,) = connection.loop.running

    timer.call()

    line, headers, body = connection.transport.answer
    assert line == b"HTTP/1.1 408 Request Timeout"
    assert (headers[b"content-type"], headers[b"connection"]) == (b"application/json", b"close")
    assert body == {"detail": "the head of the request took too long", "code": "HEAD_TOO_SLOW"}
    assert connection.transport.closing


@pytest.mark.parametrize("begin", [b"GET /", b"GET /ok HTTP/1.1\r\nx: "])
async def test_a_head_that_is_too_large(connection: Connection, begin: bytes) -> None:
    connection.say(begin, *[b"a" * 1024] * (MOST_HEAD_BYTES // 1024))

    line, headers, body = connection.transport.answer
    assert line == b"HTTP/1.1 431 Request Header Fields Too Large"
    assert int(headers[b"content-length"]) == len(connection.transport.written.partition(b"\r\n\r\n")[2])
    assert body["code"] == "HEAD_TOO_LARGE"
    assert (connection.transport.closing, connection.loop.begun) == (True, 0)


async def test_many_small_headers_are_too_large_together(connection: Connection) -> None:
    connection.say(GET[:-2], *[b"x: y\r\n"] * (MOST_HEAD_BYTES // 6))

    assert connection.transport.answer[2]["code"] == "HEAD_TOO_LARGE"


async def test_a_head_of_the_largest_size_passes(connection: Connection) -> None:
    room = MOST_HEAD_BYTES - len(GET) - len(b"x: \r\n")

    connection.say(GET[:-2], b"x: " + b"a" * room, b"\r\n", b"\r\n")

    assert (connection.transport.written, connection.loop.begun) == (b"", 1)


async def test_a_body_is_no_part_of_the_head(connection: Connection) -> None:
    head = b"POST /runs HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % (2 * MOST_HEAD_BYTES)

    connection.say(head, *[b"a" * 1024] * (2 * MOST_HEAD_BYTES // 1024))

    assert (connection.transport.written, connection.loop.running) == (b"", [])


@pytest.mark.parametrize("data", [b"hello\r\n\r\n", b"GET /\x00 HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01"])
async def test_what_is_no_http_is_answered_in_json(connection: Connection, data: bytes) -> None:
    connection.say(data)

    line, headers, body = connection.transport.answer
    assert line == b"HTTP/1.1 400 Bad Request"
    assert (headers[b"content-type"], headers[b"connection"]) == (b"application/json", b"close")
    assert (body["code"], body["detail"]) == ("MALFORMED_HTTP", "Invalid HTTP request received")
    assert connection.transport.closing


async def test_a_pipelined_request_has_a_clock_of_its_own(connection: Connection) -> None:
    connection.say(GET + GET[:10])

    (timer,) = connection.loop.running
    assert (timer is connection.loop.timers[0], timer.delay) == (False, HEAD_PATIENCE)


@pytest.mark.parametrize("spoil", ["slow", "large", "malformed"])
async def test_what_is_wrong_behind_an_answer_under_way_does_not_get_into_it(
    connection: Connection, spoil: str
) -> None:
    connection.say(GET + GET[:10])
    if spoil == "slow":
        connection.loop.running[0].call()
    else:
        connection.say(*[b"\x00" if spoil == "malformed" else b"a" * 1024] * (MOST_HEAD_BYTES // 1024 + 1))

    connection.say(GET)

    assert (connection.transport.written, connection.transport.closing) == (b"", False)
    assert (connection.protocol.cycle.keep_alive, connection.loop.running) == (False, [])


async def test_only_so_many_requests_wait_behind_the_one_that_is_answered(connection: Connection) -> None:
    connection.say(GET * (MOST_AHEAD + 5))

    assert (len(connection.protocol.pipeline), connection.transport.written) == (MOST_AHEAD, b"")
    assert not connection.protocol.pipeline[0][0].keep_alive


async def test_the_clock_of_a_pipelined_request_stops_with_its_head(connection: Connection) -> None:
    connection.say(GET + GET[:10], GET[10:])

    assert (connection.loop.running, len(connection.loop.timers)) == ([], 2)


async def test_each_request_may_have_a_head_of_its_own_size(connection: Connection) -> None:
    large = GET[:-2] + b"x: " + b"a" * (MOST_HEAD_BYTES * 3 // 4) + b"\r\n\r\n"

    connection.say(*(request[at : at + 1000] for request in [large] * 3 for at in range(0, len(large), 1000)))

    assert (len(connection.protocol.pipeline), connection.transport.written) == (2, b"")


async def test_a_connection_that_is_lost_has_no_clock(connection: Connection) -> None:
    connection.say(GET[:10])

    connection.protocol.connection_lost(None)

    assert connection.loop.running == []


async def test_an_answer_under_way_hears_that_its_connection_is_lost(connection: Connection) -> None:
    connection.say(GET)
    under_way = connection.protocol.cycle
    connection.say(GET)

    connection.protocol.connection_lost(None)

    assert (under_way.disconnected, under_way.message_event.is_set()) == (True, True)


async def test_a_caller_who_takes_nothing_is_cut(connection: Connection) -> None:
    connection.say(GET)
    connection.transport.waiting = 100
    connection.protocol.pause_writing()
    (timer,) = connection.loop.running

    timer.call()

    assert (timer.delay, connection.transport.aborted) == (WRITE_PATIENCE, True)


async def test_a_caller_who_takes_a_little_may_go_on(connection: Connection) -> None:
    connection.say(GET)
    connection.transport.waiting = 100
    connection.protocol.pause_writing()
    (timer,) = connection.loop.running
    connection.transport.waiting = 99

    timer.call()

    assert (len(connection.loop.running), connection.transport.aborted) == (1, False)


async def test_a_caller_who_reads_again_has_no_clock(connection: Connection) -> None:
    connection.say(GET)
    connection.transport.waiting = 100
    connection.protocol.pause_writing()

    connection.protocol.resume_writing()

    assert connection.loop.running == []


async def test_a_connection_that_closes_is_told_nothing_more(connection: Connection) -> None:
    (timer,) = connection.loop.running
    connection.transport.close()

    timer.call()

    assert connection.transport.written == b""


async def test_a_request_can_end_its_connection(connection: Connection) -> None:
    connection.say(GET)
    extensions: Any = connection.protocol.scope["extensions"]

    extensions["graphwire.abort"]()

    assert connection.transport.aborted
