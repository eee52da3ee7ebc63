"""What these tests share: a server in the test's own process, and a count of what it holds."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.http.held import Held, watched
from tests.faults.http.talk import new_thread, run, told
from tests.faults.process import APP
from tests.support.serving import Server, running

LIMIT = 1 << 20
"""The largest body that the server of these tests takes."""


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    """What the server of this test holds. Asked for before `server`."""
    return watched(monkeypatch)


@pytest.fixture
async def server(held: Held, tmp_path: Path) -> AsyncIterator[Server]:
    async with running(tmp_path / "data", APP, max_request_bytes=LIMIT) as server:
        yield server


@pytest.fixture
async def thread(server: Server) -> str:
    """A thread on which a run has left a state."""
    made = await new_thread(server.url)
    await told(server.url, f"/threads/{made}/runs/wait", run("ticks", {"n": 1}))
    return made
