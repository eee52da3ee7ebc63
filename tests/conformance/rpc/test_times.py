"""Runs that start later, and runs that may not take for ever."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
import pytest_asyncio

import graphwire
from tests.conformance.http.held import new_name
from tests.conformance.rpc.held import ICE, TOLD, at_gate, at_gate_input, life, rest, statuses
from tests.faults.gate import Gate
from tests.support.passing import Time, passing

LATER = timedelta(minutes=10)
SHORT = timedelta(minutes=5)
"""A time limit."""


@pytest.fixture(scope="module")
def time() -> Iterator[Time]:
    with passing() as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory, time: Time) -> AsyncIterator[graphwire.Client]:
    """A client of a server whose time the test lets pass."""
    async with life(tmp_path_factory.mktemp("data")) as client:
        yield client


@pytest.mark.parametrize("delay", [LATER.total_seconds(), LATER])
async def test_a_run_starts_at_its_time(client: graphwire.Client, time: Time, delay: float | timedelta) -> None:
    thread_id = (await client.threads.create()).thread_id
    made = await client.create("joke", ICE, thread_id=thread_id, start_after=delay)
    busy, early = await client.threads.get(thread_id), await client.runs.get(made.run_id)
    time.pass_(LATER)
    ended = (await client.wait(made.run_id)).run

    assert (made.status, made.start_time, busy.status, early.status) == ("pending", None, "busy", "pending")
    assert made.due_time == made.create_time + LATER == ended.due_time
    assert made.due_time is not None
    assert ended.start_time is not None
    assert ended.start_time >= made.due_time
    assert ended.status == "success"


async def test_a_stream_waits_with_it(client: graphwire.Client, time: Time) -> None:
    options = graphwire.StreamOptions(start_after=LATER, stream_mode="updates", stream_resumable=True)
    async with client.stream("joke", ICE, **options) as stream:
        early = await client.runs.get(stream.run_id)
        time.pass_(LATER)
        events = await rest(stream)
    started = (await client.runs.get(stream.run_id)).start_time

    assert early.status == "pending"
    assert [event.mode for event in events] == ["metadata", "updates", "updates", "end"]
    assert started is not None
    assert early.due_time is not None
    assert started >= early.due_time


async def test_others_go_before_it(client: graphwire.Client) -> None:
    thread_id = (await client.threads.create()).thread_id
    late = await client.create("joke", ICE, thread_id=thread_id, start_after=timedelta(hours=1))

    soon = await client.invoke("joke", {"topic": "tea"}, thread_id=thread_id)
    with pytest.raises(graphwire.FailedPrecondition):
        await client.create("joke", ICE, thread_id=thread_id, multitask_strategy="reject")
    with pytest.raises(graphwire.FailedPrecondition):
        await client.threads.delete(thread_id)

    assert soon.run.status == "success"
    assert await statuses(client, thread_id) == ["pending", "success"]
    assert await client.cancel(late.run_id, wait=True, action="rollback") is None
    assert (await client.threads.get(thread_id)).status == "idle"


async def test_of_a_batch_each_has_its_own_time(client: graphwire.Client, time: Time) -> None:
    options: list[graphwire.RunOptions] = [{"start_after": LATER}, {"start_after": 0}, {}]
    runs = await client.runs.create_batch(
        {"assistant": "joke", "input": ICE, "stream_resumable": True, **each} for each in options
    )

    time.pass_(LATER)
    results = [await client.wait(run.run_id) for run in runs]

    assert [run.status for run in runs] == ["pending", "running", "running"]
    assert [run.due_time is None for run in runs] == [False, True, True]
    assert [result.values for result in results] == [TOLD] * 3


async def test_a_run_that_takes_too_long(client: graphwire.Client, gate: Gate, time: Time) -> None:
    name, thread_id = new_name(), (await client.threads.create()).thread_id
    async with client.stream("gate", at_gate_input(gate, name), thread_id=thread_id, timeout=SHORT) as stream:
        await gate.entered(name)
        time.pass_(SHORT)
        events = await rest(stream)
    await gate.left(name)
    result = await client.wait(stream.run_id)
    thread = await client.threads.get(thread_id)

    error, end = events[-2:]
    assert (error.mode, end.mode, end.status) == ("error", "end", "timeout")
    assert (result.run.status, result.run.cancel_action) == ("timeout", None)
    assert error.error == end.error == result.error
    assert result.error is not None
    assert (result.error.type, result.error.message) == (
        "RunTimedOut",
        f"the run took longer than {SHORT.total_seconds():g} seconds",
    )
    assert list(end.proto.end.next) == ["wait"]
    assert (thread.status, thread.error) == ("error", f"RunTimedOut: {result.error.message}")
    assert result.values["trail"] == [f"{name} knocked"], "what it has done stays"


async def test_time_in_the_queue_does_not_count(client: graphwire.Client, gate: Gate, time: Time) -> None:
    async with at_gate(client, gate) as held:
        waits = await client.create("joke", ICE, thread_id=held.thread_id, timeout=SHORT)
        late = await client.create("joke", ICE, start_after=2 * SHORT, timeout=SHORT, stream_resumable=True)
        time.pass_(2 * SHORT)
        ended = (await client.wait(late.run_id)).run
    started = (await client.wait(waits.run_id)).run

    assert ended.status == started.status == "success"
    assert started.start_time is not None
    assert started.start_time > started.create_time


async def test_what_takes_too_long_in_a_thread_lingers(client: graphwire.Client, gate: Gate, time: Time) -> None:
    name = new_name()
    options = graphwire.StreamOptions(timeout=SHORT, on_completion="keep")
    async with client.stream("stubborn", at_gate_input(gate, name), **options) as stream:
        await gate.entered(name)
        time.pass_(SHORT)
        await rest(stream)
    run = await client.runs.get(stream.run_id)
    gate.release(name)

    assert (run.status, run.lingering_nodes) == ("timeout", ("stay",))


WRONG: list[tuple[graphwire.RunOptions, str]] = [
    ({"start_after": -1}, "start_after"),
    ({"start_after": timedelta(days=3651)}, "start_after"),
    ({"timeout": 0}, "timeout"),
    ({"timeout": -0.001}, "timeout"),
    ({"timeout": timedelta(days=3651)}, "timeout"),
    ({"request_id": "k" * 129}, "request_id"),
]


@pytest.mark.parametrize(("options", "field"), WRONG)
async def test_what_cannot_be_meant_is_named(
    client: graphwire.Client, options: graphwire.RunOptions, field: str
) -> None:
    calls = [client.create("joke", ICE, **options), client.invoke("joke", ICE, **options)]
    batch = client.runs.create_batch(
        [{"assistant": "joke", "input": ICE}, {"assistant": "joke", "input": ICE, **options}]
    )
    for call, named in ((calls[0], field), (calls[1], field), (batch, f"requests[1].{field}")):
        with pytest.raises(graphwire.InvalidArgument) as refused:
            await call
        assert [violation.field for violation in refused.value.field_violations] == [named]
    with pytest.raises(graphwire.InvalidArgument):
        async with asyncio.timeout(60), client.stream("joke", ICE, **options):
            pytest.fail("it began")
