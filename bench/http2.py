"""One HTTP/2 connection that carries gRPC calls and does as little as can be done.

Owns the frames. A stub of gRPC costs about as much for a message as the server does, and on two cores it would be what is measured; `clients.py` measures what stubs cost.
Windows are as large as they may be, so that no stream waits for a reader; the dynamic table of headers is refused, so that a status stands as text in its frame (RFC 7541).
A stream may bring 2 GiB.
"""

import asyncio
import re
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY, _WINDOW = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4
_HEAD = 9
_LARGEST_WINDOW = (1 << 31) - 1
_FIRST_WINDOW = 65_535
_LARGEST_FRAME = 1 << 20
_REFILL = 1 << 28
_STATUS = re.compile(rb"\x0bgrpc-status.(\d+)", re.DOTALL)
_MESSAGE = re.compile(rb"\x0cgrpc-message.([ -~]*)", re.DOTALL)


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def _setting(number: int, value: int) -> bytes:
    return number.to_bytes(2, "big") + value.to_bytes(4, "big")


def _text(text: bytes) -> bytes:
    """A string of a header: under 127 bytes, not compressed."""
    return bytes((len(text),)) + text


_HELLO = _PREFACE + _frame(
    _SETTINGS, 0, 0, _setting(1, 0) + _setting(2, 0) + _setting(4, _LARGEST_WINDOW) + _setting(5, _LARGEST_FRAME)
)
_MORE = _frame(_WINDOW, 0, 0, (_LARGEST_WINDOW - _FIRST_WINDOW).to_bytes(4, "big"))


def _told(trailers: bytes) -> str | None:
    """The status and its message; None where it is OK."""
    status, message = _STATUS.search(trailers), _MESSAGE.search(trailers)
    if status is not None and status[1] == b"0":
        return None
    return " ".join(found[1].decode() for found in (status, message) if found is not None)


class Call:
    """One call on a connection.

    Attributes:
        take: What is told of the bytes of messages as they come, with the five bytes before each; it may be cut anywhere.
        joined: Done when the server has sent the call's initial metadata.
        ended: Done when the call has ended with OK; RuntimeError where it ended otherwise.
    """

    __slots__ = ("ended", "joined", "take")

    def __init__(self, take: Callable[[bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        self.take = take
        self.joined: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()

    def headers(self, payload: bytes, *, last: bool) -> None:
        """The initial metadata, or the trailers, have come; trailers alone are those of a call that was refused."""
        told = _told(payload) if last else None
        if told is not None:
            self.fail(f"the call ended with status {told}")
            return
        if not self.joined.done():
            self.joined.set_result(None)
        if last and not self.ended.done():
            self.ended.set_result(None)

    def fail(self, why: str) -> None:
        """The call ends as an error."""
        for future in (self.joined, self.ended):
            if not future.done():
                future.set_exception(RuntimeError(why))
                # Who waits for the one need not wait for the other; that is no error nobody looked at.
                future.exception()


class Http2(asyncio.Protocol):
    """A connection to a gRPC server, without TLS.

    Args:
        address: Its host and port.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        place = urlsplit(f"//{address}")
        self._host, self._port = place.hostname or "", place.port or 0
        self._rest = b""
        self._next = 1
        self._unacknowledged = 0
        self._calls: dict[int, Call] = {}
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def open(self) -> "Http2":
        """Connects, and returns itself."""
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, self._host, self._port)
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Says what the server may send: all it has."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(_HELLO + _MORE)

    async def aclose(self) -> None:
        """Ends the connection, and with it the calls that have not ended."""
        self._transport.close()
        await self._closed

    def call(self, path: str, message: bytes, take: Callable[[bytes], None]) -> Call:
        """Starts a call.

        Args:
            path: The method: `/package.Service/Method`.
            message: The one request; under 64 KiB, since no window is waited for.
            take: See `Call`.
        """
        number, call = self._next, Call(take)
        self._next += 2
        self._calls[number] = call
        headers = b"\x83\x86\x04" + _text(path.encode()) + b"\x01" + _text(self._address.encode())
        headers += b"\x00" + _text(b"te") + _text(b"trailers")
        headers += b"\x00" + _text(b"content-type") + _text(b"application/grpc")
        body = b"\x00" + len(message).to_bytes(4, "big") + message
        self._transport.write(
            _frame(_HEADERS, _END_HEADERS, number, headers) + _frame(_DATA, _END_STREAM, number, body)
        )
        return call

    def data_received(self, data: bytes) -> None:
        """Takes what whole frames there are, and keeps the rest."""
        data = self._rest + data if self._rest else data
        at, size = 0, len(data)
        while size - at >= _HEAD:
            end = at + _HEAD + int.from_bytes(data[at : at + 3], "big")
            if end > size:
                break
            number = int.from_bytes(data[at + 5 : at + 9], "big")
            if data[at + 3] == _DATA:
                self._message(number, data[at + _HEAD : end])
            else:
                self._control(data[at + 3], data[at + 4], number, data[at + _HEAD : end])
            at = end
        self._rest = data[at:]

    def _message(self, number: int, payload: bytes) -> None:
        call = self._calls.get(number)
        if call is not None:
            call.take(payload)
        self._unacknowledged += len(payload)
        if self._unacknowledged >= _REFILL:
            self._transport.write(_frame(_WINDOW, 0, 0, self._unacknowledged.to_bytes(4, "big")))
            self._unacknowledged = 0

    def _control(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        if kind == _HEADERS and number in self._calls:
            last = bool(flags & _END_STREAM)
            call = self._calls.pop(number) if last else self._calls[number]
            call.headers(payload, last=last)
        elif kind in (_SETTINGS, _PING) and not flags & _ACK:
            self._transport.write(_frame(kind, _ACK, 0, payload if kind == _PING else b""))
        elif kind == _RESET and number in self._calls:
            self._calls.pop(number).fail(f"the stream was reset: {payload!r}")
        elif kind == _GOAWAY:
            self._fail(f"the server ends the connection: {payload[8:]!r}")

    def connection_lost(self, exc: Exception | None) -> None:
        """The calls that have not ended fail."""
        self._fail(f"the connection was lost: {exc}")
        self._closed.set_result(None)

    def _fail(self, why: str) -> None:
        for call in self._calls.values():
            call.fail(why)
        self._calls.clear()
