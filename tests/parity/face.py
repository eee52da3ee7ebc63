"""What a scenario can say: the calls of the core, whichever transport carries them.

Owns the language of the table. Options are written as the documented surface spells them, answers are JSON in that spelling; what only gRPC tells
stands beside it under its own name. `request_id` is the key of a request, which HTTP has in a header. How a transport says all this is `grpc_face` and
`http_face`.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from graphwire.v1.event_pb2 import StreamEvent
from tests.support.passing import Time

Json = Any


class Refused(Exception):
    """A call that the server refused.

    Args:
        reason: The stable reason.
        status: The code's name over gRPC, the status over HTTP.
        message: The sentence for the caller.
        metadata: The facts for programs.
    """

    def __init__(self, reason: str, status: str | int, message: str, metadata: dict[str, str]) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.reason = reason
        self.status = status
        self.message = message
        self.metadata = metadata


class Frame(NamedTuple):
    """A server-sent event; `id` is None where it has none."""

    event: str
    data: Json
    id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a reader got of a stream: events over gRPC, frames over HTTP.

    Attributes:
        run_id: The run, as the head of the answer names it; empty for a thread's stream.
        thread_id: The thread, as the head names it; empty where it does not.
        events: What came over gRPC.
        frames: What came over HTTP.
    """

    run_id: str
    thread_id: str
    events: Sequence[StreamEvent] = ()
    frames: Sequence[Frame] = ()

    @property
    def last_seq(self) -> int:
        """The highest number that came."""
        return max((*(event.seq for event in self.events), *(frame.id or 0 for frame in self.frames)), default=0)


class Open(Protocol):
    """A stream that is attached: nothing that happens from now on passes by."""

    run_id: str
    thread_id: str

    async def rest(self) -> Reading:
        """All that is left, to its end."""
        ...

    async def until_ended(self, runs: int) -> Reading:
        """What comes until so many runs have ended; for streams of threads, which do not end."""
        ...


class Face(Protocol):
    """One transport. Each call raises Refused. `time` is that of the server, which a row lets pass that has a server of its own."""

    name: str
    time: Time

    def opening(self, assistant: str, thread_id: str | None = None, **body: Json) -> AbstractAsyncContextManager[Open]:
        """Creates a run and attaches to it."""
        ...

    def joining(
        self, run_id: str, thread_id: str | None = None, after: int | None = None, **wanted: Json
    ) -> AbstractAsyncContextManager[Open]:
        """Attaches to a run. `wanted` is the filter: modes, namespaces, nodes, tags."""
        ...

    def watching(
        self, thread_id: str, after: int | None = None, *, lifecycle: bool = False
    ) -> AbstractAsyncContextManager[Open]:
        """Attaches to a thread; `lifecycle` is starts and ends of runs alone."""
        ...

    async def create(self, assistant: str, thread_id: str | None = None, **body: Json) -> Json: ...
    async def batch(self, bodies: Sequence[Json], request_id: str | None = None) -> Json: ...
    async def invoke(self, assistant: str, thread_id: str | None = None, **body: Json) -> Json: ...
    async def wait(self, run_id: str, thread_id: str | None = None) -> Json: ...
    async def run(self, run_id: str, thread_id: str | None = None) -> Json: ...
    async def runs(self, thread_id: str, **query: Json) -> Json: ...
    async def cancel(self, run_id: str, thread_id: str | None = None, **query: Json) -> Json: ...
    async def cancel_many(self, **body: Json) -> Json: ...
    async def delete_run(self, run_id: str, thread_id: str | None = None) -> None: ...

    async def create_thread(self, **body: Json) -> Json: ...
    async def thread(self, thread_id: str) -> Json: ...
    async def update_thread(self, thread_id: str, metadata: Json, **body: Json) -> Json: ...
    async def delete_thread(self, thread_id: str) -> None: ...
    async def prune_threads(self, thread_ids: Sequence[str], **body: Json) -> Json: ...
    async def threads(self, **body: Json) -> Json: ...
    async def count_threads(self, **body: Json) -> Json: ...
    async def copy_thread(self, thread_id: str) -> Json: ...
    async def state(self, thread_id: str, **at: Json) -> Json: ...
    async def update_state(self, thread_id: str, **body: Json) -> Json: ...
    async def history(self, thread_id: str, **body: Json) -> Json: ...

    async def create_cron(self, assistant: str, thread_id: str | None = None, **body: Json) -> Json: ...
    async def cron(self, cron_id: str) -> Json: ...
    async def update_cron(self, cron_id: str, **body: Json) -> Json: ...
    async def delete_cron(self, cron_id: str) -> None: ...
    async def crons(self, **body: Json) -> Json: ...
    async def count_crons(self, **body: Json) -> Json: ...

    async def assistant(self, assistant_id: str) -> Json: ...
    async def assistants(self, **body: Json) -> Json: ...
    async def count_assistants(self, **body: Json) -> Json: ...
    async def create_assistant(self, graph_id: str, **body: Json) -> Json: ...
    async def update_assistant(self, assistant_id: str, **body: Json) -> Json: ...
    async def delete_assistant(self, assistant_id: str, *, delete_threads: bool = False) -> None: ...
    async def versions(self, assistant_id: str, **body: Json) -> Json: ...
    async def set_latest(self, assistant_id: str, version: int) -> Json: ...
    async def drawing(self, assistant_id: str, xray: int = 0) -> Json: ...
    async def schemas(self, assistant_id: str) -> Json: ...
    async def subgraphs(self, assistant_id: str, namespace: str = "", *, recurse: bool = False) -> Json: ...

    async def put_item(self, **body: Json) -> None: ...
    async def item(self, **query: Json) -> Json: ...
    async def delete_item(self, **body: Json) -> None: ...
    async def items(self, **body: Json) -> Json: ...
    async def namespaces(self, **body: Json) -> Json: ...


async def stream(face: Face, assistant: str, thread_id: str | None = None, **body: Json) -> Reading:
    """All of a new run."""
    async with face.opening(assistant, thread_id, **body) as opened:
        return await opened.rest()


async def join(
    face: Face, run_id: str, thread_id: str | None = None, after: int | None = None, **wanted: Json
) -> Reading:
    """All that a joiner gets."""
    async with face.joining(run_id, thread_id, after, **wanted) as opened:
        return await opened.rest()
