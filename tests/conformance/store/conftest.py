"""One server for each module, with graphs that use the store; once with graphs on the server's loop, once on loops of their own."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.support.serving import Server, running

APP = Path(__file__).parent / "app" / "langgraph.json"


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[False, True], ids=["together", "isolated"])
async def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with running(tmp_path_factory.mktemp("data"), APP, isolate_graphs=request.param) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, timeout=30, trust_env=False) as client:
        yield client
