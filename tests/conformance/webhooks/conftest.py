"""One server for each module that may call this machine, and a caller of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.conformance.http.api import Api
from tests.conformance.webhooks.servers import SECRET, hooked
from tests.faults.gate import Gate, gated
from tests.support.serving import Server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with hooked(tmp_path_factory.mktemp("data"), webhook_secret=SECRET) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(server: Server) -> AsyncIterator[Api]:
    async with httpx.AsyncClient(base_url=server.url, timeout=30, trust_env=False) as client:
        yield Api(client)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gate() -> AsyncIterator[Gate]:
    async with gated() as opened:
        yield opened


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Where a langgraph.json of a test's own goes."""
    folder = tmp_path / "app"
    folder.mkdir()
    return folder
