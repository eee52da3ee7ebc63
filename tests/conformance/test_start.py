"""What a start of the server imports: what it uses, and none of what is slow to import and only looks as if it were needed."""

import asyncio
import re
import signal
import sys
from pathlib import Path

import pytest

from tests.faults.process import COMMAND, arguments, environment

GRAPH = """
from typing import TypedDict

from langgraph.graph import START, StateGraph


class State(TypedDict, total=False):
    said: str


async def say(state: State) -> State:
    return {"said": "hello"}


agent = StateGraph(State).add_node("say", say).add_edge(START, "say").compile()
"""
NEVER = (
    "graphwire_server.console",
    "langgraph.prebuilt",
    "langchain",
    "fastapi",
    "openai",
    "numpy",
    "pytest",
)
"""The verbs for people, and what is installed beside the server in many environments."""

HTTP = ("graphwire_server.rest", "graphwire_server.http_face", "starlette", "uvicorn", "httptools")
_IMPORTED = re.compile(r"^import time:\s+\d+ \|\s+\d+ \|\s+([\w.]+)$", re.MULTILINE)


async def _imported(folder: Path, *options: str) -> set[str]:
    """All modules that a server has imported when it is ready."""
    (folder / "graphs.py").write_text(GRAPH)
    (folder / "langgraph.json").write_text('{"graphs": {"agent": "./graphs.py:agent"}}')
    command = arguments(folder / "data", "--config", str(folder / "langgraph.json"), *options)
    assert command[0] == str(COMMAND)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "importtime", *command),
        env=environment({}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        ready = await asyncio.wait_for(process.stdout.readline(), 40)
        process.send_signal(signal.SIGTERM)
    finally:
        _, said = await asyncio.wait_for(process.communicate(), 40)
    assert ready.startswith(b"graphwire ready"), said.decode()
    return set(_IMPORTED.findall(said.decode()))


def _of(packages: tuple[str, ...], imported: set[str]) -> set[str]:
    return {
        name for name in imported if name.startswith(tuple(f"{package}." for package in packages)) or name in packages
    }


@pytest.mark.parametrize(("options", "unused"), [((), NEVER), (("--no-http",), (*NEVER, *HTTP))])
async def test_a_start_imports_what_it_uses(tmp_path: Path, options: tuple[str, ...], unused: tuple[str, ...]) -> None:
    imported = await _imported(tmp_path, *options)

    assert {"graphwire_server.app", "langgraph.graph.state", "uvloop"} <= imported
    assert not _of(unused, imported)


async def test_the_command_without_a_verb_lists_them_all() -> None:
    process = await asyncio.create_subprocess_exec(str(COMMAND), "--help", stdout=asyncio.subprocess.PIPE)
    said, _ = await asyncio.wait_for(process.communicate(), 40)

    for verb in ("serve", "stream", "invoke", "join", "threads", "runs", "graphs", "draw"):
        assert re.search(rf"^\W+{verb}\b", said.decode(), re.MULTILINE), verb
