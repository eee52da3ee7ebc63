import asyncio
from concurrent.futures import Future
from threading import Thread

import pytest

from graphwire_server.core.work import Steps, Work, done, work


@work
def added(one: "Future[int]", other: "Future[int]") -> Steps[int]:
    first: int = yield one
    second: int = yield other
    return first + second


async def test_steps_are_awaited_one_after_another() -> None:
    one, other = Future[int](), Future[int]()
    waiting = asyncio.ensure_future(_of(added(one, other)))
    await asyncio.sleep(0)

    Thread(target=one.set_result, args=(1,)).start()
    Thread(target=other.set_result, args=(2,)).start()

    assert await waiting == 3


def test_a_thread_waits_for_them_without_a_loop() -> None:
    assert added(done(1), done(2)).result() == 3


@pytest.mark.parametrize("waits", [True, False])
async def test_a_step_that_fails_ends_the_work(waits: bool) -> None:
    failed: Future[int] = Future()
    failed.set_exception(ValueError("mine"))

    with pytest.raises(ValueError, match="mine"):
        await added(done(1), failed) if waits else added(done(1), failed).result()


async def test_cancelling_takes_back_a_step_that_has_not_begun() -> None:
    one = Future[int]()
    waiting = asyncio.ensure_future(_of(added(one, done(2))))
    await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.wait([waiting])

    assert one.cancelled()


async def _of(made: Work[int]) -> int:
    return await made
