"""Streams of threads (the v2 event protocol) through the JavaScript SDK: every part of a stream's handle."""

import pytest

from tests.conformance.sdk.javascript import SDKS, Told, running_script
from tests.faults.gate import Gate
from tests.support.serving import Server

pytestmark = [pytest.mark.parametrize("package", SDKS[:1]), pytest.mark.parametrize("transport", ["sse", "websocket"])]
"""The other package is older than streams of threads."""


async def told_by(server: Server, package: str, transport: str, gate: Gate) -> Told:
    given = {"transport": transport, "port": gate.port}
    async with running_script("streaming", package, server.url, **given) as started:
        for count in (1, 2):
            await started.until("attached", count)
            await gate.entered()
            gate.release()
        return await started.end()


async def test_streams_of_threads(server: Server, gate: Gate, package: str, transport: str) -> None:
    told = await told_by(server, package, transport, gate)

    assert told["done"]
    assert told["messages"][0] == [
        {"text": "", "reasoning": "let me add", "node": "think"},
        {"text": "3", "reasoning": "", "node": "tools"},
        {"text": "it is 3", "reasoning": "", "node": "think"},
    ]
    # The SDK gives the one handle when the call begins, and again when it ends.
    assert told["calls"][0] == [{"name": "add", "id": "c1", "output": "3"}] * 2
    assert (told["charts"], told["images"]) == ([[{"sum": 3}]], [1])
    assert told["output"][0][-1] == "it is 3"
    assert told["subgraphs"] == [{"name": "helper", "graph": "helper", "texts": ["", "3", "it is 3"]}]
    (tree,) = told["tree"]
    assert [(node["graph_name"], node["status"]) for node in (tree, *tree["children"])] == [
        ("crew", "completed"),
        ("helper", "completed"),
    ]
    methods = [method for method, _ in told["events"][0]]
    assert methods == ["lifecycle", "checkpoints", "checkpoints", *["updates", "checkpoints"] * 2, "lifecycle"]
    assert told["late"] == [["refine_topic", "generate_joke"]]
    assert told["asked"] == [{"payload": {"question": "approve lunch?"}, "interrupted": True, "depth": 1}]
    assert told["state"][0]["log"] == ["asked", "acted on yes"]
    assert (told["checkpoints"], told["fork"]) == ([[1, 0, -1]], [True])
    assert told["failed"][0]["error"] == "this node always fails"
    assert told["inject"][0]["name"] == told["refused"][0]["name"] == "ProtocolError"
