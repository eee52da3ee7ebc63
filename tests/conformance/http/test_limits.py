"""What happens at the bounds of a server: of requests, runs, streams, and events that are held for readers who lag."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.conformance.http.api import Api, Json
from tests.conformance.http.conftest import APP
from tests.conformance.http.held import at_gate, held_body, new_name
from tests.conformance.http.sse import Reader
from tests.faults.gate import Gate
from tests.support.serving import running

pytestmark = pytest.mark.asyncio(loop_scope="module")

MOST_BYTES = 1 << 16
BURST: Json = {"assistant_id": "custom", "input": {"n": 1000}, "stream_mode": "custom"}
"""More events at once than the server holds, from a node that lets no reader read meanwhile."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    folder: Path = tmp_path_factory.mktemp("data")
    limits = {
        "max_request_bytes": MOST_BYTES,
        "max_runs": 2,
        "max_streams": 2,
        "log_bytes_per_thread": 1 << 16,
        "log_bytes_spare": 0,
    }
    async with (
        running(folder, APP, **limits) as server,
        httpx.AsyncClient(base_url=server.url, timeout=30, trust_env=False) as client,
    ):
        yield Api(client)


@pytest.mark.parametrize("announced", [True, False])
async def test_a_request_that_is_too_large(api: Api, announced: bool) -> None:
    content = b'{"metadata":{"a":"' + b"x" * MOST_BYTES + b'"}}'

    async def in_parts() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 1 << 14):
            yield content[start : start + (1 << 14)]

    answer = await api.client.post("/threads", content=content if announced else in_parts())

    assert (answer.status_code, answer.json()["code"]) == (413, "REQUEST_TOO_LARGE")
    assert answer.json()["metadata"] == {"most": str(MOST_BYTES)}
    assert answer.headers["connection"] == "close"


async def test_a_request_that_just_fits(api: Api) -> None:
    frame = b'{"metadata":{"a":""}}'
    content = frame.replace(b'""', b'"' + b"x" * (MOST_BYTES - len(frame)) + b'"')

    assert len(content) == MOST_BYTES
    assert (await api.client.post("/threads", content=content)).status_code == 200


async def test_as_many_runs_as_allowed(api: Api, gate: Gate) -> None:
    one_more: Json = {"assistant_id": "joke", "input": {"topic": "ice"}}
    async with at_gate(api, gate), at_gate(api, gate):
        refused = [
            await api.client.post("/runs", json=one_more),
            await api.client.post("/runs/stream", json=one_more),
            await api.client.post("/runs/batch", json=[one_more]),
        ]
    async with at_gate(api, gate):
        refused.append(await api.client.post("/runs/batch", json=[one_more, one_more]))

    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(429, "CAPACITY_REACHED")] * 4
    assert (await api.post("/runs/wait", one_more))["topic"] == "ice and cats"


async def test_as_many_streams_as_allowed(api: Api) -> None:
    path = f"/threads/{await api.thread()}/stream"
    async with api.opened(path, method="GET"), api.opened(path, method="GET"):
        refused = await api.client.get(path)
        run = {"assistant_id": "joke", "input": {"topic": "ice"}}
        not_started = await api.client.post("/runs/stream", json=run)

    assert (refused.status_code, refused.json()["code"]) == (429, "CAPACITY_REACHED")
    assert not_started.status_code == 429


async def test_a_reader_who_lags_hears_of_it(api: Api) -> None:
    streamed = await api.stream("/runs/stream", BURST)

    assert streamed.names[-1] == "error"
    assert streamed.frames[-1].data["error"] == "SlowReader"


LOUD: Json = {
    "assistant_id": "loud",
    "input": {"n": 100, "pad": 10_000, "rounds": 12},
    "stream_mode": "custom",
    "stream_resumable": True,
    "durability": "sync",
}
"""12 MB of events: more than a narrow connection takes in whose reader does not read, and the memory of the server below."""
NARROW = [(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)]


@asynccontextmanager
async def _lagging(tmp_path: Path, **limits: int) -> AsyncIterator[Reader]:
    """The reader of a run that has ended meanwhile, none of whose events it has read."""
    transport = httpx.AsyncHTTPTransport(socket_options=NARROW)
    async with (
        running(tmp_path, APP, log_bytes_per_thread=2 << 20, log_bytes_spare=0, **limits) as server,
        httpx.AsyncClient(base_url=server.url, timeout=30, transport=transport) as client,
        Api(client).opened(f"/threads/{await Api(client).thread()}/runs/stream", LOUD) as reader,
    ):
        values = await client.get(f"{reader.headers['content-location']}/join")
        assert values.json()["round"] == 12
        yield reader


async def test_a_reader_who_lags_and_may_come_back_reads_on_from_what_is_kept(tmp_path: Path) -> None:
    async with _lagging(tmp_path) as reader:
        frames = await reader.rest()

    assert [frame.data["i"] for frame in frames if frame.event == "custom"] == list(range(1200))
    assert [int(frame.id or 0) for frame in frames] == list(range(1, 1202))


async def test_a_reader_who_lags_behind_what_is_kept_is_cut_off_to_come_back(tmp_path: Path) -> None:
    """SDKs come back to a line that broke, and take an error for the end of the run."""
    async with _lagging(tmp_path, kept_bytes_per_run=1 << 16) as reader:
        with pytest.raises(httpx.RemoteProtocolError):
            await reader.rest()


async def test_a_run_whose_reader_lags_goes_on(api: Api, gate: Gate) -> None:
    name, thread_id = new_name(), await api.thread()
    body = held_body(gate, name, {"n": 500, "pad": 200})
    async with api.opened(f"/threads/{thread_id}/runs/stream", body) as reader:
        await gate.entered(name)
        frames = await reader.rest()
    gate.release(name)
    run_id = reader.headers["content-location"].rpartition("/")[2]

    assert frames[-1].event == "error"
    assert (await api.ended(thread_id, run_id))["status"] == "success"
