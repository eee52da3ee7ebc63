"""A measure that fails is a result."""

import asyncio

import pytest

from bench import sides
from bench.sides import Side, attempt


async def one() -> float:
    return 1.0


async def broken() -> float:
    raise RuntimeError("the run\nfailed")


async def test_rounds_are_kept_in_order() -> None:
    side = Side()

    await attempt(side, one)
    await attempt(side, one)

    assert (side.rounds, side.median, side.failure) == ([1.0, 1.0], 1.0, None)


async def test_a_failure_has_its_reason_in_a_line_and_no_median() -> None:
    side = Side([2.0])

    await attempt(side, broken)
    await attempt(side, one)

    assert (side.rounds, side.median, side.failure) == ([2.0], None, "RuntimeError: the run failed")


async def test_what_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sides, "LIMIT", 0.01)
    side, never = Side(), asyncio.Event()

    async def stuck() -> float:
        await never.wait()
        return 1.0

    await attempt(side, stuck)

    assert side.failure == "not done after 0.01 s"


async def test_a_group_is_told_by_its_first() -> None:
    side = Side()

    async def several() -> float:
        async with asyncio.TaskGroup() as group:
            group.create_task(broken())
        return 1.0

    await attempt(side, several)

    assert side.failure == "RuntimeError: the run failed"
