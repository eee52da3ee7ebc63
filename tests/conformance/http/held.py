"""Runs that stand at the gate until a test lets them go on.

Owns how a test gets a run into a known state without waiting for the clock.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

from tests.conformance.http.api import Api, Json
from tests.conformance.http.sse import PATIENCE
from tests.faults.gate import Gate

_numbers = count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A run that stands at the gate: it has written that it knocks, and will write that it passed."""

    run_id: str
    thread_id: str
    name: str

    @property
    def thread(self) -> str:
        """The path of its thread."""
        return f"/threads/{self.thread_id}"

    @property
    def path(self) -> str:
        """Its path."""
        return f"{self.thread}/runs/{self.run_id}"


def new_name() -> str:
    """A name that no other run at the gate has."""
    return f"held-{next(_numbers)}"


def held_body(gate: Gate, name: str, given: Json | None = None, **more: Any) -> Json:
    """The body of a run that will stand at the gate.

    Args:
        gate: The gate.
        name: The run's name there.
        given: More of its input: `n` and `more` are how many events it writes before and behind the gate, `then` is `fail` or `ask`.
        more: More of the body.
    """
    return {
        "assistant_id": "gate",
        "input": {"port": gate.port, "name": name, **(given or {})},
        "stream_mode": ["custom"],
        **more,
    }


async def behind(api: Api, held: Held, **more: Any) -> str:
    """The path of a run that is created on the thread of one that stands at the gate."""
    body = {"assistant_id": "joke", "input": {"topic": "ice"}, **more}
    made = await api.post(f"{held.thread}/runs", body)
    return f"{held.thread}/runs/{made['run_id']}"


async def until_shown(api: Api, thread: str, last: str) -> Json:
    """The values of a thread, once they have what a node has left: checkpoints are written while the next superstep executes, so that is some moments later."""
    async with asyncio.timeout(PATIENCE):
        while True:
            values: Json = (await api.get(thread))["values"]
            if values["trail"][-1:] == [last]:
                return values


@asynccontextmanager
async def at_gate(
    api: Api,
    gate: Gate,
    *,
    thread_id: str | None = None,
    given: Json | None = None,
    stateless: bool = False,
    **more: Any,
) -> AsyncIterator[Held]:
    """A run that stands at the gate. At the end it is let go, and has ended."""
    name = new_name()
    if not stateless and thread_id is None:
        thread_id = await api.thread()
    path = "/runs" if stateless else f"/threads/{thread_id}/runs"
    made = await api.post(path, held_body(gate, name, given, **more))
    await gate.entered(name)
    held = Held(run_id=made["run_id"], thread_id=made["thread_id"], name=name)
    try:
        yield held
    finally:
        with suppress(KeyError):  # it was let go, or cancelled
            gate.release(name)
        await api.client.get(f"{held.path}/join")
