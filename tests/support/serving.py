"""A whole server in the test's own process, on a free port, and stubs to talk to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc.aio

from graphwire.v1.assistant_service_pb2_grpc import AssistantServiceStub
from graphwire.v1.cron_service_pb2_grpc import CronServiceStub
from graphwire.v1.event_pb2 import StreamEvent
from graphwire.v1.json_pb2 import Json
from graphwire.v1.run_service_pb2 import JoinRunRequest, StreamRunRequest
from graphwire.v1.run_service_pb2_grpc import RunServiceStub
from graphwire.v1.store_service_pb2_grpc import StoreServiceStub
from graphwire.v1.thread_service_pb2_grpc import ThreadServiceStub
from graphwire_server.app import serving
from graphwire_server.config import Settings
from graphwire_server.engine.threads import start
from tests.support.project import project

if TYPE_CHECKING:  # the stubs for asyncio are known to the type checker alone
    from graphwire.v1.assistant_service_pb2_grpc import AssistantServiceAsyncStub
    from graphwire.v1.cron_service_pb2_grpc import CronServiceAsyncStub
    from graphwire.v1.run_service_pb2_grpc import RunServiceAsyncStub
    from graphwire.v1.store_service_pb2_grpc import StoreServiceAsyncStub
    from graphwire.v1.thread_service_pb2_grpc import ThreadServiceAsyncStub

APP = Path(__file__).parent.parent / "conformance" / "app" / "langgraph.json"
"""The graphs that tests run."""

UNLIMITED = [("grpc.max_receive_message_length", -1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server under test, with a stub for each service.

    Attributes:
        address: The host and port of its gRPC face.
        url: Where its HTTP face is; empty where it has none.
        channel: A channel to it.
    """

    address: str
    url: str
    channel: grpc.aio.Channel
    runs: "RunServiceAsyncStub"
    threads: "ThreadServiceAsyncStub"
    assistants: "AssistantServiceAsyncStub"
    store: "StoreServiceAsyncStub"
    crons: "CronServiceAsyncStub"

    async def stream(self, assistant: str, given: str | None = None, **fields: Any) -> list[StreamEvent]:
        """All events of a run."""
        request = StreamRunRequest(assistant_id=assistant, **fields)
        if given is not None:
            request.input.text = given
        return [event async for message in self.runs.StreamRun(request) for event in message.events]

    async def join(self, run_id: str, **fields: Any) -> list[StreamEvent]:
        """All events that a joiner gets."""
        request = JoinRunRequest(run_id=run_id, **fields)
        return [event async for message in self.runs.JoinRun(request) for event in message.events]


_NODE_THREADS = 64


@asynccontextmanager
async def running(data_dir: Path, config: Path = APP, **settings: Any) -> AsyncIterator[Server]:
    """Starts a server and stops it.

    Args:
        data_dir: Where it keeps its data.
        config: Its langgraph.json.
        settings: Other options of `Settings`.
    """
    options = Settings(config=config, grpc_port=0, http_port=0, data_dir=data_dir, **settings)
    with project(config.parent):
        async with _connected(options) as server:
            yield server


@asynccontextmanager
async def _connected(options: Settings) -> AsyncIterator[Server]:
    async with serving(options, start(_NODE_THREADS)) as server:
        address = f"127.0.0.1:{server.grpc_port}"
        async with grpc.aio.insecure_channel(address, options=UNLIMITED) as channel:
            yield Server(
                address=address,
                url="" if server.http_port is None else f"http://127.0.0.1:{server.http_port}",
                channel=channel,
                runs=RunServiceStub(channel),
                threads=ThreadServiceStub(channel),
                assistants=AssistantServiceStub(channel),
                store=StoreServiceStub(channel),
                crons=CronServiceStub(channel),
            )


def text(value: str) -> Json:
    """JSON text in its carrier."""
    return Json(text=value)


def cases(events: list[StreamEvent]) -> list[str]:
    """The payload cases of events, in order."""
    return [event.WhichOneof("payload") or "" for event in events]
