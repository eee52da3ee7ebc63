"""A server of its own for the measures.

Owns the process: started on a free port with an empty data directory, stopped by its process id.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.target import Target

APP = Path(__file__).parent / "app" / "langgraph.json"
_READY = "graphwire ready: grpc "


@asynccontextmanager
async def server() -> AsyncIterator[Target]:
    """A graphwire server that serves the measured graphs."""
    program = str(Path(sys.executable).with_name("graphwire"))
    with tempfile.TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            *(
                program,
                "serve",
                "--config",
                str(APP),
                "--grpc-port",
                "0",
                "--http-port",
                "0",
                "--data-dir",
                folder,
                "--log-level",
                "warning",
            ),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            assert process.stdout is not None  # noqa: S101  it was asked for
            line = (await process.stdout.readline()).decode()
            if not line.startswith(_READY):
                raise RuntimeError(f"the server did not start: {line!r}")
            address, _, place = line.removeprefix(_READY).split()
            yield Target(address=address, url=f"http://{place}", pid=process.pid)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
