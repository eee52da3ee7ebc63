"""Threads that are to go, over kill -9: what is due goes, what is in use stays, and what is left is whole."""

import asyncio
import uuid
from datetime import timedelta
from pathlib import Path

import pytest

import graphwire
from graphwire import StateUpdate, Ttl
from tests.faults.gate import Gate, gated
from tests.faults.process import served

PATIENCE = 60.0
STEPS = 250
"""More states than go in one part."""


async def _gone(address: str, thread_id: str) -> None:
    """Waits until a thread is gone: whoever watches it is told."""
    async with graphwire.connect(address) as client:
        with pytest.raises(graphwire.NotFound):
            await asyncio.wait_for(_watched(client, thread_id), PATIENCE)


async def _watched(client: graphwire.Client, thread_id: str) -> None:
    async with client.threads.watch(thread_id) as watch:
        async for _ in watch:
            pass


async def _held(client: graphwire.Client, gate: Gate, thread_id: str) -> str:
    """A run that stands at the gate."""
    run = await client.create("gate", {"port": gate.port, "name": "run"}, thread_id=thread_id)
    await gate.entered("run")
    return run.run_id


async def test_a_thread_whose_run_is_taken_up_stays_and_one_that_nobody_used_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody is told that a run has given its thread a new time: it is found by the next sweep.
    monkeypatch.setenv("LANGGRAPH_THREAD_TTL", '{"sweep_interval_minutes": 0.005}')
    busy, idle = str(uuid.uuid4()), str(uuid.uuid4())
    life = Ttl(after=timedelta(seconds=0.5))
    async with gated() as gate, served(tmp_path / "data") as process:
        async with graphwire.connect(process.address) as client:
            await client.threads.create(thread_id=busy)
            run_id = await _held(client, gate, busy)
            await client.threads.update(busy, ttl=life)
            await client.threads.create(thread_id=idle, ttl=life)
        await process.kill()
        await gate.left("run")
        await process.start()
        await gate.entered("run")
        await _gone(process.address, idle)
        async with graphwire.connect(process.address) as client:
            while_it_runs = await client.threads.get(busy)
            gate.release("run")
            ended = await client.wait(run_id)
        await _gone(process.address, busy)

    assert (while_it_runs.status, ended.run.status, ended.run.attempt) == ("busy", "success", 2)


async def test_a_thread_that_was_being_pruned_is_whole(tmp_path: Path) -> None:
    thread_id = str(uuid.uuid4())
    steps = [[StateUpdate(values={"log": [str(number)]}, as_node="__input__")] for number in range(STEPS)]
    async with served(tmp_path / "data") as process:
        async with graphwire.connect(process.address, patience=0) as client:
            await client.threads.create(thread_id=thread_id, graph_id="ticks", supersteps=steps)
            before = await client.threads.state(thread_id)
            pruning = asyncio.create_task(client.threads.prune(thread_id, strategy="keep_latest"))
            await asyncio.wait({pruning}, timeout=0.01)
            await process.kill()
            await asyncio.wait({pruning})
            pruning.exception()
        await process.start()
        async with graphwire.connect(process.address) as client:
            after = await client.threads.state(thread_id)
            left = len([state async for state in client.threads.history(thread_id)])
            pruned = await client.threads.prune(thread_id, strategy="keep_latest")
            (only,) = [state async for state in client.threads.history(thread_id)]
            done = await client.invoke("ticks", {"n": 1, "name": "a"}, thread_id=thread_id)

    assert 1 <= left <= STEPS
    assert (after.values, after.next) == (before.values, before.next)
    assert (pruned.count, only.values, done.run.status) == (1, before.values, "success")
