"""Runners: the small programs that do with each client what a case asks, and print what they saw.

Owns their processes: one for each language, which lives as long as the tests do. One that hangs or dies is ended, and started again for the next case.
"""

import asyncio
import contextlib
import json
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from typing import IO, Any

_LINE = 256 << 20
"""The longest line that is read: what a case may have seen."""
_FAREWELL = 10.0


class RunnerFailed(Exception):
    """The runner said nothing in time, died, or did not know what to do; with what it wrote to its standard error."""


class Runner:
    """A runner.

    Args:
        command: Its command line.
    """

    def __init__(self, command: tuple[str, ...]) -> None:
        self._command = command
        self._process: Process | None = None
        self._errors: IO[bytes] | None = None

    @property
    def started(self) -> bool:
        """Whether its process is there: it is started by the first `run`."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None, "the runner was not started"
        return self._process.pid

    async def run(self, asked: Mapping[str, Any], within: float) -> list[dict[str, Any]]:
        """What it saw, step by step.

        Args:
            asked: `address`, `connect` and `steps`, as clients/conformance/README.md says.
            within: Seconds after which it is taken to hang.

        Raises:
            RunnerFailed: There is nothing to judge. The next call starts it again.
        """
        try:
            async with asyncio.timeout(within):
                line = await self._asked(json.dumps(asked).encode() + b"\n")
            seen = _seen(json.loads(line))
        except TimeoutError:
            raise RunnerFailed(await self._failed(f"said nothing for {within:g} s")) from None
        except (ConnectionError, ValueError, KeyError) as error:
            raise RunnerFailed(await self._failed(f"failed: {type(error).__name__}: {error}")) from error
        if len(seen) != len(asked["steps"]):
            raise RunnerFailed(f"the runner saw {len(seen)} steps, and was asked for {len(asked['steps'])}")
        return seen

    async def aclose(self) -> None:
        """Ends it: its input ends, and it has a moment to end by itself."""
        if self._process is not None:
            process, self._process = self._process, None
            assert process.stdin is not None
            process.stdin.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _FAREWELL)
            await _killed(process)
        self._said()

    async def _asked(self, line: bytes) -> bytes:
        if self._process is None:
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed in _said
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, stderr=self._errors, limit=_LINE
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line)
        await self._process.stdin.drain()
        answer = await self._process.stdout.readline()
        if not answer:
            raise ConnectionError("it ended")
        return answer

    async def _failed(self, how: str) -> str:
        """Ends the process; the whole story."""
        if self._process is not None:
            process, self._process = self._process, None
            await _killed(process)
        return f"the runner {' '.join(self._command)} {how}; its standard error:\n{self._said() or '(nothing)'}"

    def _said(self) -> str:
        """What it has written to its standard error; to be called once it has ended."""
        if self._errors is None:
            return ""
        with self._errors as file:
            file.seek(0)
            self._errors = None
            return file.read().decode(errors="replace")[-8000:]


def _seen(told: dict[str, Any]) -> list[dict[str, Any]]:
    if "broken" in told:
        raise ValueError(told["broken"])
    seen: list[dict[str, Any]] = told["seen"]
    return seen


async def _killed(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    await process.communicate()
