"""Programs that these tests run beside the runners: examples, READMEs, generators, builds.

Owns their output: both streams together, as a user sees them.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

READY = re.compile(r"^graphwire ready: grpc (\S+)", re.MULTILINE)


class Failed(Exception):
    """A program did not end well; what it said."""


async def output(*words: str, folder: Path, within: float, **variables: str) -> str:
    """What a program says that ends well.

    Args:
        words: Its command line.
        folder: Where it runs.
        within: Seconds that it may take.
        variables: Its environment, beside this process's.

    Raises:
        Failed: It ended otherwise, or took too long.
    """
    name = " ".join(words)[:200]
    async with started(*words, folder=folder, variables=variables) as process:
        said = bytearray()
        try:
            async with asyncio.timeout(within):
                assert process.stdout is not None
                while piece := await process.stdout.read(1 << 16):
                    said += piece
                await process.wait()
        except TimeoutError:
            raise Failed(f"{name} took longer than {within:g} s; it said:\n{said.decode()}") from None
    text = said.decode()
    if process.returncode:
        raise Failed(f"{name} ended with {process.returncode}; it said:\n{text}")
    return text


@asynccontextmanager
async def started(*words: str, folder: Path, variables: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program that runs until the block ends, with all programs that it has started."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GRAPHWIRE_")}
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=folder,
        env=kept | dict(variables),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,  # a group of its own: a shell's children end with it
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            os.killpg(process.pid, 9)
        await process.wait()
        assert process.stdout is not None
        await process.stdout.read()
