"""A program that the bench runs beside itself.

Owns its end: whatever ends the measure, Ctrl-C too, the program is told to stop, and killed when it does not.
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import IO, Any, TypeVar

import uvloop

_GRACE = 10.0
_INTERRUPTED = 130
"""What shells give for a command that was interrupted."""
Result = TypeVar("Result")


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """The environment of a program: ours without what would configure a server otherwise, and more."""
    passed = {name: value for name, value in os.environ.items() if not name.startswith("GRAPHWIRE_")}
    for name in ("DATABASE_URI", "REDIS_URI", "N_JOBS_PER_WORKER"):
        passed.pop(name, None)
    return {**passed, **more}


@asynccontextmanager
async def running(
    *command: str, more: Mapping[str, str] | None = None, errors: IO[bytes] | None = None
) -> AsyncIterator[Process]:
    """A program, in a session of its own so that Ctrl-C reaches the bench alone, which then ends it.

    Args:
        command: The program and its arguments.
        more: Variables of its environment beside ours.
        errors: Where its standard error goes; ours where None.
    """
    process = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, stderr=errors, start_new_session=True, env=environment(more or {})
    )
    try:
        yield process
    finally:
        await asyncio.shield(_end(process))


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _GRACE)
    except TimeoutError:
        process.kill()
        await process.wait()


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Runs a command of the bench. What it started is ended on Ctrl-C, and as well when it is told to terminate; SystemExit is raised then."""
    try:
        return uvloop.run(_terminable(main))
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise SystemExit(_INTERRUPTED) from None


async def _terminable(main: Coroutine[Any, Any, Result]) -> Result:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101  it is what runs this
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await main


async def printed(module: str, *arguments: str) -> str:
    """What a module of the bench prints, run as a program to its end. Raises RuntimeError where it fails."""
    async with running(sys.executable, "-m", module, *arguments) as process:
        out, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{module} {' '.join(arguments)} ended with {process.returncode}")
    return out.decode()
