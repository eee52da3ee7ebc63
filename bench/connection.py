"""One HTTP/1.1 connection that does as little as can be done.

Owns the reading of answers: it counts what arrives and parses nothing else, so that the reader is not what is measured.
"""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

_EVENT = b"event: "


class Seen(NamedTuple):
    """What a stream brought: seconds to the first event, seconds to the end, the number of events, and all bytes where they were wanted."""

    first: float
    end: float
    events: int
    content: bytes


class Connection:
    """A connection that is kept alive.

    Args:
        url: The server.
    """

    def __init__(self, url: str) -> None:
        self._place = urlsplit(url)

    async def open(self) -> "Connection":
        """Connects, and returns itself."""
        self._reader, self._writer = await asyncio.open_connection(
            self._place.hostname, self._place.port, limit=1 << 24
        )
        return self

    def close(self) -> None:
        """Ends the connection."""
        self._writer.close()

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of an answer."""
        parts: list[bytes] = []
        await self._request(method, path, body, parts.append)
        return json.loads(b"".join(parts))

    async def stream(self, method: str, path: str, body: Any = None, *, keep: bool = False) -> Seen:
        """The events of an answer. Raises RuntimeError where the run failed."""
        begun, first, seen, tail = time.perf_counter(), 0.0, 0, b""
        kept: list[bytes] = []

        def take(piece: bytes) -> None:
            nonlocal first, seen, tail
            if b"event: error" in piece:
                raise RuntimeError(piece[:300])
            seen += (tail + piece).count(_EVENT)
            tail = piece[1 - len(_EVENT) :]
            first = first or time.perf_counter() - begun
            if keep:
                kept.append(piece)

        await self._request(method, path, body, take)
        return Seen(first, time.perf_counter() - begun, seen, b"".join(kept))

    async def _request(self, method: str, path: str, body: Any, take: Callable[[bytes], None]) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {self._place.path.rstrip('/')}{path} HTTP/1.1\r\nhost: {self._place.netloc}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
        )
        self._writer.write(head.encode() + content)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        if int(answer.split(b" ", 2)[1]) >= 400:
            raise RuntimeError(f"{method} {path}: {answer[:200]!r}")
        if b"transfer-encoding: chunked" in answer:
            await self._chunks(take)
        else:
            await self._whole(answer, take)

    async def _chunks(self, take: Callable[[bytes], None]) -> None:
        while size := int((await self._reader.readline()).split(b";")[0], 16):
            take(await self._reader.readexactly(size))
            await self._reader.readexactly(2)
        await self._reader.readline()

    async def _whole(self, head: bytes, take: Callable[[bytes], None]) -> None:
        for line in head.split(b"\r\n"):
            if line.startswith(b"content-length:"):
                take(await self._reader.readexactly(int(line.partition(b":")[2])))
