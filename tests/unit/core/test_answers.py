"""What happens between a write and its answer: callers leave, readers come, the server stops."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from graphwire_server.core.errors import Draining, RunNotFound, StoreUnavailable
from graphwire_server.core.events import Event
from graphwire_server.core.model import CancelAction, MultitaskStrategy, Outcome, Run, RunSpec, RunStatus
from graphwire_server.core.ports import Append
from tests.unit.core.fakes import (
    ALL,
    SOON,
    THREAD,
    Clock,
    Executor,
    House,
    Link,
    Store,
    emit,
    house,
    kinds,
    on_thread,
    running,
)

KEPT = timedelta(seconds=120)


class Late(Link):
    """Does what it is asked. From the moment on at which it is told a call, those of that name are answered when the test lets them."""

    def __init__(self) -> None:
        super().__init__(Store())
        self.late = ""
        self.done, self.let = asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        call = super().__getattr__(name)

        async def through(*args: object, **named: object) -> object:
            answer = await call(*args, **named)
            if name == self.late:
                self.done.set()
                await self.let.wait()
            return answer

        return through


def holding(store: Link | None = None, **fields: Any) -> House:
    executor = Executor()
    executor.script = executor.held
    return house(executor, store=store, **fields)


async def left(task: "asyncio.Task[Any]", store: Late) -> None:
    """The caller leaves when what it asked for is done, before it hears so."""
    await store.done.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    store.let.set()


async def settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def test_a_reader_that_joins_while_the_end_of_a_waiting_run_is_numbered_gets_it() -> None:
    store = Late()
    async with asyncio.timeout(SOON), running(holding(store)) as made:
        await made.runs.create(on_thread())
        waiting = await made.runs.create(on_thread())
        await made.begun()
        store.late = "number_end"
        await made.runs.cancel(waiting.run_id)
        await store.done.wait()

        events = await made.join(waiting, 0)
        store.let.set()

    assert kinds(events) == ["end"]


async def test_a_run_that_waits_ends_though_the_caller_who_cancels_it_leaves() -> None:
    store = Late()
    async with asyncio.timeout(SOON), running(holding(store)) as made:
        await made.runs.create(on_thread())
        waiting = await made.runs.create(on_thread())
        store.late = "request_cancel"

        await left(asyncio.create_task(made.runs.cancel(waiting.run_id)), store)

        assert (await made.end(waiting)).status is RunStatus.INTERRUPTED


async def test_what_a_new_run_stops_ends_though_its_caller_leaves() -> None:
    store = Late()
    async with asyncio.timeout(SOON), running(holding(store)) as made:
        met = [await made.runs.create(on_thread()) for _ in range(2)]
        await made.begun()
        store.late = "admit_run"

        interrupting = made.runs.create(on_thread(multitask_strategy=MultitaskStrategy.INTERRUPT))
        await left(asyncio.create_task(interrupting), store)

        assert [(await made.end(run)).status for run in met] == [RunStatus.INTERRUPTED] * 2


async def test_a_run_whose_caller_leaves_has_the_room_that_was_held_for_it() -> None:
    store = Late()
    async with asyncio.timeout(SOON), running(holding(store, slots=1)) as made:
        store.late = "admit_run"
        await left(asyncio.create_task(made.runs.create(on_thread())), store)
        store.late = ""
        other = await made.runs.create(RunSpec(assistant="agent"))
        await settle()
        executed = list(made.executor.executed)
        made.executor.release.set()
        await made.end(other)

    assert (other.status, len(executed), len(made.executor.executed)) == (RunStatus.PENDING, 1, 2)


async def test_a_run_that_is_admitted_while_the_server_stops_is_given_back() -> None:
    store = Late()
    made = holding(store)
    async with asyncio.timeout(SOON), made.expiry:
        store.late = "admit_run"
        creating = asyncio.create_task(made.runs.create(on_thread()))
        await store.done.wait()
        stopping = asyncio.create_task(made.worker.__aexit__(None, None, None))
        await settle()
        stopped = stopping.done()
        store.let.set()
        run = await creating
        await stopping

    (row,) = await store.store.unfinished_runs()
    assert (row.run_id, row.status, stopped, made.executor.executed) == (run.run_id, RunStatus.PENDING, False, [])
    assert (len(made.worker.jobs), made.alarms.waiting) == (0, [])


async def test_a_request_that_is_still_checked_when_the_server_has_stopped_is_refused() -> None:
    store = Late()
    async with asyncio.timeout(SOON), running(holding(store)) as made:
        store.late = "find_request"
        creating = asyncio.create_task(made.runs.create(on_thread(request_id="k")))
        await store.done.wait()
    store.let.set()

    with pytest.raises(Draining):
        await creating
    assert not await store.store.unfinished_runs()


async def test_the_number_of_an_end_on_an_idle_thread_is_written_before_it_is_seen() -> None:
    store = Late()
    async with asyncio.timeout(SOON), running(holding(store)) as made:
        delayed = await made.runs.create(on_thread(start_after=timedelta(hours=1)))
        store.late = "number_end"  # never answered
        async with made.runs.join(delayed.run_id, None, None, ALL) as (_, batches):
            await made.runs.cancel(delayed.run_id)
            events = [event async for batch in batches for event in batch]
        thread, row = await made.threads.get(THREAD), await made.runs.get(delayed.run_id)

    assert (events[0].seq, thread.last_seq, thread.reserved_seq, row.last_seq) == (1, 1, 1, 1)


@pytest.mark.parametrize("action", CancelAction)
async def test_what_is_kept_of_a_run_that_is_cancelled_before_it_is_taken_up_again_goes_in_its_time(
    action: CancelAction,
) -> None:
    clock, store = Clock(), Store()
    async with running(house(_held(), clock=clock, store=store)) as before:
        run = await before.runs.create(on_thread(stream_resumable=True))
        await before.begun()
    await store.request_cancel(run.run_id, action)

    async with running(house(clock=clock, store=store, first_id=500)) as made:
        await made.recovery.recover()
        while len(made.worker.jobs):
            await settle()
        kept = await store.kept_events(THREAD, 0, 1 << 20)
        made.alarms.move(KEPT)
        await settle()
        left_over = await store.newest_kept(THREAD)

    assert (kinds(kept), left_over) == (["metadata", "values", "end"], 0)


def _held() -> Executor:
    executor = Executor()
    executor.script = executor.held
    return executor


async def test_a_stateless_run_that_was_deleted_is_gone_though_its_caller_left() -> None:
    ephemeral = Late()
    spec = RunSpec(assistant="agent", stream_resumable=True)
    async with asyncio.timeout(SOON), running(house(ephemeral=ephemeral)) as made:
        first, second = [await made.end(await made.runs.create(spec)) for _ in range(2)]
        ephemeral.late = "delete_thread"
        await left(asyncio.create_task(made.runs.delete(first.run_id)), ephemeral)

        made.alarms.move(KEPT * 2)
        await settle()
        with pytest.raises(RunNotFound):
            await made.runs.get(second.run_id)

    assert len(made.worker.remains) == 0


async def test_a_key_goes_in_its_time_though_its_caller_left() -> None:
    store = Late()
    async with asyncio.timeout(SOON), running(holding(store)) as made:
        store.late = "admit_run"
        await left(asyncio.create_task(made.runs.create(on_thread(request_id="k"))), store)
        await settle()

        made.alarms.move(timedelta(hours=25))
        await settle()

    assert not store.store._requests._known


class Filling(Store):
    """Keeps events until it is full."""

    full = False

    async def keep_events(self, thread_id: str, events: Sequence[Event], *, drop_through: int = 0) -> None:
        if self.full:
            raise StoreUnavailable("full")
        await super().keep_events(thread_id, events, drop_through=drop_through)


async def lingering(run: Run, append: Append) -> Outcome:
    try:
        return await asyncio.Future()
    finally:
        emit(append)
        await settle()


async def test_a_server_that_stops_while_events_cannot_be_kept_leaves_no_error_that_nobody_takes() -> None:
    untaken: list[Mapping[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: untaken.append(context))
    store = Filling()
    async with asyncio.timeout(SOON), running(house(Executor(lingering), store=store)) as made:
        await made.runs.create(on_thread(stream_resumable=True))
        await made.begun()
        await settle()
        store.full = True
    gc.collect()

    assert not untaken


async def test_a_server_that_stops_waits_for_the_deletion_of_a_thread_whose_caller_has_left() -> None:
    """What is left of its log would else meet a thread that gets its id later."""
    store = Late()
    made = house(store=store)
    async with made.worker:
        await made.events(on_thread())
        store.late = "delete_thread"
        task = asyncio.create_task(made.threads.delete(THREAD))
        await store.done.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        stop = asyncio.create_task(made.worker.__aexit__(None, None, None))
        await settle()
        waits = not stop.done()
        store.let.set()
        await stop

    assert waits
    assert await store.store.get_thread(THREAD) is None
