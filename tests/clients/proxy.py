"""A proxy that knows the frames of HTTP/2 just enough to break a line behind a chosen one.

Owns the connections that go through it. It counts what the server says: DATA frames of each connection, for the cuts of a case; answers begun and messages, for a
scripted server that wants to hang up once all that it said has passed.
"""

import asyncio
import struct
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET

from tests.clients.cases import Cut

_DATA, _HEADERS, _GOAWAY = 0, 1, 7
_END_STREAM, _PADDED = 1, 8
_PATIENCE = 40.0

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(slots=True)
class _Messages:
    """Counts the whole gRPC messages of one HTTP/2 stream: each has five bytes before it, the last four of which are its length."""

    rest: bytes = b""
    whole: int = 0

    def take(self, payload: bytes) -> None:
        self.rest += payload
        while len(self.rest) >= 5 and len(self.rest) >= 5 + int.from_bytes(self.rest[1:5]):
            self.rest = self.rest[5 + int.from_bytes(self.rest[1:5]) :]
            self.whole += 1


@dataclass(slots=True)
class _Frames:
    """What one connection has carried from the server."""

    data: int = 0
    newest_stream: int = 0
    messages: dict[int, _Messages] = field(default_factory=lambda: defaultdict(_Messages))


@dataclass(slots=True, kw_only=True)
class Proxy:
    """The proxy.

    Attributes:
        target: The address of the server; may change while the server is away.
        address: Where it listens.
        pending: The cuts that are still to come, in order. Each is made once, on the first connection that gets there.
        kill: Kills the server and starts it again.
        answers: How many answers have begun, over all connections.
        messages: How many messages have passed from the server, over all connections.
        clients: The connections of clients that are open.
        over: Set when the proxy ends.
    """

    target: str
    address: str = ""
    pending: list[Cut]
    kill: Callable[[], Awaitable[None]] | None = None
    answers: int = 0
    messages: int = 0
    clients: set[asyncio.StreamWriter] = field(default_factory=set)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def passed(self, *, answers: int, messages: int) -> None:
        """Waits until so much of what the server said has been passed on."""
        async with asyncio.timeout(_PATIENCE), self._changed:
            await self._changed.wait_for(lambda: self.answers >= answers and self.messages >= messages)

    async def drop(self) -> None:
        """Closes all connections; new ones are taken."""
        for client in tuple(self.clients):
            client.close()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection until either side hangs up or it is broken."""
        self.clients.add(writer)
        try:
            host, _, port = self.target.rpartition(":")
            await self._joined((reader, writer), await asyncio.open_connection(host, int(port)))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # one of the two hung up: so does the other
        finally:
            await _closed(writer)
            self.clients.discard(writer)

    async def _joined(self, client: Ends, server: Ends) -> None:
        ways = (
            asyncio.create_task(_ask(client[0], server[1])),
            asyncio.create_task(self._answer(server[0], client[1])),
        )
        cut: Cut | None = None
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            cut = ways[1].result() if ways[1].done() else None
            if cut is not None and cut.how == "silence":
                ways[0].cancel()
                await self.over.wait()  # the line stays open and is dead
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            await _closed(server[1])
        if cut is not None and cut.how == "kill":
            await _closed(client[1])
            assert self.kill is not None, "only a real server can be killed"
            await self.kill()

    async def _answer(self, server: asyncio.StreamReader, client: asyncio.StreamWriter) -> Cut | None:
        """Passes frames on, until the server hangs up or a cut comes; that cut."""
        frames = _Frames()
        while True:
            head = await server.readexactly(9)
            payload = await server.readexactly(int.from_bytes(head[:3]))
            client.write(head + payload)
            await client.drain()
            await self._count(frames, head, payload)
            if self.pending and frames.data >= self.pending[0].after and head[3] == _DATA:
                return await self._cut(client, frames)

    async def _count(self, frames: _Frames, head: bytes, payload: bytes) -> None:
        kind, flags, stream = head[3], head[4], int.from_bytes(head[5:9]) & 0x7FFFFFFF
        frames.newest_stream = max(frames.newest_stream, stream)
        if kind == _HEADERS and not flags & _END_STREAM:
            self.answers += 1
        elif kind == _DATA and payload:
            frames.data += 1
            messages = frames.messages[stream]
            before = messages.whole
            messages.take(payload[1 : len(payload) - payload[0]] if flags & _PADDED else payload)
            self.messages += messages.whole - before
        async with self._changed:
            self._changed.notify_all()

    async def _cut(self, client: asyncio.StreamWriter, frames: _Frames) -> Cut:
        cut = self.pending.pop(0)
        if cut.how == "goaway":
            farewell = struct.pack(
                ">II", frames.newest_stream, 0
            )  # what was asked up to there was begun, and there is no error
            client.write(len(farewell).to_bytes(3) + bytes((_GOAWAY, 0)) + bytes(4) + farewell)
            await client.drain()
        elif cut.how == "reset":
            # Closed with no time to linger, a socket says reset instead of goodbye.
            client.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        return cut


async def _ask(client: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
    """Passes on what the client says."""
    while data := await client.read(1 << 16):
        server.write(data)
        await server.drain()


async def _closed(writer: asyncio.StreamWriter) -> None:
    """Hangs up. What the other side does not read within a moment is dropped."""
    writer.close()
    try:
        await asyncio.wait_for(writer.wait_closed(), 1)
    except (TimeoutError, ConnectionError):
        writer.transport.abort()


@asynccontextmanager
async def proxied(
    target: str, cuts: Sequence[Cut] = (), kill: Callable[[], Awaitable[None]] | None = None
) -> AsyncIterator[Proxy]:
    """Starts a proxy.

    Args:
        target: The address of the server.
        cuts: Where to break the line.
        kill: Kills the server and starts it again.
    """
    proxy = Proxy(target=target, pending=list(cuts), kill=kill)
    handlers: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handler = asyncio.create_task(proxy.connected(reader, writer))
        handlers.add(handler)
        handler.add_done_callback(handlers.discard)

    listening = await asyncio.start_server(connected, "127.0.0.1", 0, limit=1 << 24)
    proxy.address = "{}:{}".format(*listening.sockets[0].getsockname())
    try:
        yield proxy
    finally:
        listening.close()
        proxy.over.set()
        for client in tuple(proxy.clients):
            client.transport.abort()
        # Handlers are not cancelled: each ends by itself now, and leaves no connection behind that it was about to open.
        await asyncio.gather(*handlers)
        await listening.wait_closed()
