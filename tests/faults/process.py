"""A server in a process of its own, which a test may kill.

Owns that process: starting it on a free port, reading its ready line, ending it in any way, starting it again on the same data. It never outlives
the test.
"""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import grpc.aio
import psutil

from graphwire.v1.assistant_service_pb2_grpc import AssistantServiceStub
from graphwire.v1.cron_service_pb2_grpc import CronServiceStub
from graphwire.v1.run_service_pb2_grpc import RunServiceStub
from graphwire.v1.store_service_pb2_grpc import StoreServiceStub
from graphwire.v1.thread_service_pb2_grpc import ThreadServiceStub
from tests.support.serving import UNLIMITED, Server

APP = Path(__file__).parent / "app" / "langgraph.json"
"""The graphs that these tests run."""

COMMAND = Path(sys.executable).parent / "graphwire"
_READY = re.compile(r"graphwire ready: grpc (\S+)(?: http (\S+))?")
_START = 90.0

T = TypeVar("T")


class ServerProcess:
    """`graphwire serve` in a process of its own.

    Args:
        data_dir: Where it keeps its data, through any number of starts.
        settings: Options of `Settings`, as their variables want them.
    """

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self._data_dir = data_dir
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None
        self._options: tuple[str, ...] = ()
        self.address = ""
        self.url = ""

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server was not started"
        return self._process.pid

    @property
    def data_dir(self) -> Path:
        return self._data_dir

    @property
    def rss(self) -> int:
        """Its resident memory, in bytes."""
        return int(psutil.Process(self.pid).memory_info().rss)

    @property
    def cpu(self) -> float:
        """What it has used of the processors, in seconds."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    @property
    def log(self) -> str:
        """What it has said on standard error, over all its starts."""
        return (self._data_dir.parent / "server.log").read_text()

    async def start(self) -> None:
        """Starts it and waits for its ready line."""
        await self.begin()
        await self.ready()

    def keep_ports(self) -> None:
        """From now on it starts on the ports that it has now, so that its clients find it again."""
        ports = (self.address.rpartition(":")[2], self.url.rpartition(":")[2])
        self._options = ("--grpc-port", ports[0], "--http-port", ports[1])

    async def begin(self) -> None:
        """Starts it, without waiting."""
        words = arguments(self._data_dir, *self._options)
        with (self._data_dir.parent / "server.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *words, env=environment(self._settings), stdout=asyncio.subprocess.PIPE, stderr=log
            )

    async def ready(self) -> None:
        """Waits for its ready line."""
        assert self._process is not None
        assert self._process.stdout is not None
        line = (await asyncio.wait_for(self._process.stdout.readline(), _START)).decode()
        ready = _READY.match(line)
        assert ready, f"no ready line but {line!r}; it said:\n{self.log}"
        self.address = ready[1]
        self.url = f"http://{ready[2]}" if ready[2] else ""

    async def says(self, what: str, times: int = 1) -> None:
        """Waits until it has said something so many times more than it had before."""
        await self.told(what, self.log.count(what) + times)

    async def told(self, what: str, times: int = 1) -> None:
        """Waits until it has said something so many times in all."""
        async with asyncio.timeout(_START):
            while self.log.count(what) < times:  # noqa: ASYNC110  it is another process
                await asyncio.sleep(0.002)  # a file tells nobody

    async def kill(self) -> None:
        """kill -9."""
        await self._end(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM, without waiting."""
        os.kill(self.pid, signal.SIGTERM)

    async def ended(self, within: float = 90.0) -> int:
        """Waits until it has ended by itself; its exit status."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), within)

    async def stop(self) -> int:
        """SIGTERM, and waits; its exit status."""
        self.terminate()
        return await self.ended()

    async def close(self) -> None:
        """Ends it in any case."""
        if self._process is not None:
            await self._end(signal.SIGKILL)

    async def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)
        await asyncio.wait_for(self._process.wait(), 90)
        # The pipe is read out, so that its transport closes with the process and not with the garbage collector.
        assert self._process.stdout is not None
        await self._process.stdout.read()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Server]:
        """Stubs on a channel of their own."""
        async with connected(self.address, self.url) as server:
            yield server


@asynccontextmanager
async def connected(address: str, url: str = "") -> AsyncIterator[Server]:
    """Stubs on a channel of their own. Channels to one address share no connection."""
    options = [*UNLIMITED, ("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        yield Server(
            address=address,
            url=url,
            channel=channel,
            runs=RunServiceStub(channel),
            threads=ThreadServiceStub(channel),
            assistants=AssistantServiceStub(channel),
            store=StoreServiceStub(channel),
            crons=CronServiceStub(channel),
        )


@asynccontextmanager
async def served(data_dir: Path, **settings: str) -> AsyncIterator[ServerProcess]:
    """A server in a process of its own, which ends with the block in any case."""
    process = ServerProcess(data_dir, **settings)
    try:
        await process.start()
        yield process
    finally:
        await process.close()


async def refused(data_dir: Path, *options: str, within: float = _START) -> tuple[int, str]:
    """The exit status and the words of a server that cannot start."""
    process = await asyncio.create_subprocess_exec(
        *arguments(data_dir, *options),
        env=environment({"block_warning": "0"}),  # a machine that does other things may hold it up, and it would say so
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await asyncio.wait_for(process.communicate(), within)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, said.decode()


def arguments(data_dir: Path, *options: str) -> list[str]:
    """The command line of a server; later options win."""
    defaults = {"--config": str(APP), "--grpc-port": "0", "--http-port": "0"}
    given = [word for option, value in defaults.items() if option not in options for word in (option, value)]
    return [str(COMMAND), "serve", *given, "--data-dir", str(data_dir), *options]


def environment(settings: dict[str, str]) -> dict[str, str]:
    """The variables of a server: this process's, without options of its own, and these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GRAPHWIRE_")}
    return kept | {f"GRAPHWIRE_{name.upper()}": value for name, value in settings.items()}
