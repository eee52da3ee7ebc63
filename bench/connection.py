"""One HTTP/1.1 connection that does as little as can be done.

Owns the reading of answers: it counts what arrives and parses nothing else, so that the reader is not what is measured.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from bench.tally import Seen, Tally

_EVENT = b"event: "
_ERROR = b"event: error"

Take = Callable[[bytes], None]
"""What is told of the bytes of an answer's body as they come."""


class Events:
    """The events of one SSE stream, in pieces that may be cut anywhere.

    Args:
        tell: What is told how many events each piece ends the names of.
    """

    __slots__ = ("_tail", "_tell")

    def __init__(self, tell: Callable[[int], None]) -> None:
        self._tell = tell
        self._tail = b""

    def take(self, piece: bytes) -> None:
        """More bytes have come. Raises RuntimeError where a whole error event is among them: the run failed."""
        if _ERROR in piece:
            raise RuntimeError(repr(piece[piece.index(_ERROR) :][:300]))
        seam = self._tail + piece[: len(_EVENT) - 1]
        self._tell(piece.count(_EVENT) + seam.count(_EVENT))
        self._tail = (self._tail + piece[1 - len(_EVENT) :])[1 - len(_EVENT) :]


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
        await self.read(method, path, body, parts.append)
        return json.loads(b"".join(parts))

    async def stream(self, method: str, path: str, body: Any = None, *, keep: bool = False) -> Seen:
        """The events of an answer. Raises RuntimeError where the run failed."""
        tally, kept = Tally(), list[bytes]()
        events = Events(tally.add)

        def take(piece: bytes) -> None:
            events.take(piece)
            if keep:
                kept.append(piece)

        await self.read(method, path, body, take)
        return tally.seen(b"".join(kept))

    async def read(self, method: str, path: str, body: Any, take: Take) -> None:
        """The bytes of an answer, as they come. Raises RuntimeError where its status is that of an error."""
        content = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {self._place.path.rstrip('/')}{path} HTTP/1.1\r\nhost: {self._place.netloc}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
        )
        self._writer.write(head.encode() + content)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        parts: list[bytes] = []
        failed = int(answer.split(b" ", 2)[1]) >= 400
        await self._body(answer, parts.append if failed else take)
        if failed:
            raise RuntimeError(f"{method} {path}: {answer.splitlines()[0]!r} {b''.join(parts)[:300]!r}")

    async def _body(self, head: bytes, take: Take) -> None:
        if b"transfer-encoding: chunked" in head:
            await self._chunks(take)
        else:
            await self._whole(head, take)

    async def _chunks(self, take: Take) -> None:
        while size := int((await self._reader.readline()).split(b";")[0], 16):
            take(await self._reader.readexactly(size))
            await self._reader.readexactly(2)
        await self._reader.readline()

    async def _whole(self, head: bytes, take: Take) -> None:
        for line in head.split(b"\r\n"):
            if line.startswith(b"content-length:"):
                take(await self._reader.readexactly(int(line.partition(b":")[2])))
