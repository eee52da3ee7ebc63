"""What the section `http` of langgraph.json changes, and a server without HTTP."""

import asyncio
import re
from pathlib import Path

import pytest

from graphwire.v1.assistant_service_pb2 import GetAssistantRequest
from graphwire_server.engine.manifest import ManifestError
from graphwire_server.rest.custom import CustomAppFailed
from tests.conformance.http.sites import STARLETTE, served
from tests.conformance.http.sse import PATIENCE
from tests.faults.process import arguments, environment
from tests.support.project import GRAPH, Project
from tests.support.serving import running

RUN = {"assistant_id": "agent", "input": {"text": "hi"}}
ELSEWHERE = {"origin": "https://elsewhere.example"}
PREFLIGHT = {
    **ELSEWHERE,
    "access-control-request-method": "POST",
    "access-control-request-headers": "x-mine,content-type",
}
READABLE = {"content-location", "graphwire-after-seq", "location", "x-pagination-next", "x-pagination-total"}

GROUPS: dict[str, tuple[str, ...]] = {
    "assistants": ("/assistants/search", "/assistants/count"),
    "threads": ("/threads", "/threads/search", "/threads/x/runs", "/threads/x/history"),
    "runs": ("/runs", "/runs/stream", "/runs/batch", "/threads/x/runs"),
    "store": ("/store/items/search",),
}


async def test_a_prefix(tmp_path: Path) -> None:
    async with served(tmp_path, {"mount_prefix": "/api/v1"}) as api:
        base = "/api/v1"
        thread_id = (await api.post(f"{base}/threads"))["thread_id"]
        streamed = await api.stream(f"{base}/threads/{thread_id}/runs/stream", {**RUN, "stream_resumable": True})
        place = streamed.headers["location"]
        back = await api.stream(f"{base}{place}", method="GET", headers={"last-event-id": "-1"})
        outside = [(await api.client.get(path)).status_code for path in ("/ok", "/threads/x", "/api/ok", "/api/v1ok")]
        document = await api.get(f"{base}/openapi.json")
        missing = await api.client.get(f"{base}/nothing")

    # SDKs put the value behind their own URL, which has the prefix already.
    assert place == f"/threads/{thread_id}/runs/{streamed.frames[0].data['run_id']}/stream"
    assert streamed.headers["content-location"] + "/stream" == place
    assert back.raw == streamed.raw
    assert outside == [404] * 4
    assert document["servers"] == [{"url": base}]
    assert missing.json()["code"] == "ROUTE_NOT_FOUND"


async def test_a_prefix_and_keys(tmp_path: Path) -> None:
    async with served(tmp_path, {"mount_prefix": "/api"}, api_keys="k") as api:
        statuses = [(await api.client.get(f"/api{path}")).status_code for path in ("/ok", "/", "/docs", "/threads/x")]

    assert statuses == [200, 200, 200, 401]


@pytest.mark.parametrize("group", GROUPS)
async def test_a_group_that_is_not_served(tmp_path: Path, group: str) -> None:
    async with served(tmp_path, {f"disable_{group}": True}) as api:
        off = {path: (await api.client.post(path, json={})).json().get("code") for path in GROUPS[group]}
        others = [
            path for name, paths in GROUPS.items() if name != group for path in paths if path not in GROUPS[group]
        ]
        on = {path: (await api.client.post(path, json={})).json() for path in others if "/x/" not in path}
        document = (await api.get("/openapi.json"))["paths"]

    assert off == dict.fromkeys(GROUPS[group], "ROUTE_NOT_FOUND")
    assert not [path for path, body in on.items() if "ROUTE_NOT_FOUND" in str(body)]
    assert not [path for path in document if path in off]


async def test_only_what_the_server_says_of_itself_is_off(tmp_path: Path) -> None:
    async with served(tmp_path, {"disable_meta": True}) as api:
        statuses = [
            (await api.client.get(path)).status_code for path in ("/ok", "/info", "/docs", "/openapi.json", "/")
        ]
        values = await api.post("/runs/wait", RUN)

    assert statuses == [200, 404, 404, 404, 404]
    assert values == {"text": "HI"}


async def test_pages_of_all_origins_may_read_what_sdks_need(tmp_path: Path) -> None:
    async with served(tmp_path, {}) as api:
        preflight = await api.client.options("/runs/stream", headers=PREFLIGHT)
        streamed = await api.stream("/runs/stream", RUN, headers=ELSEWHERE)
        answers = [await api.client.get(path, headers=ELSEWHERE) for path in ("/ok", "/threads/x", "/nothing")]

    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "x-mine" in preflight.headers["access-control-allow-headers"]
    for headers in (streamed.headers, *(answer.headers for answer in answers)):
        assert headers["access-control-allow-origin"] == "*"
        assert set(headers["access-control-expose-headers"].split(", ")) == READABLE


async def test_pages_of_chosen_origins(tmp_path: Path) -> None:
    cors = {
        "allow_origins": ["https://mine.example"],
        "allow_methods": ["GET"],
        "allow_headers": ["x-mine"],
        "allow_credentials": True,
        "expose_headers": ["x-shown"],
        "max_age": 5,
    }
    mine = {"origin": "https://mine.example"}
    async with served(tmp_path, {"cors": cors}) as api:
        answer, other = await api.client.get("/ok", headers=mine), await api.client.get("/ok", headers=ELSEWHERE)
        asked = {**mine, "access-control-request-method": "GET", "access-control-request-headers": "x-mine"}
        preflight = await api.client.options("/ok", headers=asked)
        refused = [
            await api.client.options("/ok", headers={**asked, **change})
            for change in (ELSEWHERE, {"access-control-request-method": "PUT"})
        ]

    assert answer.headers["access-control-allow-origin"] == "https://mine.example"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-expose-headers"] == "x-shown"
    assert "access-control-allow-origin" not in other.headers
    assert (preflight.status_code, preflight.headers["access-control-max-age"]) == (200, "5")
    assert [each.status_code for each in refused] == [400, 400]


async def test_origins_that_match(tmp_path: Path) -> None:
    async with served(tmp_path, {"cors": {"allow_origin_regex": "https://[a-z]+[.]example"}}, web=STARLETTE) as api:
        found = [
            (await api.client.get("/hello", headers={"origin": origin})).headers.get("access-control-allow-origin")
            for origin in ("https://mine.example", "https://mine.example.org", "http://mine.example")
        ]

    assert found == ["https://mine.example", None, None]


CONFIGURED = """
from typing import Any, TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.graph import START, StateGraph


class State(TypedDict, total=False):
    found: Any


def look(state: State, config: RunnableConfig):
    return {"found": sorted(key for key in config["configurable"] if "-" in key)}


graph = StateGraph(State).add_node(look).add_edge(START, "look").compile()
"""


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ({"includes": ["accept-language"]}, ["accept-language", "user-agent", "x-foo", "x-user-id"]),
        ({"includes": ["x-api-key"]}, ["user-agent", "x-api-key", "x-foo", "x-user-id"]),
        (
            {"includes": ["*"], "excludes": ["x-user-*", "user-agent"]},
            ["accept-encoding", "accept-language", "content-length", "content-type", "x-foo"],
        ),
        ({"exclude": ["*"]}, []),
    ],
)
async def test_which_headers_nodes_may_read(tmp_path: Path, rule: dict[str, list[str]], found: list[str]) -> None:
    headers = {"x-foo": "1", "x-user-id": "1", "x-api-key": "1", "accept-language": "de", "authorization": "Bearer x"}
    async with served(tmp_path, {"configurable_headers": rule}, graph=CONFIGURED) as api:
        answer = await api.client.post("/runs/wait", json={"assistant_id": "agent", "input": {}}, headers=headers)

    assert answer.json()["found"] == found


async def test_a_server_without_http(tmp_path: Path) -> None:
    files = Project(tmp_path)
    files.write("graphs.py", GRAPH)
    files.manifest(http={"app": "./there_is_none.py:app"})  # which nobody asks for
    async with running(tmp_path / "data", tmp_path / "langgraph.json", no_http=True) as server:
        found = await server.assistants.GetAssistant(GetAssistantRequest(assistant_id="agent"))

    assert server.url == ""
    assert found.assistant.graph_id == "agent"


@pytest.mark.parametrize(("options", "ready"), [((), r"grpc \S+ http \S+"), (("--no-http",), r"grpc \S+")])
async def test_the_command_serves_both_faces_or_one(tmp_path: Path, options: tuple[str, ...], ready: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *arguments(tmp_path, *options),
        env=environment({}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), PATIENCE)).decode()
    finally:
        process.terminate()
        await process.communicate()

    assert re.fullmatch(rf"graphwire ready: {ready}\n", line)


async def test_an_app_that_is_none_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="'app' is an object of type int; it must be a Starlette or FastAPI app"):
        async with served(tmp_path, {}, web="app = 1\n"):
            pytest.fail("the server started")


async def test_an_app_whose_lifespan_fails_stops_the_start(tmp_path: Path) -> None:
    web = STARLETTE.replace('note.write_text("began")', 'raise ValueError("no database")')

    with pytest.raises(CustomAppFailed, match="its lifespan failed at start: ValueError: no database"):
        async with served(tmp_path, {}, web=web):
            pytest.fail("the server started")
