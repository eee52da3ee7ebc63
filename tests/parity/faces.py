"""Both faces of one server with the graphs of `app/`."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx

from tests.parity.face import Face
from tests.parity.grpc_face import GrpcFace
from tests.parity.http_face import HttpFace
from tests.support.passing import Time, passing
from tests.support.serving import running

NOTHING: Mapping[str, Any] = MappingProxyType({})
APP = Path(__file__).parent / "app" / "langgraph.json"


@asynccontextmanager
async def both_faces(
    data_dir: Path, settings: Mapping[str, Any] = NOTHING, headers: Mapping[str, str] = NOTHING
) -> AsyncIterator[tuple[Face, Face]]:
    """The gRPC face and the HTTP face of a new server."""
    with passing() as time:
        async with _both(data_dir, settings, headers, time) as faces:
            yield faces


@asynccontextmanager
async def _both(
    data_dir: Path, settings: Mapping[str, Any], headers: Mapping[str, str], time: Time
) -> AsyncIterator[tuple[Face, Face]]:
    async with (
        running(data_dir, APP, **settings) as server,
        httpx.AsyncClient(base_url=server.url, headers=headers, timeout=40, trust_env=False) as client,
    ):
        yield GrpcFace(server, time, tuple(headers.items())), HttpFace(client, time)
