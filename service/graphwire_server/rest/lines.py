"""The line to a caller whose answer lasts: what streams of events and waits have in common.

Owns the line to one caller for as long as its answer takes: its signs of life, its end when the caller is gone, and the bound on how long it may take
no bytes. The invariant: whatever ends an answer, nothing of it is left running.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from starlette.types import Receive, Scope, Send

from graphwire_server.core.streams import StreamLimits
from graphwire_server.rest.calls import Headers, abort


def let_go() -> None:
    """What becomes of a caller who goes away where nobody asked for more: nothing."""


class Line:
    """The way to one caller, from the head of an answer to its end.

    Args:
        scope: The request.
        receive: Its way in, which tells that the caller is gone.
        send: Its way out.
        limits: Bounds.
        beat: What is written as a sign of life.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, limits: StreamLimits, beat: bytes) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._timeout = limits.write_timeout.total_seconds()
        self._interval = limits.heartbeat.total_seconds()
        self._beat = beat
        self._gone = False

    async def open(self, head: Sequence[tuple[bytes, bytes]], headers: Headers) -> None:
        """Sends the head."""
        more = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await self._send({"type": "http.response.start", "status": 200, "headers": [*head, *more]})

    async def write(self, content: bytes) -> None:
        """Hands bytes to the connection. Raises TimeoutError where the caller did not take what waits in time."""
        async with asyncio.timeout(self._timeout):
            await self._send({"type": "http.response.body", "body": content, "more_body": True})

    async def close(self, content: bytes = b"") -> None:
        """Writes the last bytes and ends the answer. Raises TimeoutError as `write` does."""
        async with asyncio.timeout(self._timeout):
            await self._send({"type": "http.response.body", "body": content, "more_body": False})

    def cut(self) -> None:
        """Ends the connection in the middle of the answer, so that the caller knows that it is not whole."""
        abort(self._scope)

    async def attend(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Does the work while signs of life are written, and ends it when the caller goes away.

        Returns:
            Whether the work was done; False where the caller went away before.
        """
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  a coroutine runs in a task
        watch = asyncio.create_task(self._watch(task))
        try:
            await work()
        except asyncio.CancelledError:
            if not self._gone or task.uncancel():  # somebody else wants this task to end
                raise
            return False
        except TimeoutError:
            self.cut()
            return False
        finally:
            watch.cancel()
            await asyncio.wait((watch,))
        return True

    async def _watch(self, task: asyncio.Task[object]) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._interval
        while True:
            try:
                async with asyncio.timeout_at(due):
                    message = await self._receive()
            except TimeoutError:
                await self._send({"type": "http.response.body", "body": self._beat, "more_body": True})
                # Counted from the last one that was due, so that the cadence does not drift (wire fact 9).
                due = max(due + self._interval, loop.time())
                continue
            if message["type"] == "http.disconnect":
                self._gone = True
                task.cancel()
                return
