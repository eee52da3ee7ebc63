"""The moment at which work is done that is cheaper for many at once."""

import asyncio
from functools import partial

import pytest

from graphwire_server.core.lull import Lull


class Ticks:
    """A clock that a test moves, and that moves by itself with each look."""

    def __init__(self, step: float) -> None:
        self.now = 0.0
        self.step = step
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        self.now += self.step
        return self.now


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("step", [0.0, 0.000001, 0.00001])
async def test_on_an_idle_loop_it_is_the_next_turn(step: float) -> None:
    done: list[str] = []
    lull = Lull(clock=Ticks(step))

    lull.call(lambda: done.append("now"))
    assert not done
    await turns(2)

    assert done == ["now"]


async def test_on_a_busy_loop_it_is_put_off_to_its_bound() -> None:
    clock, done = Ticks(0.0001), list[float]()
    lull = Lull(patience=0.0009, clock=clock)

    lull.call(lambda: done.append(clock.now))
    await turns(5)
    assert not done
    await turns(10)

    assert done
    assert 0.0009 <= done[0] <= 0.0012


async def test_behind_the_bound_nothing_waits_however_busy_the_loop_is() -> None:
    """Beyond a millisecond a turn is looked at now and then alone."""
    lull = Lull(patience=0.003, clock=Ticks(0.0001))

    async with asyncio.timeout(15):
        await lull.wait()


async def test_all_that_wait_are_served_at_once_and_in_order() -> None:
    done: list[int] = []
    lull = Lull(0)

    for number in range(3):
        lull.call(partial(done.append, number))
    await turns(2)

    assert done == [0, 1, 2]


async def test_what_is_asked_for_during_a_lull_waits_for_the_next() -> None:
    done: list[str] = []
    lull = Lull(0)

    def again() -> None:
        done.append("first")
        lull.call(lambda: done.append("second"))

    lull.call(again)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert done[:1] == ["first"]
    await turns(2)

    assert done == ["first", "second"]


async def test_what_fails_holds_up_nothing_else() -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
    done: list[str] = []
    lull = Lull(0)

    def failing() -> None:
        raise ZeroDivisionError

    lull.call(failing)
    lull.call(lambda: done.append("after"))
    await turns(2)

    assert done == ["after"]
    assert isinstance(told[0], ZeroDivisionError)


async def test_who_no_longer_waits_is_passed_over() -> None:
    lull = Lull(0)
    waiting = asyncio.create_task(lull.wait())
    await asyncio.sleep(0)

    waiting.cancel()
    await lull.wait()

    assert waiting.cancelled()
