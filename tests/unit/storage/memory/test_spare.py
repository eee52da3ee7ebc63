"""Room that the logs of all threads share, beyond what each may hold."""

import weakref

from graphwire_server.core.lull import Lull
from graphwire_server.core.model import Retention
from graphwire_server.storage.memory.log import MemoryLog, MemoryThreadLog, Spare
from tests.unit.storage.memory.test_log import Clock, Weighty, fill


def lagging(spare: Spare, max_bytes: int = 100) -> MemoryThreadLog:
    return MemoryThreadLog("t", 0, max_bytes, Clock(), Lull(0), spare)


def test_a_thread_holds_more_while_there_is_spare_room() -> None:
    made = lagging(Spare(50))

    fill(made, 15)
    assert (made.oldest_seq, made.held_bytes) == (1, 150)
    fill(made, 5)

    assert (made.oldest_seq, made.held_bytes) == (6, 150)


def test_spare_room_is_one_for_all_threads() -> None:
    spare = Spare(50)
    one, two = lagging(spare), lagging(spare)

    fill(one, 13)
    fill(two, 20)

    assert (one.held_bytes, two.held_bytes, spare.left) == (130, 120, 0)


def test_what_a_thread_gives_back_another_has() -> None:
    spare = Spare(50)
    one, two = lagging(spare), lagging(spare)
    fill(one, 20)

    one.give_back()
    fill(two, 20)

    assert (two.held_bytes, spare.left) == (150, 0)


async def test_a_log_that_nobody_holds_has_no_spare_room() -> None:
    logs = MemoryLog(Retention(thread_bytes=100, spare_bytes=50, ended_bytes=1000))
    for thread_id in ("a", "b"):
        async with logs.attach(thread_id, 0) as log:
            fill(log, 20)
            assert log.held_bytes == 150
    async with logs.attach("gone", 0) as log:
        fill(log, 20)
        logs.forget("gone")
        async with logs.attach("c", 0) as other:
            fill(other, 20)
            assert other.held_bytes == 150


async def test_what_readers_shared_goes_with_the_last_of_them() -> None:
    """A batch that was read holds its events, also those that the log has dropped since."""
    logs = MemoryLog(Retention(thread_bytes=10, ended_bytes=1000))
    payload = Weighty()
    gone = weakref.ref(payload)
    async with logs.attach("t", 0) as log:
        log.append("r", (), payload, 10)  # type: ignore[arg-type]  # a stand-in
        log.read(0, 100)
        del payload
        fill(log, 1)
        assert gone() is not None

    assert gone() is None
