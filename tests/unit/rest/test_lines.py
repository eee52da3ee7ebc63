import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from starlette.types import Message

from graphwire_server.core.errors import CapacityReached
from graphwire_server.core.streams import StreamLimits, Streams
from graphwire_server.rest.lines import Line
from tests.unit.rest.wire import GONE, Caller, jumping, tasks

LIMITS = StreamLimits(write_timeout=timedelta(seconds=3), heartbeat=timedelta(seconds=5))


def line(caller: Caller) -> Line:
    return Line(caller.scope(), caller.receive, caller.send, LIMITS, b"beat")


def beats(caller: Caller) -> list[float]:
    return [when for when, message in caller.sent if message["body"] == b"beat"]


def after(seconds: float) -> Callable[[], Awaitable[None]]:
    """Work that takes a while."""

    async def work() -> None:
        await asyncio.sleep(seconds)

    return work


async def never() -> None:
    await asyncio.Event().wait()


def test_open_answers_are_counted_and_bounded() -> None:
    streams = Streams(StreamLimits(streams=1))

    with streams, pytest.raises(CapacityReached, match="1 open"), streams:
        pass

    assert streams.open == 0


def test_an_answer_that_fails_is_no_longer_open() -> None:
    streams = Streams(StreamLimits(streams=1))

    with pytest.raises(KeyError), streams:
        raise KeyError

    assert streams.open == 0


async def test_an_answer_from_its_head_to_its_end() -> None:
    caller = Caller()
    made = line(caller)

    await made.open([(b"a", b"1")], [("b", "é")])
    await made.write(b"one")
    await made.close(b"two")

    assert [message for _, message in caller.sent] == [
        {"type": "http.response.start", "status": 200, "headers": [(b"a", b"1"), (b"b", b"\xe9")]},
        {"type": "http.response.body", "body": b"one", "more_body": True},
        {"type": "http.response.body", "body": b"two", "more_body": False},
    ]


def test_signs_of_life_come_at_a_steady_pace() -> None:
    async def main() -> Caller:
        caller = Caller()
        assert await line(caller).attend(after(23))
        assert tasks() == set()
        return caller

    assert beats(jumping(main())) == [5, 10, 15, 20]


def test_the_pace_does_not_drift_where_writing_takes_time() -> None:
    async def slowly(message: Message) -> None:
        await asyncio.sleep(1.5)

    async def main() -> Caller:
        caller = Caller(hook=slowly)
        await line(caller).attend(after(23))
        return caller

    assert beats(jumping(main())) == [6.5, 11.5, 16.5, 21.5]


def test_a_sign_of_life_that_waited_long_is_not_made_up_for() -> None:
    async def main() -> Caller:
        caller = Caller()

        async def stuck_once(message: Message) -> None:
            if not caller.sent:
                await asyncio.sleep(12)

        caller.hook = stuck_once
        await line(caller).attend(after(28))
        return caller

    assert beats(jumping(main())) == [17, 17, 22, 27]


def test_work_that_writes_does_not_move_the_pace() -> None:
    async def main() -> Caller:
        caller = Caller()
        made = line(caller)

        async def work() -> None:
            for _ in range(4):
                await asyncio.sleep(3)
                await made.write(b"event")

        await made.attend(work)
        return caller

    caller = jumping(main())
    assert beats(caller) == [5, 10]
    assert len(caller.sent) == 6


async def test_a_caller_who_goes_away_ends_the_work() -> None:
    caller = Caller()
    caller.say({"type": "http.request"}, GONE)

    done = await line(caller).attend(never)

    task = asyncio.current_task()
    assert not done
    assert task is not None
    assert task.cancelling() == 0
    assert (caller.aborted, tasks()) == (0, set())


async def test_what_comes_behind_a_caller_who_went_away_goes_on() -> None:
    caller = Caller()
    caller.say(GONE)
    await line(caller).attend(never)

    async with asyncio.timeout(15):
        await asyncio.sleep(0)


def test_a_caller_who_does_not_read_is_cut() -> None:
    async def stuck(message: Message) -> None:
        await never()

    async def main() -> tuple[Caller, float]:
        caller = Caller(hook=stuck)
        made = line(caller)
        assert not await made.attend(lambda: made.write(b"x"))
        assert tasks() == set()
        return caller, asyncio.get_running_loop().time()

    caller, took = jumping(main())
    assert (caller.aborted, took) == (1, 3)


def test_a_caller_who_does_not_take_the_end_is_cut() -> None:
    async def stuck(message: Message) -> None:
        await never()

    async def main() -> Caller:
        caller = Caller(hook=stuck)
        made = line(caller)
        assert not await made.attend(made.close)
        return caller

    assert jumping(main()).aborted == 1


async def test_a_cancellation_by_somebody_else_is_raised_again() -> None:
    caller = Caller()
    task = asyncio.create_task(line(caller).attend(never))
    await asyncio.sleep(0)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert (caller.aborted, tasks()) == (0, set())


async def test_so_is_one_that_comes_together_with_the_callers_going() -> None:
    caller, gone = Caller(), asyncio.Event()

    async def work() -> None:
        try:
            await never()
        finally:
            gone.set()
            await asyncio.sleep(0)

    task = asyncio.create_task(line(caller).attend(work))
    caller.say(GONE)
    async with asyncio.timeout(15):
        await gone.wait()

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert tasks() == set()


async def test_work_that_fails_says_so_and_leaves_nothing_behind() -> None:
    async def work() -> None:
        await asyncio.sleep(0)
        raise KeyError("x")

    with pytest.raises(KeyError):
        await line(Caller()).attend(work)

    assert tasks() == set()


async def test_a_line_that_is_cut_is_ended_in_the_middle() -> None:
    caller = Caller()

    line(caller).cut()

    assert (caller.aborted, caller.sent) == (1, [])
