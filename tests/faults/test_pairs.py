"""Two creates in the same moment on one thread, a hundred times for each strategy and on each face: the outcome is always that of one behind the other."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import grpc
import grpc.aio
import pytest

from graphwire.v1.run_pb2 import MultitaskStrategy, RunStatus
from graphwire.v1.thread_service_pb2 import ListThreadHistoryRequest
from tests.faults import promises
from tests.faults.client import Client
from tests.faults.gate import Gate
from tests.faults.history import ending
from tests.faults.http.talk import run, shown, told
from tests.faults.http.wire import exchange, get, post
from tests.faults.process import ServerProcess, served

PAIRS = 100
AT_ONCE = 25
SHORT = {"n": 2, "delay": 0.02}
"""For runs that wait for each other. Of the others, each stands at the gate until all have been created."""


class Run(NamedTuple):
    """What is asked for: a graph, and its input."""

    graph: str
    given: dict[str, Any]


def _run(gate: Gate, thread: str, name: str, strategy: str) -> Run:
    if strategy == "enqueue":
        return Run("ticks", {**SHORT, "name": name})
    return Run("held", {"port": gate.port, "at": f"{thread} {name}", "name": name})


class Face(Protocol):
    """What these tests ask of a transport."""

    async def create(self, thread: str, wanted: Run, strategy: str) -> str:
        """The id of a new run; empty where it was refused because the thread is busy."""

    async def ended(self, thread: str, run_id: str) -> str:
        """With which status a run has ended; `gone` where it was deleted."""

    async def left(self, thread: str) -> tuple[list[str], set[str]]:
        """What the nodes of a thread have left, and which runs have checkpoints there."""


class Grpc:
    """Over gRPC."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def create(self, thread: str, wanted: Run, strategy: str) -> str:
        chosen = MultitaskStrategy.Value(f"MULTITASK_STRATEGY_{strategy.upper()}")
        try:
            return (await self._client.create(wanted.graph, thread, wanted.given, multitask_strategy=chosen)).run_id
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

    async def create(self, thread: str, wanted: Run, strategy: str) -> str:
        body = run(wanted.graph, wanted.given, multitask_strategy=strategy, if_not_exists="create")
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
async def test_a_hundred_pairs(face: Face, gate: Gate, strategy: str, busy: bool) -> None:
    for _ in range(0, PAIRS, AT_ONCE):
        await asyncio.gather(*(_pair(face, gate, strategy, busy=busy) for _ in range(AT_ONCE)))


async def _pair(face: Face, gate: Gate, strategy: str, *, busy: bool) -> None:
    """Which of the two was first, the server says: by the order of their ids or, of those that were refused, by which was."""
    thread = str(uuid.uuid4())

    async def create(name: str, strategy: str, wanted: str) -> str:
        return await face.create(thread, _run(gate, thread, name, wanted), strategy)

    there = [await create("there", "reject", strategy)] if busy else []
    pair = await asyncio.gather(*(create(name, strategy, strategy) for name in ("a", "b")))
    names = dict(zip(pair, ("a", "b"), strict=True))
    runs = sorted(pair, key=lambda run_id: (not run_id, run_id))
    called = {"there": "there", "first": names[runs[0]], "second": names[runs[1]]}
    wanted, trail = OUTCOMES[strategy][busy]
    if strategy != "enqueue":
        (last,) = trail
        await gate.entered(f"{thread} {called[last]}")
        gate.release(f"{thread} {called[last]}")
    statuses = [run_id and await face.ended(thread, run_id) for run_id in (*there, *runs)]
    left, owners = await face.left(thread)
    promises.same_outcome(strategy, statuses, wanted)
    promises.each_node_once(strategy, left, [called[name] for name in trail])
    if strategy == "rollback":
        assert owners == {runs[1]}, "no checkpoint of those that were rolled back is left"
