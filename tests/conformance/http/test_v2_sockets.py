"""The v2 event protocol over a WebSocket (wire fact 59): envelopes and answers, and how a connection ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.conformance.http.api import Api, Json
from tests.conformance.http.held import held_body, new_name
from tests.conformance.http.test_v2_events import ALL, start, whole
from tests.faults.gate import Gate
from tests.support.serving import Server, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE = 60.0
NOBODY = "00000000-0000-4000-8000-000000000000"
JOKE: Json = {"assistant_id": "joke", "input": {"topic": "ice"}}


class Socket:
    """A caller of one WebSocket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.events: list[Json] = []
        self._asked = 0

    async def ask(self, method: str, **params: Any) -> Json:
        """The answer to a command; envelopes that come before it are remembered."""
        self._asked += 1
        await self.say({"id": self._asked, "method": method, "params": params})
        while (message := await self.hear())["type"] == "event":
            pass
        return message

    async def say(self, value: Any) -> None:
        await self.connection.send(value if isinstance(value, str | bytes) else json.dumps(value))

    async def hear(self) -> Json:
        message: Json = json.loads(await self.connection.recv())
        if message["type"] == "event":
            self.events.append(message)
        return message

    async def until_ended(self) -> list[Json]:
        """All envelopes up to the end of a run."""
        while not self.events or not _ends(self.events[-1]):
            await self.hear()
        return self.events

    async def closed(self) -> tuple[int, str]:
        """The code and the reason with which the server ends the connection."""
        with pytest.raises(ConnectionClosed) as end:
            await self._hear_all()
        received = end.value.rcvd
        assert received is not None
        return received.code, received.reason

    async def _hear_all(self) -> None:
        while True:
            await self.hear()


def _ends(event: Json) -> bool:
    params = event["params"]
    ended = params["data"].get("event") in ("completed", "failed", "interrupted")
    return event["method"] == "lifecycle" and not params["namespace"] and ended


@asynccontextmanager
async def opened(url: str, thread: str, **options: Any) -> AsyncIterator[Socket]:
    path = f"{url.replace('http', 'ws', 1)}/threads/{thread}/stream/events"
    async with asyncio.timeout(PATIENCE), connect(path, max_size=None, proxy=None, **options) as connection:
        yield Socket(connection)


async def test_a_run(api: Api, server: Server) -> None:
    thread = await api.thread()
    async with opened(server.url, thread) as socket:
        subscribed = await socket.ask("subscription.subscribe", channels=ALL)
        started = await socket.ask("run.start", **JOKE)
        events = list(await socket.until_ended())

    assert subscribed["result"] == {"subscription_id": "subscription-1"}
    assert started["meta"] == {"applied_through_seq": 1023}
    assert events == await whole(api, thread), "what server-sent events say"


async def test_a_start_makes_the_thread(server: Server) -> None:
    async with opened(server.url, "22222222-2222-4222-8222-222222222222") as socket:
        assert (await socket.ask("run.start", **JOKE))["type"] == "success"
        assert (await socket.ask("subscription.subscribe", channels=["lifecycle"]))["type"] == "success"
        await socket.until_ended()


async def test_several_subscriptions_get_each_envelope_once_and_in_order(api: Api, server: Server) -> None:
    thread = await api.thread()
    await start(api, thread, "joke", {"topic": "ice"})
    await whole(api, thread, "lifecycle")
    async with opened(server.url, thread) as socket:
        await socket.ask("subscription.subscribe", channels=["lifecycle", "updates"])
        await socket.until_ended()
        first = [event["seq"] for event in socket.events]
        socket.events.clear()
        await socket.ask("subscription.subscribe", channels=["updates", "values"])
        while len(socket.events) < 5:  # three states and two updates: what only the second lacks
            await socket.hear()
        again = [event["seq"] for event in socket.events]
        socket.events.clear()
        await socket.ask("run.start", assistant_id="joke", input={"topic": "tea"})
        third = [event["seq"] for event in await socket.until_ended()]

    for seqs in (first, again, third):
        assert seqs == sorted(set(seqs))
    assert third[0] > max(*first, *again)


async def test_whoever_comes_back_gets_the_rest(api: Api, server: Server) -> None:
    thread = await api.thread()
    await start(api, thread, "joke", {"topic": "ice"})
    found = await whole(api, thread)
    async with opened(server.url, thread) as socket:
        await socket.ask("subscription.subscribe", channels=ALL, since=found[4]["seq"])
        assert await socket.until_ended() == found[5:]


async def test_the_end_of_a_subscription(api: Api, server: Server) -> None:
    thread = await api.thread()
    async with opened(server.url, thread) as socket:
        name = (await socket.ask("subscription.subscribe", channels=ALL))["result"]["subscription_id"]
        ended = await socket.ask("subscription.unsubscribe", subscription_id=name)
        again = await socket.ask("subscription.unsubscribe", subscription_id=name)
        await socket.ask("run.start", **JOKE)
        await socket.ask("subscription.subscribe", channels=["lifecycle"])
        await socket.until_ended()

    assert (ended["type"], again["error"]) == ("success", "no_such_subscription")
    assert {event["method"] for event in socket.events} == {"lifecycle"}


async def test_coming_back(api: Api, server: Server) -> None:
    thread = await api.thread()
    run_id = await start(api, thread, "joke", {"topic": "ice"})
    async with opened(server.url, thread) as socket:
        name = (await socket.ask("subscription.subscribe", channels=["input"]))["result"]["subscription_id"]
        here = await socket.ask("subscription.reconnect", run_id=run_id, subscriptions=[name])
        gone = await socket.ask("subscription.reconnect", run_id=run_id, subscriptions=["old"])
        nobody = await socket.ask("subscription.reconnect", run_id=NOBODY)

    assert (here["result"], gone["result"]) == ({"restored": True}, {"restored": False})
    assert nobody["error"] == "no_such_run"


@pytest.mark.parametrize(
    ("message", "number"),
    [("{", None), (b"\xff", None), ("[]", None), ('{"id":7}', 7), ('{"id":true,"method":"run.start"}', None)],
)
async def test_what_is_no_command_is_answered(
    api: Api, server: Server, message: str | bytes, number: int | None
) -> None:
    async with opened(server.url, await api.thread()) as socket:
        await socket.say(message)
        answer = await socket.hear()
        assert (await socket.ask("state.get", namespace=[]))["type"] == "success", "the connection goes on"

    assert (answer["type"], answer["id"], answer["error"]) == ("error", number, "invalid_argument")


@pytest.mark.parametrize(
    ("params", "field"), [({"channels": []}, "channels"), ({"channels": ["values"], "since": -1}, "since")]
)
async def test_a_subscription_that_is_wrong(api: Api, server: Server, params: Json, field: str) -> None:
    async with opened(server.url, await api.thread()) as socket:
        answer = await socket.ask("subscription.subscribe", **params)

    assert answer["error"] == "invalid_argument"
    assert answer["message"].startswith(f"{field}: ")


@pytest.mark.parametrize(("thread", "code"), [(NOBODY, 4404), ("nobody", 4422)])
async def test_threads_that_are_none(server: Server, thread: str, code: int) -> None:
    async with opened(server.url, thread) as socket:
        with suppress(ConnectionClosed):  # a path that is wrong is known before anything is said
            await socket.say({"id": 1, "method": "subscription.subscribe", "params": {"channels": ["values"]}})
        assert (await socket.closed())[0] == code


async def test_a_thread_that_is_deleted(api: Api, server: Server) -> None:
    thread = await api.thread()
    async with opened(server.url, thread) as socket:
        await socket.ask("subscription.subscribe", channels=["values"])
        await api.client.delete(f"/threads/{thread}")
        said = await socket.hear()
        code, _ = await socket.closed()

    assert (said["id"], said["error"], code) == (None, "no_such_run", 4404)


async def test_a_message_that_is_too_large(server: Server, tmp_path_factory: pytest.TempPathFactory) -> None:
    async with (
        running(tmp_path_factory.mktemp("data"), max_request_bytes=2000) as small,
        opened(small.url, NOBODY) as socket,
    ):
        await socket.say(" " * 2001)
        assert (await socket.closed())[0] == 1009


async def test_the_servers_end(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with AsyncExitStack() as stack:
        async with running(tmp_path_factory.mktemp("data")) as stopping:
            socket = await stack.enter_async_context(opened(stopping.url, NOBODY))
            await socket.ask("run.start", **JOKE)
            await socket.ask("subscription.subscribe", channels=["lifecycle"])
            await socket.until_ended()
        assert (await socket.closed())[0] == 1012


async def test_live(api: Api, server: Server, gate: Gate) -> None:
    thread, name = await api.thread(), new_name()
    async with opened(server.url, thread) as socket:
        await socket.ask("subscription.subscribe", channels=["custom", "lifecycle"])
        await socket.ask("run.start", assistant_id="gate", input=held_body(gate, name)["input"])
        await gate.entered(name)
        while not any(event["method"] == "custom" for event in socket.events):
            await socket.hear()
        gate.release(name)
        await socket.until_ended()


async def test_pages_of_other_origins(api: Api, server: Server) -> None:
    thread = await api.thread()
    async with opened(server.url, thread, origin="https://page.example") as socket:
        assert (await socket.ask("state.get", namespace=[]))["type"] == "success"


async def test_keys(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with running(tmp_path_factory.mktemp("data"), api_keys="one-key-of-mine") as locked:
        with pytest.raises(InvalidStatus) as refused:
            await opened(locked.url, NOBODY).__aenter__()
        headers = {"x-api-key": "one-key-of-mine"}
        async with opened(locked.url, NOBODY, additional_headers=headers) as socket:
            assert (await socket.ask("run.start", **JOKE))["type"] == "success"

    assert refused.value.response.status_code == 403
