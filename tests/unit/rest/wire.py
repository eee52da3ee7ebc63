"""A caller without a network: what tests plug into the two ends of an ASGI application, and a clock that jumps."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
from starlette.types import ASGIApp, Message, Receive, Scope, Send

T = TypeVar("T")
GONE: Message = {"type": "http.disconnect"}
Hook = Callable[[Message], Awaitable[None]]


class JumpingLoop(asyncio.SelectorEventLoop):
    """A loop whose time stands still while there is something to do, and then jumps to the next timer: no test waits, and all moments are exact."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        inner: Any = self
        timers = [handle.when() for handle in inner._scheduled if not handle.cancelled()]
        if not inner._ready and timers:
            self.now = max(self.now, min(timers))
        inner_run: Any = super()
        inner_run._run_once()


def jumping(main: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine on a clock that jumps."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(main)


async def _take(message: Message) -> None:
    """A caller that reads."""


@dataclass
class Caller:
    """The other end of a connection.

    Attributes:
        hook: What happens to each message before it counts as sent; a hook that waits is a caller who does not read.
        sent: What was sent, with the time of the loop.
        aborted: How often the connection was ended.
    """

    hook: Hook = _take
    sent: list[tuple[float, Message]] = field(default_factory=list)
    aborted: int = 0
    inbox: "asyncio.Queue[Message]" = field(default_factory=asyncio.Queue)
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    def scope(self, method: str = "GET", path: str = "/", **fields: Any) -> Scope:
        return {
            "type": "http",
            "method": method,
            "path": path,
            "root_path": "",
            "headers": [],
            "query_string": b"",
            "path_params": {},
            "extensions": {"graphwire.abort": self.abort},
            **fields,
        }

    def say(self, *messages: Message) -> None:
        for message in messages:
            self.inbox.put_nowait(message)

    def abort(self) -> None:
        self.aborted += 1

    async def receive(self) -> Message:
        return await self.inbox.get()

    async def send(self, message: Message) -> None:
        await self.hook(message)
        self.sent.append((asyncio.get_running_loop().time(), message))
        self.moved.set()

    async def until(self, count: int) -> None:
        """Waits until as many messages were sent."""
        async with asyncio.timeout(15):
            while len(self.sent) < count:
                self.moved.clear()
                await self.moved.wait()

    @property
    def status(self) -> int:
        status: int = self.sent[0][1]["status"]
        return status

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0][1]["headers"]}

    @property
    def bodies(self) -> list[bytes]:
        return [message["body"] for _, message in self.sent[1:]]

    @property
    def body(self) -> bytes:
        return b"".join(self.bodies)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def ended(self) -> bool:
        """Whether the answer was brought to its end."""
        last = self.sent[-1][1] if self.sent else {}
        return last.get("type") == "http.response.body" and not last.get("more_body", False)


def tasks() -> set[str]:
    """The tasks that are there beside the test's own."""
    return {repr(task) for task in asyncio.all_tasks() - {asyncio.current_task()}}


def connected(app: ASGIApp) -> ASGIApp:
    """The application on connections of our own server, which can be ended."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "extensions": {"graphwire.abort": lambda: None}}, receive, send)

    return serve


@asynccontextmanager
async def browsing(app: ASGIApp, headers: Mapping[str, str] | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application."""
    transport = httpx.ASGITransport(connected(app))
    async with httpx.AsyncClient(transport=transport, base_url="http://server", headers=headers) as client:
        yield client


def frames(text: str) -> Sequence[tuple[str, Any]]:
    """The names and data of a stream's frames."""
    found = []
    for part in text.split("\r\n\r\n")[:-1]:
        lines = dict(line.split(": ", 1) for line in part.split("\r\n"))
        found.append((lines["event"], json.loads(lines["data"])))
    return found
