"""A receiver of webhooks: a small HTTP server on a free port of this machine, which answers as a test says and notes what came."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Any

PATIENCE = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is answered. `hangs` never answers; `cuts` closes the line instead."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False
    cuts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that came. The names of its headers are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """What has come so far.

    Args:
        replies: The answers, one after the other; the last one stays. None is 200.
    """

    def __init__(self, replies: Sequence[Reply]) -> None:
        self.calls: list[Call] = []
        self.url = ""
        self._replies = list(replies) or [Reply()]
        self._changed = asyncio.Condition()

    async def until(self, wanted: Callable[[Sequence[Call]], Any]) -> Sequence[Call]:
        """All calls, once they are as wanted."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: wanted(self.calls))
        return self.calls

    async def first(self, count: int = 1) -> Sequence[Call]:
        """The first calls, once there are so many."""
        return (await self.until(lambda calls: len(calls) >= count))[:count]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._answer(reader, writer)
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        async with self._changed:
            self.calls.append(Call(path=head.split(" ")[1], headers=headers, body=body))
            self._changed.notify_all()
        if reply.hangs:
            await reader.read()  # until the other side gives up
        elif not reply.cuts:
            told = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
            writer.write(f"HTTP/1.1 {reply.status} Told\r\n{told}content-length: 0\r\n\r\n".encode())
            await writer.drain()


@asynccontextmanager
async def receiving(*replies: Reply, tls: SSLContext | None = None, port: int = 0) -> AsyncIterator[Receiver]:
    """A receiver for as long as the block."""
    receiver = Receiver(replies)
    tasks: set[asyncio.Task[None]] = set()

    def opened(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(receiver.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(opened, "127.0.0.1", port, ssl=tls, limit=1 << 24)
    scheme, bound = "https" if tls else "http", server.sockets[0].getsockname()[1]
    receiver.url = f"{scheme}://{'localhost' if tls else '127.0.0.1'}:{bound}/hook"
    try:
        yield receiver
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
