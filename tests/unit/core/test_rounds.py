import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from graphwire_server.core.errors import StoreUnavailable
from graphwire_server.core.rounds import AFTER_DEFECT, RETRY, Rounds
from tests.unit.core.fakes import SOON, Alarms, Clock

MINUTE = timedelta(minutes=1)


class Counted(Rounds):
    """Rounds that are counted, each with what the test says of it."""

    def __init__(self, clock: Clock, alarms: Alarms, latest: timedelta | None = None) -> None:
        super().__init__(clock, alarms, latest=latest)
        self.went: list[datetime] = []
        self.says: Callable[[], datetime | None] = lambda: None
        self.free = asyncio.Event()
        self.free.set()

    async def _go(self) -> datetime | None:
        self.went.append(self._clock())
        await self.free.wait()
        return self.says()


class Stage:
    def __init__(self, latest: timedelta | None = None) -> None:
        self.clock = Clock()
        self.alarms = Alarms(self.clock)
        self.rounds = Counted(self.clock, self.alarms, latest)

    async def settle(self) -> int:
        """Waits until no round is under way, and tells how many went."""
        async with asyncio.timeout(SOON):
            while self.rounds.going:  # noqa: ASYNC110  there is no event for it
                await asyncio.sleep(0)
        return len(self.rounds.went)

    async def move(self, by: timedelta) -> int:
        self.alarms.move(by)
        return await self.settle()


async def test_the_first_round_goes_at_the_start_and_the_next_when_something_is_due() -> None:
    stage = Stage()
    async with stage.rounds:
        assert await stage.settle() == 1
        stage.rounds.expect(stage.clock.now + MINUTE)
        assert await stage.move(MINUTE / 2) == 1
        assert await stage.move(MINUTE / 2) == 2
        assert await stage.move(timedelta(days=1)) == 2, "nothing is due"


async def test_what_is_due_sooner_goes_first_and_what_is_later_is_left_to_the_round() -> None:
    stage = Stage()
    async with stage.rounds:
        await stage.settle()
        begun = stage.clock.now
        for minutes in (2, 1, 3):
            stage.rounds.expect(begun + minutes * MINUTE)
        await stage.move(MINUTE)

    assert [begun + MINUTE <= at < begun + 2 * MINUTE for at in stage.rounds.went] == [False, True]
    assert stage.alarms.waiting == [], "the round says when the next is due"


async def test_what_becomes_due_while_a_round_goes_is_looked_at_by_another() -> None:
    stage = Stage()
    stage.rounds.free.clear()
    async with stage.rounds:
        await asyncio.sleep(0)
        stage.rounds.expect(stage.clock.now + MINUTE)
        stage.alarms.move(MINUTE)
        assert len(stage.rounds.went) == 1, "one goes at a time"
        stage.rounds.free.set()
        await stage.settle()
        assert await stage.move(timedelta(seconds=1)) == 2


@pytest.mark.parametrize(
    ("error", "after"), [(StoreUnavailable("away"), RETRY), (ValueError("a defect"), AFTER_DEFECT)]
)
async def test_a_round_that_fails_is_followed_by_another(error: Exception, after: timedelta) -> None:
    stage = Stage()

    def fail() -> None:
        raise error

    stage.rounds.says = fail
    async with stage.rounds:
        await stage.settle()
        assert await stage.move(after / 2) == 1
        assert await stage.move(after) == 2


async def test_a_round_goes_at_the_latest_after_a_time() -> None:
    stage = Stage(latest=MINUTE)
    stage.rounds.says = lambda: stage.clock.now + timedelta(days=1)
    async with stage.rounds:
        await stage.settle()
        assert await stage.move(MINUTE) == 2


async def test_leaving_waits_for_the_round_and_begins_no_more() -> None:
    stage = Stage()
    stage.rounds.free.clear()
    await stage.rounds.__aenter__()
    await asyncio.sleep(0)

    leaving = asyncio.create_task(stage.rounds.__aexit__(None, None, None))
    await asyncio.sleep(0)
    assert not leaving.done()
    stage.rounds.free.set()
    await leaving
    stage.rounds.expect(stage.clock.now)

    assert (stage.rounds.going, stage.alarms.waiting) == (False, [])
