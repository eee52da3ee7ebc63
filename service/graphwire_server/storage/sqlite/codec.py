"""The core's values as JSON text, and back.

Owns the form in which run specs, outcomes and interrupts are stored. A value read back equals the one written, field by field: bytes
are JSON text and are stored as a string, durations are whole microseconds, times RFC 3339, and integers may have any size. Rows of older and newer programs can be read, as
`shapes.py` says.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import orjson

from graphwire_server.core.model import JsonValue
from graphwire_server.storage.shapes import Shapes

T = TypeVar("T")

_TICK = timedelta(microseconds=1)
_SHAPES = Shapes(
    {bytes: str.encode, timedelta: lambda ticks: ticks * _TICK, datetime: datetime.fromisoformat},
    {timedelta: timedelta(0)},
)

# orjson reads an integer beyond 64 bits as a float and says nothing, so text that could hold one goes to the standard library.
_LONG_NUMBER = re.compile(r"\d{19}")


def encode(value: object) -> str:
    """A value of the core, or plain JSON, as JSON text."""
    try:
        return orjson.dumps(value, default=_form).decode()
    except TypeError:
        # What orjson refuses and JSON can say: integers beyond 64 bits, lone surrogates, depth beyond its bound.
        return json.dumps(_plain(value), separators=(",", ":"))


def decode(kind: type[T], text: str) -> T:
    """The value of type `kind` that was encoded."""
    value: T = _SHAPES.reader(kind)(parse(text))
    return value


def parse(text: str) -> JsonValue:
    """Plain JSON from its text."""
    if _LONG_NUMBER.search(text):
        return json.loads(text)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


def _form(value: object) -> str | int:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, timedelta):
        return value // _TICK
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not JSON")


def _plain(value: object) -> JsonValue:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    return _form(value)
