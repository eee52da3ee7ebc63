"""From an empty folder, each client's README works when it is followed word by word.

The convention: `$GRAPHWIRE` is a clone of the project. Blocks ```sh are typed into one terminal, one after another; a block ```sh server into another terminal, before them;
a block with title=FILE is a file that is written where it stands; a block without a language that follows ```sh shows what is printed. The one thing that is changed is the address:
`localhost:50051` is where the server really listens, since these tests take no fixed port.
"""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.clients.conftest import needed
from tests.clients.languages import LANGUAGES, Language
from tests.clients.programs import READY, output, started

_START = 120.0
_LIMIT = 900.0


class Block(NamedTuple):
    """A block of a README: the words behind its fence, and its text."""

    words: tuple[str, ...]
    text: str

    @property
    def title(self) -> str:
        return next((word.removeprefix("title=") for word in self.words if word.startswith("title=")), "")


def blocks(page: str) -> list[Block]:
    found = re.findall(r"^```([^\n]*)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return [Block(tuple(words.split()), text) for words, text in found]


def script(page: list[Block], address: str) -> str:
    """What is typed into the first terminal, files included."""
    return "".join(_typed(page)).replace("localhost:50051", address)


def _typed(page: list[Block]) -> Iterator[str]:
    for block in page:
        if block.title:
            yield f"mkdir -p $(dirname {block.title})\ncat > {block.title} <<'END_OF_{block.title}'\n{block.text}END_OF_{block.title}\n"
        elif block.words == ("sh",):
            yield block.text


def shown(page: list[Block]) -> list[str]:
    """The lines that the README says are printed."""
    results = (block.text for typed, block in pairwise(page) if typed.words == ("sh",) and not block.words)
    return [line for text in results for line in text.splitlines()]


@asynccontextmanager
async def another_terminal(block: Block, folder: Path, clone: Path) -> AsyncIterator[str]:
    """The server that a README starts; its address. It chooses its ports, and is the one that is installed with these tests."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = {"GRAPHWIRE": str(clone), "PATH": path, "GRAPHWIRE_GRPC_PORT": "0", "GRAPHWIRE_HTTP_PORT": "0"}
    async with started("sh", "-ec", block.text, folder=folder, variables=variables) as process:
        assert process.stdout is not None
        said = ""
        async with asyncio.timeout(_START):
            while not (ready := READY.search(said)):
                line = (await process.stdout.readline()).decode()
                assert line, f"the server did not start:\n{said}"
                said += line
        reading = asyncio.create_task(_read_on(process.stdout))  # so that it never waits for a reader of its log
        try:
            yield ready[1]
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def _read_on(stream: asyncio.StreamReader) -> None:
    while await stream.read(1 << 16):
        pass


@pytest.mark.timeout(_LIMIT + _START)
@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)
async def test_the_start(language: Language, clone: Path, tmp_path: Path) -> None:
    needed(language.lack)
    page = blocks((clone / "clients" / language.name / "README.md").read_text())
    (server,) = (block for block in page if block.words == ("sh", "server"))
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()

    async with another_terminal(server, second, clone) as address:
        said = await output("sh", "-ec", script(page, address), folder=first, within=_LIMIT, GRAPHWIRE=str(clone))

    assert "a lighthouse and everyone was happy about it" in said, said
    assert [line for line in shown(page) if line not in said.splitlines()] == [], said


def test_a_page_is_read_as_it_stands() -> None:
    text = "```sh server\nserve\n```\nthen\n```go title=main.go\npackage localhost:50051\n```\n```sh\nrun\n```\n\n```\nout\n```\n```go\nx\n```\n"

    page = blocks(text)

    assert page[0] == Block(("sh", "server"), "serve\n")
    assert (
        script(page, "1.2.3.4:5")
        == "mkdir -p $(dirname main.go)\ncat > main.go <<'END_OF_main.go'\npackage 1.2.3.4:5\nEND_OF_main.go\nrun\n"
    )
    assert shown(page) == ["out"]
