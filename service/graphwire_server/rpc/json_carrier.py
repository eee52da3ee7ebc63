"""`Json` messages to Python values and back.

Owns the two forms that JSON has on the wire (protos/graphwire/v1/json.proto), and says which field of a request is not JSON.
"""

import json
import math
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import orjson
from google.protobuf.struct_pb2 import Value

from graphwire.v1.json_pb2 import PAYLOAD_FORMAT_VALUE, Json, PayloadFormat
from graphwire_server.core.errors import InvalidField
from graphwire_server.core.model import JsonObject, JsonValue

_EXACT = 2**53
_LONG_NUMBER = re.compile(r"\d{19}")

DEEPEST = 200
"""How deep JSON in a request may be nested: what keeps and sends it stops a little above."""

Fill = Callable[[Json, bytes], None]
"""Puts JSON text into a carrier."""


def parse(field: str, carrier: Json) -> JsonValue:
    """The value that a request carries. Raises InvalidField where it is not one JSON value."""
    kind = carrier.WhichOneof("kind")
    if kind == "text":
        return _parse_text(field, carrier.text)
    if kind == "value":
        return _parse_value(field, carrier.value)
    raise InvalidField(field, 'has neither text nor value; to send null, set {"text": "null"}')


def parse_object(field: str, carrier: Json) -> JsonObject:
    """The JSON object that a request carries. Raises InvalidField where it is none."""
    parsed = parse(field, carrier)
    if not isinstance(parsed, dict):
        raise InvalidField(field, "must be a JSON object")
    return parsed


def fill_text(carrier: Json, text: bytes) -> None:
    """Puts JSON text into a carrier as it is: exact, and without a copy of its parts."""
    carrier.text = text  # type: ignore[assignment]  # protobuf takes UTF-8 bytes for a string and checks them; decoding first costs a copy


def fill_value(carrier: Json, text: bytes) -> None:
    """Puts JSON text into a carrier as a protobuf value, for people to read."""
    _fill(carrier.value, _loads(text))


def filler(wanted: PayloadFormat.ValueType) -> Fill:
    """How JSON goes into the answer of a request that wants this form."""
    return fill_value if wanted == PAYLOAD_FORMAT_VALUE else fill_text


def _parse_text(field: str, text: str) -> JsonValue:
    try:
        parsed = _loads(text)
    except json.JSONDecodeError as error:
        raise InvalidField(field, f"is not JSON: {error.msg} at character {error.pos}") from None
    except ValueError as error:  # more digits than Python reads
        raise InvalidField(field, f"cannot be read: {error}") from None
    if text.count("[") + text.count("{") > DEEPEST and _deeper(parsed, DEEPEST):
        raise InvalidField(field, f"is nested deeper than {DEEPEST} levels")
    return parsed


def _deeper(value: JsonValue, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [inner for item in layer if isinstance(item, dict | list) for inner in _parts(item)]
        if not layer:
            return False
    return True


def _parts(item: dict[str, JsonValue] | list[JsonValue]) -> Iterable[JsonValue]:
    return item.values() if isinstance(item, dict) else item


def _loads(text: str | bytes) -> JsonValue:
    """Parsed JSON with exact integers. orjson makes doubles of those beyond 64 bits, so the standard library reads what may have some."""
    if _LONG_NUMBER.search(text if isinstance(text, str) else text.decode()) is None:
        return orjson.loads(text)
    return json.loads(text, parse_constant=_refuse)


def _refuse(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is not a number of JSON", name, 0)


def _parse_value(field: str, value: Value) -> JsonValue:
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        return _parse_number(field, value.number_value)
    if kind == "struct_value":
        return {key: _parse_value(f"{field}.{key}", item) for key, item in value.struct_value.fields.items()}
    if kind == "list_value":
        return [_parse_value(f"{field}[{index}]", item) for index, item in enumerate(value.list_value.values)]
    return None if kind in (None, "null_value") else getattr(value, kind)


def _parse_number(field: str, number: float) -> int | float:
    """Protobuf values know doubles alone. A graph that counts needs integers, so a number without a fraction is one."""
    if not math.isfinite(number):
        raise InvalidField(field, "must be a finite number")
    return int(number) if number.is_integer() and abs(number) <= _EXACT else number


def _fill(target: Value, value: Any) -> None:
    if value is None:
        target.null_value = 0  # type: ignore[assignment]  # the enum's only value, NULL_VALUE
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int) and abs(value) > sys.float_info.max:
        target.string_value = str(value)
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, dict):
        target.struct_value.SetInParent()
        for key, item in value.items():
            _fill(target.struct_value.fields[key], item)
    else:
        target.list_value.SetInParent()
        for item in value:
            _fill(target.list_value.values.add(), item)
