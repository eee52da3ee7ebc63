"""Messages gathered from their pieces."""

from typing import Any

import graphwire
from graphwire.v1 import event_pb2 as pb
from tests.unit.client.scripted import event, metadata, text


def piece(id_: str, words: str = "", **fields: Any) -> graphwire.Event:
    return graphwire.Event(proto=event(1, messages=pb.MessagesEvent(id=id_, text=words, **fields)))


def attempt(number: int) -> graphwire.Event:
    begun = metadata()
    begun.metadata.attempt = number
    return graphwire.Event(proto=begun)


def gathered(*events: graphwire.Event) -> list[graphwire.Message]:
    messages = graphwire.Messages()
    for each in events:
        messages.add(each)
    assert len(messages) == len(list(messages))
    return list(messages)


def test_pieces_of_an_id_belong_together_in_the_order_in_which_messages_began() -> None:
    first, second = gathered(
        piece("a", "Hel", reasoning="h"), piece("b", "x"), piece("a", "lo", reasoning="m"), piece("b", "y")
    )

    assert (first.id, first.text, first.reasoning) == ("a", "Hello", "hm")
    assert (second.id, second.text) == ("b", "xy")


def test_usage_and_reason_are_the_last_and_all_else_is_the_first() -> None:
    (message,) = gathered(
        piece("a", type="ai", node="tell", usage=pb.TokenUsage(input_tokens=1), tags=["one"], metadata=text('{"m":1}')),
        piece("a", type="human", node="other", model="m", tags=["two"], step=3, metadata=text('{"m":2}')),
        piece("a", usage=pb.TokenUsage(input_tokens=2, details=text('{"cached":1}')), finish_reason="length"),
        piece("a", finish_reason="stop"),
    )

    assert (message.type, message.node, message.model, message.step) == ("ai", "tell", "m", 3)
    assert (message.tags, message.metadata, message.finish_reason) == (("one",), {"m": 1}, "stop")
    assert message.usage == graphwire.TokenUsage(input_tokens=2, output_tokens=0, total_tokens=0, details={"cached": 1})


def test_content_blocks_are_appended() -> None:
    (message,) = gathered(
        piece("a", content_blocks=[text('{"n":1}'), text('{"n":2}')]), piece("a", content_blocks=[text('{"n":3}')])
    )

    assert message.content_blocks == ({"n": 1}, {"n": 2}, {"n": 3})


def chunk(args: str, **fields: Any) -> pb.ToolCallChunk:
    return pb.ToolCallChunk(args=args, **fields)


def test_tool_calls_are_joined_by_index_and_a_piece_without_one_belongs_to_the_call_before_it() -> None:
    (message,) = gathered(
        piece("a", tool_call_chunks=[chunk('{"q"', index=0, id="c0", name="search"), chunk("[", index=1, name="sum")]),
        piece("a", tool_call_chunks=[chunk("1]", id="c1")]),
        piece("a", tool_call_chunks=[chunk(": 1", index=0, id="late", name="late"), chunk("}")]),
    )

    assert message.tool_calls == (
        graphwire.ToolCall(index=0, id="c0", name="search", args='{"q": 1}'),
        graphwire.ToolCall(index=1, id="c1", name="sum", args="[1]"),
    )


def test_a_first_call_without_an_index_is_a_call() -> None:
    (message,) = gathered(
        piece("a", tool_call_chunks=[chunk("{", name="f")]), piece("a", tool_call_chunks=[chunk("}")])
    )

    assert message.tool_calls == (graphwire.ToolCall(index=None, id="", name="f", args="{}"),)


def test_a_later_attempt_starts_a_message_anew() -> None:
    first, second = gathered(
        attempt(1), piece("a", "lost"), piece("b", "kept"), attempt(2), piece("a", "new"), piece("a", "er")
    )

    assert (first.text, second.text) == ("newer", "kept")


def test_another_run_has_messages_of_its_own() -> None:
    other = piece("a", "two")
    other.proto.run_id = "other"

    assert [message.text for message in gathered(piece("a", "one"), other)] == ["one", "two"]


def test_of_a_whole_message_the_whole_calls_count() -> None:
    calls = [pb.ToolCall(id="c", name="f", args=text('{"n": 10000000000000000000001}'))]
    (message,) = gathered(piece("a", "part"), piece("a", "whole", complete=True, tool_calls=calls))

    assert (message.text, message.complete) == ("whole", True)
    assert message.tool_calls == (graphwire.ToolCall(index=0, id="c", name="f", args='{"n": 10000000000000000000001}'),)


def test_other_events_are_no_messages() -> None:
    assert gathered(attempt(1), graphwire.Event(proto=event(2, custom=pb.CustomEvent(data=text("1"))))) == []
