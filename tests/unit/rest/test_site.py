"""The application as a whole, on a core of fakes."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphwire_server.core.keys import ApiKeys
from graphwire_server.rest.custom import CustomApp
from graphwire_server.rest.site import site
from tests.unit.core.fakes import house
from tests.unit.rest.visits import options, table, visiting
from tests.unit.rest.wire import Caller

KEY = {"x-api-key": "right"}
KEYS = ApiKeys(["right"])
PREFLIGHT = {
    "origin": "https://page.example",
    "access-control-request-method": "POST",
    "access-control-request-headers": "x-api-key, last-event-id",
}


class Marking:
    """Middleware of a user: it marks every answer that passes it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-marked", b"1")]
            await send(message)

        await self._app(scope, receive, marked)


async def mine(request: Request) -> JSONResponse:
    return JSONResponse({"mine": request.url.path, "id": request.path_params.get("id")})


def custom(*paths: str, methods: tuple[str, ...] = ("GET",)) -> CustomApp:
    routes = [Route(path, mine, methods=list(methods)) for path in paths]
    return CustomApp(Starlette(routes=routes, middleware=[Middleware(Marking)]))


async def test_a_path_that_is_not_there() -> None:
    async with visiting() as client:
        answer = await client.get("/nowhere")

    assert (answer.status_code, answer.json()["code"]) == (404, "ROUTE_NOT_FOUND")
    assert "/nowhere" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/threads/", "/ok/", "/THREADS"])
async def test_a_path_is_not_guessed(path: str) -> None:
    async with visiting() as client:
        assert (await client.get(path)).status_code == 404


async def test_a_method_that_is_not_there() -> None:
    async with visiting() as client:
        answer = await client.put("/threads/search")

    assert (answer.status_code, answer.headers["allow"]) == (405, "OPTIONS, POST")
    assert answer.json()["code"] == "METHOD_NOT_ALLOWED"


async def test_a_word_behind_runs_is_not_a_run() -> None:
    async with visiting() as client:
        answers = [
            await client.post("/runs/crons", json={}),
            await client.get("/threads/x/storage"),
            await client.post("/threads/x/runs/crons", json={}),
        ]

    assert [answer.status_code for answer in answers] == [422, 501, 422]


async def test_a_websocket_that_nobody_answers_is_closed() -> None:
    caller = Caller()
    app = site(table(house()), options())

    await app(caller.scope(path="/nowhere", type="websocket"), caller.receive, caller.send)

    assert [message["type"] for _, message in caller.sent] == ["websocket.close"]


async def test_everything_stands_behind_the_prefix() -> None:
    async with visiting(prefix="/api/v1") as client:
        inside, outside = await client.get("/api/v1/ok"), await client.get("/ok")

    assert (inside.status_code, inside.json()) == (200, {"ok": True, "services": {}})
    assert (outside.status_code, outside.json()["code"]) == (404, "ROUTE_NOT_FOUND")


async def test_where_a_caller_comes_back_to_has_no_prefix() -> None:
    async with visiting(prefix="/api") as client:
        answer = await client.post("/api/runs", json={"assistant_id": "agent"})

    assert answer.headers["content-location"] == f"/runs/{answer.json()['run_id']}"


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_what_tells_nothing_is_open_and_all_else_needs_a_key(prefix: str) -> None:
    async with visiting(keys=KEYS, prefix=prefix) as client:
        open_to_all = [await client.get(prefix + path) for path in ("/", "/ok", "/info", "/docs", "/openapi.json")]
        closed = [await client.post(prefix + path, json={}) for path in ("/threads", "/threads/search", "/nowhere")]
        opened = await client.post(f"{prefix}/threads", json={}, headers=KEY)

    assert {answer.status_code for answer in open_to_all} == {200}
    assert {(answer.status_code, answer.json()["code"]) for answer in closed} == {(401, "UNAUTHENTICATED")}
    assert opened.status_code == 200


async def test_without_keys_nobody_is_asked() -> None:
    async with visiting() as client:
        assert (await client.post("/threads", json={})).status_code == 200


@pytest.mark.parametrize("given", [{}, {"keys": KEYS}, {"keys": KEYS, "keys_first": True}])
async def test_a_browser_may_ask_before_it_asks(given: dict[str, Any]) -> None:
    async with visiting(custom=custom("/mine"), **given) as client:
        answer = await client.options("/threads", headers=PREFLIGHT)

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "x-api-key, last-event-id"


async def test_a_page_of_another_origin_may_read_where_to_come_back() -> None:
    async with visiting() as client:
        answer = await client.get("/ok", headers={"origin": "https://page.example"})

    assert answer.headers["access-control-allow-origin"] == "*"
    assert set(answer.headers["access-control-expose-headers"].split(", ")) == {
        "content-location",
        "location",
        "x-pagination-next",
        "x-pagination-total",
    }


@pytest.mark.parametrize(
    "ask",
    [
        lambda client, headers: client.post("/threads", headers=headers),
        lambda client, headers: client.get("/nowhere", headers=headers | KEY),
        lambda client, headers: client.put("/threads", headers=headers | KEY),
    ],
)
async def test_it_may_read_refusals_too(ask: Callable[[httpx.AsyncClient, dict[str, str]], Any]) -> None:
    async with visiting(keys=KEYS) as client:
        answer = await ask(client, {"origin": "https://page.example"})

    assert (answer.status_code >= 400, answer.headers["access-control-allow-origin"]) == (True, "*")


async def test_the_users_routes_come_first_and_ours_stand_behind_them() -> None:
    async with visiting(custom=custom("/mine/{id}", "/info")) as client:
        theirs, taken, ours = [await client.get(path) for path in ("/mine/7", "/info", "/ok")]
        missing = await client.get("/nowhere")

    assert theirs.json() == {"mine": "/mine/7", "id": "7"}
    assert taken.json() == {"mine": "/info", "id": None}
    assert ours.json() == {"ok": True, "services": {}}
    assert (missing.status_code, missing.json()["code"]) == (404, "ROUTE_NOT_FOUND")


async def test_the_users_middleware_sees_our_routes_too() -> None:
    async with visiting(custom=custom("/mine")) as client:
        answers = [await client.get(path) for path in ("/mine", "/ok", "/nowhere")]

    assert {answer.headers["x-marked"] for answer in answers} == {"1"}


async def test_a_path_may_be_shared_by_method() -> None:
    async with visiting(custom=custom("/threads", methods=("GET",))) as client:
        theirs, ours = await client.get("/threads"), await client.post("/threads", json={})

    assert theirs.json()["mine"] == "/threads"
    assert "thread_id" in ours.json()


async def test_the_document_stays_ours() -> None:
    async with visiting(custom=CustomApp(FastAPI())) as client:
        document, page = await client.get("/openapi.json"), await client.get("/docs")

    assert document.json()["info"]["title"] == "t"
    assert "swagger" not in page.text


@pytest.mark.parametrize(
    ("given", "status"),
    [({}, 200), ({"keys_for_custom": True}, 401), ({"keys_for_custom": True, "keys_first": True}, 401)],
)
async def test_the_users_routes_need_a_key_where_they_ask_for_it(given: dict[str, Any], status: int) -> None:
    async with visiting(keys=KEYS, custom=custom("/mine"), **given) as client:
        without, shown = await client.get("/mine"), await client.get("/mine", headers=KEY)
        ours = await client.post("/threads", json={})

    assert (without.status_code, shown.status_code, ours.status_code) == (status, 200, 401)


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_a_path_that_a_user_shares_with_us_is_open_for_their_method_alone(prefix: str) -> None:
    async with visiting(keys=KEYS, custom=custom("/threads", methods=("GET",)), prefix=prefix) as client:
        theirs, ours = await client.get(f"{prefix}/threads"), await client.post(f"{prefix}/threads", json={})

    assert (theirs.status_code, ours.status_code) == (200, 401)


@pytest.mark.parametrize(("keys_first", "marked"), [(False, True), (True, False)])
async def test_whether_a_key_is_asked_for_before_the_users_middleware(keys_first: bool, marked: bool) -> None:
    async with visiting(keys=KEYS, custom=custom("/mine"), keys_first=keys_first) as client:
        refused = await client.post("/threads", json={})
        passed = await client.post("/threads", json={}, headers=KEY)

    assert (refused.status_code, "x-marked" in refused.headers) == (401, marked)
    assert "x-marked" in passed.headers


async def test_a_users_app_stands_behind_the_prefix_too() -> None:
    async with visiting(custom=custom("/mine"), prefix="/api") as client:
        theirs, ours, outside = [await client.get(path) for path in ("/api/mine", "/api/ok", "/mine")]

    assert (theirs.status_code, ours.status_code, outside.status_code) == (200, 200, 404)


async def test_a_request_that_is_too_large() -> None:
    async with visiting() as client:
        answer = await client.post("/threads", content=b"a" * ((1 << 20) + 1))

    assert (answer.status_code, answer.json()["code"]) == (413, "REQUEST_TOO_LARGE")
