"""Runs that stand at the gate, and servers that are started anew on the same data.

Owns how these tests get a run into a known state without waiting for the clock.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import graphwire
from tests.conformance.http.conftest import APP
from tests.conformance.http.held import new_name
from tests.faults.gate import Gate
from tests.support.serving import running

PATIENCE = 40
AT_ONCE = timedelta(0)
"""A grace for servers that shall not wait for their runs."""
ICE = {"topic": "ice"}
TOLD = {"topic": "ice and cats", "joke": "这是一个关于 ice and cats 的笑话"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A run that stands at the gate: it has written that it knocks, and will write that it passed."""

    run_id: str
    thread_id: str
    name: str


@asynccontextmanager
async def life(data_dir: Path, **settings: Any) -> AsyncIterator[graphwire.Client]:
    """A client of a server, which stops with the block and gives runs that execute back at once, unless the settings say otherwise."""
    async with (
        running(data_dir, APP, **{"drain_grace": AT_ONCE, **settings}) as server,
        graphwire.connect(server.address) as client,
    ):
        yield client


def at_gate_input(gate: Gate, name: str, **given: Any) -> dict[str, Any]:
    """The input of a run that will stand at the gate."""
    return {"port": gate.port, "name": name, **given}


@asynccontextmanager
async def at_gate(
    client: graphwire.Client, gate: Gate, *, thread_id: str | None = None, stateless: bool = False, **options: Any
) -> AsyncIterator[Held]:
    """A run that stands at the gate. At the end it is let go, and has ended."""
    name = new_name()
    if not stateless and thread_id is None:
        thread_id = (await client.threads.create()).thread_id
    run = await client.create("gate", at_gate_input(gate, name), thread_id=thread_id, **options)
    await gate.entered(name)
    try:
        yield Held(run_id=run.run_id, thread_id=run.thread_id, name=name)
    finally:
        with suppress(KeyError):  # it was let go, or cancelled
            gate.release(name)
        with suppress(graphwire.NotFound):  # it was rolled back, or was stateless
            await client.wait(run.run_id)


async def taken(stream: graphwire.RunStream | graphwire.ThreadStream, count: int) -> list[graphwire.Event]:
    """So many events."""
    async with asyncio.timeout(PATIENCE):
        return [await anext(stream) for _ in range(count)]


async def rest(stream: graphwire.RunStream) -> list[graphwire.Event]:
    """All that is left of a run's events."""
    async with asyncio.timeout(PATIENCE):
        return [event async for event in stream]


async def statuses(client: graphwire.Client, thread_id: str) -> list[str]:
    """Of the runs of a thread, the oldest first."""
    return [run.status async for run in client.runs.list(thread_id)][::-1]


async def states(client: graphwire.Client, thread_id: str, **options: Any) -> list[graphwire.ThreadState]:
    """The states that a thread has had, the newest first."""
    return [state async for state in client.threads.history(thread_id, **options)]
