"""One server for each module, with the graphs of all suites, and a caller of it.

The servers of `tests/conformance` start anew for each test. Here a test needs its own threads alone.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.conformance.http.api import Api
from tests.faults.gate import Gate, gated
from tests.support.serving import Server, running

APP = Path(__file__).parent / "app" / "langgraph.json"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with running(tmp_path_factory.mktemp("data"), APP) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(server: Server) -> AsyncIterator[Api]:
    # One connection for each stream that a test leaves open; the pool of the standard size would make others wait.
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=server.url, timeout=30, limits=limits, trust_env=False) as client:
        yield Api(client)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gate() -> AsyncIterator[Gate]:
    async with gated() as opened:
        yield opened
