from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from graphwire_server.core.errors import (
    AssistantNotFound,
    CheckpointNotFound,
    InvalidField,
    ThreadBusy,
    ThreadExists,
    ThreadHasNoGraph,
    ThreadNotFound,
)
from graphwire_server.core.model import (
    CheckpointRef,
    Interrupt,
    Page,
    RunSpec,
    RunStatus,
    StateTask,
    TaskInterrupts,
    ThreadQuery,
    ThreadSort,
    ThreadStatus,
)
from graphwire_server.core.threads import EMPTY_STATE
from tests.unit.core.fakes import OTHER, THREAD, Executor, house, on_thread, running

LATEST = CheckpointRef()
ASK = Interrupt(id="i", value=b'"sure?"')
WAITING = StateTask(id="task", name="ask", error=None, interrupts=(ASK,), result=None, checkpoint=None, state=None)


async def test_a_thread_is_made_with_an_id_of_its_own_or_the_callers() -> None:
    made = house()

    own = await made.threads.create(None, {"a": 1})
    given = await made.threads.create(THREAD.upper(), {})

    assert await made.threads.get(own.thread_id) == own
    assert (given.thread_id, own.metadata, own.status) == (THREAD, {"a": 1}, ThreadStatus.IDLE)


async def test_a_taken_id_is_refused_or_kept() -> None:
    made = house()
    first = await made.threads.create(THREAD, {"a": 1})
    with pytest.raises(ThreadExists):
        await made.threads.create(THREAD, {})

    kept = await made.threads.create(THREAD, {"a": 2}, keep_existing=True)

    assert kept == first


async def test_a_thread_may_have_its_graph_from_the_start() -> None:
    made = house()
    with pytest.raises(AssistantNotFound):
        await made.threads.create(None, {}, graph="nobody")

    thread = await made.threads.create(None, {"a": 1}, graph="agent")

    assert (thread.graph_id, thread.metadata["graph_id"], thread.metadata["a"]) == ("agent", "agent", 1)


@pytest.mark.parametrize("call", ["get", "delete", "merge", "copy", "state", "update", "history"])
async def test_an_unknown_thread_and_a_wrong_id_are_refused(call: str) -> None:
    threads = house().threads
    calls: dict[str, Callable[[str], Awaitable[object]]] = {
        "get": threads.get,
        "delete": threads.delete,
        "copy": threads.copy,
        "merge": lambda name: threads.merge_metadata(name, {}),
        "state": lambda name: threads.state(name, LATEST, subgraphs=False),
        "update": lambda name: threads.update_state(name, LATEST, {}, None),
        "history": lambda name: threads.history(name, ns="", before=None, metadata={}, limit=1),
    }

    with pytest.raises(ThreadNotFound):
        await calls[call](OTHER)
    with pytest.raises(InvalidField):
        await calls[call]("nonsense")


async def test_metadata_is_merged_key_by_key() -> None:
    made = house()
    await made.threads.create(THREAD, {"a": 1, "b": 1})

    merged = await made.threads.merge_metadata(THREAD, {"b": None, "c": 3})

    assert merged.metadata == {"a": 1, "b": None, "c": 3}


async def test_search_pages_sorts_and_filters() -> None:
    made = house()
    ids = [(await made.threads.create(None, {"n": number % 2})).thread_id for number in range(4)]

    newest = await made.threads.search(ThreadQuery(), Page(offset=1, limit=2), ThreadSort.CREATED_AT, False)
    odd = await made.threads.search(ThreadQuery(metadata={"n": 1}), Page(), ThreadSort.THREAD_ID, True)
    named = await made.threads.search(ThreadQuery(thread_ids=(ids[2].upper(),)), Page(), ThreadSort.UPDATED_AT, True)

    assert [thread.thread_id for thread in newest] == [ids[2], ids[1]]
    assert [thread.thread_id for thread in odd] == [ids[1], ids[3]]
    assert [thread.thread_id for thread in named] == [ids[2]]
    assert await made.threads.count(ThreadQuery(status=ThreadStatus.IDLE)) == 4
    assert await made.threads.count(ThreadQuery(status=ThreadStatus.BUSY)) == 0


async def test_a_thread_without_a_graph_has_an_empty_state_and_no_values() -> None:
    made = house()
    thread = await made.threads.create(THREAD, {})

    state = await made.threads.state(THREAD, LATEST, subgraphs=True)

    assert state == EMPTY_STATE
    assert await made.threads.values(thread) is None
    assert not await made.threads.history(THREAD, ns="", before=None, metadata={}, limit=5)
    with pytest.raises(CheckpointNotFound):
        await made.threads.state(THREAD, CheckpointRef(checkpoint_id="c"), subgraphs=False)
    with pytest.raises(ThreadHasNoGraph):
        await made.threads.update_state(THREAD, LATEST, {}, None)


async def test_values_are_those_of_the_latest_checkpoint() -> None:
    made = house()
    thread = await made.threads.create(THREAD, {}, graph="agent")
    before = await made.threads.values(thread)
    made.states.known[None] = replace(EMPTY_STATE, values=b"[1]", checkpoint=CheckpointRef(checkpoint_id="c"))

    values = await made.threads.values(thread)

    assert (before, values) == (None, b"[1]")


async def test_an_update_leaves_what_waits_on_the_thread() -> None:
    made = house()
    await made.threads.create(THREAD, {}, graph="agent")
    made.states.known[None] = replace(EMPTY_STATE, next=("ask",), tasks=(WAITING,))

    at = await made.threads.update_state(THREAD, LATEST, {"a": 1}, "node")

    thread = await made.threads.get(THREAD)
    assert (at.checkpoint_id, made.states.updates) == ("made", [({"a": 1}, "node")])
    assert thread.status is ThreadStatus.INTERRUPTED
    assert thread.interrupts == (TaskInterrupts(task_id="task", interrupts=(ASK,)),)


async def test_an_update_that_finishes_the_graph_frees_the_thread() -> None:
    made = house()
    await made.threads.create(THREAD, {}, graph="agent")

    await made.threads.update_state(THREAD, LATEST, {}, None)

    assert (await made.threads.get(THREAD)).status is ThreadStatus.IDLE


async def test_a_change_from_an_unknown_checkpoint_is_refused() -> None:
    made = house()
    await made.threads.create(THREAD, {}, graph="agent")

    with pytest.raises(CheckpointNotFound):
        await made.threads.update_state(THREAD, CheckpointRef(checkpoint_id="unknown"), {}, None)

    assert not made.states.updates


async def test_a_busy_thread_is_neither_changed_nor_deleted() -> None:
    executor = Executor()
    executor.script = executor.held
    async with running(house(executor)) as made:
        await made.runs.create(on_thread())

        with pytest.raises(ThreadBusy):
            await made.threads.update_state(THREAD, LATEST, {}, None)
        with pytest.raises(ThreadBusy):
            await made.threads.delete(THREAD)


async def test_a_copy_has_an_id_times_and_numbers_of_its_own() -> None:
    async with running(house()) as made:
        await made.events(on_thread())
        source = await made.threads.merge_metadata(THREAD, {"a": 1})

        copy = await made.threads.copy(THREAD.upper())

        first = await made.events(RunSpec(assistant="agent", thread_id=copy.thread_id))
    assert copy.thread_id != source.thread_id
    assert copy.created_at == copy.updated_at > source.updated_at
    assert (copy.metadata, copy.graph_id, copy.status) == (source.metadata, "agent", ThreadStatus.IDLE)
    assert [event.seq for event in first] == [1, 2, 3]


async def test_a_busy_thread_is_copied_as_an_idle_one_that_can_run() -> None:
    executor = Executor()
    executor.script = executor.held
    async with running(house(executor)) as made:
        await made.runs.create(on_thread())

        copy = await made.threads.copy(THREAD)

        run = await made.runs.create(RunSpec(assistant="agent", thread_id=copy.thread_id))
        executor.release.set()
        await made.end(run)
    assert copy.status is ThreadStatus.IDLE
    assert run.status is RunStatus.RUNNING


async def test_a_deleted_thread_takes_its_runs_and_events_with_it() -> None:
    async with running(house()) as made:
        await made.events(on_thread())

        await made.threads.delete(THREAD)

    assert not made.store._runs
    assert len(made.logs) == 0
    with pytest.raises(ThreadNotFound):
        await made.threads.get(THREAD)
