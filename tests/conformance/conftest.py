"""One server for each test, with the graphs of `app/`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.serving import Server, running


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with running(tmp_path) as started:
        yield started
