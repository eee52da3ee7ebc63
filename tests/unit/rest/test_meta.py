"""What the server says of itself, on a core of fakes."""

import json
from typing import Any

import pytest

from graphwire_server.core.errors import StoreUnavailable
from graphwire_server.rest.calls import Answer, Call
from graphwire_server.rest.site import site
from tests.unit.core.fakes import Store, house
from tests.unit.rest.visits import INFO, options, routes, visiting
from tests.unit.rest.wire import browsing


class Away(Store):
    """A store that does not answer."""

    async def get_thread(self, thread_id: str) -> Any:
        raise StoreUnavailable("away")


@pytest.mark.parametrize("path", ["/", "/ok", "/ok?check_db=1", "/ok?check_db=0"])
async def test_a_server_that_is_well_says_so(path: str) -> None:
    async with visiting() as client:
        answer = await client.get(path)

    assert (answer.status_code, answer.json()) == (200, {"ok": True, "services": {}})


@pytest.mark.parametrize(("path", "status"), [("/ok", 200), ("/ok?check_db=1", 503)])
async def test_the_store_is_asked_where_the_caller_wants_it(path: str, status: int) -> None:
    async with visiting(house(store=Away())) as client:
        assert (await client.get(path)).status_code == status


async def test_a_server_that_stops_is_not_well() -> None:
    made = routes(house())
    made.meta.drain()

    async with browsing(site(made.table(frozenset()), options())) as client:
        answer = await client.get("/ok")

    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "DRAINING", "1")


async def test_what_the_server_is() -> None:
    async with visiting() as client:
        assert (await client.get("/info")).json() == INFO


async def test_the_document_and_its_page() -> None:
    made = routes(house()).meta
    call = Call({"path_params": {}, "headers": []}, None, None)

    document, page = await made.openapi(call), await made.docs(call)

    assert isinstance(document, Answer)
    assert isinstance(page, Answer)
    assert json.loads(document.content or b"")["info"]["title"] == "t"
    assert (page.media_type, (page.content or b"")[:9]) == ("text/html; charset=utf-8", b"<!doctype")
