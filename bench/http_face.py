"""The HTTP face: of ours, and of any server of the documented surface that serves the measured graphs.

Owns the paths and bodies.
"""

from typing import Any

from bench.connection import Connection
from bench.face import Asked, Started, Take
from bench.tally import Seen
from bench.target import Target


def _path(asked: Asked) -> str:
    return "/runs/stream" if asked.thread_id is None else f"/threads/{asked.thread_id}/runs/stream"


def _body(asked: Asked) -> dict[str, Any]:
    body: dict[str, Any] = {"assistant_id": asked.graph, "input": asked.given, "stream_mode": asked.mode}
    if asked.supersteps is not None:
        body["config"] = {"recursion_limit": asked.supersteps}
    return body


class HttpLine:
    """A connection of its own.

    Args:
        connection: It.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def run(self, asked: Asked) -> Seen:
        """See `Line`."""
        return await self._connection.stream("POST", _path(asked), _body(asked))

    async def drain(self, asked: Asked, take: Take) -> None:
        """See `Line`."""
        await self._connection.read("POST", _path(asked), _body(asked), take)

    async def join(self, started: Started) -> Seen:
        """See `Line`."""
        path = f"/threads/{started.thread_id}/runs/{started.run_id}/stream"
        return await self._connection.stream("GET", path, keep=True)

    async def start(self, asked: Asked) -> Started:
        """See `Line`."""
        thread_id = await self.create_thread()
        run = await self._connection.call("POST", f"/threads/{thread_id}/runs", _body(asked))
        return Started(thread_id=thread_id, run_id=run["run_id"])

    async def create_thread(self) -> str:
        """See `Line`."""
        return str((await self._connection.call("POST", "/threads", {}))["thread_id"])


class HttpFace:
    """The HTTP face of a server.

    Attributes:
        target: The server.

    Args:
        target: The same.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self._connections: list[Connection] = []
        self._health: Connection | None = None

    async def line(self) -> HttpLine:
        """See `Face`: a new connection."""
        return HttpLine(await self._connection())

    async def _connection(self) -> Connection:
        connection = await Connection(self.target.url).open()
        self._connections.append(connection)
        return connection

    async def health(self) -> None:
        """See `Face`."""
        self._health = self._health or await self._connection()
        await self._health.call("GET", "/ok")

    async def __aenter__(self) -> "HttpFace":
        """See `Face`."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """See `Face`."""
        for connection in self._connections:
            connection.close()
