"""One server for each test, with the graphs of `app/` on loops of their own."""

import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.serving import Server, running


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with running(tmp_path, isolate_graphs=True) as started:
        yield started
        assert [thread for thread in threading.enumerate() if thread.name.startswith("graphwire-loop-")]
