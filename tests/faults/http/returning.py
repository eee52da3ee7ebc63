"""A client over HTTP that comes back: to each server that follows the one which it lost, with the last id that it saw, until its stream ends well."""

import uuid
from collections.abc import Mapping
from typing import Any

from tests.faults.http.talk import Frame, Stream
from tests.faults.http.wire import Cut, get, post, wire
from tests.faults.lives import Lives


class Returning:
    """One client.

    Args:
        lives: Its server.

    Attributes:
        path: The run's path, once the server has told it.
        frames: All that it saw, over all its calls.
        calls: How many those were.
    """

    def __init__(self, lives: Lives) -> None:
        self._lives = lives
        self.path = ""
        self.frames: list[Frame] = []
        self.calls = 0

    @property
    def ids(self) -> list[int]:
        """The ids of what it saw."""
        return [int(frame.id) for frame in self.frames]

    async def stream(self, thread_id: str, body: Mapping[str, Any]) -> None:
        """Creates one run, however often it asks for it, and reads it to its end."""
        key, life = f"idempotency-key: {uuid.uuid4()}", 0
        while True:
            life, server = await self._lives.after(life)
            asked = post(f"/threads/{thread_id}/runs/stream", body, key)
            if self.path:
                last = self.frames[-1].id if self.frames else "-1"
                asked = get(f"{self.path}/stream", f"last-event-id: {last}")
            if await self._read(server.url, asked):
                return

    async def _read(self, url: str, asked: bytes) -> bool:
        """Whether the stream came to its end."""
        self.calls += 1
        try:
            async with wire(url) as line:
                await line.say(asked)
                head = await line.head()
                if head.status == 503:  # the server stops
                    return False
                assert head.status == 200, head
                self.path = self.path or head.headers["content-location"]
                await Stream(line, head).rest(self.frames)
                return True
        except (Cut, ConnectionError):
            return False
