"""A server that stops: it says so, refuses what is new, lets runs end, and cuts off whoever can come back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.conformance.http.api import Api
from tests.conformance.http.conftest import APP
from tests.conformance.http.held import held_body, new_name
from tests.conformance.http.sse import PATIENCE, Reader
from tests.faults.gate import gated
from tests.support.serving import running


class _Stopping:
    """A server that stops when it is told to, while the test goes on.

    Attributes:
        stop: Tells it.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.stop = asyncio.Event()

    async def serve(self) -> None:
        async with running(self._data_dir, APP, drain_grace=timedelta(seconds=PATIENCE)) as server:
            self._url.set_result(server.url)
            await self.stop.wait()

    async def url(self) -> str:
        return await asyncio.wait_for(asyncio.shield(self._url), PATIENCE)


@asynccontextmanager
async def _stopping(data_dir: Path) -> AsyncIterator[tuple[Api, _Stopping]]:
    server = _Stopping(data_dir)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        async with httpx.AsyncClient(base_url=await server.url(), timeout=30, trust_env=False) as client:
            yield Api(client), server
        server.stop.set()


async def _until_it_says_so(api: Api) -> httpx.Response:
    async with asyncio.timeout(PATIENCE):
        while (answer := await api.client.get("/ok")).status_code == 200:
            pass
    return answer


async def test_a_server_that_stops(tmp_path: Path) -> None:
    name = new_name()
    async with gated() as gate, _stopping(tmp_path) as (api, server):
        body = held_body(gate, name)
        thread = f"/threads/{await api.thread()}"
        async with (
            api.opened(f"{thread}/runs/stream", body) as reader,
            api.opened(f"{thread}/stream", method="GET") as watcher,
        ):
            await gate.entered(name)
            server.stop.set()
            well = await _until_it_says_so(api)
            refused = await api.client.post(f"{thread}/runs", json=body)
            state = await api.client.get(f"{thread}/state")
            gate.release(name)
            frames = await reader.rest()
            watched, cut = await _watch_to_the_end(watcher)

    for answer in (well, refused):
        assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "DRAINING", "1")
    assert state.status_code == 200
    assert [frame.event for frame in frames] == ["metadata", "custom", "custom"]
    assert watched[-1] == {"status": "run_done", "run_id": frames[0].data["run_id"]}
    assert cut


async def _watch_to_the_end(watcher: Reader) -> tuple[list[Any], bool]:
    """What a watcher got, and whether its line broke: an orderly end would tell an SDK that there is nothing to come back to."""
    found: list[Any] = []
    try:
        while (frame := await watcher.next()) is not None:
            found.append(frame.data)
    except httpx.RemoteProtocolError:
        return found, True
    return found, False
