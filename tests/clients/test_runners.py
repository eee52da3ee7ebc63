"""A runner that hangs, dies or does not know what to do fails its case, says why, and is started again; a language is tested, or a reason says why not."""

import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.clients.conftest import needed
from tests.clients.languages import LANGUAGES
from tests.clients.runner import Runner, RunnerFailed

ASKED = {"address": "", "connect": {}, "steps": [{"do": "stream"}]}
SCRIPT = """
import os, pathlib, sys, time
lives = pathlib.Path(sys.argv[1])
lives.write_text(lives.read_text() + "x" if lives.exists() else "x")
for line in sys.stdin:
    if len(lives.read_text()) == 1:
        print("a last word", file=sys.stderr, flush=True)
        {first}
    print('{{"seen": [{{"events": 1}}]}}', flush=True)
"""
LONG, SHORT = 60.0, 6.0
"""Seconds that a program may take to start and to answer, and those in which it starts at least."""
ENDS = {
    "dies": ("os._exit(3)", "it ended", LONG),
    "hangs": ("time.sleep(600)", f"said nothing for {SHORT:g} s", SHORT),
    "says what nobody reads": ("print('nonsense', flush=True)", "JSONDecodeError", LONG),
    "does not know what to do": (
        """print('{{"broken": "what is a stream?"}}', flush=True)""",
        "what is a stream?",
        LONG,
    ),
}


@pytest.fixture
async def scratch(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Runner]:
    program = tmp_path / "runner.py"
    program.write_text(SCRIPT.format(first=request.param.format()))
    runner = Runner((sys.executable, str(program), str(tmp_path / "lives")))
    yield runner
    await runner.aclose()


@pytest.mark.parametrize(("scratch", "told", "within"), ENDS.values(), ids=ENDS, indirect=["scratch"])
async def test_one_that_fails_is_told_and_started_again(scratch: Runner, told: str, within: float) -> None:
    with pytest.raises(RunnerFailed) as failed:
        await scratch.run(ASKED, within)
    again = await scratch.run(ASKED, LONG)

    assert told in str(failed.value)
    assert "a last word" in str(failed.value)
    assert again == [{"events": 1}]


@pytest.mark.parametrize("scratch", ["pass"], indirect=True)
async def test_one_that_leaves_a_step_out_fails(scratch: Runner) -> None:
    with pytest.raises(RunnerFailed, match="saw 1 steps, and was asked for 2"):
        await scratch.run(ASKED | {"steps": [{}, {}]}, LONG)


def test_an_absent_toolchain_is_skipped_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI_STRICT", raising=False)
    language = replace(LANGUAGES[0], tools=("no-such-tool",))

    with pytest.raises(pytest.skip.Exception, match="no-such-tool, which the go client needs, is not installed"):
        needed(language.lack)


def test_in_ci_it_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI_STRICT", "1")

    with pytest.raises(pytest.fail.Exception, match="nothing may be skipped here"):
        needed("it is not installed")


def test_what_is_not_built_names_the_command() -> None:
    language = replace(LANGUAGES[0], product="build/nothing")

    assert language.unbuilt == (
        "clients/go/build/nothing is not there: run `go build -o build/conformance ./conformance` in clients/go, "
        "or `make test-clients`"
    )
