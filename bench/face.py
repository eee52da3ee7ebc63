"""What a measure asks of a face of a server: gRPC and HTTP alike, so that each row is written once.

Owns the two protocols. `GrpcFace` and `HttpFace` are the faces; the second also speaks to any other server of the documented surface.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from bench.tally import Seen
from bench.target import Target

Take = Callable[[bytes], None]
"""What is told of the bytes of a stream as they come, uninterpreted and cut anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A run that is asked for.

    Attributes:
        graph: The graph, by its name in langgraph.json.
        given: Its input.
        mode: The stream mode, as HTTP names it.
        thread_id: Its thread; none is stateless.
        supersteps: The most it may take; none is the server's default.
    """

    graph: str
    given: dict[str, Any]
    mode: str
    thread_id: str | None = None
    supersteps: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A run in the background, with what a reader names it by."""

    thread_id: str
    run_id: str


class Line(Protocol):
    """What carries one stream at a time."""

    async def run(self, asked: Asked) -> Seen:
        """Streams a run to its end. Raises RuntimeError where it failed."""

    async def drain(self, asked: Asked, take: Take) -> None:
        """Streams a run to its end, and counts nothing."""

    async def join(self, started: Started) -> Seen:
        """Follows a run that was started, to its end, and keeps the bytes."""

    async def start(self, asked: Asked) -> Started:
        """Starts a run in the background, on a thread of its own."""

    async def create_thread(self) -> str:
        """Creates a thread, and gives its id."""


class Face(Protocol):
    """A face of a server, and the lines to it.

    Attributes:
        target: The server.
    """

    target: Target

    async def line(self) -> Line:
        """A new line; it is closed with the face."""

    async def health(self) -> None:
        """Asks whether the server is well."""

    async def __aenter__(self) -> "Face":
        """Nothing is connected before it is needed."""

    async def __aexit__(self, *_: object) -> None:
        """Closes all lines."""


Measure = Callable[[Face], Awaitable[float]]
"""The measure of a row on a face, in the row's unit."""
