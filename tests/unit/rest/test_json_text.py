import json
from types import MappingProxyType
from typing import Any

import orjson
import pytest

from graphwire_server.rest.json_text import dumps, given, made

BIG = 123456789012345678901234567890


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        "a\u2028😀\n",
        {"a": [BIG, {"b": -BIG}], "c": "é\u2028"},
        {"deep": {"er": [True, None, 1.5, BIG]}},
    ],
)
def test_what_came_in_goes_out_as_it_was(value: Any) -> None:
    text = dumps({"x": given(value)})

    assert json.loads(text) == {"x": value}
    assert b"\n" not in text


@pytest.mark.parametrize("inner", [1, BIG])
def test_any_mapping_is_an_object(inner: int) -> None:
    assert json.loads(dumps(given({"m": MappingProxyType({"n": inner})}))) == {"m": {"n": inner}}


def test_what_is_no_json_is_no_text() -> None:
    with pytest.raises(TypeError, match="object"):
        given({"a": object()})


def test_text_that_was_made_is_put_in_as_it_is() -> None:
    assert dumps({"a": made(b'{"n":%d, "f":1.0e2}' % BIG)}) == b'{"a":{"n":%d, "f":1.0e2}}' % BIG


def test_no_text_is_null() -> None:
    assert made(None) is None
    assert isinstance(made(b"1"), orjson.Fragment)
