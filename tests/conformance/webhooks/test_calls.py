"""What a receiver gets: once for each run, whatever created it and whatever ended it."""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from graphwire.v1.json_pb2 import Json
from graphwire.v1.run_service_pb2 import (
    BatchCreateRunsRequest,
    CreateRunRequest,
    InvokeRunRequest,
    StreamRunRequest,
)
from tests.conformance.http.api import Api
from tests.conformance.webhooks.servers import JOKE, KEY, configured, hooked, settled
from tests.faults.gate import Gate
from tests.support.receiver import Call, receiving
from tests.support.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIELDS = {
    "run_id", "thread_id", "assistant_id", "created_at", "updated_at", "metadata", "status", "kwargs", "multitask_strategy", "attempt",
    "run_started_at", "run_ended_at", "webhook_sent_at", "values", "error",
}  # fmt: skip


def verified(call: Call, key: bytes = KEY) -> bool:
    """As any receiver does it (standardwebhooks.com)."""
    name, at = call.headers["webhook-id"], call.headers["webhook-timestamp"]
    code = hmac.new(key, f"{name}.{at}.".encode() + call.body, hashlib.sha256).digest()
    wanted = f"v1,{base64.b64encode(code).decode()}"
    recent = abs(time.time() - int(at)) < 300
    return recent and any(hmac.compare_digest(wanted, given) for given in call.headers["webhook-signature"].split(" "))


async def test_what_is_sent_of_a_run(api: Api) -> None:
    async with receiving() as receiver:
        thread_id = await api.thread()
        run = await api.post(f"/threads/{thread_id}/runs", {**JOKE, "webhook": f"{receiver.url}?key=1"})
        delivery = await settled(api, run)
        [call] = await receiver.first()

    assert call.path == "/hook?key=1"
    assert call.headers["content-type"] == "application/json"
    assert call.headers["user-agent"].startswith("graphwire/")
    assert call.headers["webhook-id"] == run["run_id"]
    assert verified(call)
    assert not verified(call, b"another key")
    told = call.json
    shown = await api.get(f"/threads/{thread_id}/runs/{run['run_id']}")
    assert set(told) == FIELDS
    assert {name: told[name] for name in FIELDS & set(shown)} == {name: shown[name] for name in FIELDS & set(shown)}
    assert (told["status"], told["error"]) == ("success", None)
    assert told["values"] == (await api.get(f"/threads/{thread_id}/state"))["values"]
    assert told["run_started_at"] <= told["run_ended_at"] <= told["webhook_sent_at"]
    assert shown["webhook_delivery"] == delivery


async def test_each_way_to_create_a_run_over_http(api: Api) -> None:
    async with receiving() as receiver:
        body, thread = {**JOKE, "webhook": receiver.url}, f"/threads/{await api.thread()}"
        await api.post(f"{thread}/runs/wait", body)
        await api.stream(f"{thread}/runs/stream", body)
        await api.post(f"{thread}/runs", body)
        await api.post("/runs/wait", body)
        await api.stream("/runs/stream", body)
        await api.post("/runs", {**body, "on_completion": "keep"})
        await api.post("/runs/batch", [body, body])
        calls = await receiver.first(8)

    assert len({call.json["run_id"] for call in calls}) == 8
    assert {call.json["values"]["joke"] for call in calls} == {calls[0].json["values"]["joke"]}


async def test_each_way_to_create_a_run_over_grpc(server: Server) -> None:
    async with receiving() as receiver:
        given: Any = {"assistant_id": "joke", "input": Json(text='{"topic": "ice"}'), "webhook": receiver.url}
        async for _ in server.runs.StreamRun(StreamRunRequest(**given)):
            pass
        created = (await server.runs.CreateRun(CreateRunRequest(**given))).run
        invoked = (await server.runs.InvokeRun(InvokeRunRequest(**given))).result.run
        await server.runs.BatchCreateRuns(BatchCreateRunsRequest(requests=[CreateRunRequest(**given)] * 2))
        calls = await receiver.first(5)

    assert {created.run_id, invoked.run_id} < {call.json["run_id"] for call in calls}
    assert (created.webhook, created.HasField("webhook_delivery")) == (receiver.url, False)
    assert (invoked.webhook_delivery.attempts, invoked.webhook_delivery.HasField("next_attempt_time")) == (0, True)
    assert all(call.json["values"]["joke"] for call in calls)


async def test_a_run_without_a_webhook_calls_nothing(api: Api) -> None:
    run = await api.post(f"/threads/{await api.thread()}/runs", JOKE)

    ended = await api.ended(run["thread_id"], run["run_id"])

    assert "webhook_delivery" not in ended
    assert ended["kwargs"]["webhook"] is None


async def test_a_graph_that_fails(api: Api) -> None:
    told = await _told(api, {"assistant_id": "failing", "input": {}})

    assert (told["status"], told["error"]["error"]) == ("error", "ValueError")


async def test_a_graph_that_asks(api: Api) -> None:
    told = await _told(api, {"assistant_id": "approval", "input": {"request": "x"}})

    assert (told["status"], told["error"]) == ("success", None)
    assert told["values"]["__interrupt__"][0]["id"]


@pytest.mark.parametrize(
    ("action", "error"),
    [
        ("interrupt", {"error": "UserInterrupt", "message": "the run was cancelled"}),
        ("rollback", {"error": "UserRollback", "message": "the run was rolled back"}),
    ],
)
async def test_a_run_that_is_cancelled(api: Api, gate: Gate, action: str, error: Mapping[str, str]) -> None:
    async with receiving() as receiver:
        thread_id, name = await api.thread(), f"to {action}"
        body = {"assistant_id": "gate", "input": {"port": gate.port, "name": name}, "webhook": receiver.url}
        run = await api.post(f"/threads/{thread_id}/runs", body)
        await gate.entered(name)
        await api.post(f"/threads/{thread_id}/runs/{run['run_id']}/cancel?wait=1&action={action}")
        [call] = await receiver.first()

    assert (call.json["run_id"], call.json["status"], call.json["error"]) == (run["run_id"], "interrupted", error)
    assert (call.json["values"] is None) == (action == "rollback")


async def test_a_run_that_waits_and_is_cancelled(api: Api) -> None:
    async with receiving() as receiver:
        thread_id = await api.thread()
        run = await api.post(f"/threads/{thread_id}/runs", {**JOKE, "after_seconds": 600, "webhook": receiver.url})
        await api.post(f"/threads/{thread_id}/runs/{run['run_id']}/cancel?wait=1")
        [call] = await receiver.first()

    assert (call.json["status"], call.json["run_started_at"], call.json["values"]) == ("interrupted", None, None)


async def test_a_run_that_takes_too_long(api: Api, gate: Gate) -> None:
    body = {"assistant_id": "gate", "input": {"port": gate.port, "name": "late"}, "timeout_seconds": 0.05}

    told = await _told(api, body)

    assert (told["status"], told["error"]["error"]) == ("timeout", "RunTimedOut")


async def test_a_run_whose_row_is_deleted_meanwhile_is_told_of_all_the_same(tmp_path: Path) -> None:
    async with (
        receiving() as receiver,
        hooked(tmp_path) as server,
        httpx.AsyncClient(base_url=server.url, timeout=30, trust_env=False) as client,
    ):
        api, thread_id = Api(client), ""
        thread_id = await api.thread()
        run = await api.post(f"/threads/{thread_id}/runs", {**JOKE, "webhook": receiver.url})
        await api.ended(thread_id, run["run_id"])
        await client.delete(f"/threads/{thread_id}/runs/{run['run_id']}")
        [call] = await receiver.first()

    assert call.json["run_id"] == run["run_id"]


async def test_what_the_file_says_is_sent_and_left_out(
    tmp_path: Path, app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LG_WEBHOOK_TOKEN", "hidden")
    config = configured(
        app,
        {
            "headers": {"Authorization": "Bearer ${{ env.LG_WEBHOOK_TOKEN }}", "x-static": "1"},
            "allowed_fields": ["run_id", "status", "webhook_sent_at"],
        },
    )
    async with (
        receiving() as receiver,
        hooked(tmp_path / "data", config) as server,
        httpx.AsyncClient(base_url=server.url, timeout=30, trust_env=False) as client,
    ):
        await Api(client).post("/runs/wait", {**JOKE, "webhook": receiver.url})
        [call] = await receiver.first()

    assert (call.headers["authorization"], call.headers["x-static"]) == ("Bearer hidden", "1")
    assert set(call.json) == {"run_id", "status", "webhook_sent_at"}
    assert "webhook-signature" not in call.headers  # this server has no secret
    assert call.headers["webhook-id"] == call.json["run_id"]


async def test_a_server_that_has_them_off_refuses_them(tmp_path: Path, app: Path) -> None:
    config = configured(app, None, http={"disable_webhooks": True})
    async with (
        hooked(tmp_path / "data", config) as server,
        httpx.AsyncClient(base_url=server.url, timeout=30, trust_env=False) as client,
    ):
        answer = await client.post("/runs", json={**JOKE, "webhook": "https://example.com"})
        flags = (await client.get("/info")).json()["flags"]

    assert (answer.status_code, answer.json()["code"], flags["webhooks"]) == (501, "NOT_OFFERED", False)


async def _told(api: Api, body: dict[str, Any]) -> dict[str, Any]:
    """What is told of a run on a thread."""
    async with receiving() as receiver:
        await api.post(f"/threads/{await api.thread()}/runs", {**body, "webhook": receiver.url})
        [call] = await receiver.first()
    assert verified(call)
    told: dict[str, Any] = call.json
    return told
