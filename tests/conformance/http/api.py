"""A caller of the HTTP surface.

Owns how tests and scenarios talk to a server. It knows the surface as the SDKs know it, and nothing of graphwire.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.conformance.http.sse import Frame, Reader, frames

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """A stream that has ended."""

    status: int
    headers: httpx.Headers
    raw: bytes

    @property
    def frames(self) -> list[Frame]:
        """Its frames."""
        return frames(self.raw)

    @property
    def names(self) -> list[str]:
        """The names of its events."""
        return [frame.event for frame in self.frames]


class Api:
    """A caller of one server.

    Attributes:
        client: Sends requests as they are.
        labels: What stands for ids in a recording.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.labels: dict[str, str] = {}

    def label(self, name: str, value: str) -> str:
        """Lets a name stand for an id in what is compared, and returns the id."""
        self.labels[value] = f"<{name}>"
        return value

    async def call(self, method: str, path: str, body: Any = None) -> Json:
        """The status and the body of an answer; a body that is no JSON comes as text."""
        response = await self.client.request(method, path, json=body)
        return {"status": response.status_code, "body": _content(response)}

    async def events(self, method: str, path: str, body: Any = None) -> list[Json]:
        """The events of a stream. Fails where there is none."""
        streamed = await self.stream(path, body, method)
        assert streamed.status == 200, streamed.raw
        return [frame.plain() for frame in streamed.frames]

    async def stream(
        self, path: str, body: Any = None, method: str = "POST", headers: Mapping[str, str] | None = None
    ) -> Streamed:
        """A whole stream."""
        async with self.client.stream(method, path, json=body, headers=headers) as response:
            raw = b"".join([chunk async for chunk in response.aiter_raw()])
        return Streamed(status=response.status_code, headers=response.headers, raw=raw)

    @asynccontextmanager
    async def opened(
        self, path: str, body: Any = None, method: str = "POST", headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[Reader]:
        """A stream for as long as somebody reads it. Leaving closes the connection."""
        async with self.client.stream(method, path, json=body, headers=headers) as response:
            reader = Reader(response)
            try:
                yield reader
            finally:
                await reader.aclose()

    async def get(self, path: str, **query: Any) -> Any:
        """The JSON of a path. Fails where the answer is no success."""
        return _good(await self.client.get(path, params=query or None))

    async def post(self, path: str, body: Any = None) -> Any:
        """The JSON that a request gives. Fails where the answer is no success."""
        return _good(await self.client.post(path, json={} if body is None else body))

    async def thread(self, **body: Any) -> str:
        """A new thread."""
        return self.label("thread", (await self.post("/threads", body))["thread_id"])

    async def ended(self, thread_id: str, run_id: str) -> Json:
        """A run of a thread, once it has ended."""
        await self.client.get(f"/threads/{thread_id}/runs/{run_id}/join")
        run: Json = await self.get(f"/threads/{thread_id}/runs/{run_id}")
        return run


def _content(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return response.text


def _good(response: httpx.Response) -> Any:
    assert response.is_success, (response.status_code, response.text)
    return _content(response)
