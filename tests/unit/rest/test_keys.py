from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from graphwire_server.core.keys import ApiKeys
from graphwire_server.core.tally import Tally
from graphwire_server.rest.calls import Answer
from graphwire_server.rest.keys import OPEN, KeyCheck, local_path
from tests.unit.rest.wire import Caller


async def inner(scope: Scope, receive: Receive, send: Send) -> None:
    await Answer(value="in").send(scope, receive, send)


async def ask(*headers: tuple[bytes, bytes], is_open: bool = False, **scope: Any) -> Caller:
    caller = Caller()
    check = KeyCheck(inner, ApiKeys(["right"]), lambda _: is_open, Tally())
    await check(caller.scope(headers=list(headers), **scope), caller.receive, caller.send)
    return caller


@pytest.mark.parametrize("header", [(b"x-api-key", b"right"), (b"authorization", b"Bearer right")])
async def test_who_shows_a_right_key_passes(header: tuple[bytes, bytes]) -> None:
    assert (await ask(header)).json == "in"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"x-api-key", b"wrong")],
        [(b"x-api-key", b"")],
        [(b"x-api-key", b"right\xff")],
        [(b"authorization", b"Basic right")],
        [(b"x-api-key", b"right"), (b"x-api-key", b"wrong")],
    ],
)
async def test_who_does_not_is_refused(headers: list[tuple[bytes, bytes]]) -> None:
    caller = await ask(*headers)

    assert (caller.status, caller.json["code"]) == (401, "UNAUTHENTICATED")
    assert caller.headers["www-authenticate"] == "Bearer"
    assert b"right" not in caller.body


async def test_what_is_open_needs_no_key() -> None:
    assert (await ask(is_open=True)).json == "in"


async def test_a_start_of_the_app_needs_no_key() -> None:
    assert (await ask(type="lifespan")).json == "in"


async def test_a_websocket_is_closed() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    caller = Caller()
    check = KeyCheck(inner, ApiKeys(["right"]), lambda _: False, Tally())
    await check(caller.scope(type="websocket"), caller.receive, send)

    assert [(message["type"], message["code"]) for message in sent] == [("websocket.close", 1008)]


@pytest.mark.parametrize(
    ("path", "root", "local"),
    [("/ok", "", "/ok"), ("/api/ok", "/api", "/ok"), ("/api", "/api", "/"), ("/", "", "/"), ("/ok/", "", "/ok/")],
)
def test_a_path_without_its_prefix(path: str, root: str, local: str) -> None:
    assert local_path({"path": path, "root_path": root}) == local


def test_what_tells_nothing_of_a_deployment_is_open() -> None:
    assert {"/", "/ok", "/info", "/docs", "/openapi.json"} == OPEN
