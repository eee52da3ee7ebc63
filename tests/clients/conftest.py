"""What these tests share over a session: the runners of all languages, and the servers that no test changes."""

import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from tests.clients.languages import Language, strict
from tests.clients.runner import Runner
from tests.clients.stage import ROOT, Stages

Runners = Callable[[Language], Runner]


def needed(lack: str | None) -> None:
    """Skips the test where something is absent; with CI_STRICT=1, fails it."""
    if lack is not None:
        if strict():
            pytest.fail(f"{lack}, and nothing may be skipped here")
        pytest.skip(lack)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stages(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stages]:
    made = Stages(tmp_path_factory.mktemp("stages"))
    yield made
    await made.aclose()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def runners() -> AsyncIterator[Runners]:
    """The runner of a language. Skips the test where its toolchain is absent, and fails it where the runner was not built."""
    started: dict[str, Runner] = {}

    def runner(language: Language) -> Runner:
        needed(language.lack)
        if language.unbuilt:
            pytest.fail(language.unbuilt)
        if language.name not in started:
            started[language.name] = Runner(language.command)
        return started[language.name]

    yield runner
    for each in started.values():
        await each.aclose()


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh clone, with what is not committed yet: what is built is not in it."""
    target = tmp_path_factory.mktemp("clone") / "graphwire"
    words = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    names = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target
