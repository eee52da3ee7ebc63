"""Streams of threads: who watches when gets what."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from graphwire_server.core.errors import CursorExpired, Draining, InvalidField, SlowReader, ThreadNotFound
from graphwire_server.core.events import Event
from graphwire_server.core.follow import Batches, Filter
from graphwire_server.core.model import Outcome, Retention, Run, RunSpec, RunStatus
from graphwire_server.core.ports import Append
from tests.unit.core.fakes import ALL, OTHER, SOON, THREAD, Executor, House, emit, house, kinds, on_thread, running


@asynccontextmanager
async def watching(made: House, after_seq: int | None = None, wanted: Filter = ALL) -> AsyncIterator[Batches]:
    async with asyncio.timeout(SOON), made.threads.watch(THREAD, after_seq, wanted) as (thread, batches):
        assert thread.thread_id == THREAD
        yield batches


async def take(batches: Batches, count: int) -> list[Event]:
    """The next events, `count` of them; more in the last batch is a failure."""
    taken: list[Event] = []
    while len(taken) < count:
        taken += await anext(batches)
    assert len(taken) == count
    return taken


async def until_gone(batches: Batches) -> list[Event]:
    """All events until the watch says that the thread is gone."""
    seen: list[Event] = []
    with pytest.raises(ThreadNotFound):  # noqa: PT012  what came before the error counts
        async for batch in batches:
            seen += batch
    return seen


async def test_a_watch_of_an_idle_thread_sees_all_runs_and_stays_open_between_them() -> None:
    async with running(house()) as made:
        await made.events(on_thread())
        async with watching(made) as batches:
            told = [await made.events(on_thread()) for _ in range(2)]

            seen = await take(batches, 6)

    assert [event.seq for event in seen] == [4, 5, 6, 7, 8, 9]
    assert seen == [*told[0], *told[1]]


async def test_a_thread_that_never_ran_can_be_watched_live_and_from_its_start() -> None:
    async with running(house()) as made:
        await made.threads.create(THREAD, {})
        async with watching(made) as live, watching(made, 0) as whole:
            await made.events(on_thread())

            seen = await take(live, 3), await take(whole, 3)

    assert seen[0] == seen[1]
    assert kinds(seen[0]) == ["metadata", "values", "end"]


async def test_a_cursor_replays_and_follows_without_a_seam() -> None:
    executor = Executor()
    executor.script = executor.held
    async with running(house(executor)) as made:
        executor.release.set()
        await made.events(on_thread())
        executor.release.clear()
        executor.started.clear()
        await made.runs.create(on_thread())
        await made.begun()
        async with watching(made, 1) as batches:
            replayed = list(await anext(batches))
            executor.release.set()

            followed = await take(batches, 1)

    assert [event.seq for event in replayed] == [2, 3, 4, 5]
    assert [event.seq for event in followed] == [6]


async def test_runs_that_wait_their_turn_follow() -> None:
    executor = Executor()
    executor.script = executor.held
    async with running(house(executor)) as made:
        runs = [await made.runs.create(on_thread()) for _ in range(3)]
        async with watching(made, 0) as batches:
            await made.begun()
            await made.runs.cancel(runs[1].run_id)
            await made.end(runs[1])
            executor.release.set()

            seen = await take(batches, 7)

    assert [event.seq for event in seen] == [1, 2, 3, 4, 5, 6, 7]
    by_run = {run.run_id: [event for event in seen if event.run_id == run.run_id] for run in runs}
    assert [kinds(by_run[run.run_id]) for run in runs] == [
        ["metadata", "values", "end"],
        ["end"],
        ["metadata", "values", "end"],
    ]


async def test_a_filter_hides_no_frame_of_a_run() -> None:
    async with running(house()) as made:
        await made.threads.create(THREAD, {})
        async with watching(made, 0, Filter(modes=frozenset({"custom"}))) as batches:
            await made.events(on_thread())
            await made.events(on_thread())

            seen = await take(batches, 4)

    assert kinds(seen) == ["metadata", "end", "metadata", "end"]


@pytest.mark.parametrize("after", [-1, 4])
async def test_a_cursor_that_cannot_be_is_refused(after: int) -> None:
    async with running(house()) as made:
        await made.events(on_thread())

        with pytest.raises(InvalidField) as refused:
            async with watching(made, after):
                pytest.fail("the watch began")

    assert refused.value.field == "after_seq"


async def test_a_cursor_whose_events_are_gone_is_told_where_to_go_on() -> None:
    async with running(house(retention=Retention(ended_for=timedelta(0)))) as made:
        await made.events(on_thread())
        with pytest.raises(CursorExpired) as expired:
            async with watching(made, 0):
                pytest.fail("the watch began")

        async with watching(made, int(expired.value.metadata["oldest_seq"]) - 1) as batches:
            await made.events(on_thread())

            seen = await take(batches, 3)

    assert expired.value.metadata == {"after_seq": "0", "oldest_seq": "4", "newest_seq": "3"}
    assert [event.seq for event in seen] == [4, 5, 6]


async def test_an_unknown_thread_and_a_wrong_id_are_refused() -> None:
    threads = house().threads
    for name, error in ((OTHER, ThreadNotFound), ("nonsense", InvalidField)):
        with pytest.raises(error):
            async with threads.watch(name, None, ALL):
                pytest.fail("the watch began")


async def test_the_thread_of_a_stateless_run_is_unknown() -> None:
    executor = Executor()
    executor.script = executor.held
    async with running(house(executor)) as made:
        run = await made.runs.create(RunSpec(assistant="agent"))
        await made.begun()

        with pytest.raises(ThreadNotFound):
            async with made.threads.watch(run.thread_id, 0, ALL):
                pytest.fail("the watch began")


async def test_a_deleted_thread_ends_its_watches_after_the_last_event_and_leaves_nothing() -> None:
    async with running(house()) as made:
        await made.threads.create(THREAD, {})
        async with watching(made) as lags, watching(made) as waits, asyncio.TaskGroup() as group:
            waiting = group.create_task(until_gone(waits))
            await made.events(on_thread())
            await made.threads.delete(THREAD)

            lagged = await until_gone(lags)

    assert kinds(lagged) == ["metadata", "values", "end"]
    assert waiting.result() == lagged
    assert len(made.logs) == 0


async def test_a_new_thread_with_the_id_of_a_watched_one_that_was_deleted_starts_at_one() -> None:
    async with running(house()) as made:
        await made.events(on_thread())
        async with watching(made) as batches:
            await made.threads.delete(THREAD)

            again = await made.events(on_thread())

            with pytest.raises(ThreadNotFound):
                await anext(batches)
    assert [event.seq for event in again] == [1, 2, 3]


async def test_a_watcher_that_falls_behind_is_slow() -> None:
    async def long(run: Run, append: Append) -> Outcome:
        emit(append, 100)
        return Outcome(status=RunStatus.SUCCESS)

    async with running(house(Executor(long), retention=Retention(thread_bytes=900))) as made:
        await made.threads.create(THREAD, {})
        async with watching(made) as batches:
            await made.end(await made.runs.create(on_thread()))

            with pytest.raises(SlowReader) as slow:
                await anext(batches)

    assert slow.value.metadata == {"after_seq": "0"}


async def test_a_stopping_server_sends_its_watchers_away_with_their_cursor() -> None:
    async with running(house()) as made:
        await made.events(on_thread())
        async with watching(made) as batches:
            made.logs.close()

            with pytest.raises(Draining) as draining:
                await anext(batches)

    assert draining.value.metadata == {"after_seq": "3"}


async def test_a_watcher_that_leaves_leaves_nothing() -> None:
    async with running(house()) as made:
        await made.threads.create(THREAD, {})
        async with watching(made):
            held = len(made.logs)

        assert (held, len(made.logs)) == (1, 0)


async def test_a_stopping_server_sends_watchers_of_idle_threads_away_at_once_and_others_after_their_run() -> None:
    executor = Executor()
    executor.script = executor.held
    made = house(executor, grace=timedelta(seconds=SOON))
    ends: list[str] = []

    async def watch(thread_id: str) -> None:
        async with made.threads.watch(thread_id, 0, ALL) as (_, batches):
            try:
                async for batch in batches:
                    ends.extend(event.payload.mode for event in batch if event.payload.mode == "end")
            except Draining:
                ends.append(thread_id)

    async with asyncio.timeout(SOON):
        async with running(made):
            await made.threads.create(OTHER, {})
            await made.runs.create(on_thread())
            await made.begun()
            watching = [asyncio.create_task(watch(thread)) for thread in (OTHER, THREAD)]
            watching[0].add_done_callback(lambda _: executor.release.set())
        await asyncio.gather(*watching)

    assert ends == [OTHER, "end", THREAD]
