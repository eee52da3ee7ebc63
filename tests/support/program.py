"""Programs that a test runs: the command `graphwire`, and what it says."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.serving import APP

PROGRAM = str(Path(sys.executable).with_name("graphwire"))


async def output(*words: str, **variables: str) -> tuple[int | None, str, str]:
    """How a program ends, and what it prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GRAPHWIRE_")}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*words, stdout=pipe, stderr=pipe, env=kept | variables)
    out, errors = await asyncio.wait_for(process.communicate(), 40)
    return process.returncode, out.decode(), errors.decode()


@asynccontextmanager
async def process(data_dir: Path, *options: str, **variables: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`graphwire serve` on free ports, until the block ends."""
    pipe, words = asyncio.subprocess.PIPE, ["--config", str(APP), "--grpc-port", "0", "--http-port", "0"]
    command = [PROGRAM, "serve", *words, "--data-dir", str(data_dir), *options]
    started = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, env=os.environ | variables)
    try:
        yield started
    finally:
        if started.returncode is None:
            started.terminate()
        await asyncio.wait_for(started.communicate(), 40)


async def until(reader: asyncio.StreamReader | None, word: str) -> str:
    assert reader is not None
    async with asyncio.timeout(40):
        while line := (await reader.readline()).decode():
            if word in line:
                return line.strip()
    raise AssertionError(f"it ended without {word!r}")
