"""Every case, with every client."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.cases import Case, load
from tests.clients.conftest import Runners
from tests.clients.judging import Names, step
from tests.clients.languages import LANGUAGES, Language
from tests.clients.runner import RunnerFailed
from tests.clients.stage import Stages

pytestmark = pytest.mark.asyncio(loop_scope="session")

_STARTS = 150.0
"""Seconds beside a case's own for the servers that it starts."""
_BUSY = 20.0
"""By how many seconds a case may take longer on a machine that does other things too; the first of a language starts its runner as well. Less than the
patience that clients have where a case gives them none.
"""
_SLOW = 3
"""How much longer a runner may say nothing there before it is taken to hang."""
CASES = load()


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)
@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name, marks=pytest.mark.timeout(_SLOW * case.timeout + _STARTS)) for case in CASES],
)
async def test_case(case: Case, language: Language, runners: Runners, stages: Stages) -> None:
    runner = runners(language)
    seen: list[dict[str, Any]] = []
    async with stages.of(case) as stage:
        asked = {"address": stage.address, "connect": stages.connect(case), "steps": case.steps}
        begun = time.monotonic()
        try:
            seen, failed = await runner.run(asked, _SLOW * case.timeout), ""
        except RunnerFailed as error:
            failed = str(error)
        took = time.monotonic() - begun
        complaints = [*stage.complaints(), *([failed] if failed else [])]
    if not failed:
        complaints += _judged(case, seen, took)
    if complaints:
        pytest.fail("\n".join([case.why, *complaints]), pytrace=False)


def _judged(case: Case, seen: list[dict[str, Any]], took: float) -> Iterator[str]:
    names = Names()
    for index, (asked, expected, found) in enumerate(zip(case.steps, case.expect, seen, strict=True)):
        yield from step(asked, expected, found, names, f"seen[{index}]")
    if not case.takes[0] <= took <= case.takes[1] + _BUSY:
        yield f"it took {took:.2f} s, not {case.takes[0]} to {case.takes[1]}"
