"""Headers of a request that nodes may read, and that nobody else ever sees (wire facts 20 and 74)."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.http.api import Api, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

HEADERS = {
    "X-Foo": "foo-s3cret",
    "X-Api-Key": "key-s3cret",
    "X-Tenant-Id": "tenant-s3cret",
    "X-Service-Key": "service-s3cret",
    "Authorization": "Bearer bearer-s3cret",
    "Cookie": "cookie-s3cret",
    "User-Agent": "agent-s3cret",
    "Langsmith-Trace": "trace-s3cret",
    "Baggage": "langsmith-project=project-s3cret,other=other-s3cret",
    "Accept-Language": "language-s3cret",
}
SEEN = {
    "x-foo": len("foo-s3cret"),
    "user-agent": len("agent-s3cret"),
    "langsmith-trace": len("trace-s3cret"),
    "baggage": len("langsmith-project=project-s3cret"),
    "langsmith-project": len("project-s3cret"),
}
ALL_MODES = ["values", "updates", "messages-tuple", "custom", "debug", "tasks", "checkpoints", "events"]


def _body(**given: Any) -> Json:
    return {"assistant_id": "configured", "input": given, "stream_mode": ALL_MODES, "stream_subgraphs": True}


async def test_a_node_sees_some_and_never_credentials(api: Api) -> None:
    answer = await api.client.post("/runs/wait", json=_body(), headers=HEADERS)

    assert answer.json()["found"] == SEEN


@pytest.mark.parametrize("path", ["/runs", "/runs/stream", "/runs/batch"])
async def test_every_way_to_create_a_run_brings_them(api: Api, path: str) -> None:
    thread_id = await api.thread()
    body = {**_body(), "on_completion": "keep"}
    answer = await api.client.post(path, json=[body] if path.endswith("batch") else body, headers=HEADERS)
    if path != "/runs/stream":
        run = answer.json()[0] if path.endswith("batch") else answer.json()
        thread_id = (await api.ended(run["thread_id"], run["run_id"]))["thread_id"]
        assert (await api.get(f"/threads/{thread_id}"))["values"]["found"] == SEEN
    else:
        assert b'"found":{' in answer.content


async def test_what_the_caller_configures_wins(api: Api) -> None:
    body = {**_body(), "config": {"configurable": {"x-foo": "mine", "user": "u"}}}

    answer = await api.client.post("/runs/wait", json=body, headers=HEADERS)

    assert answer.json()["found"] == {**SEEN, "x-foo": len("mine"), "user": 1}


async def test_nothing_streams_or_keeps_them(api: Api) -> None:
    thread = f"/threads/{await api.thread()}"
    asked = await api.stream(f"{thread}/runs/stream", _body(ask=True), headers=HEADERS)
    resume = {**_body(), "input": None, "command": {"resume": 1}}
    answered = await api.stream(f"{thread}/runs/stream", resume, headers=HEADERS)
    shown = [
        await api.client.get(path)
        for path in (thread, f"{thread}/state?subgraphs=1", f"{thread}/history?limit=100", f"{thread}/runs")
    ]

    assert "error" not in answered.names
    for raw in (asked.raw, answered.raw, *(answer.content for answer in shown)):
        assert b"s3cret" not in raw
        assert b'"x-foo":"' not in raw


async def test_internals_are_not_streamed(api: Api) -> None:
    body = {
        "assistant_id": "deep",
        "input": {"messages": [("human", "hi")]},
        "stream_mode": ALL_MODES,
        "stream_subgraphs": True,
    }

    streamed = await api.stream("/runs/stream", {**body, "config": {"configurable": {"user": "u"}}})

    assert streamed.names.count("events") > 10
    keys = {key for frame in streamed.frames for key in _keys(frame.data)}
    assert "langgraph_node" in keys
    assert not [key for key in keys if key.startswith(("__", "langgraph_auth", "langgraph_request"))]


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _keys(item)


async def test_a_resumed_run_sees_the_headers_of_its_own_request(api: Api) -> None:
    thread = f"/threads/{await api.thread()}"
    await api.client.post(f"{thread}/runs/wait", json=_body(ask=True), headers={"x-foo": "first", "x-bar": "first"})
    resume = {**_body(), "input": None, "command": {"resume": 1}}

    answer = await api.client.post(f"{thread}/runs/wait", json=resume, headers={"x-foo": "2", "user-agent": ""})

    assert answer.json()["found"] == {"x-foo": 1, "user-agent": 0}
