"""The user's own Starlette or FastAPI app: its routes come first, its middleware sees all, its lifespan surrounds all."""

from pathlib import Path

import pytest

from tests.conformance.http.api import Api
from tests.conformance.http.sites import FASTAPI, STARLETTE, served

RUN = {"assistant_id": "agent", "input": {"text": "hi"}}
APPS = pytest.mark.parametrize("web", [STARLETTE, FASTAPI], ids=["starlette", "fastapi"])


@APPS
async def test_routes_of_the_app_come_first(tmp_path: Path, web: str) -> None:
    async with served(tmp_path, {}, web=web) as api:
        assert await api.get("/hello") == {"hello": "by the lifespan"}
        assert await api.get("/info") == {"mine": True}
        assert await api.get("/ok") == {"ok": True, "services": {}}
        assert await api.post("/runs/wait", RUN) == {"text": "HI"}
        assert (await api.client.get("/nothing")).json()["code"] == "ROUTE_NOT_FOUND"


@APPS
async def test_the_lifespan_surrounds_the_server(tmp_path: Path, web: str) -> None:
    async with served(tmp_path, {}, web=web) as api:
        await api.get("/ok")
        during = (tmp_path / "life.txt").read_text()

    assert (during, (tmp_path / "life.txt").read_text()) == ("began", "ended")


@APPS
async def test_middleware_sees_our_routes(tmp_path: Path, web: str) -> None:
    async with served(tmp_path, {}, web=web) as api:
        marks = [(await api.client.get(path)).headers["x-mark"] for path in ("/hello", "/ok", "/threads/x")]
        streamed = await api.stream("/runs/stream", {**RUN, "stream_mode": "updates"})

    assert marks == ["/hello", "/ok", "/threads/x"]
    assert streamed.headers["x-mark"] == "/runs/stream"
    assert streamed.names == ["metadata", "updates"]


async def test_the_document_has_both(tmp_path: Path) -> None:
    async with served(tmp_path, {}, web=FASTAPI) as api:
        document = await api.get("/openapi.json")
        page = await api.client.get("/docs")

    assert document["info"]["title"] == "graphwire"
    assert document["paths"]["/hello"]["get"]["operationId"].startswith("hello")
    assert "/threads/{thread_id}/runs/stream" in document["paths"]
    assert document["paths"]["/info"]["get"]["responses"].keys() == {
        "200"
    }  # the app's own, since its route comes first
    assert {"Greeting", "ShownRun"} <= document["components"]["schemas"].keys()
    assert "/hello" in page.text
    assert "/runs/stream" in page.text


async def test_the_document_of_an_app_that_has_none(tmp_path: Path) -> None:
    async with served(tmp_path, {}, web=STARLETTE) as api:
        document = await api.get("/openapi.json")

    assert "/hello" not in document["paths"]
    assert "/runs/stream" in document["paths"]


@APPS
async def test_an_app_below_a_prefix(tmp_path: Path, web: str) -> None:
    async with served(tmp_path, {"mount_prefix": "/api"}, web=web) as api:
        assert await api.get("/api/hello") == {"hello": "by the lifespan"}
        assert await api.post("/api/runs/wait", RUN) == {"text": "HI"}
        assert (await api.client.get("/hello")).status_code == 404
        assert "/runs/stream" in (await api.get("/api/openapi.json"))["paths"]


async def _statuses(api: Api, headers: dict[str, str] | None = None) -> list[int]:
    return [(await api.client.get(path, headers=headers)).status_code for path in ("/hello", "/threads/x", "/ok")]


async def test_routes_of_the_app_need_no_key_unless_they_ask_for_one(tmp_path: Path) -> None:
    async with served(tmp_path / "open", {}, web=STARLETTE, api_keys="k") as api:
        open_statuses = await _statuses(api)
    async with served(tmp_path / "closed", {"enable_custom_route_auth": True}, web=STARLETTE, api_keys="k") as api:
        closed_statuses, right = await _statuses(api), await _statuses(api, {"x-api-key": "k"})

    assert open_statuses == [200, 401, 200]
    assert closed_statuses == [401, 401, 200]
    assert right == [200, 422, 200]


@pytest.mark.parametrize(("order", "marked"), [("middleware_first", True), ("auth_first", False)])
async def test_whether_middleware_sees_callers_without_a_key(tmp_path: Path, order: str, marked: bool) -> None:
    async with served(tmp_path, {"middleware_order": order}, web=STARLETTE, api_keys="k") as api:
        answer = await api.client.get("/threads/x")

    assert answer.status_code == 401
    assert ("x-mark" in answer.headers) is marked
