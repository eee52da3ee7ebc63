"""Options in the documented spelling, as fields of requests.

Owns the step from a body to a message: what gRPC calls otherwise is named here, and nowhere else.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from graphwire.v1.json_pb2 import Json as JsonMessage
from graphwire.v1.thread_pb2 import ThreadTtl
from tests.parity.face import Json

M = TypeVar("M", bound=Message)
UNKNOWN = 99
"""A number that no enum of the protos has: how a caller says what this version does not know."""

NAMES = {
    "after_seconds": "start_after",
    "timeout_seconds": "timeout",
    "ids": "thread_ids",
    "limit": "page_size",
    "before": "before_checkpoint_id",
    "thread": "thread_id",
}
"""What gRPC calls otherwise."""
_WORDS = {
    "raise": "REJECT",
    "do_nothing": "KEEP",
    "created_at": "CREATE_TIME",
    "updated_at": "UPDATE_TIME",
    "state_updated_at": "STATE_UPDATE_TIME",
    "next_run_date": "NEXT_RUN_TIME",
}


def filled(message: M, body: Mapping[str, Json]) -> M:
    """A message with the fields of a body. What is None is left out."""
    fields = message.DESCRIPTOR.fields_by_name
    for key, value in body.items():
        name = key if key in fields else NAMES[key]
        if value is not None:
            _fill(message, fields[name], value)
    return message


def _fill(message: Message, field: Any, value: Json) -> None:
    if isinstance(value, dict) and field.is_repeated:
        getattr(message, field.name).update(value)
    elif field.is_repeated:
        _extend(getattr(message, field.name), value if isinstance(value, list | tuple) else [value])
    elif field.message_type is not None:
        made = getattr(message, field.name)
        made.SetInParent()
        _put(made, value)
    elif field.enum_type is not None:
        setattr(message, field.name, _number(field.enum_type, value))
    else:
        setattr(message, field.name, value)


def _extend(target: Any, items: Sequence[Json]) -> None:
    if not hasattr(target, "add"):
        target.extend(items)
        return
    for item in items:
        filled(target.add(), {"node": item} if isinstance(item, str) else item)


def _put(made: Message, value: Json) -> None:
    if isinstance(made, ThreadTtl):
        filled(made, {"after": value["ttl"] * 60, "strategy": value.get("strategy")})
    elif isinstance(made, JsonMessage):
        made.text = json.dumps(value)
    elif isinstance(made, Timestamp):
        made.FromDatetime(datetime.fromisoformat(value))
    elif isinstance(made, Duration):
        made.FromMilliseconds(int(value * 1000))
    else:
        filled(made, value)


def _number(enum: EnumDescriptor, word: str) -> int:
    prefix = enum.values[0].name.removesuffix("UNSPECIFIED")
    found = enum.values_by_name.get(prefix + _WORDS.get(word, word.upper()))
    return UNKNOWN if found is None else found.number
