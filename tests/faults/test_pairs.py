"""Two creates in the same moment on one thread, a hundred times for each strategy and on each face: the outcome is always that of one behind the other."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

import grpc
import grpc.aio
import pytest

from graphwire.v1.run_pb2 import MultitaskStrategy, RunStatus
from graphwire.v1.thread_service_pb2 import ListThreadHistoryRequest
from tests.faults import promises
from tests.faults.client import Client
from tests.faults.history import ending
from tests.faults.http.talk import run, shown, told
from tests.faults.http.wire import exchange, get, post
from tests.faults.process import ServerProcess, served

PAIRS = 100
AT_ONCE = 25
LONG = {"n": 20, "delay": 0.05}
"""Longer than it takes to create the others."""
SHORT = {"n": 2, "delay": 0.02}
"""For those that are waited for."""


def _given(name: str, strategy: str) -> dict[str, Any]:
    return {**(SHORT if strategy == "enqueue" else LONG), "name": name}


class Face(Protocol):
    """What these tests ask of a transport."""

    async def create(self, thread: str, name: str, strategy: str) -> str:
        """The id of a new run; empty where it was refused because the thread is busy."""

    async def ended(self, thread: str, run_id: str) -> str:
        """With which status a run has ended; `gone` where it was deleted."""

    async def left(self, thread: str) -> tuple[list[str], set[str]]:
        """What the nodes of a thread have left, and which runs have checkpoints there."""


class Grpc:
    """Over gRPC."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def create(self, thread: str, name: str, strategy: str) -> str:
        chosen, given = MultitaskStrategy.Value(f"MULTITASK_STRATEGY_{strategy.upper()}"), _given(name, strategy)
        try:
            return (await self._client.create("ticks", thread, given, multitask_strategy=chosen)).run_id
        except grpc.aio.AioRpcError as error:
            refused = ending(error)
        assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "THREAD_BUSY")
        return ""

    async def ended(self, thread: str, run_id: str) -> str:
        try:
            await self._client.finished(run_id)
            row = await self._client.run(run_id)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return "gone"
            raise
        return RunStatus.Name(row.status).removeprefix("RUN_STATUS_").lower()

    async def left(self, thread: str) -> tuple[list[str], set[str]]:
        request = ListThreadHistoryRequest(thread_id=thread, page_size=100)
        states = (await self._client.server.threads.ListThreadHistory(request)).states
        return await self._client.trail(thread), {
            state.metadata.text.partition('"run_id":"')[2][:36] for state in states
        }


class Http:
    """Over HTTP."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def create(self, thread: str, name: str, strategy: str) -> str:
        body = run("ticks", _given(name, strategy), multitask_strategy=strategy, if_not_exists="create")
        heard = await exchange(self._url, post(f"/threads/{thread}/runs", body))
        assert heard is not None
        if heard.status == 409:
            assert heard.json["code"] == "THREAD_BUSY"
            return ""
        assert heard.status == 200, heard
        return str(heard.json["run_id"])

    async def ended(self, thread: str, run_id: str) -> str:
        path = f"/threads/{thread}/runs/{run_id}"
        await exchange(self._url, get(f"{path}/join"))
        heard = await exchange(self._url, get(path))
        assert heard is not None
        return "gone" if heard.status == 404 else str(heard.json["status"])

    async def left(self, thread: str) -> tuple[list[str], set[str]]:
        states = await told(self._url, f"/threads/{thread}/history", {"limit": 100})
        values = (await shown(self._url, f"/threads/{thread}/state"))["values"]
        return values.get("trail", []), {state["metadata"]["run_id"] for state in states}


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with served(tmp_path / "data", log_level="warning") as process:
        yield process


@pytest.fixture(params=["grpc", "http"])
async def face(request: pytest.FixtureRequest, process: ServerProcess) -> AsyncIterator[Face]:
    async with process.client() as server:
        yield Grpc(Client(server)) if request.param == "grpc" else Http(process.url)


OUTCOMES: dict[str, dict[bool, tuple[list[str], list[str]]]] = {
    "reject": {False: (["success", ""], ["first"]), True: (["success", "", ""], ["there"])},
    "enqueue": {
        False: (["success"] * 2, ["first", "second"]),
        True: (["success"] * 3, ["there", "first", "second"]),
    },
    "interrupt": {
        False: (["interrupted", "success"], ["second"]),
        True: (["interrupted", "interrupted", "success"], ["second"]),
    },
    "rollback": {False: (["gone", "success"], ["second"]), True: (["gone", "gone", "success"], ["second"])},
}
"""What becomes of the runs, and what they leave (wire facts 61 to 66): of two, and of two that meet one that executes. Empty is refused."""


@pytest.mark.parametrize("busy", [False, True])
@pytest.mark.parametrize("strategy", OUTCOMES)
async def test_a_hundred_pairs(face: Face, strategy: str, busy: bool) -> None:
    for _ in range(0, PAIRS, AT_ONCE):
        await asyncio.gather(*(_pair(face, strategy, busy=busy) for _ in range(AT_ONCE)))


async def _pair(face: Face, strategy: str, *, busy: bool) -> None:
    """Which of the two was first, the server says: by the order of their ids or, of those that were refused, by which was."""
    thread = str(uuid.uuid4())
    there = [await face.create(thread, "there", "reject")] if busy else []
    pair = await asyncio.gather(*(face.create(thread, name, strategy) for name in ("a", "b")))
    names = dict(zip(pair, ("a", "b"), strict=True))
    runs = sorted(pair, key=lambda run_id: (not run_id, run_id))
    statuses = [run_id and await face.ended(thread, run_id) for run_id in (*there, *runs)]
    wanted, trail = OUTCOMES[strategy][busy]
    called = {"there": "there", "first": names[runs[0]], "second": names[runs[1]]}
    left, owners = await face.left(thread)
    promises.same_outcome(strategy, statuses, wanted)
    promises.each_node_once(strategy, left, [called[name] for name in trail])
    if strategy == "rollback":
        assert owners == {runs[1]}, "no checkpoint of those that were rolled back is left"
