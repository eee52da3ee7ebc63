"""Servers of a langgraph.json that a test writes.

Owns such a server, and the user's own apps that several tests put before the graphs.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.conformance.http.api import Api
from tests.support.project import GRAPH, Project
from tests.support.serving import running

LIFESPAN = """
from contextlib import asynccontextmanager
from pathlib import Path


@asynccontextmanager
async def lifespan(app):
    note = Path(__file__).parent / "life.txt"
    note.write_text("began")
    yield {"left": "by the lifespan"}
    note.write_text("ended")


class Mark:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def marked(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-mark", scope["path"].encode())]
            await send(message)

        await self.app(scope, receive, marked)

"""
"""A lifespan that leaves a note and a state, and a middleware that marks all answers."""

STARLETTE = (
    LIFESPAN
    + """
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Route


async def hello(request):
    return JSONResponse({"hello": request.state.left})


async def info(request):
    return JSONResponse({"mine": True})


routes = [Route("/hello", hello), Route("/info", info), Route("/runs/{name}/mine", info)]
app = Starlette(routes=routes, lifespan=lifespan, middleware=[Middleware(Mark)])
"""
)

FASTAPI = (
    LIFESPAN
    + """
from fastapi import FastAPI, Request
from pydantic import BaseModel

app = FastAPI(title="mine", lifespan=lifespan)
app.add_middleware(Mark)


class Greeting(BaseModel):
    hello: str


@app.get("/hello")
async def hello(request: Request) -> Greeting:
    return Greeting(hello=request.state.left)


@app.get("/info")
async def info():
    return {"mine": True}
"""
)


@asynccontextmanager
async def served(
    folder: Path, http: dict[str, Any], *, web: str | None = None, graph: str = GRAPH, **settings: Any
) -> AsyncIterator[Api]:
    """A server of one graph, `agent`, with a section `http`.

    Args:
        folder: An empty folder.
        http: The section.
        web: The user's own app, as the content of its file.
        graph: The content of the graph's file, which has it as `graph`.
        settings: Other options of `Settings`.
    """
    files = Project(folder)
    files.write("graphs.py", graph)
    if web is not None:
        files.write("web.py", web)
        http = {"app": "./web.py:app", **http}
    files.manifest(http=http)
    async with (
        running(folder / "data", folder / "langgraph.json", **settings) as server,
        httpx.AsyncClient(base_url=server.url, timeout=30, trust_env=False) as client,
    ):
        yield Api(client)
