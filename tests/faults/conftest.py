"""What these tests share: a gate, and a server in the test's own process with clients that record."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.client import Client
from tests.faults.gate import Gate, gated
from tests.faults.process import APP
from tests.support.serving import running


@pytest.fixture
async def gate() -> AsyncIterator[Gate]:
    async with gated() as opened:
        yield opened


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with running(tmp_path, APP) as server:
        yield Client(server)
