import json
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessageChunk,
    ToolMessage,
)

from graphwire_server.core.events import NO_EXTRAS, Message, ToolCall, ToolCallChunk
from graphwire_server.engine.messages import Origins, message_event

METADATA: dict[str, Any] = {
    "langgraph_node": "write",
    "langgraph_step": 2,
    "tags": ["loud"],
    "ls_model_name": "gpt",
    "langgraph_checkpoint_ns": "write:1",
    "__pregel_x": object(),
}


def event(message: BaseMessage) -> Message:
    made, _ = message_event(message, METADATA, Origins())
    return made


def test_a_plain_piece_is_text_and_nothing_else() -> None:
    made = event(AIMessageChunk(content="Hi", id="m"))

    assert (made.id, made.type, made.text, made.complete, made.first) == ("m", "ai", "Hi", False, True)
    assert made.extras is NO_EXTRAS
    assert (made.node, made.tags, made.origin.step, made.origin.model) == ("write", ("loud",), 2, "gpt")
    assert made.origin.checkpoint_ns == "write:1"
    assert "__pregel_x" not in json.loads(made.origin.metadata)


def test_first_is_said_once_for_each_message() -> None:
    origins, other = Origins(), dict(METADATA)
    pieces = [("a", METADATA), ("b", other), ("a", METADATA), ("b", other), ("c", METADATA)]

    made = [message_event(AIMessageChunk(content="x", id=name), metadata, origins)[0] for name, metadata in pieces]

    assert [piece.first for piece in made] == [True, True, False, False, True]


def test_the_first_piece_weighs_its_metadata() -> None:
    origins = Origins()
    _, first = message_event(AIMessageChunk(content="four", id="a"), METADATA, origins)

    _, second = message_event(AIMessageChunk(content="four", id="a"), METADATA, origins)

    assert (second, first > second) == (4, True)


def test_more_calls_than_are_remembered_repeat_their_metadata_and_nothing_worse() -> None:
    origins = Origins()
    calls = [dict(METADATA) for _ in range(1500)]
    for call in calls:
        message_event(AIMessageChunk(content="x", id="a"), call, origins)

    again, _ = message_event(AIMessageChunk(content="x", id="a"), calls[0], origins)

    assert again.first


def test_tool_call_chunks() -> None:
    chunks: list[Any] = [
        {"name": "search", "args": '{"q"', "id": "c1", "index": 0, "type": "tool_call_chunk"},
        {"name": None, "args": None, "id": None, "index": None, "type": "tool_call_chunk"},
    ]
    made = event(AIMessageChunk(content="", id="m", tool_call_chunks=chunks))

    assert made.extras.tool_call_chunks == (ToolCallChunk(0, "c1", "search", '{"q"'), ToolCallChunk(None, "", "", ""))
    assert made.extras.tool_calls == ()


def test_whole_tool_calls() -> None:
    calls: list[Any] = [{"name": "search", "args": {"q": 1}, "id": "c1", "type": "tool_call"}]
    made = event(AIMessage("", id="m", tool_calls=calls))

    assert made.extras.tool_calls == (ToolCall(id="c1", name="search", args=b'{"q":1}'),)
    assert made.complete


def test_usage() -> None:
    usage: Any = {
        "input_tokens": 3,
        "output_tokens": 4,
        "total_tokens": 7,
        "input_token_details": {"cache_read": 1},
    }
    made = event(AIMessageChunk(content="", id="m", usage_metadata=usage)).extras.usage

    assert made is not None
    assert (made.input_tokens, made.output_tokens, made.total_tokens) == (3, 4, 7)
    assert json.loads(made.details or b"") == {"input_token_details": {"cache_read": 1}}


@pytest.mark.parametrize("key", ["finish_reason", "stop_reason", "done_reason"])
def test_why_the_model_stopped(key: str) -> None:
    made = event(AIMessageChunk(content="", id="m", response_metadata={key: "stop", "model_name": "gpt"}))

    assert made.extras.finish_reason == "stop"
    assert json.loads(made.extras.extra or b"")["response_metadata"]["model_name"] == "gpt"


def test_blocks_are_text_reasoning_and_others() -> None:
    blocks: list[Any] = [
        "plain ",
        {"type": "text", "text": "text", "index": 0},
        {"type": "reasoning", "reasoning": "hm "},
        {"type": "thinking", "thinking": "so"},
        {"type": "tool_use", "id": "1"},
        {"type": "image", "url": "u"},
        {"type": "text", "text": "cited", "annotations": [1]},
    ]
    made = event(AIMessageChunk(content=blocks, id="m"))

    assert (made.text, made.extras.reasoning) == ("plain text", "hm so")
    assert [json.loads(block)["type"] for block in made.extras.content_blocks] == ["image", "text"]


def test_reasoning_beside_the_content_is_reasoning() -> None:
    more = {"reasoning_content": "hm", "other": 1}
    made = event(AIMessageChunk(content="a", id="m", additional_kwargs=more))

    assert made.extras.reasoning == "hm"
    assert json.loads(made.extras.extra or b"") == {"additional_kwargs": {"other": 1}}


def test_reasoning_alone_leaves_nothing_over() -> None:
    made = event(AIMessageChunk(content="a", id="m", additional_kwargs={"reasoning_content": "hm"}))

    assert made.extras.extra is None


def test_a_tools_answer_is_whole() -> None:
    made = event(ToolMessage("42", id="m", tool_call_id="c1", name="search", artifact={"raw": 1}))

    assert (made.type, made.text, made.complete) == ("tool", "42", True)
    assert (made.extras.tool_call_id, made.extras.name) == ("c1", "search")
    assert json.loads(made.extras.extra or b"")["artifact"] == {"raw": 1}


@pytest.mark.parametrize(
    ("message", "kind", "whole"),
    [
        (HumanMessage("a"), "human", True),
        (AIMessage("a"), "ai", True),
        (AIMessageChunk(content="a"), "ai", False),
        (SystemMessageChunk(content="a"), "system", False),
    ],
)
def test_types_have_no_suffix(message: BaseMessage, kind: str, whole: bool) -> None:
    made = event(message)

    assert (made.type, made.complete, made.id) == (kind, whole, "")


def test_text_that_is_not_unicode_can_be_sent() -> None:
    chunk = AIMessageChunk(content="", id="m")
    chunk.content = "half: \ud83d"

    assert event(chunk).text.encode()
