"""The content blocks of a message as they grow."""

import json
from typing import Any

import orjson
import pytest

from graphwire_server.core.events import Message, ToolCall, ToolCallChunk
from graphwire_server.rest.v2.blocks import Blocks
from tests.unit.rest.v2.tapes import piece


def grown(*pieces: Message) -> list[Any]:
    blocks = Blocks()
    made = [data for each in pieces for data in blocks.grow(each)] + list(blocks.finish())
    return list(orjson.loads(orjson.dumps(made)))


def call(args: str, position: int | None = 0, call_id: str = "", name: str = "") -> Message:
    return piece(tool_call_chunks=(ToolCallChunk(position, call_id, name, args),))


def test_text_grows() -> None:
    assert grown(piece("a"), piece("b")) == [
        {"event": "content-block-start", "index": 0, "content": {"type": "text", "text": ""}},
        {"event": "content-block-delta", "index": 0, "delta": {"type": "text-delta", "text": "a"}},
        {"event": "content-block-delta", "index": 0, "delta": {"type": "text-delta", "text": "b"}},
        {"event": "content-block-finish", "index": 0, "content": {"type": "text", "text": "ab"}},
    ]


def test_reasoning_comes_before_text() -> None:
    made = grown(piece(reasoning="hm"), piece("so"))

    assert [
        (each["event"], each["index"]) for each in made if "start" in each["event"] or "finish" in each["event"]
    ] == [
        ("content-block-start", 0),
        ("content-block-start", 1),
        ("content-block-finish", 0),
        ("content-block-finish", 1),
    ]
    assert made[-2]["content"] == {"type": "reasoning", "reasoning": "hm"}


def test_a_tool_call_grows_and_is_read_at_its_end() -> None:
    made = grown(call('{"a":', call_id="c", name="add"), call("1}"))

    assert made[0]["content"] == {"type": "tool_call_chunk", "id": "c", "name": "add", "args": ""}
    assert [each["delta"] for each in made[1:3]] == [
        {"type": "tool-call-delta", "args": '{"a":'},
        {"type": "tool-call-delta", "args": "1}"},
    ]
    assert made[-1]["content"] == {"type": "tool_call", "id": "c", "name": "add", "args": {"a": 1}}


def test_calls_that_grow_side_by_side() -> None:
    made = grown(call("{", 0, "c", "x"), call("{", 1, "d", "y"), call("}", 0), call("}", 1))

    finished = [each["content"] for each in made if each["event"] == "content-block-finish"]
    assert [(each["id"], each["name"], each["args"]) for each in finished] == [("c", "x", {}), ("d", "y", {})]


def test_a_name_that_comes_later() -> None:
    assert grown(call("", call_id="c"), call("{}", name="add"))[-1]["content"]["name"] == "add"


@pytest.mark.parametrize(("args", "problem"), [('{"a"', "not JSON"), ("[1]", "not a JSON object")])
def test_arguments_that_cannot_be_read(args: str, problem: str) -> None:
    content = grown(call(args, call_id="c", name="add"))[-1]["content"]

    assert (content["type"], content["args"]) == ("invalid_tool_call", args)
    assert problem in content["error"]


def test_whole_calls() -> None:
    made = grown(piece(tool_calls=(ToolCall(id="c", name="add", args=b'{"a":1}'),), complete=True))

    assert made[0]["content"] == {"type": "tool_call", "id": "c", "name": "add", "args": {}}
    assert made[1]["content"] == {"type": "tool_call", "id": "c", "name": "add", "args": {"a": 1}}


def test_other_blocks_come_whole_and_their_bytes_once() -> None:
    image = {"type": "image", "base64": "AAAA", "mime_type": "image/png"}
    made = grown(piece(content_blocks=(json.dumps(image).encode(),)))

    assert made[0]["content"] == {"type": "image", "mime_type": "image/png"}
    assert made[1] == {"event": "content-block-finish", "index": 0, "content": image}


@pytest.mark.parametrize("block", [{"type": "odd", "x": 1}, {"x": 1}])
def test_what_the_protocol_does_not_know(block: dict[str, Any]) -> None:
    made = grown(piece(content_blocks=(json.dumps(block).encode(),)))

    assert made[1]["content"] == {"type": "non_standard", "value": block}
