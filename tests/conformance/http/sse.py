"""Server-sent events as they come over a line.

Owns the step from bytes to frames. It splits at CR LF and at LF and at nothing else, since JSON may hold what other readers take for the end of a line.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, cast

import httpx

PATIENCE = 40.0
"""How long a test waits for what must come, in seconds."""

_BLANK = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One event, or one comment.

    Attributes:
        event: Its name; empty for a comment.
        data: Its data as JSON says it; the text of a comment.
        id: Its id; None where it has none.
        fields: The names of its fields, in order.
    """

    event: str
    data: Any
    id: str | None
    fields: tuple[str, ...]

    @property
    def mode(self) -> str:
        """The name without the path of the subgraph."""
        return self.event.partition("|")[0]

    @property
    def nodes(self) -> tuple[str, ...]:
        """The path of the subgraph, without the ids of tasks."""
        return tuple(part.partition(":")[0] for part in self.event.split("|")[1:])

    def plain(self) -> dict[str, Any]:
        """The frame as a recording has it."""
        found = {"event": self.event, "data": self.data}
        return found if self.id is None else {**found, "id": self.id}


def frames(raw: bytes) -> list[Frame]:
    """All frames of a stream that has ended."""
    return [_frame(block) for block in _BLANK.split(raw) if block.strip()]


def _frame(block: bytes) -> Frame:
    pairs = [line.decode().partition(": ") for line in re.split(rb"\r?\n", block) if line]
    found = {name: value for name, _, value in pairs}
    if "event" not in found:
        return Frame(event="", data=block.decode().removeprefix(":").strip(), id=None, fields=tuple(found))
    return Frame(
        event=found["event"],
        data=json.loads(found["data"]),
        id=found.get("id"),
        fields=tuple(name for name, _, _ in pairs),
    )


class Reader:
    """A stream that is open.

    Args:
        response: Its answer, of which nothing has been read.
    """

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self._chunks = response.aiter_raw()
        self._rest = b""

    async def next(self) -> Frame | None:
        """The next frame, comments included; None at the end. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            while (end := _BLANK.search(self._rest)) is None:
                try:
                    self._rest += await anext(self._chunks)
                except StopAsyncIteration:
                    return None
        block, self._rest = self._rest[: end.start()], self._rest[end.end() :]
        return _frame(block)

    async def until(self, found: Callable[[Frame], bool]) -> list[Frame]:
        """The frames up to one that is looked for, that one included. Fails where the stream ends before."""
        read: list[Frame] = []
        while not read or not found(read[-1]):
            frame = await self.next()
            assert frame is not None, f"the stream ended behind {[each.event for each in read]}"
            read.append(frame)
        return read

    async def take(self, count: int) -> list[Frame]:
        """Some frames. Fails where the stream ends before."""
        left = iter(range(count - 1, -1, -1))
        return await self.until(lambda _: next(left) == 0)

    async def rest(self) -> list[Frame]:
        """The frames up to the end."""
        read: list[Frame] = []
        while (frame := await self.next()) is not None:
            read.append(frame)
        return read

    async def aclose(self) -> None:
        """Leaves the stream where it is."""
        await cast("Any", self._chunks).aclose()


async def chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    """The bytes of an answer as they come."""
    async for chunk in response.aiter_raw():
        yield chunk
