"""Streams: what a filter passes, and how a reader follows a log."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from graphwire_server.core.errors import CursorExpired, Draining, InvalidField, SlowReader, ThreadNotFound
from graphwire_server.core.events import (
    NO_EXTRAS,
    Callback,
    Custom,
    Debug,
    End,
    Error,
    Event,
    Message,
    MessageOrigin,
    Metadata,
    Payload,
    Raw,
    TaskStart,
    Updates,
    Values,
)
from graphwire_server.core.follow import Filter, Reading, follow, starting_at
from graphwire_server.core.lull import Lull
from graphwire_server.core.model import RunError, RunStatus
from graphwire_server.storage.memory.log import MemoryThreadLog

ALL = Filter()
VALUES = Values(state=b"{}")
END = End(status=RunStatus.SUCCESS, error=None, interrupts=(), next=(), checkpoint_id="", event_count=1)
START = TaskStart(id="1", name="write", input=b"{}", triggers=(), metadata=None)


def message(node: str = "write", *tags: str) -> Message:
    origin = MessageOrigin(node=node, step=1, tags=tags, model="", checkpoint_ns="", metadata=b"{}")
    return Message("m", "ai", "hi", origin, NO_EXTRAS, True, False)


def callback(node: str = "write", *tags: str) -> Callback:
    return Callback(
        event="e", name="n", runnable_run_id="", parent_ids=(), tags=tags, data=b"{}", metadata=b"{}", node=node
    )


async def nothing_kept(after_seq: int, max_bytes: int) -> Sequence[Event]:
    return ()


def reading(log: MemoryThreadLog) -> Reading:
    return Reading(log, nothing_kept)


def event(payload: Payload, *namespace: str) -> Event:
    return Event(1, "r", "t", 0.0, namespace, payload, 1)


@pytest.mark.parametrize(
    "payload",
    [
        Metadata(run_id="r", attempt=1, assistant_id="a", graph_id="g"),
        Error(error=RunError(type="E", message="m")),
        END,
    ],
)
def test_no_filter_hides_the_frame_of_a_run(payload: Payload) -> None:
    strict = Filter(modes=frozenset({"custom"}), namespaces=(("x",),), nodes=frozenset({"x"}), tags=frozenset({"x"}))

    assert strict.admits(event(payload, "deep:1"))


@pytest.mark.parametrize(
    ("payload", "modes", "passes"),
    [
        (VALUES, {"values"}, True),
        (VALUES, {"updates", "messages"}, False),
        (message(), {"messages"}, True),
        (Custom(b"1", "n"), {"custom"}, True),
        (callback(), {"events"}, True),
        (Raw(mode="new", data=b"1"), {"new"}, True),
        (Raw(mode="new", data=b"1"), {"values"}, False),
    ],
)
def test_modes(payload: Payload, modes: set[str], passes: bool) -> None:
    assert Filter(modes=frozenset(modes)).admits(event(payload)) is passes


@pytest.mark.parametrize(
    ("namespace", "path", "passes"),
    [
        ((), (), True),
        (("a:1",), (), False),
        (("a:1",), ("a",), True),
        (("a:1",), ("a:1",), True),
        (("a:1",), ("a:2",), False),
        (("a:1", "b:2"), ("a",), True),
        (("a:1", "b:2"), ("a", "b"), True),
        (("a:1", "b:2"), ("b",), False),
        (("a:1",), ("a", "b"), False),
        ((), ("a",), False),
        (("ab:1",), ("a",), False),
    ],
)
def test_namespaces(namespace: tuple[str, ...], path: tuple[str, ...], passes: bool) -> None:
    assert Filter(namespaces=(path,)).admits(event(VALUES, *namespace)) is passes


def test_one_of_several_namespaces_is_enough() -> None:
    assert Filter(namespaces=((), ("b",))).admits(event(VALUES, "b:1"))


@pytest.mark.parametrize(
    ("payload", "passes"),
    [
        (message("write"), True),
        (message("read"), False),
        (Updates(node="write", update=b"1"), True),
        (Updates(node="read", update=b"1"), False),
        (Custom(b"1", "read"), False),
        (callback("read"), False),
        (START, True),
        (Debug(step=1, time=datetime.now(UTC), detail=START), True),
        (Debug(step=1, time=datetime.now(UTC), detail=Raw(mode="new", data=b"1")), True),
        (VALUES, True),
    ],
)
def test_nodes_apply_to_what_comes_from_a_node(payload: Payload, passes: bool) -> None:
    assert Filter(nodes=frozenset({"write"})).admits(event(payload)) is passes


@pytest.mark.parametrize(
    ("payload", "passes"),
    [
        (message("n", "loud", "x"), True),
        (message("n"), False),
        (callback("n", "loud"), True),
        (callback("n", "x"), False),
        (VALUES, True),
    ],
)
def test_tags_apply_to_model_calls(payload: Payload, passes: bool) -> None:
    assert Filter(tags=frozenset({"loud"})).admits(event(payload)) is passes


def log(max_bytes: int = 1000) -> MemoryThreadLog:
    return MemoryThreadLog("t", 0, max_bytes, lambda: 0.0, Lull(0))


def append(made: MemoryThreadLog, *payloads: Payload, run: str = "r") -> None:
    for payload in payloads:
        made.append(run, (), payload, 10)


async def read(made: MemoryThreadLog, after: int, wanted: Filter = ALL, size: int = 1000) -> list[Sequence[Event]]:
    async with asyncio.timeout(15):
        return [batch async for batch in await follow(reading(made), "r", after, wanted, size)]


async def test_a_reader_gets_all_that_waits_in_one_batch_and_ends_with_the_run() -> None:
    made = log()
    append(made, VALUES, VALUES, END)
    append(made, VALUES, run="next")

    batches = await read(made, 0)

    assert [[event.seq for event in batch] for batch in batches] == [[1, 2, 3]]


async def test_a_batch_has_a_bound_and_at_least_one_event() -> None:
    made = log()
    append(made, VALUES, VALUES, VALUES, END)

    batches = await read(made, 0, size=20)
    single = await read(made, 0, size=1)

    assert [len(batch) for batch in batches] == [2, 2]
    assert [len(batch) for batch in single] == [1, 1, 1, 1]


async def test_replay_and_live_have_no_seam() -> None:
    made = log()
    append(made, VALUES, VALUES)
    batches = await follow(reading(made), "r", 1, ALL)
    replayed = await anext(batches)
    append(made, VALUES, END)

    live = [event async for batch in batches for event in batch]

    assert [event.seq for event in (*replayed, *live)] == [2, 3, 4]


async def test_other_runs_are_passed_over() -> None:
    made = log()
    append(made, VALUES, END, run="before")
    append(made, VALUES, END)

    batches = await read(made, 0)

    assert [event.seq for batch in batches for event in batch] == [3, 4]


async def test_what_is_filtered_out_makes_no_empty_batches() -> None:
    made = log()
    append(made, VALUES, VALUES, END)

    batches = await read(made, 0, Filter(modes=frozenset({"custom"})), size=10)

    assert [[event.seq for event in batch] for batch in batches] == [[3]]


async def test_a_threads_stream_has_all_runs_and_waits_between_them() -> None:
    made = log()
    append(made, VALUES, END)
    batches = await follow(reading(made), None, 0, ALL)
    first = [event.seq for event in await anext(batches)]
    append(made, VALUES, END, run="next")

    following = await anext(batches)

    assert first == [1, 2]
    assert [(event.seq, event.run_id) for event in following] == [(3, "next"), (4, "next")]


async def test_a_threads_stream_is_filtered_but_for_the_frame_of_its_runs() -> None:
    made = log()
    batches = await follow(reading(made), None, 0, Filter(modes=frozenset({"custom"})))
    append(made, VALUES, END)
    append(made, Custom(b"1", "n"), VALUES, END, run="next")

    batch = await anext(batches)

    assert [event.seq for event in batch] == [2, 3, 5]


async def test_a_threads_stream_ends_when_the_thread_is_gone_and_read() -> None:
    made = log()
    append(made, VALUES, END)
    batches = await follow(reading(made), None, 0, ALL)
    made.forget()

    delivered = [event.seq for event in await anext(batches)]

    with pytest.raises(ThreadNotFound):
        await anext(batches)
    assert delivered == [1, 2]


@pytest.mark.parametrize(("after", "start"), [(None, 3), (0, 0), (2, 2), (3, 3)])
def test_a_reader_starts_behind_its_cursor_or_behind_all(after: int | None, start: int) -> None:
    made = log()
    append(made, VALUES, VALUES, END)

    assert starting_at(made, after) == start


@pytest.mark.parametrize("after", [-1, 4])
def test_a_cursor_that_cannot_be_is_refused(after: int) -> None:
    made = log()
    append(made, VALUES, VALUES, END)

    with pytest.raises(InvalidField) as refused:
        starting_at(made, after)

    assert refused.value.field == "after_seq"


async def test_a_cursor_that_is_gone_at_the_start_has_expired() -> None:
    made = log(max_bytes=20)
    append(made, *[VALUES] * 5)

    with pytest.raises(CursorExpired) as expired:
        await read(made, 1)

    assert expired.value.metadata == {"after_seq": "1", "oldest_seq": "4", "newest_seq": "5"}


async def test_a_reader_that_falls_behind_is_slow() -> None:
    made = log(max_bytes=20)
    append(made, VALUES)
    batches = await follow(reading(made), "r", 0, ALL)
    await anext(batches)
    append(made, *[VALUES] * 5)

    with pytest.raises(SlowReader) as slow:
        await anext(batches)

    assert slow.value.metadata == {"after_seq": "1"}


async def test_a_closing_log_sends_waiting_readers_away_with_their_cursor() -> None:
    made = log()
    append(made, VALUES)
    reader = asyncio.create_task(read(made, 1))
    await asyncio.sleep(0)

    made.close()

    with pytest.raises(Draining) as draining:
        await reader
    assert draining.value.metadata == {"after_seq": "1"}


async def test_a_gap_in_what_is_kept_is_told_as_what_it_is() -> None:
    made = MemoryThreadLog("t", 4, 1 << 20, lambda: 1.0, Lull(0))
    made.append("r", (), VALUES, 1)
    kept = [Event(seq, "r", "t", 1.0, (), VALUES, 1) for seq in (1, 2)]

    async def older(after_seq: int, max_bytes: int) -> Sequence[Event]:
        return [one for one in kept if one.seq > after_seq]

    batches = await follow(Reading(made, older), None, 0, ALL)
    first = await anext(batches)

    assert [one.seq for one in first] == [1, 2]
    with pytest.raises(CursorExpired) as expired:
        await anext(batches)
    assert expired.value.oldest_seq == 5
