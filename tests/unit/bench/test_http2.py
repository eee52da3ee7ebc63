"""The thin gRPC client reads frames that may be cut anywhere, and tells a call's end."""

import asyncio
from typing import Any

import pytest

from bench.http2 import Call, Http2

DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, ACK = 1, 1
OK = b"\x88@\x0bgrpc-status\x010\x00\x0cgrpc-message\x00"
NOT_FOUND = b"\x88@\x0bgrpc-status\x015\x00\x0cgrpc-message\x0bno such run\x00\x17grpc-status-details-bin\x02\xff\x00"


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


class Wire(asyncio.Transport):
    """What the client writes."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: Any) -> None:
        self.written += data


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def connection(wire: Wire) -> Http2:
    made = Http2("localhost:1")
    made.connection_made(wire)
    return made


def begin(connection: Http2) -> tuple[Call, list[bytes]]:
    got: list[bytes] = []
    return connection.call("/a.B/C", b"asked", got.append), got


@pytest.mark.parametrize("piece", [1, 2, 7, 1000])
async def test_frames_may_be_cut_anywhere(connection: Http2, piece: int) -> None:
    (one, first), (other, second) = begin(connection), begin(connection)
    sent = frame(HEADERS, 0, 1, b"\x88") + frame(DATA, 0, 1, b"a") + frame(DATA, 0, 3, b"b" * 300)
    sent += frame(DATA, 0, 1, b"c") + frame(HEADERS, END_STREAM, 1, OK)

    for at in range(0, len(sent), piece):
        connection.data_received(sent[at : at + piece])

    assert (first, second) == ([b"a", b"c"], [b"b" * 300])
    assert one.ended.done()
    assert not other.ended.done()


async def test_a_call_has_joined_with_its_initial_metadata(connection: Http2) -> None:
    call, _ = begin(connection)

    connection.data_received(frame(HEADERS, 0, 1, b"\x88"))

    assert call.joined.done()
    assert not call.ended.done()


async def test_settings_and_pings_are_acknowledged(connection: Http2, wire: Wire) -> None:
    wire.written = b""

    connection.data_received(frame(SETTINGS, 0, 0, b"\x00\x04\x00\x40\x00\x00") + frame(PING, 0, 0, b"12345678"))
    connection.data_received(frame(SETTINGS, ACK, 0) + frame(PING, ACK, 0, b"12345678"))

    assert wire.written == frame(SETTINGS, ACK, 0) + frame(PING, ACK, 0, b"12345678")


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (frame(HEADERS, END_STREAM, 1, NOT_FOUND), "status 5 no such run"),
        (frame(RESET, 0, 1, b"\x00\x00\x00\x08"), "reset"),
        (frame(GOAWAY, 0, 0, b"\x00\x00\x00\x01\x00\x00\x00\x02max_age"), "max_age"),
    ],
)
async def test_a_call_that_ends_otherwise_fails(connection: Http2, sent: bytes, told: str) -> None:
    call, _ = begin(connection)

    connection.data_received(sent)

    with pytest.raises(RuntimeError, match=told):
        await call.ended
    with pytest.raises(RuntimeError, match=told):
        await call.joined


async def test_calls_of_a_lost_connection_fail(connection: Http2) -> None:
    call, _ = begin(connection)

    connection.connection_lost(None)

    with pytest.raises(RuntimeError, match="lost"):
        await call.ended
