"""A TCP relay to a server that moves: a server that is started anew has another port, and clients know one address.

While there is no server, connections are closed as soon as they are made.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Relay:
    """The relay.

    Attributes:
        url: Where it listens.
        target: The URL of the server; empty where there is none.
    """

    url: str = ""
    target: str = ""

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carries the bytes of a connection both ways until either way has ended."""
        if self.target:
            host, _, port = self.target.removeprefix("http://").partition(":")
            with suppress(ConnectionError):
                server = await asyncio.open_connection(host, int(port))
                await _joined((reader, writer), server)
        writer.close()


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _joined(client: Ends, server: Ends) -> None:
    ways = (asyncio.create_task(_copied(client[0], server[1])), asyncio.create_task(_copied(server[0], client[1])))
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        server[1].close()


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


@asynccontextmanager
async def relaying() -> AsyncIterator[Relay]:
    """A relay without a server."""
    relay, carried = Relay(), set[asyncio.Task[None]]()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        carried.add(task)
        task.add_done_callback(carried.discard)
        await relay.carry(reader, writer)

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    relay.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield relay
    finally:
        listening.close()
        for task in tuple(carried):
            task.cancel()
        await asyncio.gather(*carried, return_exceptions=True)
        await listening.wait_closed()
