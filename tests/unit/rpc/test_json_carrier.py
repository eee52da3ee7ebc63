import json
import math
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Value

from graphwire.v1.json_pb2 import (
    PAYLOAD_FORMAT_TEXT,
    PAYLOAD_FORMAT_UNSPECIFIED,
    PAYLOAD_FORMAT_VALUE,
    Json,
)
from graphwire_server.core.errors import InvalidField
from graphwire_server.rpc.json_carrier import fill_text, fill_value, filler, parse, parse_object

SAMPLES: list[Any] = [None, True, 0, -7, 2.5, "é", [], {}, [1, [None]], {"a": {"b": [1.5, "c"]}}]


@pytest.mark.parametrize("value", SAMPLES)
def test_both_forms_carry_the_same(value: Any) -> None:
    as_text = parse("f", Json(text=json.dumps(value)))
    as_value = parse("f", Json(value=ParseDict(value, Value())))

    assert as_text == as_value == value


@pytest.mark.parametrize("value", SAMPLES)
def test_answers_in_both_forms(value: Any) -> None:
    text, made = Json(), Json()

    fill_text(text, json.dumps(value).encode())
    fill_value(made, json.dumps(value).encode())

    assert (json.loads(text.text), MessageToDict(made.value)) == (value, value)
    assert made.WhichOneof("kind") == "value"


@pytest.mark.parametrize(("number", "kind"), [(3.0, int), (2.5, float), (2.0**53, int), (2.0**60, float)])
def test_a_number_without_a_fraction_is_an_integer(number: float, kind: type) -> None:
    parsed = parse("f", Json(value=Value(number_value=number)))

    assert (type(parsed), parsed) == (kind, number)


@pytest.mark.parametrize("number", [2**53 + 1, 2**63, 2**64, 123456789012345678901234567890])
def test_integers_in_text_are_exact(number: int) -> None:
    assert parse("f", Json(text=f'{{"n":{number}}}')) == {"n": number}


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_lacks_are_refused_where_they_stand(number: float) -> None:
    inner = Value()
    inner.struct_value.fields["a"].list_value.values.add().number_value = number

    with pytest.raises(InvalidField) as refused:
        parse("input", Json(value=inner))

    assert refused.value.field == "input.a[0]"


@pytest.mark.parametrize("text", ["", "{", "NaN", "1 2", "'a'", "[1,]", '"\x01"'])
def test_text_that_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(InvalidField, match="not JSON") as refused:
        parse("input", Json(text=text))

    assert refused.value.field == "input"


def test_an_empty_carrier_is_refused() -> None:
    with pytest.raises(InvalidField, match="neither"):
        parse("input", Json())


@pytest.mark.parametrize("text", ["[]", "1", "null"])
def test_an_object_must_be_one(text: str) -> None:
    with pytest.raises(InvalidField, match="JSON object"):
        parse_object("metadata", Json(text=text))


def test_an_integer_beyond_all_doubles_can_be_sent_as_a_value() -> None:
    made = Json()

    fill_value(made, b"1" + b"0" * 400)

    assert made.WhichOneof("kind") == "value"


def test_the_form_that_was_asked_for() -> None:
    assert filler(PAYLOAD_FORMAT_VALUE) is fill_value
    assert filler(PAYLOAD_FORMAT_TEXT) is filler(PAYLOAD_FORMAT_UNSPECIFIED) is fill_text
