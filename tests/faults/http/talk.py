"""What these tests say to a server again and again, over the wire by hand."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.faults.http.wire import Heard, Wire, exchange, get, post, wire

BY_DESIGN = frozenset({501, 503})
"""Statuses above 499 that are answers: what is not offered, and a server that stops or whose store is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A server-sent event."""

    event: str
    data: Any
    id: str = ""


class Stream:
    """A stream of events that is read by hand.

    Args:
        line: Its connection.
        head: The head of the answer.
    """

    def __init__(self, line: Wire, head: Heard) -> None:
        self.line = line
        self.head = head
        self._text = b""

    @property
    def run_id(self) -> str:
        return self.head.headers["content-location"].rpartition("/")[2]

    async def frames(self) -> AsyncIterator[Frame]:
        """All events to the end of the body. Raises Cut where the connection ends before."""
        while part := await self.line.chunk():
            self._text += part
            while b"\r\n\r\n" in self._text:
                raw, _, self._text = self._text.partition(b"\r\n\r\n")
                if not raw.startswith(b":"):
                    yield _frame(raw)

    async def first(self, event: str) -> Frame:
        """Reads up to the first event of a name."""
        async for frame in self.frames():
            if frame.event == event:
                return frame
        raise AssertionError(f"the stream ended without {event}")

    async def rest(self, got: list[Frame] | None = None) -> list[Frame]:
        """Reads to the end. Raises Cut; what came before is then in `got`."""
        got = [] if got is None else got
        async for frame in self.frames():
            got.append(frame)
        return got


def _frame(raw: bytes) -> Frame:
    fields = dict(line.split(": ", 1) for line in raw.decode().split("\r\n"))
    return Frame(event=fields["event"], data=json.loads(fields["data"]), id=fields.get("id", ""))


@asynccontextmanager
async def streaming(url: str, asked: bytes, limit: int = 1 << 20) -> AsyncIterator[Stream]:
    """A stream whose head was read. Leaving the block is to vanish."""
    async with wire(url, limit) as line:
        await line.say(asked)
        head = await line.head()
        assert head.status == 200, head
        yield Stream(line, head)


async def told(url: str, path: str, body: Any) -> Any:
    """What a POST that must go well answers."""
    heard = await exchange(url, post(path, body))
    assert heard is not None
    assert heard.status == 200, heard
    return heard.json


async def shown(url: str, path: str) -> Any:
    """What a GET that must go well answers."""
    heard = await exchange(url, get(path))
    assert heard is not None
    assert heard.status == 200, heard
    return heard.json


async def new_thread(url: str) -> str:
    thread_id: str = (await told(url, "/threads", {}))["thread_id"]
    return thread_id


def run(graph: str, given: Mapping[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """The body of a run."""
    return {"assistant_id": graph, "input": given, "stream_mode": ["custom", "updates"], **fields}


def sane(heard: Heard | None) -> None:
    """An answer as an enemy may get it: no 5xx but by design, and of JSON, with a code where it is a refusal."""
    if heard is None:
        return
    assert heard.whole, heard
    assert heard.status < 500 or heard.status in BY_DESIGN, heard
    if heard.status >= 400:
        assert set(heard.json) >= {"detail", "code"}, heard


async def goes_on(url: str) -> None:
    """The server answers at once."""
    assert await shown(url, "/ok") == {"ok": True, "services": {}}
