"""What the core does with many runs, and with a graph's own assistant, as a Python program meets it on a real server."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import graphwire
from graphwire.options import NewRun
from tests.support.serving import running


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[graphwire.Client]:
    async with running(tmp_path) as server, graphwire.connect(server.address) as connected:
        yield connected


SLOW = {"n": 1000, "delay": 0.01}


async def test_a_batch_runs(client: graphwire.Client) -> None:
    thread = str(uuid.uuid4())
    batch: list[NewRun] = [
        {"assistant": "joke", "input": {"topic": "tea"}, "thread_id": thread, "if_not_exists": "create"},
        {"assistant": "joke", "input": {"topic": "ice"}, "thread_id": thread},
        {"assistant": "custom", "input": {"n": 1}, "stream_resumable": True, "feedback_keys": "liked"},
    ]

    runs = await client.runs.create_batch(batch)
    results = [await client.wait(run.run_id) for run in runs]

    assert [result.run.status for result in results] == ["success"] * 3
    assert results[0].values["topic"] == "tea and cats"
    assert results[2].values["done"] == 1
    assert [run.run_id async for run in client.runs.list(thread)] == [runs[1].run_id, runs[0].run_id]


async def test_one_that_is_wrong_creates_none(client: graphwire.Client) -> None:
    thread = (await client.threads.create()).thread_id
    good: NewRun = {"assistant": "custom", "input": {"n": 1}, "thread_id": thread}

    with pytest.raises(graphwire.InvalidArgument) as wrong:
        await client.runs.create_batch([good, good, {**good, "config": {"recursion_limit": 0}}])
    with pytest.raises(graphwire.NotFound) as unknown:
        await client.runs.create_batch([good, {**good, "assistant": "nobody"}])
    with pytest.raises(graphwire.InvalidArgument) as empty:
        await client.runs.create_batch([])

    assert [violation.field for violation in wrong.value.field_violations] == ["requests[2].config.recursion_limit"]
    assert unknown.value.metadata["index"] == "1"
    assert [violation.field for violation in empty.value.field_violations] == ["requests"]
    assert [run async for run in client.runs.list(thread)] == []


async def test_runs_are_cancelled_by_status_and_by_id(client: graphwire.Client) -> None:
    thread = str(uuid.uuid4())
    slow: NewRun = {"assistant": "custom", "input": SLOW, "thread_id": thread, "if_not_exists": "create"}
    running_, second, third = [run.run_id for run in await client.runs.create_batch([slow] * 3)]

    by_id = await client.runs.cancel_many(thread_id=thread, run_ids=third)
    by_status = await client.runs.cancel_many(status="pending", thread_id=thread)
    rest = await client.runs.cancel_many(status="all")
    ended = [(await client.wait(run_id)).run.status for run_id in (running_, second, third)]

    assert set(by_id) == {third}
    assert set(by_status) <= {second, third}
    assert second in by_status
    assert running_ in rest
    assert ended == ["interrupted"] * 3
    with pytest.raises(graphwire.NotFound, match="nothing to cancel") as nothing:
        await client.runs.cancel_many(status="all")
    assert nothing.value.reason == "RUN_NOT_FOUND"


async def test_a_graphs_own_assistant(client: graphwire.Client) -> None:
    assistant = await client.assistants.get("joke")

    with pytest.raises(graphwire.FailedPrecondition) as refused:
        await client.assistants.delete("joke")
    with pytest.raises(graphwire.InvalidArgument):
        await client.assistants.set_latest("joke", 2)
    with pytest.raises(graphwire.NotFound):
        await client.assistants.delete("nobody")

    assert refused.value.reason == "SYSTEM_ASSISTANT"
    assert [each async for each in client.assistants.versions("joke")] == [assistant]
    assert await client.assistants.set_latest(assistant.assistant_id, 1) == assistant
    assert await client.assistants.count(graph_id="joke") == 1
