"""The event log in memory."""

import asyncio
import weakref
from datetime import timedelta

import pytest

from graphwire_server.core.errors import CursorExpired, Draining, ThreadNotFound
from graphwire_server.core.events import Raw
from graphwire_server.core.lull import Lull
from graphwire_server.core.model import Retention
from graphwire_server.storage.memory.log import MemoryLog, MemoryThreadLog

ANY = Raw(mode="m", data=b"1")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def thread_log(newest: int = 0, max_bytes: int = 100) -> MemoryThreadLog:
    return MemoryThreadLog("t", newest, max_bytes, Clock(), Lull(0))


def fill(log: MemoryThreadLog, count: int, weight: int = 10) -> None:
    for _ in range(count):
        log.append("r", (), ANY, weight)


def test_numbers_go_on_from_where_the_thread_was() -> None:
    log = thread_log(newest=7)

    event = log.append("r", ("a",), ANY, 10)

    assert (event.seq, event.run_id, event.thread_id, event.time, event.namespace) == (8, "r", "t", 1000.0, ("a",))
    assert (log.oldest_seq, log.newest_seq) == (8, 8)


def test_an_empty_log_says_so() -> None:
    log = thread_log(newest=7)

    assert (log.oldest_seq, log.newest_seq, list(log.read(7, 100))) == (8, 7, [])


def test_the_oldest_go_where_the_bound_is_passed() -> None:
    log = thread_log(max_bytes=30)

    fill(log, 5)

    assert (log.oldest_seq, log.newest_seq, log.held_bytes) == (3, 5, 30)
    assert [event.seq for event in log.read(2, 1000)] == [3, 4, 5]
    with pytest.raises(CursorExpired):
        log.read(1, 1000)


def test_one_event_is_always_held() -> None:
    log = thread_log(max_bytes=30)

    fill(log, 2, weight=1000)

    assert [event.seq for event in log.read(1, 1)] == [2]


def test_numbers_stay_right_when_the_list_is_cut() -> None:
    log = thread_log(max_bytes=30)

    fill(log, 5000)

    assert (log.oldest_seq, log.newest_seq) == (4998, 5000)
    assert [event.seq for event in log.read(4998, 1000)] == [4999, 5000]
    assert len(log._events) < 2000


def held_back(log: MemoryThreadLog) -> list[int]:
    """What the log tells of, event by event."""
    told: list[int] = []
    log.hold_back(lambda: told.append(log.given_seq))
    return told


def seen(log: MemoryThreadLog, after_seq: int = 0) -> list[int]:
    return [event.seq for event in log.read(after_seq, 1000)]


def test_without_holding_back_all_that_is_given_can_be_seen() -> None:
    log = thread_log(newest=7)

    fill(log, 2)

    assert (log.given_seq, log.newest_seq) == (9, 9)


def test_what_is_held_back_is_not_seen_until_it_is_published() -> None:
    log = thread_log()
    fill(log, 2)
    told = held_back(log)

    fill(log, 3)

    assert (told, log.given_seq, log.newest_seq, seen(log)) == ([3, 4, 5], 5, 2, [1, 2])
    log.publish(4)
    assert (log.given_seq, log.newest_seq, seen(log)) == (5, 4, [1, 2, 3, 4])


def test_what_was_published_stays_so() -> None:
    log = thread_log()
    held_back(log)
    fill(log, 3)

    log.publish(2)
    log.publish(1)
    log.publish(99)

    assert log.newest_seq == 3


def test_the_end_of_holding_back_publishes_the_rest() -> None:
    log = thread_log()
    told = held_back(log)
    fill(log, 2)

    log.hold_back(None)
    fill(log, 1)

    assert (told, seen(log)) == ([1, 2], [1, 2, 3])


def test_holding_back_again_holds_back_what_comes_then() -> None:
    log = thread_log()
    held_back(log)
    fill(log, 2)
    log.hold_back(None)

    told = held_back(log)
    fill(log, 1)

    assert (told, log.newest_seq) == ([3], 2)


def test_who_is_told_may_change_while_events_are_held_back() -> None:
    log = thread_log()
    first = held_back(log)
    fill(log, 1)

    second = held_back(log)
    fill(log, 1)

    assert (first, second, log.newest_seq) == ([1], [2], 0)


def test_what_waits_can_be_read_by_whoever_keeps_it() -> None:
    log = thread_log()
    held_back(log)
    fill(log, 4)

    assert [event.seq for event in log.waiting(0, 1000)] == [1, 2, 3, 4]
    assert [event.seq for event in log.waiting(1, 25)] == [2, 3]
    assert [event.seq for event in log.waiting(3, 1)] == [4]
    assert list(log.waiting(4, 1000)) == []


def test_what_nobody_has_seen_is_not_dropped() -> None:
    log = thread_log(max_bytes=30)
    fill(log, 2)
    held_back(log)

    fill(log, 10)

    assert (log.oldest_seq, log.newest_seq, log.given_seq) == (2, 2, 12)
    assert [event.seq for event in log.waiting(2, 1000)] == [*range(3, 13)]


def test_what_was_published_is_dropped_where_the_bound_is_passed() -> None:
    log = thread_log(max_bytes=30)
    held_back(log)
    fill(log, 10)

    log.publish(9)

    assert (log.oldest_seq, log.newest_seq, log.given_seq, log.held_bytes) == (8, 9, 10, 30)
    with pytest.raises(CursorExpired):
        log.read(6, 1000)


def test_numbers_stay_right_when_the_list_is_cut_while_events_are_held_back() -> None:
    log = thread_log(max_bytes=30)
    held_back(log)
    for _ in range(3000):
        fill(log, 2)
        log.publish(log.given_seq - 1)

    assert (log.oldest_seq, log.newest_seq, log.given_seq) == (5998, 5999, 6000)
    assert seen(log, 5997) == [5998, 5999]
    assert len(log._events) < 2000


async def test_a_waiter_wakes_when_its_event_is_published() -> None:
    log = thread_log()
    held_back(log)
    fill(log, 2)
    waiter = asyncio.create_task(log.wait(1))
    await asyncio.sleep(0)

    log.publish(1)
    await asyncio.sleep(0)
    early = waiter.done()
    log.publish(2)

    async with asyncio.timeout(15):
        await waiter
    assert not early


async def test_a_waiter_wakes_when_holding_back_ends() -> None:
    log = thread_log()
    held_back(log)
    fill(log, 1)
    waiter = asyncio.create_task(log.wait(0))
    await asyncio.sleep(0)

    log.hold_back(None)

    async with asyncio.timeout(15):
        await waiter


async def test_a_waiter_wakes_for_what_is_new() -> None:
    log = thread_log()
    waiters = [asyncio.create_task(log.wait(0)) for _ in range(3)]
    await asyncio.sleep(0)

    fill(log, 1)

    async with asyncio.timeout(15):
        await asyncio.gather(*waiters)


async def test_what_is_there_already_is_not_waited_for() -> None:
    log = thread_log()
    fill(log, 2)

    async with asyncio.timeout(15):
        await log.wait(1)


async def test_a_reader_that_leaves_leaves_nothing() -> None:
    log = thread_log()
    waiter = asyncio.create_task(log.wait(0))
    await asyncio.sleep(0)

    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)

    assert not log._waiters


def logs(clock: Clock | None = None, ended_bytes: int = 100) -> MemoryLog:
    kept = Retention(thread_bytes=1000, ended_bytes=ended_bytes, ended_for=timedelta(seconds=60))
    return MemoryLog(kept, clock or Clock())


async def use(made: MemoryLog, thread_id: str, weight: int = 10, newest: int = 0) -> int:
    async with made.attach(thread_id, newest) as log:
        return log.append("r", (), ANY, weight).seq


async def test_all_that_attach_share_one_log() -> None:
    made = logs()

    async with made.attach("t", 0) as first, made.attach("t", 5) as second:
        same = first is second

    assert same


async def test_a_log_stays_for_a_while_after_its_last_user() -> None:
    clock = Clock()
    made = logs(clock)
    await use(made, "t")
    clock.now += 59

    async with made.attach("t", 1) as log:
        held = [event.seq for event in log.read(0, 1000)]

    assert held == [1]


async def test_a_log_is_gone_after_its_time() -> None:
    clock = Clock()
    made = logs(clock)
    await use(made, "t")
    clock.now += 61

    async with made.attach("t", 1) as log:
        bounds = log.oldest_seq, log.newest_seq

    assert bounds == (2, 1)
    assert len(made) == 0


async def test_logs_that_nobody_uses_have_one_bound_together() -> None:
    made = logs(ended_bytes=25)

    for name in "abc":
        await use(made, name)

    assert list(made._ended) == ["b", "c"]
    assert made._ended_bytes == 20


async def test_a_log_that_is_behind_the_thread_is_not_used_again() -> None:
    made = logs()
    await use(made, "t")

    seq = await use(made, "t", newest=50)

    assert seq == 51


async def test_a_log_without_events_is_not_kept() -> None:
    made = logs()

    async with made.attach("t", 0):
        pass

    assert len(made) == 0


async def test_what_was_never_published_is_gone_with_its_last_user() -> None:
    made = logs()
    async with made.attach("t", 0) as log:
        held_back(log)
        fill(log, 3)
        log.publish(1)

    assert made._ended_bytes == 10
    async with made.attach("t", 1) as again:
        event = again.append("r", (), ANY, 10)
        assert (event.seq, seen(again)) == (2, [1, 2])


async def test_events_are_held_back_while_somebody_else_is_attached() -> None:
    made = logs()
    async with made.attach("t", 0) as reader:
        async with made.attach("t", 0) as log:
            held_back(log)
            fill(log, 2)
        hidden = seen(reader)
        reader.hold_back(None)

    assert (hidden, seen(reader)) == ([], [1, 2])


async def test_a_forgotten_log_that_is_attached_still_holds_back_and_publishes() -> None:
    made = logs()
    async with made.attach("t", 0) as log:
        held_back(log)
        fill(log, 2)

        made.forget("t")
        log.publish(2)

        assert seen(log) == [1, 2]
    assert len(made) == 0


async def test_a_log_that_comes_back_holds_back_anew() -> None:
    made = logs()
    await use(made, "t")
    async with made.attach("t", 1) as log:
        held_back(log)
        fill(log, 1)

        assert (log.newest_seq, log.given_seq, seen(log)) == (1, 2, [1])


async def test_forgetting_drops_what_nobody_reads() -> None:
    made = logs()
    await use(made, "t")

    made.forget("t")

    assert (len(made), made._ended_bytes) == (0, 0)


async def test_forgetting_lets_readers_read_on() -> None:
    made = logs()
    async with made.attach("t", 0) as log:
        fill(log, 1)
        made.forget("t")
        read = list(log.read(0, 1000))

    assert len(read) == 1
    assert len(made) == 0


async def test_forgetting_an_unknown_thread_is_nothing() -> None:
    made = logs()

    made.forget("t")

    assert len(made) == 0


async def test_whoever_waits_on_a_forgotten_thread_is_told_that_it_is_gone() -> None:
    made = logs()
    async with made.attach("t", 0) as log:
        waiter = asyncio.create_task(log.wait(0))
        await asyncio.sleep(0)

        made.forget("t")

        with pytest.raises(ThreadNotFound):
            await waiter


async def test_a_new_thread_with_a_forgotten_ones_id_has_a_log_of_its_own() -> None:
    made = logs()
    async with made.attach("t", 0) as old:
        fill(old, 3)
        made.forget("t")
        async with made.attach("t", 0) as new, made.attach("t", 0):
            seq = new.append("r", (), ANY, 10).seq

    assert new is not old
    assert seq == 1
    assert made._ended["t"][0] is new
    assert not made._live


async def test_closing_ends_waiting_now_and_from_now_on() -> None:
    made = logs()
    async with made.attach("t", 0) as log:
        waiter = asyncio.create_task(log.wait(0))
        await asyncio.sleep(0)

        made.close()

        with pytest.raises(Draining):
            await waiter
    async with made.attach("new", 0) as later:
        with pytest.raises(Draining):
            await later.wait(0)


class Weighty:
    """A payload that can be seen to go."""


async def test_what_is_dropped_goes_at_once() -> None:
    """The list is cut now and then alone, and an event may weigh megabytes."""
    made = thread_log(max_bytes=10)
    payloads = [Weighty() for _ in range(3)]
    gone = [weakref.ref(payload) for payload in payloads]
    while payloads:
        made.append("r", (), payloads.pop(0), 10)  # type: ignore[arg-type]  # a stand-in

    assert [ref() is None for ref in gone] == [True, True, False]
