"""Where the node of the graph `gate` knocks: a test learns that a run is there, and says when it may go on.

It is a socket, so it works across processes and the test never sleeps.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

_PATIENCE = 90.0


class Gate:
    """The runs that wait, by name."""

    def __init__(self) -> None:
        self.port = 0
        self._came = asyncio.Condition()
        self._waiting: dict[str, asyncio.StreamWriter] = {}
        self._left: set[str] = set()
        self._lines: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def entered(self, name: str = "") -> None:
        """Waits until the run of this name stands at the gate."""
        await self._until(lambda: name in self._waiting)

    async def left(self, name: str = "") -> None:
        """Waits until the run of this name has gone: let in, cancelled, or dead."""
        await self._until(lambda: name in self._left)

    def release(self, name: str = "") -> None:
        """Lets a run go on."""
        self._waiting.pop(name).write(b"!")

    async def _until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(_PATIENCE), self._came:
            await self._came.wait_for(true)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._lines[task] = writer
        name = ""
        try:
            name = (await reader.readline()).decode().strip()
            async with self._came:
                self._waiting[name] = writer
                self._left.discard(name)
                self._came.notify_all()
            await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.close()
            self._lines.pop(task, None)
            await self._gone(name, writer)

    async def close(self) -> None:
        """Lets everybody go."""
        for name in list(self._waiting):
            self.release(name)
        for writer in self._lines.values():
            writer.close()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def _gone(self, name: str, writer: asyncio.StreamWriter) -> None:
        """Notes that a run has gone; unless it stands here again, in a new attempt."""
        async with self._came:
            if self._waiting.get(name, writer) is writer:
                self._waiting.pop(name, None)
                self._left.add(name)
                self._came.notify_all()


@asynccontextmanager
async def gated() -> AsyncIterator[Gate]:
    """A gate on a free port. At the end, whoever stands there may go."""
    gate = Gate()
    server = await asyncio.start_server(gate.serve, "127.0.0.1", 0)
    gate.port = server.sockets[0].getsockname()[1]
    try:
        yield gate
    finally:
        server.close()
        await gate.close()
