"""The gRPC face of ours.

Owns the requests, and how many streams share a connection.
"""

import asyncio
import json

from google.protobuf.message import Message
from grpc_health.v1.health_pb2 import HealthCheckRequest

from bench.face import Asked, Started, Take
from bench.http2 import Call, Http2
from bench.messages import Messages
from bench.tally import Seen, Tally
from bench.target import Target
from graphwire.v1 import run_service_pb2, thread_service_pb2
from graphwire.v1.json_pb2 import Json

LINES_A_CONNECTION = 100
"""The most streams that several proxies allow on one connection."""
_RUNS = "/graphwire.v1.RunService"


def request(asked: Asked) -> run_service_pb2.StreamRunRequest:
    """The request that streams a run."""
    wanted = run_service_pb2.StreamRunRequest(
        assistant_id=asked.graph,
        input=Json(text=json.dumps(asked.given)),
        stream_mode=[asked.mode],
        thread_id=asked.thread_id,
    )
    if asked.supersteps is not None:
        wanted.config.recursion_limit = asked.supersteps
    return wanted


def join(connection: Http2, run_id: str, take: Take) -> Call:
    """Begins to follow a run."""
    asked = run_service_pb2.JoinRunRequest(run_id=run_id)
    return connection.call(f"{_RUNS}/JoinRun", asked.SerializeToString(), take)


class GrpcLine:
    """A place on a connection.

    Args:
        connection: The connection, shared with others.
    """

    def __init__(self, connection: Http2) -> None:
        self._connection = connection

    async def run(self, asked: Asked) -> Seen:
        """See `Line`."""
        tally = Tally()
        await self.drain(asked, Messages(tally.add).take)
        return tally.seen()

    async def drain(self, asked: Asked, take: Take) -> None:
        """See `Line`."""
        await self._connection.call(f"{_RUNS}/StreamRun", request(asked).SerializeToString(), take).ended

    async def join(self, started: Started) -> Seen:
        """See `Line`."""
        tally, kept = Tally(), list[bytes]()
        messages = Messages(tally.add)

        def take(piece: bytes) -> None:
            kept.append(piece)
            messages.take(piece)

        await join(self._connection, started.run_id, take).ended
        return tally.seen(b"".join(kept))

    async def start(self, asked: Asked) -> Started:
        """See `Line`."""
        wanted = run_service_pb2.CreateRunRequest(
            assistant_id=asked.graph, input=Json(text=json.dumps(asked.given)), stream_mode=[asked.mode]
        )
        created = run_service_pb2.CreateRunResponse.FromString(await self.unary(f"{_RUNS}/CreateRun", wanted))
        return Started(thread_id=created.run.thread_id, run_id=created.run.run_id)

    async def wait(self, started: Started) -> None:
        """Returns when a run has ended, and reads none of its events."""
        await self.unary(f"{_RUNS}/WaitRun", run_service_pb2.WaitRunRequest(run_id=started.run_id))

    async def create_thread(self) -> str:
        """See `Line`."""
        wanted = thread_service_pb2.CreateThreadRequest()
        answer = await self.unary("/graphwire.v1.ThreadService/CreateThread", wanted)
        return thread_service_pb2.CreateThreadResponse.FromString(answer).thread.thread_id

    async def unary(self, path: str, message: Message) -> bytes:
        """The one message of an answer."""
        parts: list[bytes] = []
        await self._connection.call(path, message.SerializeToString(), parts.append).ended
        return b"".join(parts)[5:]


class GrpcFace:
    """The gRPC face of a server.

    Attributes:
        target: The server.

    Args:
        target: The same.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self._connections: list[Http2] = []
        self._lines = 0
        self._opening = asyncio.Lock()

    async def line(self) -> GrpcLine:
        """See `Face`: a place on a connection that has room, or on a new one."""
        async with self._opening:
            if self._lines == LINES_A_CONNECTION * len(self._connections):
                self._connections.append(await Http2(self.target.address).open())
            self._lines += 1
            return GrpcLine(self._connections[-1])

    async def health(self) -> None:
        """See `Face`."""
        line = GrpcLine(self._connections[0]) if self._connections else await self.line()
        await line.unary("/grpc.health.v1.Health/Check", HealthCheckRequest())

    async def __aenter__(self) -> "GrpcFace":
        """See `Face`."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """See `Face`."""
        for connection in self._connections:
            await connection.aclose()
