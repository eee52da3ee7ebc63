"""Readers of one run, in a process of their own: `python -m bench.reader ADDRESS READERS`.

Owns the process, and both ends of what is said to it: it prints `ready`, is told the run's id, prints `joined` when all of its readers are attached, and, when the run has ended, what
they got as JSON.
"""

import asyncio
import json
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

import uvloop

from bench.grpc_face import LINES_A_CONNECTION, join
from bench.http2 import Call, Http2
from bench.messages import Messages
from bench.process import running

_READY, _JOINED = "ready", "joined"
_SETTLE = 0.3
"""Seconds in which a reader that has joined is sent what it is sent at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What the readers of a process got.

    Attributes:
        events: How many events, all readers together.
        messages: In how many messages.
        begun: When the first event came after all had joined: of the machine's monotonic clock, in seconds.
        ended: When the last reader's stream ended, on the same clock.
        cpu: The part of that time in which the process was running: near 1 it is the reader that is measured.
    """

    events: int
    messages: int
    begun: float
    ended: float
    cpu: float


class _Readers:
    """The readers of one process, and what they count together."""

    def __init__(self) -> None:
        self._streams: list[Messages] = []
        self._events = 0
        self._settled = False
        self._begun = self._cpu = 0.0

    def stream(self) -> Messages:
        """One more reader."""
        self._streams.append(Messages(self._tell))
        return self._streams[-1]

    def settle(self) -> None:
        """What came so far is what a reader is sent when it joins; the next event is the first that is delivered."""
        self._settled = True

    def _tell(self, events: int) -> None:
        self._events += events
        if self._settled and not self._begun:
            self._begun, self._cpu = time.monotonic(), time.process_time()

    def read(self) -> Read:
        """What they got, now that their streams have ended."""
        ended = time.monotonic()
        return Read(
            events=self._events,
            messages=sum(stream.count for stream in self._streams),
            begun=self._begun,
            ended=ended,
            cpu=(time.process_time() - self._cpu) / (ended - self._begun),
        )


class Crowd:
    """Readers that have not joined yet.

    Args:
        process: Their process.
    """

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None  # noqa: S101  they were asked for
        assert process.stdout is not None  # noqa: S101  likewise
        self._told, self._said = process.stdin, process.stdout

    async def expect(self, word: str) -> None:
        """Waits until the process says it. Raises RuntimeError where it says something else, or ends."""
        line = (await self._said.readline()).decode().strip()
        if line != word:
            raise RuntimeError(f"the readers should have said {word}, and said {line!r}")

    async def join(self, run_id: str) -> None:
        """Lets all of them join a run; returns when they have."""
        self._told.write(f"{run_id}\n".encode())
        await self.expect(_JOINED)

    async def read(self) -> Read:
        """What they got, once the run has ended. Raises RuntimeError where a stream did not end well."""
        line = await self._said.readline()
        if not line:
            raise RuntimeError("a reader failed; what it said stands above")
        return Read(**json.loads(line))


@asynccontextmanager
async def crowd(address: str, count: int) -> AsyncIterator[Crowd]:
    """So many readers in one process that is ready to let them join."""
    async with running(sys.executable, "-m", "bench.reader", address, str(count)) as process:
        waiting = Crowd(process)
        await waiting.expect(_READY)
        yield waiting


async def attach(address: str, run_id: str, count: int, take: Any) -> tuple[list[Http2], list[Call]]:
    """Lets so many readers join a run, a hundred on each connection, one connection after the other: gRPC's core refuses calls at random where over a thousand wait for the server to see them.

    Args:
        address: The server.
        run_id: The run.
        count: How many.
        take: Called for each reader; gives what takes its bytes.
    """
    connections: list[Http2] = []
    calls: list[Call] = []
    for begun in range(0, count, LINES_A_CONNECTION):
        connections.append(await Http2(address).open())
        more = [join(connections[-1], run_id, take()) for _ in range(min(LINES_A_CONNECTION, count - begun))]
        await asyncio.gather(*(call.joined for call in more))
        calls += more
    return connections, calls


async def _main(address: str, count: int) -> None:
    counted = _Readers()
    print(_READY, flush=True)
    run_id = sys.stdin.readline().strip()  # nothing else runs yet that this would block
    connections, calls = await attach(address, run_id, count, lambda: counted.stream().take)
    await asyncio.sleep(_SETTLE)
    counted.settle()
    print(_JOINED, flush=True)
    await asyncio.gather(*(call.ended for call in calls))
    print(json.dumps(asdict(counted.read())), flush=True)
    for connection in connections:
        await connection.aclose()


if __name__ == "__main__":
    uvloop.run(_main(sys.argv[1], int(sys.argv[2])))
