"""Callers who must show a key."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.conformance.http.api import Api
from tests.conformance.http.conftest import APP
from tests.support.serving import running

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPEN = ["/", "/ok", "/info", "/docs", "/openapi.json"]
RIGHT = [
    {"x-api-key": "first"},
    {"X-API-KEY": "second"},
    {"authorization": "Bearer first"},
    {"authorization": "bearer second"},
]
WRONG = [{}, {"x-api-key": "third"}, {"x-api-key": ""}, {"authorization": "Basic first"}, {"authorization": "first"}]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    folder: Path = tmp_path_factory.mktemp("data")
    async with (
        running(folder, APP, api_keys="first,second") as server,
        httpx.AsyncClient(base_url=server.url, timeout=30, trust_env=False) as client,
    ):
        yield Api(client)


@pytest.mark.parametrize("path", OPEN)
async def test_what_is_open_to_all(api: Api, path: str) -> None:
    assert (await api.client.get(path)).status_code == 200


@pytest.mark.parametrize("headers", RIGHT)
async def test_a_right_key(api: Api, headers: dict[str, str]) -> None:
    answer = await api.client.post("/runs/wait", json={"assistant_id": "configured", "input": {}}, headers=headers)

    assert answer.status_code == 200
    assert "x-api-key" not in answer.json()["found"]


@pytest.mark.parametrize("headers", WRONG)
@pytest.mark.parametrize("path", ["/threads", "/runs/stream", "/nothing", "/store/items/search"])
async def test_a_wrong_key(api: Api, path: str, headers: dict[str, str]) -> None:
    answer = await api.client.post(path, json={}, headers={**headers, "origin": "https://example.com"})

    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["access-control-allow-origin"] == "*"  # a page of another origin may read why


async def test_a_preflight_needs_none(api: Api) -> None:
    headers = {
        "origin": "https://example.com",
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-api-key",
    }

    answer = await api.client.options("/runs/stream", headers=headers)

    assert answer.status_code == 200
    assert "x-api-key" in answer.headers["access-control-allow-headers"]


async def test_the_document_says_so(api: Api) -> None:
    document = await api.get("/openapi.json")

    assert document["security"] == [{"key": []}, {"bearer": []}]
