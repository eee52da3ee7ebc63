"""What a server counts (wire fact 87), over a real socket, from calls of both faces."""

import re
from pathlib import Path
from typing import Any

import grpc.aio
import httpx
import pytest

from graphwire.v1.run_service_pb2 import GetRunRequest
from tests.conformance.http.api import Api
from tests.conformance.http.conftest import APP
from tests.faults.gate import Gate
from tests.support.serving import Server, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODY = "00000000-0000-4000-8000-000000000000"


async def metrics(api: Api) -> dict[str, float]:
    """Every sample, by its name and labels as Prometheus reads them."""
    answer = await api.client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_runs_that_end_are_counted_with_their_events(api: Api) -> None:
    before = await metrics(api)
    await api.post("/runs/wait", {"assistant_id": "joke", "input": {"topic": "ice"}})
    after = await metrics(api)

    ended = 'graphwire_runs_ended_total{status="success"}'
    assert after[ended] == before.get(ended, 0) + 1
    assert after["graphwire_events_total"] > before["graphwire_events_total"]
    waits = 'graphwire_calls_total{code="200",face="http",operation="wait_stateless_run"}'
    assert after[waits] == before.get(waits, 0) + 1


async def test_calls_over_grpc_are_counted_by_code(api: Api, server: Server) -> None:
    with pytest.raises(grpc.aio.AioRpcError):
        await server.runs.GetRun(GetRunRequest(run_id=NOBODY))

    found = await metrics(api)

    assert found['graphwire_calls_total{code="NOT_FOUND",face="grpc",operation="graphwire.v1.RunService/GetRun"}'] == 1
    assert found['graphwire_call_seconds_count{face="grpc",operation="graphwire.v1.RunService/GetRun"}'] == 1


async def test_runs_that_execute_and_wait_are_shown(api: Api, gate: Gate) -> None:
    thread = await api.thread()
    body = {"assistant_id": "gate", "input": {"port": gate.port}}
    first = await api.post(f"/threads/{thread}/runs", body)
    await gate.entered()
    second = await api.post(f"/threads/{thread}/runs", {**body, "multitask_strategy": "enqueue"})
    held = await metrics(api)
    for run in (second, first):
        await api.client.post(f"/threads/{thread}/runs/{run['run_id']}/cancel?wait=1")

    assert held['graphwire_runs{state="executing"}'] >= 1
    assert held['graphwire_runs{state="waiting"}'] >= 1
    assert held["graphwire_slots"] == 256
    assert held["process_resident_memory_bytes"] > 1 << 20


async def test_json_says_the_same(api: Api) -> None:
    shown: list[dict[str, Any]] = await api.get("/metrics", format="json")

    by_name = {metric["name"]: metric for metric in shown}
    assert (by_name["graphwire_slots"]["type"], by_name["graphwire_slots"]["samples"][0]["value"]) == ("gauge", 256.0)
    assert by_name["graphwire_calls"]["help"]


async def test_a_format_that_is_none_is_refused(api: Api) -> None:
    answer = await api.client.get("/metrics?format=xml")

    assert (answer.status_code, answer.json()["field"]) == (422, "format")


async def test_they_need_a_key(tmp_path: Path) -> None:
    async with running(tmp_path, APP, api_keys=("secret",)) as kept, httpx.AsyncClient(base_url=kept.url) as client:
        refused = await client.get("/metrics")
        shown = await client.get("/metrics", headers={"x-api-key": "secret"})

    assert (refused.status_code, shown.status_code) == (401, 200)
    assert re.search(r'graphwire_calls_total\{code="401",face="http",operation="key_check"\} 1\.0', shown.text)
