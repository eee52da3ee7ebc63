"""One table of scenarios over both transports: the same events, the same results, the same reasons."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.faults.gate import Gate, gated
from tests.parity.compare import Found, differences
from tests.parity.exceptions import EXCEPTIONS
from tests.parity.face import Face, Refused
from tests.parity.faces import both_faces
from tests.parity.scenario import Scenario
from tests.parity.table import SCENARIOS

PATIENCE = 90


@pytest.mark.asyncio(loop_scope="package")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_parity(scenario: Scenario, shared: tuple[Face, Face], tmp_path: Path) -> None:
    async with asyncio.timeout(PATIENCE), gated() as gate, AsyncExitStack() as stack:
        faces = shared
        if scenario.settings:
            own = both_faces(tmp_path, scenario.settings, scenario.headers)
            faces = await stack.enter_async_context(own)
        made, found = await _play(scenario, faces, gate)

    if scenario.refuses is not None:
        assert {_reason(answer) for answer in _each(made)} == {scenario.refuses}
    unnamed = [
        each for each in found if not any(exception.covers(scenario.name, each.path) for exception in EXCEPTIONS)
    ]
    assert not unnamed, _told(unnamed)
    stale = [
        exception
        for exception in EXCEPTIONS
        if exception.shown_by == scenario.name and not any(exception.covers(scenario.name, each.path) for each in found)
    ]
    assert not stale, f"no longer needed: {stale}"


async def _play(scenario: Scenario, faces: tuple[Face, Face], gate: Gate) -> tuple[Any, list[Found]]:
    """What gRPC answered, and all differences."""
    found, made = [], []
    for face in faces:
        answer = await _answer(scenario.act(face, gate))
        made.append(answer)
        if scenario.look is not None and not isinstance(answer, Refused):
            grpc, http = [await _answer(scenario.look(reader, answer)) for reader in faces]
            found += differences(grpc, http, same_run=True)
    return made[0], found + differences(*made, same_run=False)


def _each(answer: Any) -> list[Any]:
    return answer if isinstance(answer, list) else [answer]


def _reason(answer: Any) -> str:
    return answer.reason if isinstance(answer, Refused) else f"not refused: {answer}"


async def _answer(call: Any) -> Any:
    try:
        return await call
    except Refused as refused:
        return refused


def _told(found: list[Found]) -> str:
    paths = sorted({each.path for each in found})
    shown = {each.path: f"{each.path}\n  grpc {_short(each.grpc)}\n  http {_short(each.http)}" for each in found}
    return f"{len(paths)} differences:\n" + "\n".join(shown[path] for path in paths[:60])


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 700 else text[:700] + " ..."
