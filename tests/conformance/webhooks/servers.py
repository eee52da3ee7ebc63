"""Servers that call webhooks, and how a run's delivery is waited for."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.conformance.http.api import Api
from tests.support.serving import Server, running

APP = Path(__file__).parent.parent / "http" / "app" / "langgraph.json"
KEY = b"a key of thirty-two bytes, known"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
JOKE: dict[str, Any] = {"assistant_id": "joke", "input": {"topic": "ice"}}
PATIENCE = 60.0


@asynccontextmanager
async def hooked(data_dir: Path, config: Path = APP, **settings: Any) -> AsyncIterator[Server]:
    """A server that may call this machine, and does not wait for long until it tries again."""
    quick = {"webhook_allow_private": True, "webhook_retry_delay": 0.02, "webhook_timeout": 60, "webhook_attempts": 3}
    async with running(data_dir, config, **{**quick, **settings}) as server:
        yield server


def configured(folder: Path, webhooks: dict[str, Any] | None, **more: Any) -> Path:
    """A langgraph.json with the graphs of the suites, and what it says about webhooks."""
    graphs = {name: str(APP.parent / target) for name, target in json.loads(APP.read_text())["graphs"].items()}
    path = folder / "langgraph.json"
    path.write_text(json.dumps({"graphs": graphs, "webhooks": webhooks, **more}))
    return path


async def settled(api: Api, run: dict[str, Any]) -> dict[str, Any]:
    """The delivery of a run on a thread, once it is settled."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await api.get(f"/threads/{run['thread_id']}/runs/{run['run_id']}")
            if found.get("webhook_delivery", {}).get("state") in ("delivered", "failed"):
                return dict(found["webhook_delivery"])
            await asyncio.sleep(0.01)  # a row tells nobody
