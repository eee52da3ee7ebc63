"""A server of its own for the measures.

Owns the process: started on free ports with an empty data directory, stopped by its process id.
"""

import asyncio
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bench.process import running
from bench.target import Target

APP = Path(__file__).parent / "app" / "langgraph.json"
ONE_GRAPH = APP.with_name("one_graph.json")
"""One small graph and nothing else."""
_READY = "graphwire ready: grpc "
_READY_WITHIN = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """How a server is started.

    Attributes:
        config: The file that names its graphs.
        options: Options of its command line.
        environment: Variables beside those of the bench.
    """

    config: Path = APP
    options: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


@asynccontextmanager
async def server(serving: Serving | None = None) -> AsyncIterator[Target]:
    """A graphwire server. Raises RuntimeError, with what it says, where it does not get ready."""
    serving = serving or Serving()
    # A measure ends with runs that wait for ever; nobody waits for them.
    more = dict(serving.environment) | {"GRAPHWIRE_DRAIN_GRACE": "0"}
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as errors:
        begun = time.perf_counter()
        async with running(*_command(serving, folder), more=more, errors=errors) as process:
            line = await _first_line(process)
            started = time.perf_counter() - begun
            if not line.startswith(_READY):
                raise RuntimeError(f"the server did not start{': ' if line else ''}{line} {_said(errors)}")
            address, _, place = line.removeprefix(_READY).split()
            yield Target(address=address, url=f"http://{place}", pid=process.pid, started=started)


def _said(errors: IO[bytes]) -> str:
    errors.seek(0)
    return " ".join(errors.read().decode(errors="replace").split())[-500:]


def _command(serving: Serving, folder: str) -> tuple[str, ...]:
    program = str(Path(sys.executable).with_name("graphwire"))
    places = ("--config", str(serving.config), "--data-dir", folder, "--grpc-port", "0", "--http-port", "0")
    return (program, "serve", *places, "--log-level", "error", *serving.options)


async def _first_line(process: Process) -> str:
    assert process.stdout is not None  # noqa: S101  it was asked for
    return (await asyncio.wait_for(process.stdout.readline(), _READY_WITHIN)).decode()
