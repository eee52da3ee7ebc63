"""Servers that stop and start again on the same data.

Owns one life of such a server. Each has a port of its own, so callers come by the path that the life before has told them.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.conformance.http.api import Api
from tests.conformance.http.conftest import APP
from tests.support.serving import running

AT_ONCE = timedelta(0)
"""A grace for servers that shall not wait for their runs."""


@asynccontextmanager
async def life(data_dir: Path, **settings: Any) -> AsyncIterator[Api]:
    """A caller of a server, which stops with the block and gives runs that execute back at once, unless the settings say otherwise."""
    limits = httpx.Limits(max_connections=None)
    async with (
        running(data_dir, APP, **{"drain_grace": AT_ONCE, **settings}) as server,
        httpx.AsyncClient(base_url=server.url, timeout=30, limits=limits, trust_env=False) as client,
    ):
        yield Api(client)
