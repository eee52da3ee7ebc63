"""A shell that keeps what it is told, as a terminal does: variables and files of one recipe are there for the next."""

import asyncio
import os
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

_MARK = "--- the recipe has ended ---"
_PATIENCE = 40.0


class Shell:
    """An `sh` in a folder.

    Args:
        process: It.
        folder: Where it is.
    """

    def __init__(self, process: Process, folder: Path) -> None:
        self._process = process
        self._script = folder / ".recipe"

    async def run(self, command: str) -> tuple[int, str]:
        """How a command ends and what it prints, its errors too, as a person at a terminal sees it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._script.write_text(command)
        # Read from a file, so that a command which reads its standard input does not eat the next recipe.
        self._process.stdin.write(f". ./{self._script.name} </dev/null\nprintf '\\n{_MARK} %s\\n' $?\n".encode())
        async with asyncio.timeout(_PATIENCE):
            printed = await self._process.stdout.readuntil(f"\n{_MARK} ".encode())
            status = await self._process.stdout.readline()
        return int(status), printed.decode().removesuffix(f"\n{_MARK} ")


@asynccontextmanager
async def shell(folder: Path, programs: Mapping[str, str], **variables: str) -> AsyncIterator[Shell]:
    """Starts a shell, and ends it.

    Args:
        folder: Its working folder.
        programs: What it finds before all else: names, and where the programs are.
        variables: Its environment, beside that of the tests.
    """
    (folder / ".bin").mkdir()
    for name, program in programs.items():
        (folder / ".bin" / name).symlink_to(program)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GRAPHWIRE_")}
    path = f"{folder / '.bin'}{os.pathsep}{os.environ['PATH']}"
    # What speaks HTTP would else ask a proxy of the machine for the way to the loopback.
    given = kept | {"PATH": path, "HOME": str(folder), "NO_PROXY": "*", "no_proxy": "*"} | variables
    process = await asyncio.create_subprocess_exec(
        "sh", cwd=folder, env=given, stdin=PIPE, stdout=PIPE, stderr=STDOUT, limit=1 << 24
    )
    try:
        yield Shell(process, folder)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
