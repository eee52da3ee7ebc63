"""A run that is held where it is, and requests that are under way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.types import ASGIApp

from graphwire_server.core.errors import RunNotFound
from graphwire_server.rest.site import site
from tests.unit.core.fakes import THREAD, Executor, House, house
from tests.unit.rest.visits import options, table, visiting
from tests.unit.rest.wire import Caller

AGENT = {"assistant_id": "agent"}
ON_THREAD = {**AGENT, "if_not_exists": "create"}
RUNS = f"/threads/{THREAD}/runs"


@dataclass
class Held:
    """A site on which a run of the thread is held where it is."""

    core: House
    client: httpx.AsyncClient
    run: dict[str, Any]

    @property
    def path(self) -> str:
        return f"{RUNS}/{self.run['run_id']}"

    @property
    def app(self) -> ASGIApp:
        return site(table(self.core), options())

    async def until_gone(self) -> None:
        """Waits until the run has ended; one that was rolled back may be gone by then."""
        with suppress(RunNotFound):
            await self.core.end(await self.core.runs.get(self.run["run_id"]))


@asynccontextmanager
async def holding(**fields: Any) -> AsyncIterator[Held]:
    executor = Executor()
    executor.script = executor.held
    core = house(executor)
    async with visiting(core) as client:
        answer = await client.post(RUNS, json={**ON_THREAD, **fields})
        await core.begun()
        yield Held(core, client, answer.json())
        executor.release.set()


@asynccontextmanager
async def calling(held: Held, path: str, method: str = "GET", query: bytes = b"") -> AsyncIterator[tuple[Caller, Any]]:
    """A request that is under way."""
    caller = Caller()
    scope = caller.scope(method, path, query_string=query)
    app: Any = held.app
    task = asyncio.create_task(app(scope, caller.receive, caller.send))
    try:
        await caller.until(1)
        yield caller, task
    finally:
        async with asyncio.timeout(15):
            await task
