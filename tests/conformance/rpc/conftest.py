"""One server for each module, with the graphs of the HTTP suite, and a client of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

import graphwire
from tests.conformance.rpc.held import life
from tests.faults.gate import Gate, gated


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[graphwire.Client]:
    async with life(tmp_path_factory.mktemp("data")) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gate() -> AsyncIterator[Gate]:
    async with gated() as opened:
        yield opened
