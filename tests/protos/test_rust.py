"""The Rust of docs/clients.md, from the page itself: it is built from the descriptor set, and streams."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.conformance.test_examples import EXAMPLES
from tests.protos.page import block
from tests.support.program import output
from tests.support.serving import Server, running
from tools.protos import ROOT

NEEDED = (1, 88)
"""The oldest Rust that tonic takes."""

TARGET = ROOT / "build" / "rust"
"""Where cargo keeps what it has compiled, from one time to the next."""

AWAY = re.compile(
    r"could not resolve host|network|timed out|failed to (?:connect|download)|couldn't connect", re.IGNORECASE
)
"""How cargo says that its registry does not answer, as against that it does not have what the page asks for."""

KEY = "a-long-random-key"
BUILD_SECONDS = 900


def lacking(lack: str) -> NoReturn:
    """Skips the test; with CI_STRICT=1, fails it."""
    if os.environ.get("CI_STRICT") == "1":
        pytest.fail(f"{lack}, and nothing may be skipped here")
    pytest.skip(lack)


def cargo() -> str:
    found = shutil.which("cargo")
    if found is None:
        lacking("Rust is not installed")
    version = subprocess.run((found, "--version"), capture_output=True, text=True, check=True).stdout
    major, minor = map(int, version.split()[1].split(".")[:2])
    if (major, minor) < NEEDED:
        lacking(f"{version.strip()} is too old: {NEEDED[0]}.{NEEDED[1]} or newer is needed")
    return found


def write(folder: Path, descriptors: Path) -> None:
    """The project that the page describes."""
    (folder / "src").mkdir(parents=True)
    (folder / "Cargo.toml").write_text(block("toml", "Cargo.toml"))
    for name in ("build.rs", "src/main.rs"):
        (folder / name).write_text(block("rust", name))
    shutil.copy(descriptors, folder / "graphwire-protos.binpb")


@pytest.fixture(scope="module")
def program(artefacts: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program, built."""
    found, folder = cargo(), tmp_path_factory.mktemp("rust") / "story"
    write(folder, artefacts[0])
    variables = os.environ | {"CARGO_TARGET_DIR": str(TARGET), "CARGO_TERM_COLOR": "never"}
    words = (found, "build", "--jobs", "2")
    done = subprocess.run(words, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    if done.returncode and AWAY.search(done.stderr):
        lacking(f"cargo's registry does not answer: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    return str(shutil.copy(TARGET / "debug" / "story", folder))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with running(tmp_path, EXAMPLES / "langgraph.json", api_keys=(KEY,)) as started:
        yield started


@pytest.mark.timeout(BUILD_SECONDS)
async def test_it_streams_a_story(program: str, server: Server) -> None:
    code, told, errors = await output(program, f"http://{server.address}", GRAPHWIRE_API_KEY=KEY)

    assert (code, errors) == (0, "")
    assert re.fullmatch(r"Once upon a time .* happy about it\nRUN_STATUS_SUCCESS at \d+\n", told)


@pytest.mark.timeout(BUILD_SECONDS)
async def test_it_says_why_a_call_failed(program: str, server: Server) -> None:
    address = f"http://{server.address}"
    unknown, refused = await asyncio.gather(
        output(program, address, "nobody", GRAPHWIRE_API_KEY=KEY), output(program, address, GRAPHWIRE_API_KEY="wrong")
    )

    assert (unknown[0], refused[0]) == (1, 1)
    assert "ASSISTANT_NOT_FOUND: assistant 'nobody' does not exist" in unknown[2]
    assert "UNAUTHENTICATED: this server asks for an API key" in refused[2]
