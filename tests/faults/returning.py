"""Clients that come back: to each server that follows the one which they lost, with their cursor, until they have what they came for.

Owns the repeating alone. What a client saw over all its calls is one history; whether it keeps the promises is judged elsewhere.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc
import grpc.aio

from graphwire.v1.run_pb2 import Run
from graphwire.v1.run_service_pb2 import CancelRunRequest
from tests.faults.client import Client
from tests.faults.history import LEFT, OK, Ending, History, Watcher, ending
from tests.faults.lives import Lives

T = TypeVar("T")

AGAIN = {
    (grpc.StatusCode.UNAVAILABLE, ""),
    (grpc.StatusCode.UNAVAILABLE, "DRAINING"),
    (grpc.StatusCode.CANCELLED, ""),
}
"""How a call ends whose server is gone, or goes. What comes in the very moment of its stop, gRPC's own core cancels (grpc/grpc#41785)."""


class Refused(Exception):
    """The service refused a call: nothing that coming back would help."""

    def __init__(self, told: Ending) -> None:
        super().__init__(f"{told.code} {told.reason} {told.metadata}")
        self.told = told

    @property
    def gone(self) -> bool:
        return self.told.code is grpc.StatusCode.NOT_FOUND


class Returning:
    """One client.

    Args:
        lives: Its server.
        name: Its name in the record.

    Attributes:
        history: All that it saw, over all its calls.
        calls: How many those were.
        told_gone: The numbers from which it went on because it was told that those before are no longer held.
    """

    def __init__(self, lives: Lives, name: str) -> None:
        self._lives = lives
        self.history = History(name)
        self.calls = 0
        self.told_gone: list[int] = []
        self._watches = False
        self._moved = asyncio.Event()

    async def ask(self, call: Callable[[Client], Awaitable[T]]) -> T:
        """Calls until a server has answered. Raises Refused."""
        life = 0
        while True:
            life, server = await self._lives.after(life)
            try:
                return await call(Client(server))
            except grpc.aio.AioRpcError as error:
                told = ending(error)
            if (told.code, told.reason) not in AGAIN:
                raise Refused(told)

    async def create(self, graph: str, thread_id: str | None = None, given: Any = None, **fields: Any) -> Run:
        """Creates one run, however often it asks for it. Raises Refused."""
        fields.setdefault("request_id", str(uuid.uuid4()))
        return await self.ask(lambda client: client.create(graph, thread_id, given, **fields))

    async def cancelled(self, run_id: str, **fields: Any) -> None:
        """Cancels a run. Raises Refused."""
        request = CancelRunRequest(run_id=run_id, **fields)
        await self.ask(lambda client: client.server.runs.CancelRun(request))

    async def stream(self, graph: str, thread_id: str | None = None, given: Any = None, **fields: Any) -> History:
        """Creates one run and reads it to its end. Raises Refused."""
        fields.setdefault("request_id", str(uuid.uuid4()))
        return await self._read(
            lambda client: self._joined(client) or client.stream(graph, thread_id, given, **fields),
        )

    async def follow(self, run_id: str, after_seq: int | None = 0) -> History:
        """Reads a run to its end. Raises Refused."""
        self.history.run_id, self.history.after_seq = run_id, after_seq
        return await self._read(lambda client: self._joined(client) or client.join(run_id, after_seq))

    async def watch(self, thread_id: str) -> History:
        """Reads all that happens on a thread, until its task is cancelled. Raises Refused."""
        self.history.thread_id, self.history.after_seq = thread_id, 0
        self._watches = True
        return await self._read(lambda client: client.watch(thread_id, self.history.last_seq))

    async def reached(self, seq: int) -> None:
        """Waits until it has come to a number."""
        while self.history.last_seq < seq:
            self._moved.clear()
            await self._moved.wait()

    def _joined(self, client: Client) -> Watcher | None:
        """Its run, behind the last event that it saw; None where it saw none yet."""
        if not self.history.seen and not self.told_gone:
            return None
        return client.join(self.history.run_id, max(self.history.last_seq, *(seq - 1 for seq in self.told_gone), 0))

    async def _read(self, call: Callable[[Client], Watcher]) -> History:
        life = 0
        while True:
            life, server = await self._lives.after(life)
            told = await self._hear(call(Client(server)))
            if told.code is grpc.StatusCode.OK or (not self._watches and self.history.kinds[-1:] == ["end"]):
                self.history.ending = OK
                return self.history
            if told.reason == "CURSOR_EXPIRED":
                self.told_gone.append(int(told.metadata["oldest_seq"]))
                life -= 1
            elif (told.code, told.reason) not in AGAIN:
                raise Refused(told)

    async def _hear(self, watcher: Watcher) -> Ending:
        """Adds what one call brings to the history, and tells how it ended."""
        self.calls += 1
        try:
            async for seen in watcher.events():
                self.history.run_id = self.history.run_id or seen.run_id
                self.history.thread_id = self.history.thread_id or watcher.history.thread_id
                self.history.seen.append(seen)
                self._moved.set()
        except asyncio.CancelledError:
            watcher.call.cancel()
            self.history.ending = LEFT
            raise
        assert watcher.history.ending is not None
        return watcher.history.ending
