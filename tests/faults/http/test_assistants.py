"""What enemies send where assistants are made, changed, listed and deleted: each answer is a sane one, and the assistants are as they were or as was said."""

import json
from typing import Any

import pytest

from tests.faults.http.fuzzed import tried
from tests.faults.http.talk import goes_on, shown, told
from tests.faults.http.wire import post, request
from tests.support.serving import Server

FIELDS = ("graph_id", "assistant_id", "if_exists", "name", "description", "config", "context", "metadata")
WRONG: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    2**70,
    "",
    "x",
    [],
    [1],
    {},
    {"a": {}},
    [None],
    {"": None},
    {"\x00": 1},
)
CONFIGS: tuple[Any, ...] = (
    {"tags": "x"},
    {"recursion_limit": 2**70},
    {"recursion_limit": -1},
    {"max_concurrency": 2**40},
    {"configurable": {"thread_id": "x", "checkpoint_id": 1, "__pregel_send": 1}},
    {"metadata": {"run_id": 1, "big": 2**70}},
    {"run_name": "\x00"},
)
TEXTS = ("\x00", "\ud800", "x" * 100_000, "%", "'; DROP TABLE assistants; --", "\U0001f600")


async def _made(server: Server, **body: Any) -> str:
    found = await told(server.url, "/assistants", {"graph_id": "ticks", **body})
    return str(found["assistant_id"])


async def test_wrong_types_in_every_field(server: Server) -> None:
    mine = await _made(server)
    for field in FIELDS:
        for value in (*WRONG, *(CONFIGS if field == "config" else ())):
            await tried(server.url, post("/assistants", {"graph_id": "ticks", field: value}))
            await tried(server.url, post(f"/assistants/{mine}", {field: value}, method="PATCH"))
    await tried(server.url, post(f"/assistants/{mine}/latest", {"version": 2**40}))
    await tried(server.url, request("DELETE", f"/assistants/{mine}?delete_threads=perhaps"))
    await _all_are_there(server, mine)


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
async def test_odd_texts(server: Server, text: str) -> None:
    mine = await _made(server)
    for body in ({"name": text}, {"description": text}, {"metadata": {text: text}}, {"context": {text: text}}):
        await tried(server.url, post("/assistants", {"graph_id": "ticks", **body}))
        await tried(server.url, post(f"/assistants/{mine}", body, method="PATCH"))
    for body in ({"name": text}, {"graph_id": text}, {"metadata": {text: text}}):
        await tried(server.url, post("/assistants/search", body))
        await tried(server.url, post("/assistants/count", body))
        await tried(server.url, post(f"/assistants/{mine}/versions", body))
    await _all_are_there(server, mine)


@pytest.mark.parametrize("field", ["config", "context", "metadata", "name"])
async def test_bombs(server: Server, field: str) -> None:
    mine = await _made(server)
    for depth in (100_000, 1000, 195, 150, 100):
        body = json.dumps({"graph_id": "ticks", field: "BOMB"}).encode()
        for bomb in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth):
            await tried(server.url, post("/assistants", body.replace(b'"BOMB"', bomb)))
            await tried(server.url, post(f"/assistants/{mine}", body.replace(b'"BOMB"', bomb), method="PATCH"))
    await _all_are_there(server, mine)


async def _all_are_there(server: Server, mine: str) -> None:
    """The assistant, every other and all versions can still be read; and there is a run of it."""
    found = await told(server.url, "/assistants/search", {"limit": 1000})
    assert mine in [each["assistant_id"] for each in found]
    for each in found:
        assert await shown(server.url, f"/assistants/{each['assistant_id']}") == each
        versions = await told(server.url, f"/assistants/{each['assistant_id']}/versions", {"limit": 1000})
        assert each["version"] in [version["version"] for version in versions]
    await tried(server.url, post("/runs/wait", {"assistant_id": mine, "input": {"n": 1}}))
    await goes_on(server.url)
