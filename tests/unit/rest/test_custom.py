from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import MagicMock

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from graphwire_server.rest.custom import CustomApp, CustomAppFailed
from tests.unit.rest.wire import browsing


@pytest.mark.parametrize("app", [None, "app:app", lambda scope, receive, send: None])
def test_another_kind_of_application_is_refused(app: object) -> None:
    with pytest.raises(CustomAppFailed, match=f"http.app: it is a {type(app).__name__}; .* Starlette or FastAPI"):
        CustomApp(app)


async def test_what_the_lifespan_leaves_is_there_for_every_request() -> None:
    steps = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        steps.append("begins")
        yield {"pool": "open"}
        steps.append("ends")

    async def show(request: Request) -> JSONResponse:
        return JSONResponse({"pool": request.state.pool, "steps": steps})

    custom = CustomApp(Starlette(routes=[Route("/", show)], lifespan=lifespan))

    async with custom.alive(), browsing(custom) as client:
        answer = await client.get("/")

    assert answer.json() == {"pool": "open", "steps": ["begins"]}
    assert steps == ["begins", "ends"]


async def test_an_app_without_a_lifespan_lives() -> None:
    async with CustomApp(Starlette()).alive():
        pass


async def test_a_lifespan_that_fails_at_its_start_says_so_in_one_line() -> None:
    lifespan = MagicMock()
    lifespan.return_value.__aenter__.side_effect = ValueError("no\ndatabase")

    with pytest.raises(CustomAppFailed) as failed:
        async with CustomApp(Starlette(lifespan=lifespan)).alive():
            raise AssertionError

    assert str(failed.value) == "http.app: its lifespan failed at start: ValueError: no database"


async def test_what_fails_later_is_not_the_start() -> None:
    with pytest.raises(KeyError):
        async with CustomApp(Starlette()).alive():
            raise KeyError


def test_an_app_may_describe_itself() -> None:
    app = FastAPI()

    @app.get("/mine")
    def mine() -> None:
        """Does nothing."""

    assert list(CustomApp(app).paths()["paths"]) == ["/mine"]
    assert CustomApp(Starlette()).paths() == {}
