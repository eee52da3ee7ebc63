"""More runs than execute at once: all have their turn, and what somebody watches of a thread tells of each."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

import graphwire
from tests.conformance.http.held import new_name
from tests.conformance.rpc.held import ICE, PATIENCE, at_gate_input, life
from tests.faults.gate import Gate

ROOM = 2


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[graphwire.Client]:
    async with life(tmp_path_factory.mktemp("data"), n_jobs_per_worker=ROOM) as client:
        yield client


async def _filled(client: graphwire.Client, gate: Gate) -> list[str]:
    """The names of as many runs at the gate as there is room for."""
    names = [new_name() for _ in range(ROOM)]
    for name in names:
        await client.create("gate", at_gate_input(gate, name))
        await gate.entered(name)
    return names


async def test_all_of_them_end(client: graphwire.Client, gate: Gate) -> None:
    names = await _filled(client, gate)
    threads = [(await client.threads.create()).thread_id for _ in range(3)]
    made = [await client.create("joke", ICE, thread_id=threads[n % 3]) for n in range(9)]
    invoked = asyncio.gather(*(client.invoke("joke", ICE) for _ in range(4)))
    stream = client.stream("joke", ICE, stream_mode="updates")
    async with stream:
        early = await client.runs.get(stream.run_id)
        for name in names:
            gate.release(name)
        events = [event async for event in stream]
    results = [await client.wait(run.run_id) for run in made]

    assert {run.status for run in (*made, early)} == {"pending"}
    assert {result.run.status for result in (*results, *await invoked)} == {"success"}
    assert [event.mode for event in events] == ["metadata", "updates", "updates", "end"]
    assert all(run.start_time and run.start_time > run.create_time for run in (result.run for result in results))


async def test_a_thread_tells_of_each_run_whatever_ends_it(client: graphwire.Client, gate: Gate) -> None:
    names = await _filled(client, gate)
    thread_id = (await client.threads.create()).thread_id
    async with client.threads.watch(thread_id) as watch:
        runs = [await client.create("joke", ICE, thread_id=thread_id, stream_mode="updates") for _ in range(4)]
        await client.cancel(runs[1].run_id, wait=True)
        await client.cancel(runs[2].run_id, wait=True, action="rollback")
        for name in names:
            gate.release(name)
        events: list[graphwire.Event] = []
        async with asyncio.timeout(PATIENCE):
            while sum(event.mode == "end" for event in events) < 4:
                events.append(await anext(watch))

    ends = {event.run_id: event.status for event in events if event.mode == "end"}
    assert [ends[run.run_id] for run in runs] == ["success", "interrupted", "interrupted", "success"]
    assert [event.run_id for event in events if event.mode == "metadata"] == [runs[0].run_id, runs[3].run_id]
    assert [event.seq for event in events] == list(range(1, 11))
