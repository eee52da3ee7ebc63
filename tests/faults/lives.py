"""A server that dies and comes back, on the same data and the same ports.

Owns which of its lives is the present one, and who waits for the next.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.faults.process import ServerProcess, served
from tests.support.serving import Server


class Lives:
    """The lives of one server, counted from 1.

    Args:
        process: The server, which has started.
        stack: Closes the channels at the end; those of dead servers stay until then, since closing one would cancel calls that are about to fail.

    Attributes:
        count: How many lives it has begun.
        deaths: How often it has died, in whichever way; also before it was ready.
        kills: How often of those it was killed.
    """

    def __init__(self, process: ServerProcess, stack: AsyncExitStack) -> None:
        self.process = process
        self.count = 0
        self.deaths = self.kills = 0
        self._stack = stack
        self._server: Server | None = None
        self._changed = asyncio.Condition()

    async def begun(self) -> None:
        """A life has begun: whoever waits for it is woken."""
        server = await self._stack.enter_async_context(self.process.client())
        async with self._changed:
            self.count += 1
            self._server = server
            self._changed.notify_all()

    async def kill(self) -> None:
        """kill -9."""
        self._server = None
        self.deaths += 1
        self.kills += 1
        await self.process.kill()

    async def stop(self) -> None:
        """SIGTERM, and waits until it has ended."""
        self.deaths += 1
        assert await self.process.stop() == 0
        self._server = None

    async def die_young(self, age: float) -> None:
        """Starts it, and kills it at an age in seconds: while it starts, while it recovers, or just after."""
        self.deaths += 1
        self.kills += 1
        await self.process.begin()
        await asyncio.sleep(age)  # its age, and no wait
        await self.process.kill()

    async def again(self) -> None:
        """Starts it again."""
        await self.process.start()
        await self.begun()

    async def after(self, life: int) -> tuple[int, Server]:
        """A life later than this one, and stubs to talk to it, once it is there. 0 is whichever is there."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.count > life and self._server is not None)
            assert self._server is not None
            return self.count, self._server


@asynccontextmanager
async def lives(data_dir: Path, **settings: str) -> AsyncIterator[Lives]:
    """A server in its first life; it ends with the block in any case."""
    async with served(data_dir, **settings) as process, AsyncExitStack() as stack:
        process.keep_ports()
        made = Lives(process, stack)
        await made.begun()
        yield made
