"""A TCP proxy that cuts connections at chosen places of what the server answers.

It knows nothing of HTTP. A cut is found by the bytes it comes behind, so a test says exactly where the line breaks: in the middle of an
event, between two, or at an end that looks clean.
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET

CHUNK_END = b"\r\n\r\n\r\n"
"""The end of an event that is also the end of an HTTP chunk."""
LAST_CHUNK = b"0\r\n\r\n"
"""What ends a chunked answer as if it were whole."""
_PATIENCE = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Where a connection is cut.

    Attributes:
        behind: The bytes behind which it is cut; they still pass.
        through: Bytes that pass as well, with all before them; empty for nothing more.
        farewell: What is sent of the proxy's own before it hangs up.
        reset: Whether the connection is reset instead of closed.
    """

    behind: bytes
    through: bytes = b""
    farewell: bytes = b""
    reset: bool = False

    def end(self, seen: bytes, since: int) -> int | None:
        """How much of what a server said passes; None where it goes on. What stands before `since` does not count."""
        found = seen.find(self.behind, since)
        if found < 0:
            return None
        end = found + len(self.behind)
        if self.through:
            more = seen.find(self.through, end)
            return None if more < 0 else more + len(self.through)
        return end


def clean(behind: bytes) -> Cut:
    """A cut that looks like the end of the answer: some proxies end streams so when they have been open for long."""
    return Cut(behind=behind, through=CHUNK_END, farewell=LAST_CHUNK)


@dataclass(slots=True, kw_only=True)
class Cutter:
    """The proxy.

    Attributes:
        url: Where it listens.
        pending: The cuts that are still to come, in order. Each is made once.
        made: How many were made.
        asked: All that clients have sent.
    """

    url: str
    pending: list[Cut]
    made: int = 0
    asked: bytearray = field(default_factory=bytearray)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def all_made(self) -> None:
        """Waits until there is nothing more to cut."""
        async with asyncio.timeout(_PATIENCE), self._changed:
            await self._changed.wait_for(lambda: not self.pending)

    async def heard(self, words: bytes) -> None:
        """Waits until a client has sent these bytes."""
        async with asyncio.timeout(_PATIENCE), self._changed:
            await self._changed.wait_for(lambda: words in self.asked)

    async def ask(self, client: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
        """Passes on what the client says."""
        while data := await client.read(1 << 16):
            server.write(data)
            await server.drain()
            self.asked += data
            await self._tell()

    async def answer(self, server: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        """Passes on what the server says, until it ends or a cut comes."""
        seen, passed, since = b"", 0, 0
        sought: Cut | None = None
        while data := await server.read(1 << 16):
            seen += data
            cut = self.pending[0] if self.pending else None
            if cut is not sought:
                # What went before on this connection, such as another answer, is not where this cut is meant.
                sought, since = cut, passed
            end = cut.end(seen, since) if cut else None
            client.write(seen[passed : len(seen) if end is None else end])
            passed = len(seen)
            if end is not None:
                await self._cut(client)
                return
            await client.drain()

    async def _cut(self, client: asyncio.StreamWriter) -> None:
        cut = self.pending.pop(0)
        client.write(cut.farewell)
        await client.drain()
        if cut.reset:
            # Closed with no time to linger, a socket says reset instead of goodbye.
            client.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        self.made += 1
        await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@asynccontextmanager
async def cutting(target: str, cuts: Sequence[Cut] = ()) -> AsyncIterator[Cutter]:
    """Starts a proxy.

    Args:
        target: The URL of the server.
        cuts: Where to cut.
    """
    cutter = Cutter(url="", pending=list(cuts))
    host, _, port = target.removeprefix("http://").partition(":")
    handlers: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        try:
            server, to_server = await asyncio.open_connection(host, int(port))
            await _joined(cutter, (reader, writer), (server, to_server))
        except ConnectionError:
            pass  # one of the two hung up: so does the other
        finally:
            writer.close()
            handlers.discard(task)

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    cutter.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield cutter
    finally:
        listening.close()
        for handler in tuple(handlers):
            handler.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)
        await listening.wait_closed()


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _joined(cutter: Cutter, client: Ends, server: Ends) -> None:
    """Carries bytes both ways until either way has ended."""
    ways = (
        asyncio.create_task(cutter.ask(client[0], server[1])),
        asyncio.create_task(cutter.answer(server[0], client[1])),
    )
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        server[1].close()  # first: who waits for the ways may be cancelled once more
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
