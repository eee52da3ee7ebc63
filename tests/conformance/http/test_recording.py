"""Our server against the recording and the expectations: each scenario is one test."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.conformance.http.api import Api
from tests.conformance.http.comparing import DIFFERENCES, differences, expected
from tests.conformance.http.expectations import EXPECTATIONS
from tests.conformance.http.recording import compare, known, play, recorded
from tests.conformance.http.scenarios import EXPECTED, RECORDED, SCENARIOS

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("name", SCENARIOS)
async def test_scenario(api: Api, name: str) -> None:
    got = await play(api.client, name)

    assert compare(name, got, known()) == []


async def test_there_is_a_scenario_for_all_that_was_recorded_or_is_expected() -> None:
    assert RECORDED.keys() == recorded().keys()
    assert EXPECTED.keys() == EXPECTATIONS.keys()
    assert not RECORDED.keys() & EXPECTED.keys()


async def test_known_differences_are_differences() -> None:
    for name, *_ in DIFFERENCES:
        assert list(differences(recorded()[name], expected(name, recorded()[name])))


@pytest.mark.parametrize(
    ("want", "got"),
    [
        ({"a": 1}, {}),
        ([1, 2], [1]),
        ([1, 2], [2, 1]),
        ({"a": [{"b": None}]}, {"a": [{"b": 0}]}),
        (True, 1),
        ("1", 1),
    ],
)
async def test_the_comparer_sees_what_differs(want: object, got: object) -> None:
    assert list(differences(want, got))


async def test_the_comparer_allows_more_fields_and_either_kind_of_number() -> None:
    assert not list(differences({"a": 1, "b": [2.0]}, {"a": 1.0, "b": [2], "c": 3}))


async def test_the_command_checks_any_server(api: Api, tmp_path: Path) -> None:
    url, file = str(api.client.base_url), tmp_path / "recorded.json"

    status, said = await _command("check", url, "--only", "values", "unknown_thread")
    recorded_status, _ = await _command("record", url, str(file), "--only", "unknown_thread")

    assert (status, said) == (0, "ok   values\nok   unknown_thread\n2 passed, 0 failed\n")
    assert recorded_status == 0
    assert json.loads(file.read_text()) == {"unknown_thread": {"get": 404, "stream": 404, "run": 404}}


async def test_the_command_says_what_is_otherwise() -> None:
    status, said = await _command("check", "http://127.0.0.1:9", "--only", "values")

    assert status == 1
    assert said.startswith("FAIL values\n       broke: ConnectError")


async def _command(*words: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.conformance.http",
        *words,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "NO_PROXY": "*"},
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()
