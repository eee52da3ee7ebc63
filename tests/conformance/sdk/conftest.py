"""A server with the graphs of `app/`, and a client of each kind.

The server is one for all tests of a module, since there are many tests and each says which thread it means. So all of them run in the module's loop.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.conformance.sdk.clients import KINDS, Sdk, connected
from tests.faults.gate import Gate, gated
from tests.support.serving import Server, running

APP = Path(__file__).parent / "app" / "langgraph.json"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with running(tmp_path_factory.mktemp("data"), APP) as started:
        yield started


@pytest_asyncio.fixture(params=KINDS, loop_scope="module")
async def sdk(request: pytest.FixtureRequest, server: Server) -> AsyncIterator[Sdk]:
    async with connected(request.param, server.url) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def thread_id(sdk: Sdk) -> str:
    thread = await sdk(lambda c: c.threads.create())
    found: str = thread["thread_id"]
    return found


@pytest_asyncio.fixture(loop_scope="module")
async def gate() -> AsyncIterator[Gate]:
    async with gated() as opened:
        yield opened
