"""Signs of life on lines where nothing happens (wire facts 5, 9 and 69)."""

import asyncio
from typing import Any

import pytest

from tests.conformance.http.api import Api
from tests.conformance.http.held import at_gate, held_body, new_name
from tests.conformance.http.sse import chunks
from tests.faults.gate import Gate

pytestmark = pytest.mark.asyncio(loop_scope="module")

INTERVAL = 5.0
LATE = INTERVAL
"""By how much a sign of life may be late on a machine that has other things to do: none is left out."""


async def _beats(api: Api, method: str, path: str, wanted: bytes, body: Any = None) -> list[float]:
    """When two signs of life came, counted from the request."""
    loop, found = asyncio.get_running_loop(), list[float]()
    begun = loop.time()
    async with api.client.stream(method, path, json=body) as response:
        async for chunk in chunks(response):
            if chunk == wanted:
                found.append(loop.time() - begun)
            if len(found) == 2:
                break
    return found


async def test_idle_lines_have_a_steady_beat(api: Api, gate: Gate) -> None:
    name = new_name()
    async with at_gate(api, gate) as held:
        found = await asyncio.gather(
            _beats(api, "GET", f"{held.path}/stream", b": heartbeat\r\n\r\n"),
            _beats(api, "GET", f"{held.thread}/stream", b": heartbeat\r\n\r\n"),
            _beats(api, "POST", "/runs/stream", b": heartbeat\r\n\r\n", held_body(gate, new_name())),
            _beats(api, "GET", f"{held.path}/join", b"\n"),
            _beats(api, "POST", "/runs/wait", b"\n", held_body(gate, name)),
        )
        gate.release(name)

    for first, second in found:
        assert INTERVAL <= first < INTERVAL + LATE
        assert 2 * INTERVAL <= second < 2 * INTERVAL + LATE
