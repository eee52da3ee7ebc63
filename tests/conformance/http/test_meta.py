"""What a server says of itself (wire fact 87)."""

import pytest

from tests.conformance.http.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("path", ["/", "/ok", "/ok?check_db=1", "/ok?check_db=false"])
async def test_it_is_well(api: Api, path: str) -> None:
    assert await api.get(path) == {"ok": True, "services": {}}


async def test_what_it_is(api: Api) -> None:
    info = await api.get("/info")

    assert info["version"]
    assert (info["flags"]["assistants"], info["flags"]["crons"]) == (True, True)


async def test_its_document_describes_the_surface(api: Api) -> None:
    document = await api.get("/openapi.json")

    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "/"}]
    assert "security" not in document
    paths = document["paths"]
    stream = paths["/threads/{thread_id}/runs/stream"]["post"]
    assert list(stream["responses"]["200"]["content"]) == ["text/event-stream"]
    assert {"RunBody", "Failure"} <= document["components"]["schemas"].keys()
    assert {
        "/runs/{run_id}",
        "/runs/{run_id}/join",
        "/runs/{run_id}/stream",
        "/threads/{thread_id}/stream",
    } <= paths.keys()


async def test_its_page_needs_nothing_from_elsewhere(api: Api) -> None:
    page = await api.client.get("/docs")

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "/threads/{thread_id}/runs/stream" in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "<script" not in page.text
