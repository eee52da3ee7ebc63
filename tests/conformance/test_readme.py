"""What the README shows is run: its Python, its commands, and its two make targets exist."""

import asyncio
import os
import re
import shlex
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conformance.sdk.javascript import FOLDER, node
from tests.conformance.test_examples import EXAMPLES
from tests.support.serving import Server, running

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


@pytest.fixture
async def examples(tmp_path: Path) -> AsyncIterator[Server]:
    async with running(tmp_path, EXAMPLES / "langgraph.json") as server:
        yield server


async def output(address: str, *words: str) -> str:
    """What a program prints that succeeds."""
    process = await asyncio.create_subprocess_exec(
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"GRAPHWIRE_ADDRESS": address},
    )
    out, errors = await asyncio.wait_for(process.communicate(), 40)
    assert process.returncode == 0, errors.decode()
    return out.decode() + errors.decode()


async def graphwire(address: str, command: str) -> str:
    program = str(Path(sys.executable).with_name("graphwire"))
    return await output(address, program, *shlex.split(command)[1:])


def blocks(language: str, word: str) -> list[str]:
    """The examples in a language that have a word in them."""
    return [block for block in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if word in block]


async def test_the_python_example(examples: Server) -> None:
    (code,) = blocks("python", "graphwire.connect")

    told = await output(examples.address, sys.executable, "-c", code.replace("localhost:50051", examples.address))

    assert "story" in told


async def test_the_sdk_example(examples: Server) -> None:
    (code,) = blocks("python", "langgraph_sdk")

    told = await output("", sys.executable, "-c", code.replace("http://localhost:8123", examples.url))

    assert "generate_joke" in told


async def test_the_javascript_example(examples: Server, tmp_path: Path) -> None:
    (code,) = blocks("javascript", "@langchain/langgraph-sdk")
    program = node()
    (tmp_path / "node_modules").symlink_to(FOLDER / "node_modules")
    script = tmp_path / "readme.mjs"
    script.write_text(code.replace("http://localhost:8123", examples.url))

    told = await output("", program, str(script))

    assert "generate_joke" in told


CURL = {
    "the stateless stream": ("/runs/stream -d", 'event: updates\r\ndata: {"generate_joke"'),
    "the thread": ("$thread/state", '"next":[]'),
    "the join": ("Last-Event-ID", 'data: {"fetched":3,"of":3}'),
    "the approval": ("resume", "paid 120 to Ada"),
    "the wrong request": ("everything", '"field":"stream_mode"'),
}
"""For each recipe: what its block has that no other has, and what it prints."""


@pytest.mark.parametrize(("word", "shown"), CURL.values(), ids=CURL)
async def test_the_curl_recipes(examples: Server, word: str, shown: str) -> None:
    recipe = next(block for block in blocks("bash", "curl") if word in block)
    at = examples.url.removeprefix("http://")

    told = await output("", "bash", "-euo", "pipefail", "-c", recipe.replace("localhost:8123", at))

    assert shown in told


def test_every_curl_recipe_is_run() -> None:
    assert len(blocks("bash", "curl")) == len(CURL)


async def test_the_first_command_prints_what_the_readme_shows(examples: Server) -> None:
    (command,) = re.findall(r"^\$ (graphwire stream joke .*)$", README, re.MULTILINE)

    shown = await graphwire(examples.address, command)

    assert "refine_topic\n  topic: ice cream and cats\n" in shown
    assert "refine_topic\n  topic: ice cream and cats\n" in README
    assert re.search(r"success · 4 events", shown)


async def test_the_two_commands_of_the_approval(examples: Server) -> None:
    first, second = re.findall(r"^\$ (graphwire stream approval .*)$", README, re.MULTILINE)

    asked = await graphwire(examples.address, first)
    thread = re.search(r"on thread (\S+)", asked)
    assert thread is not None
    paid = await graphwire(examples.address, second.replace("THREAD_ID", thread[1]))

    assert "paid 120 to Ada" in paid


@pytest.mark.parametrize("page", re.findall(r"\]\((docs/\S+?|CHANGELOG.md)\)", README))
def test_the_pages_that_it_names_exist(page: str) -> None:
    assert (ROOT / page).is_file()
