"""HTTP by hand: bytes to a server, and what comes back.

Owns the reading of answers. A client library would mend what an enemy sends, and would hide how a connection ended.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 25.0
"""How long a server may keep a caller of these tests waiting, in seconds."""


class Cut(Exception):
    """The connection ended in the middle of an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An answer. `whole` says that its body came to its end, as its head announced it."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    whole: bool = True

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """One connection.

    Args:
        reader: What the server says.
        writer: What is said to it.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, *parts: bytes) -> None:
        """Sends bytes, as far as the server takes them: it may refuse and close before it has read all."""
        try:
            for part in parts:
                self.writer.write(part)
                await self.writer.drain()
        except ConnectionError:
            return

    async def hear(self, *, bodiless: bool = False) -> Heard | None:
        """The next answer; None where the connection ended without one. `bodiless` is for answers to HEAD."""
        async with asyncio.timeout(PATIENCE):
            return await self._hear(bodiless)

    async def ended(self) -> bytes:
        """What comes until the server ends the connection."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    async def head(self) -> Heard:
        """The head of an answer. Raises Cut where the connection ended before."""
        async with asyncio.timeout(PATIENCE):
            try:
                lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                raise Cut from error
        pairs = (line.partition(":") for line in lines[1:] if line)
        return Heard(status=int(lines[0].split(" ")[1]), headers={n.lower(): v.strip() for n, _, v in pairs})

    async def chunk(self) -> bytes:
        """The next part of a chunked body; nothing at its end. Raises Cut."""
        try:
            size = int((await self.reader.readuntil(b"\r\n")).strip(), 16)
            return (await self.reader.readexactly(size + 2))[:-2]
        except (asyncio.IncompleteReadError, ConnectionError, ValueError) as error:
            raise Cut from error

    async def _hear(self, bodiless: bool) -> Heard | None:
        try:
            head = await self.head()
            while head.status == 100:
                head = await self.head()
        except Cut:
            return None
        body, whole = bytearray(), True
        try:
            if bodiless or head.status in (204, 304):
                pass
            elif "content-length" in head.headers:
                body += await self.reader.readexactly(int(head.headers["content-length"]))
            else:
                while part := await self.chunk():
                    body += part
        except (Cut, asyncio.IncompleteReadError, ConnectionError):
            whole = False
        return Heard(status=head.status, headers=head.headers, body=bytes(body), whole=whole)


@asynccontextmanager
async def wire(url: str, limit: int = 1 << 20) -> AsyncIterator[Wire]:
    """A connection, which ends with the block without a goodbye. `limit` is how much may wait unread, in bytes, before the kernel's own buffers fill."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=limit)
    try:
        yield Wire(reader, writer)
    finally:
        writer.transport.abort()


async def exchange(url: str, *parts: bytes) -> Heard | None:
    """Sends bytes on a connection of their own, and returns the answer; None where the server ended it without one."""
    async with wire(url) as line:
        await line.say(*parts)
        return await line.hear()


def post(path: str, body: bytes | Any, *headers: str, method: str = "POST") -> bytes:
    """A request with a body; what is no bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return (
        request(method, path, "content-type: application/json", f"content-length: {len(content)}", *headers) + content
    )


def request(method: str, path: str, *headers: str) -> bytes:
    """The head of a request."""
    lines = [f"{method} {path} HTTP/1.1", "host: graphwire", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def get(path: str, *headers: str) -> bytes:
    """A request without a body."""
    return request("GET", path, *headers)
