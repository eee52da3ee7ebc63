"""Receivers that fail, are slow, send elsewhere, or are where nothing may be called: the documented outcome of each."""

import asyncio
import socket
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from graphwire.v1 import webhook_pb2
from graphwire.v1.run_service_pb2 import GetRunRequest
from tests.conformance.http.api import Api
from tests.conformance.webhooks.servers import JOKE, hooked, settled
from tests.support.receiver import Reply, receiving
from tests.support.serving import Server, running

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def on_thread(api: Api, url: str) -> dict[str, Any]:
    """A run on a thread, with a webhook."""
    run: dict[str, Any] = await api.post(f"/threads/{await api.thread()}/runs", {**JOKE, "webhook": url})
    return run


def outcome(delivery: dict[str, Any]) -> tuple[Any, ...]:
    assert delivery["next_attempt_at"] is None
    assert delivery["last_attempt_at"] == delivery["settled_at"]
    return tuple(delivery[name] for name in ("state", "attempts", "last_status", "last_error"))


async def test_one_that_fails_twice_gets_it_the_third_time(api: Api) -> None:
    async with receiving(Reply(status=500), Reply(cuts=True), Reply(status=202)) as receiver:
        delivery = await settled(api, await on_thread(api, receiver.url))

        counted = (await api.client.get("/metrics")).text

    assert outcome(delivery) == ("delivered", 3, 202, None)
    assert 'graphwire_webhook_attempts_total{state="delivered"}' in counted
    assert 'graphwire_webhook_attempts_total{state="pending"}' in counted
    assert len({call.headers["webhook-id"] for call in receiver.calls}) == 1


async def test_one_that_always_fails_is_given_up(api: Api) -> None:
    async with receiving(Reply(status=503)) as receiver:
        delivery = await settled(api, await on_thread(api, receiver.url))

    assert outcome(delivery) == ("failed", 3, 503, "answered 503")
    assert len(receiver.calls) == 3


async def test_one_that_is_not_there_is_given_up(api: Api) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        port = taken.getsockname()[1]
        delivery = await settled(api, await on_thread(api, f"http://127.0.0.1:{port}/"))

    assert outcome(delivery) == ("failed", 3, None, "no connection could be made")


async def test_one_that_sends_elsewhere_is_not_followed_and_not_tried_again(api: Api) -> None:
    async with receiving() as elsewhere, receiving(Reply(status=307, headers={"location": elsewhere.url})) as receiver:
        delivery = await settled(api, await on_thread(api, receiver.url))

    assert outcome(delivery) == ("failed", 1, 307, "answered 307: redirects are not followed")
    assert (len(receiver.calls), len(elsewhere.calls)) == (1, 0)


async def test_one_that_is_gone_for_good_is_not_tried_again(api: Api) -> None:
    async with receiving(Reply(status=410)) as receiver:
        delivery = await settled(api, await on_thread(api, receiver.url))

    assert outcome(delivery) == ("failed", 1, 410, "answered 410")


async def test_one_that_is_slow_is_cut_off_and_tried_again(tmp_path: Path) -> None:
    async with (
        receiving(Reply(hangs=True)) as receiver,
        hooked(tmp_path, webhook_timeout=0.05, webhook_attempts=2) as server,
        httpx.AsyncClient(base_url=server.url, timeout=30, trust_env=False) as client,
    ):
        delivery = await settled(Api(client), await on_thread(Api(client), receiver.url))

    assert outcome(delivery) == ("failed", 2, None, "no answer within 0.05 seconds")


async def test_one_that_is_slow_holds_up_no_others(api: Api) -> None:
    async with receiving(Reply(hangs=True)) as slow, receiving() as quick:
        for _ in range(6):  # more than may be under way at one host
            await on_thread(api, slow.url)
        await slow.first(4)
        delivery = await settled(api, await on_thread(api, quick.url))

    assert outcome(delivery) == ("delivered", 1, 200, None)


async def test_one_that_is_slow_does_not_hold_up_its_run(api: Api) -> None:
    async with receiving(Reply(hangs=True)) as slow:
        values = await api.post(f"/threads/{await api.thread()}/runs/wait", {**JOKE, "webhook": slow.url})
        await slow.first()

    assert values["joke"]


async def test_a_wait_that_the_receiver_asks_for_is_kept_within_bounds(api: Api, server: Server) -> None:
    async with receiving(Reply(status=429, headers={"retry-after": "86400"})) as receiver:
        run = await on_thread(api, receiver.url)
        await receiver.first()
        found = await _after(api, run, attempts=1)

    waits = datetime.fromisoformat(found["next_attempt_at"]) - datetime.fromisoformat(found["last_attempt_at"])
    assert (found["state"], found["last_status"], found["last_error"]) == ("pending", 429, "answered 429")
    assert waits.total_seconds() == 3600
    shown = (await server.runs.GetRun(GetRunRequest(run_id=run["run_id"]))).run.webhook_delivery
    assert (shown.state, shown.attempts, shown.last_status) == (webhook_pb2.WEBHOOK_STATE_PENDING, 1, 429)
    assert shown.next_attempt_time.seconds - shown.last_attempt_time.seconds in (3599, 3600, 3601)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::ffff:192.168.1.1", "64:ff9b::a00:1", "ff02::1"]
)
async def test_a_name_that_stands_for_what_may_not_be_called_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    _names(monkeypatch, {"rebinding.example": address})
    async with (
        running(tmp_path) as server,
        httpx.AsyncClient(base_url=server.url, timeout=30, trust_env=False) as client,
    ):
        delivery = await settled(Api(client), await on_thread(Api(client), "http://rebinding.example/hook"))

    state, attempts, status, error = outcome(delivery)
    assert (state, attempts, status) == ("failed", 1, None)
    assert error.startswith("the host stands for a")
    assert address not in error


async def test_the_address_that_was_looked_at_is_the_one_that_is_called(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is asked for once, whatever it would stand for the next time."""
    async with receiving() as receiver:
        asked = _names(monkeypatch, {"here.example": "127.0.0.1"})
        url = receiver.url.replace("127.0.0.1", "here.example")
        delivery = await settled(api, await on_thread(api, url))

    assert outcome(delivery) == ("delivered", 1, 200, None)
    assert asked == ["here.example"]
    assert receiver.calls[0].headers["host"] == url.removeprefix("http://").removesuffix("/hook")


def _names(monkeypatch: pytest.MonkeyPatch, names: dict[str, str]) -> list[str]:
    """Lets names stand for addresses; what was asked for is noted."""
    loop = asyncio.get_running_loop()
    original, asked = loop.getaddrinfo, []

    async def getaddrinfo(host: Any, port: Any, **more: Any) -> Any:
        if host not in names:
            return await original(host, port, **more)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (names[host], port))]

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
    return asked


async def _after(api: Api, run: dict[str, Any], attempts: int) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            found = await api.get(f"/threads/{run['thread_id']}/runs/{run['run_id']}")
            if found.get("webhook_delivery", {}).get("attempts", 0) >= attempts:
                return dict(found["webhook_delivery"])
            await asyncio.sleep(0.01)  # a row tells nobody
