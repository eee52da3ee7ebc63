"""Calls that these tests make again and again, each recorded."""

import json
import uuid
from typing import Any

from graphwire.v1.run_pb2 import IF_NOT_EXISTS_CREATE, Run
from graphwire.v1.run_service_pb2 import (
    CancelRunRequest,
    CreateRunRequest,
    GetRunRequest,
    JoinRunRequest,
    StreamRunRequest,
    WaitRunRequest,
)
from graphwire.v1.thread_pb2 import Thread, ThreadState
from graphwire.v1.thread_service_pb2 import (
    CreateThreadRequest,
    GetThreadRequest,
    GetThreadStateRequest,
    WatchThreadRequest,
)
from tests.faults.history import Recorder, Watcher
from tests.support.serving import Server, text


def new_thread() -> str:
    """The id of a thread that its first run creates."""
    return str(uuid.uuid4())


class Client:
    """A server's clients, whose streams are recorded."""

    def __init__(self, server: Server, recorder: Recorder | None = None) -> None:
        self.server = server
        self.recorder = recorder or Recorder()

    def stream(self, graph: str, thread_id: str | None = None, given: Any = None, **fields: Any) -> Watcher:
        """Creates a run and watches it."""
        request = StreamRunRequest(**_run(graph, thread_id, given, fields))
        return self.recorder.watch(f"streams {graph}", self.server.runs.StreamRun(request), 0)

    def join(self, run_id: str, after_seq: int | None = None, client: str = "joiner", **fields: Any) -> Watcher:
        """Attaches to a run."""
        request = JoinRunRequest(run_id=run_id, **fields)
        if after_seq is not None:
            request.after_seq = after_seq
        return self.recorder.watch(client, self.server.runs.JoinRun(request), after_seq)

    def watch(self, thread_id: str, after_seq: int | None = None, client: str = "watcher", **fields: Any) -> Watcher:
        """Attaches to a thread."""
        request = WatchThreadRequest(thread_id=thread_id, **fields)
        if after_seq is not None:
            request.after_seq = after_seq
        return self.recorder.watch(client, self.server.threads.WatchThread(request), after_seq)

    async def create(self, graph: str, thread_id: str | None = None, given: Any = None, **fields: Any) -> Run:
        """Creates a run in the background."""
        request = CreateRunRequest(**_run(graph, thread_id, given, fields))
        return (await self.server.runs.CreateRun(request)).run

    async def run(self, run_id: str) -> Run:
        return (await self.server.runs.GetRun(GetRunRequest(run_id=run_id))).run

    async def cancelled(self, run_id: str) -> None:
        """Cancels a run and waits for its end."""
        await self.server.runs.CancelRun(CancelRunRequest(run_id=run_id, wait=True), timeout=90)

    async def finished(self, run_id: str, within: float = 90.0) -> Run:
        """Waits for a run's end."""
        return (await self.server.runs.WaitRun(WaitRunRequest(run_id=run_id), timeout=within)).result.run

    async def new_thread(self) -> str:
        """The id of a thread that is there."""
        return (await self.server.threads.CreateThread(CreateThreadRequest())).thread.thread_id

    async def thread(self, thread_id: str) -> Thread:
        return (await self.server.threads.GetThread(GetThreadRequest(thread_id=thread_id))).thread

    async def state(self, thread_id: str, checkpoint_id: str | None = None) -> ThreadState:
        request = GetThreadStateRequest(thread_id=thread_id)
        if checkpoint_id is not None:
            request.checkpoint_id = checkpoint_id
        return (await self.server.threads.GetThreadState(request)).state

    async def trail(self, thread_id: str) -> list[str]:
        """What the nodes of a thread's runs have left."""
        left = json.loads((await self.state(thread_id)).values.text).get("trail", [])
        assert isinstance(left, list)
        return left


def _run(graph: str, thread_id: str | None, given: Any, fields: dict[str, Any]) -> dict[str, Any]:
    made = {"assistant_id": graph, "stream_mode": ["custom", "updates"], **fields}
    if given is not None:
        made["input"] = text(json.dumps(given))
    if thread_id is not None:
        made |= {"thread_id": thread_id, "if_not_exists": IF_NOT_EXISTS_CREATE}
    return made
