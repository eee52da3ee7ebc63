"""JSON on its way through the API, in both directions.

Owns the two translations: Python values to and from the carrier `Json`, and any message to plain Python values. The invariant: integers
of any size stay integers, since JSON travels as text.
"""

import base64
import json
from collections.abc import Sequence
from typing import Any, cast

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from graphwire.v1.json_pb2 import Json


def to_json(value: object, name: str = "value") -> Json:
    """A Python value as `Json` text.

    Args:
        value: What `json.dumps` takes. A `Json` message is passed through, so `Json(text="null")` sends JSON null where None means absent.
        name: What the value is, for the error.

    Raises:
        TypeError: The value has something that JSON has no form for.
        ValueError: The value has NaN, an infinity or a circle.
    """
    if isinstance(value, Json):
        return value
    try:
        return Json(text=json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")))
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{name}: it cannot be sent as JSON: {error}") from error


def from_json(carrier: Json) -> Any:
    """The Python value that a `Json` carries; None where it carries nothing.

    Integers in text are exact. In the form `value` all numbers are doubles: those without a fraction become integers.
    """
    if carrier.HasField("text"):
        return json.loads(carrier.text)
    return _whole(MessageToDict(carrier.value)) if carrier.HasField("value") else None


def to_plain(message: Message) -> dict[str, Any]:
    """A message as plain Python values, ready for `json.dumps`.

    This is protobuf's JSON mapping with the names of the `.proto` files, and two differences: `Json` becomes the value that it
    carries, and 64 bit integers stay numbers. Fields that are not set are left out.

    Args:
        message: Any message of `graphwire.v1`.
    """
    return {field.name: _plain_field(field, value) for field, value in message.ListFields()}


def _plain_field(field: FieldDescriptor, value: object) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain_value(field, item) for item in value]
    return _plain_value(field, value)


def _plain_value(field: FieldDescriptor, value: object) -> Any:
    if isinstance(value, Json):
        return from_json(value)
    if isinstance(value, Timestamp | Duration):
        return value.ToJsonString()
    if isinstance(value, Message):
        return to_plain(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(cast("int", value))
        return known.name if known else value
    return value


def _whole(value: Any) -> Any:
    """The value with its whole doubles as integers."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value
