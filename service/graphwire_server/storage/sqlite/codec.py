"""The core's values as JSON text, and back.

Owns the form in which run specs, outcomes and interrupts are stored. A value read back equals the one written, field by field: bytes
are JSON text and are stored as a string, and integers may have any size. Reading ignores fields it does not know and gives missing
ones their default, so rows of older and newer programs can be read.
"""

import json
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import orjson

from graphwire_server.core.model import JsonValue

T = TypeVar("T")

_Reader = Callable[[Any], Any]

# orjson reads an integer beyond 64 bits as a float and says nothing, so text that could hold one goes to the standard library.
_LONG_NUMBER = re.compile(r"\d{19}")


def encode(value: object) -> str:
    """A value of the core, or plain JSON, as JSON text."""
    try:
        return orjson.dumps(value, default=_text).decode()
    except TypeError:
        # What orjson refuses and JSON can say: integers beyond 64 bits, lone surrogates, depth beyond its bound.
        return json.dumps(_plain(value), separators=(",", ":"))


def decode(kind: type[T], text: str) -> T:
    """The value of type `kind` that was encoded."""
    value: T = _reader(cast("Hashable", kind))(parse(text))
    return value


def parse(text: str) -> JsonValue:
    """Plain JSON from its text."""
    if _LONG_NUMBER.search(text):
        return json.loads(text)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode()
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
    return _text(value)


@cache
def _reader(kind: Hashable) -> _Reader:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        (inner,) = (argument for argument in arguments if argument is not NoneType)
        read = _reader(inner)
        return lambda value: None if value is None else read(value)
    if origin is tuple:
        read = _reader(arguments[0])
        return lambda value: tuple(map(read, value))
    if not isinstance(kind, type):
        return _as_is
    if is_dataclass(kind):
        return _fields_reader(kind)
    if issubclass(kind, Enum):
        return kind
    return str.encode if kind is bytes else _as_is


def _fields_reader(kind: type) -> _Reader:
    hints = get_type_hints(kind)
    readers = [(field.name, _reader(hints[field.name])) for field in fields(kind)]

    def read(value: dict[str, Any]) -> object:
        return kind(**{name: reader(value[name]) for name, reader in readers if name in value})

    return read


def _as_is(value: JsonValue) -> JsonValue:
    return value
