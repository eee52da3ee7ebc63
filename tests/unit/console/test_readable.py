"""JSON values as people read them."""

import pytest

from graphwire_server.console.readable import readable


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("text\nof two lines", "text\nof two lines"),
        (7, "7"),
        (None, "null"),
        ([1, 2], "[1, 2]"),
        ({}, "{}"),
        ({"a": 1, "b": "x", "c": ""}, "a: 1\nb: x\nc:"),
        ({"a": "one\ntwo"}, "a:\n  one\n  two"),
        ({"a": {"b": [1]}}, 'a: {"b": [1]}'),
        ([{"type": "human", "content": "Hi"}], "human: Hi"),
        ({"messages": [{"type": "human", "content": "Hi"}]}, "messages: human: Hi"),
        (
            {"type": "ai", "content": [{"type": "text", "text": "a"}, {"type": "image"}, "b"]},
            "ai: a[image]b",
        ),
        (
            {"type": "ai", "content": "", "tool_calls": [{"name": "search", "args": {"q": 1}}]},
            'ai: calls search({"q": 1})',
        ),
    ],
)
def test_each_shape(value: object, shown: str) -> None:
    assert readable(value) == shown


def test_a_long_value_is_indented() -> None:
    lines = readable({"rows": ["x" * 40] * 3}).splitlines()

    assert lines[0] == "rows:"
    assert lines[1] == "  ["
    assert len(lines) == 6
