"""Threads that go at their time, or when somebody says so: through the client and a real server."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

import graphwire
from graphwire import Ttl
from tests.support.project import GRAPH
from tests.support.serving import Server, running

GENEROUS = 60.0
SOON, FAR = timedelta(seconds=0.3), timedelta(days=1)


@pytest.fixture
async def client(server: Server) -> AsyncIterator[graphwire.Client]:
    async with graphwire.connect(server.address) as client:
        yield client


async def _gone(client: graphwire.Client, thread_id: str) -> None:
    """Waits until a thread is gone: whoever watches it is told."""
    with pytest.raises(graphwire.NotFound):
        await asyncio.wait_for(_watched(client, thread_id), GENEROUS)


async def _watched(client: graphwire.Client, thread_id: str) -> None:
    async with client.threads.watch(thread_id) as watch:
        async for _ in watch:
            pass


async def _states(client: graphwire.Client, thread_id: str) -> int:
    return len([state async for state in client.threads.history(thread_id)])


async def test_a_thread_goes_at_its_time(client: graphwire.Client) -> None:
    for_ever = await client.threads.create()
    thread = await client.threads.create(ttl=Ttl(after=SOON))

    await _gone(client, thread.thread_id)

    assert thread.ttl is not None
    assert thread.ttl.expire_time == thread.update_time + SOON
    assert (await client.threads.get(for_ever.thread_id)).ttl is None


async def test_how_long_a_thread_lives_can_be_changed(client: graphwire.Client) -> None:
    thread = await client.threads.create(ttl=Ttl(after=FAR, strategy="keep_latest"))

    same = await client.threads.update(thread.thread_id, metadata={"n": 1})
    for_ever = await client.threads.update(thread.thread_id, ttl=Ttl(after=timedelta(0)))
    await client.threads.update(thread.thread_id, ttl=Ttl(after=SOON))
    await _gone(client, thread.thread_id)

    assert same.ttl is not None
    assert (same.ttl.after, same.ttl.strategy, same.metadata) == (FAR, "keep_latest", {"n": 1})
    assert (for_ever.ttl, for_ever.metadata) == (None, {"n": 1})


async def test_a_thread_that_keeps_its_latest_state_is_resumed_afterwards(client: graphwire.Client) -> None:
    thread = await client.threads.create()
    await client.invoke("approval", {"request": "lunch"}, thread_id=thread.thread_id)
    before = await client.threads.state(thread.thread_id, subgraphs=True)

    pruned = await client.threads.prune(thread.thread_id, strategy="keep_latest")
    after = await client.threads.state(thread.thread_id, subgraphs=True)
    states = await _states(client, thread.thread_id)
    answered = await client.invoke("approval", command=graphwire.Command(resume="yes"), thread_id=thread.thread_id)

    assert (pruned.count, pruned.busy_thread_ids, states) == (1, (), 1)
    assert (after.values, after.interrupts, after.next) == (before.values, before.interrupts, before.next)
    assert after.parent_checkpoint is None
    assert answered.values["log"] == ["prepared", "asked", "acted on yes"]


async def test_a_busy_thread_is_not_pruned(client: graphwire.Client) -> None:
    busy, idle, unknown = [str(uuid.uuid4()) for _ in range(3)]
    await client.threads.create(thread_id=idle)
    run = await client.create(
        "counter", {"until": 1000, "delay": 0.05}, thread_id=busy, if_not_exists="create", stream_mode="custom"
    )

    deleted = await client.threads.prune([busy, idle, unknown])
    kept = await client.threads.prune([busy, idle], strategy="keep_latest")
    await client.cancel(run.run_id)
    await client.wait(run.run_id)
    again = await client.threads.prune([busy, idle])

    assert (deleted.count, deleted.busy_thread_ids) == (1, (busy,))
    assert (kept.count, kept.busy_thread_ids) == (0, (busy,))
    assert (again.count, again.busy_thread_ids) == (1, ())


def _app(folder: Path, **ttl: object) -> Path:
    (folder / "graphs.py").write_text(GRAPH)
    config = folder / "langgraph.json"
    config.write_text(json.dumps({"graphs": {"agent": "./graphs.py:graph"}, "checkpointer": {"ttl": ttl}}))
    return config


async def test_the_default_of_langgraph_json_is_for_all_new_threads(tmp_path: Path) -> None:
    config = _app(
        tmp_path, strategy="keep_latest", default_ttl=SOON / timedelta(minutes=1), sweep_interval_minutes=0.005
    )
    async with (
        running(tmp_path / "data", config) as server,
        graphwire.connect(server.address) as client,
    ):
        made = await client.threads.create()
        own = await client.threads.create(ttl=Ttl(after=FAR))
        opened = await client.invoke("agent", {"text": "a"}, thread_id=str(uuid.uuid4()), if_not_exists="create")
        thread_id = opened.run.thread_id
        thread = await client.threads.get(thread_id)
        async with asyncio.timeout(GENEROUS):
            while await _states(client, thread_id) > 1:  # noqa: ASYNC110  nobody is told that old states go
                await asyncio.sleep(0.02)
        again = await client.invoke("agent", {"text": "b"}, thread_id=thread_id)

    assert made.ttl is not None
    assert (made.ttl.after, made.ttl.strategy) == (SOON, "keep_latest")
    assert own.ttl is not None
    assert (own.ttl.after, own.ttl.strategy) == (FAR, "delete")
    assert thread.ttl is not None
    assert (thread.ttl.after, again.values) == (SOON, {"text": "B"})


async def test_what_is_due_while_no_server_runs_goes_when_one_starts(tmp_path: Path) -> None:
    config = _app(tmp_path)
    ids = [str(uuid.uuid4()) for _ in range(3)]
    async with running(tmp_path / "data", config) as server, graphwire.connect(server.address) as client:
        for thread_id in ids[:2]:
            await client.threads.create(
                thread_id=thread_id, ttl=Ttl(after=timedelta(microseconds=1), strategy="delete")
            )
        await client.threads.create(thread_id=ids[2], ttl=Ttl(after=FAR))

    async with running(tmp_path / "data", config) as server, graphwire.connect(server.address) as client:
        for thread_id in ids[:2]:
            await _gone(client, thread_id)
        left = await client.threads.count(thread_ids=ids)

    assert left == 1
