"""Runs the scripts of tests/conformance/js, and reads what they tell."""

import asyncio
import json
import os
import shutil
import subprocess
from asyncio.subprocess import PIPE, Process
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "js"
SDKS = ("@langchain/langgraph-sdk", "langgraph-sdk-2")
"""The packages of which each test is run: see the README there."""

Told = dict[str, list[Any]]
"""What a script told, by kind."""


def node() -> str:
    """The program that runs scripts. Skips the test where it or what the scripts need is absent; with CI_STRICT=1, fails it."""
    found = shutil.which("node")
    lack = "Node 20 or newer is not installed" if found is None else _lack(found)
    if found is not None and lack is None:
        return found
    if os.environ.get("CI_STRICT") == "1":
        pytest.fail(f"{lack}, and nothing may be skipped here")
    pytest.skip(str(lack))


@cache
def _lack(program: str) -> str | None:
    """What is absent beside the program itself; None for nothing."""
    version = subprocess.run((program, "--version"), capture_output=True, text=True, check=True).stdout
    if int(version.removeprefix("v").partition(".")[0]) < 20:
        return f"Node {version.strip()} is too old: 20 or newer is needed"
    if not (FOLDER / "node_modules" / "@langchain" / "langgraph-sdk").is_dir():
        return "npm ci was not run in tests/conformance/js"
    return None


class Script:
    """A script that runs."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._told: Told = defaultdict(list)

    async def until(self, kind: str, count: int = 1) -> Any:
        """Reads on until there are so many of a kind, and returns the last."""
        while len(self._told[kind]) < count:
            if not await self._read():
                pytest.fail(f"the script ended before it told {kind!r}")
        return self._told[kind][count - 1]

    async def end(self) -> Told:
        """Reads to the end, and returns all that was told."""
        while await self._read():
            pass
        assert await self._process.wait() == 0
        return self._told

    def go_on(self) -> None:
        """Tells the script to go on."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")

    async def _read(self) -> bool:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if line:
            told = json.loads(line)
            self._told[told["kind"]].append(told["value"])
        return bool(line)


@asynccontextmanager
async def running_script(name: str, sdk: str, url: str, **given: Any) -> AsyncIterator[Script]:
    """Starts a script, and ends it if it has not ended. What it writes to stderr is the test's."""
    # Node 20 has a WebSocket too, but only where it is asked for.
    words = (node(), "--experimental-websocket", f"{name}.mjs", sdk, url, json.dumps(given))
    process = await asyncio.create_subprocess_exec(*words, cwd=FOLDER, stdin=PIPE, stdout=PIPE, limit=1 << 24)
    try:
        yield Script(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def script(name: str, sdk: str, url: str, **given: Any) -> Told:
    """Runs a script to its end."""
    async with running_script(name, sdk, url, **given) as started:
        return await started.end()


def events(parts: list[Any]) -> list[tuple[str, Any]]:
    """Events as pairs of name and data."""
    return [(part["event"], part["data"]) for part in parts]
