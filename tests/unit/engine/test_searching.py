import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from graphwire_server.engine.searching import values_text


@pytest.mark.parametrize(
    ("channels", "values"),
    [
        ({}, {}),
        ({"topic": "ice", "n": 2**53 + 1}, {"topic": "ice", "n": 2**53 + 1}),
        ({"a": 1, "__start__": 2, "branch:to:x": None, "join:a+b:c": {"a"}}, {"a": 1}),
        ({"__root__": [1], "__start__": 2}, [1]),
        ({"__end__": {"a": 1}, "__previous__": {"b": 1}}, {"a": 1}),
        ({"odd": object(), "bytes": b"a"}, {"odd": None, "bytes": "YQ=="}),
    ],
)
def test_what_of_a_checkpoint_is_searched(channels: dict[str, Any], values: Any) -> None:
    assert json.loads(values_text(channels)) == values


def test_messages_are_searched_as_states_show_them() -> None:
    (message,) = json.loads(values_text({"messages": [AIMessage("hi", id="m")]}))["messages"]

    assert (message["content"], message["type"], message["id"]) == ("hi", "ai", "m")
