"""Events that are kept before anybody sees them (design, promise 3)."""

import asyncio
from collections.abc import Sequence

import pytest

from graphwire_server.core.errors import CursorExpired, StoreUnavailable
from graphwire_server.core.events import Event, Values
from graphwire_server.core.keeping import PATIENCE
from graphwire_server.core.model import Outcome, Retention, Run, RunStatus
from graphwire_server.core.ports import Append
from tests.unit.core.fakes import ALL, SOON, THREAD, Executor, House, Store, emit, house, kinds, on_thread, running

KEPT = on_thread(stream_resumable=True)


class Watched(Store):
    """A store that keeps events when the test lets it, and notes how many at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.let = asyncio.Event()
        self.let.set()
        self.batches: list[int] = []
        self.dropped: list[int] = []
        self.broken = 0

    async def keep_events(self, thread_id: str, events: Sequence[Event], *, drop_through: int = 0) -> None:
        await self.let.wait()
        if self.broken:
            self.broken -= 1
            raise StoreUnavailable("away")
        self.batches.append(len(events))
        self.dropped.append(drop_through)
        await super().keep_events(thread_id, events, drop_through=drop_through)


async def many(run: Run, append: Append) -> Outcome:
    emit(append, 500)
    return Outcome(status=RunStatus.SUCCESS)


async def test_readers_see_nothing_that_is_not_kept() -> None:
    store = Watched()
    store.let.clear()
    async with (
        running(house(store=store)) as made,
        asyncio.timeout(SOON),
        made.runs.stream(KEPT, ALL) as (_, batches),
    ):
        for _ in range(20):
            await asyncio.sleep(0)
        async with made.logs.attach(THREAD, 0) as log:
            hidden = (log.newest_seq, log.given_seq)
        store.let.set()
        events = [event async for batch in batches for event in batch]

    assert hidden[0] == 0
    assert hidden[1] > 0
    assert kinds(events) == ["metadata", "values", "end"]


async def test_a_burst_is_few_writes() -> None:
    store = Watched()
    async with running(house(Executor(many), store=store)) as made:
        events = await made.events(KEPT)

    assert [event.seq for event in events] == list(range(1, 503))
    assert len(store.batches) <= 3
    assert sum(store.batches) == 501  # the terminal event is written with the row


async def test_a_store_that_is_away_for_a_moment_loses_nothing() -> None:
    store = Watched()
    store.broken = 1
    async with running(house(Executor(many), store=store)) as made:
        events = await made.events(KEPT)

    assert [event.seq for event in events] == list(range(1, 503))


def endless() -> Executor:
    """A run that appends as long as there is room, and waits where there is none."""
    executor = Executor()

    async def script(run: Run, append: Append) -> Outcome:
        assert executor.room is not None
        while True:
            append((), Values(state=b"1"), 100_000)
            await asyncio.sleep(0)
            await executor.room.wait()

    executor.script = script
    return executor


async def test_a_run_whose_events_cannot_be_kept_waits_and_ends_as_an_error_when_the_store_is_away_for_too_long() -> (
    None
):
    store = Watched()
    store.let.clear()
    made = house(endless(), store=store, retention=Retention(thread_bytes=1 << 20))
    async with running(made):
        run = await made.runs.create(KEPT)
        await made.begun()
        for _ in range(100):
            await asyncio.sleep(0)
        async with made.logs.attach(THREAD, 0) as log:
            given = log.given_seq
        made.alarms.move(PATIENCE)
        for _ in range(10):
            await asyncio.sleep(0)
        store.let.set()
        ended = await made.end(run)

    assert given < 20
    assert ended.outcome is not None
    assert ended.outcome.error is not None
    assert (ended.status, ended.outcome.error.type) == (RunStatus.ERROR, "StoreUnavailable")


async def test_a_run_that_waited_for_room_goes_on_and_leaves_no_alarm() -> None:
    store = Watched()
    store.let.clear()
    made = house(endless(), store=store, retention=Retention(thread_bytes=1 << 20))
    async with running(made):
        run = await made.runs.create(KEPT)
        await made.begun()
        for _ in range(50):
            await asyncio.sleep(0)
        store.let.set()
        for _ in range(50):
            await asyncio.sleep(0)
        async with made.logs.attach(THREAD, 0) as log:
            seen = log.newest_seq
        await made.runs.cancel(run.run_id)
        ended = await made.end(run)

    assert seen > 30
    assert ended.status is RunStatus.INTERRUPTED
    assert not [alarm for alarm in made.alarms.waiting if alarm.act.__name__ != "_ring"]


async def test_a_burst_of_more_than_may_wait_is_kept_all_the_same() -> None:
    async with running(house(Executor(many), store=Watched(), retention=Retention(thread_bytes=100))) as made:
        events = await made.events(KEPT)

    assert kinds(events)[-1] == "end"
    assert [event.seq for event in events] == list(range(1, 503))


async def test_the_oldest_go_where_a_run_keeps_more_than_it_may() -> None:
    async def long(run: Run, append: Append) -> Outcome:
        for _ in range(100):
            append((), Values(state=b"1"), 1000)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return Outcome(status=RunStatus.SUCCESS)

    store = Watched()
    async with running(house(Executor(long), store=store, retention=Retention(kept_bytes=10_000))) as made:
        await made.end(await made.runs.create(KEPT))

    oldest = await store.kept_events(THREAD, 0, 1), await store.kept_events(THREAD, 100, 1)
    assert max(store.dropped) > 50
    assert (len(oldest[0]), len(oldest[1])) == (0, 1)


async def _oldest(made: House, run: Run) -> int:
    """The oldest number that a refused cursor names. From there all comes, and from one before it nothing."""
    with pytest.raises(CursorExpired) as expired:
        await made.join(run, 1)
    oldest = expired.value.oldest_seq
    with pytest.raises(CursorExpired):
        await made.join(run, oldest - 2)
    return oldest


async def test_a_refused_cursor_names_the_oldest_event_that_is_kept_also_where_memory_has_less() -> None:
    executor, appended = Executor(), asyncio.Event()

    async def long(run: Run, append: Append) -> Outcome:
        for _ in range(100):
            append((), Values(state=b"1"), 1000)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        appended.set()
        return await executor.held(run, append)

    executor.script = long
    made = house(executor, store=Watched(), retention=Retention(thread_bytes=3000, kept_bytes=20_000))
    async with running(made), asyncio.timeout(SOON):
        run = await made.runs.create(KEPT)
        await appended.wait()
        executing = await _oldest(made, run)
        executor.release.set()
        await made.end(run)
        made.logs.forget(THREAD)
        ended = await _oldest(made, run)
        events = await made.join(run, ended - 1)

    assert 70 < executing <= ended < 97
    assert [event.seq for event in events] == list(range(ended, 104))


async def test_a_reader_that_memory_has_left_behind_reads_what_is_kept() -> None:
    made = house(Executor(many), store=Watched(), retention=Retention(thread_bytes=3000))
    async with running(made):
        run = await made.end(await made.runs.create(KEPT))

        events = await made.join(run, 3)

    assert [event.seq for event in events] == list(range(4, 503))


async def test_the_end_of_another_run_on_the_thread_is_kept_with_them() -> None:
    executor, store = Executor(), Watched()
    executor.script = executor.held
    async with running(house(executor, store=store)) as made:
        first = await made.runs.create(KEPT)
        other = await made.runs.create(on_thread())
        await made.begun()
        await made.runs.cancel(other.run_id)
        await made.end(other)
        executor.release.set()
        await made.end(first)

    kept = await store.kept_events(THREAD, 0, 1 << 20)
    assert [event.seq for event in kept] == [1, 2, 3, 4]
    assert [event.run_id == first.run_id for event in kept] == [True, True, False, True]
