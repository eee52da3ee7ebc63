"""Python values to JSON text, once.

Owns what becomes of values that JSON does not know (wire fact 26). The invariant: whatever a graph emits has an encoding; what cannot be
said in JSON becomes null, and never an error in the middle of a run.
"""

import base64
import dataclasses
import ipaddress
import math
import pathlib
import re
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Set
from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson
from pydantic import BaseModel

_OPTIONS = orjson.OPT_NON_STR_KEYS
_NUL = b"\\u0000"
_DEEPEST = 200
_SNUG = 32 << 10
"""Up to which size a text is copied. orjson leaves its results the 4 KiB that it wrote them in: held by the log, 40,000 small events took
165 MiB instead of 8, and the page faults halved their rate.
"""
_SURROGATES = re.compile("[\ud800-\udfff]")
_ADDRESSES = (
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
    ipaddress.IPv4Interface,
    ipaddress.IPv6Interface,
)


def dumps(value: Any) -> bytes:
    """A value as JSON text in UTF-8.

    Args:
        value: Anything that a graph emits.

    Returns:
        JSON text: bytes as base64, UUIDs, paths and addresses as strings, sets as arrays, decimals as numbers, time spans as seconds,
        models as their fields, unknown objects and NaN as null, NUL characters as U+FFFD, lone surrogates as `?`.
    """
    try:
        text = orjson.dumps(value, default, _OPTIONS)
    except (TypeError, RecursionError):  # a big integer, a lone surrogate, a strange key, a cycle
        return orjson.dumps(_plain(value, 0))
    if _NUL in text:
        text = orjson.dumps(_plain(orjson.loads(text), 0))
    return text if len(text) > _SNUG else b"".join((text, b""))


def default(value: Any) -> Any:
    """What orjson asks for a type that it does not know."""
    for types, convert in _CONVERSIONS:
        if isinstance(value, types):
            return convert(value)
    return None


def _number(value: Decimal) -> int | float | None:
    if not value.is_finite():
        return None
    return int(value) if value == value.to_integral_value() else float(value)


_CONVERSIONS: tuple[tuple[tuple[type, ...], Callable[[Any], Any]], ...] = (
    ((BaseModel,), lambda value: value.model_dump()),
    ((set, frozenset, deque, Set), list),
    ((Mapping,), dict),
    ((bytes, bytearray, memoryview), lambda value: base64.b64encode(value).decode()),
    ((pathlib.PurePath, *_ADDRESSES), str),
    ((Decimal,), _number),
    ((timedelta,), timedelta.total_seconds),
    ((re.Pattern,), lambda value: value.pattern),
    ((tuple,), lambda value: value._asdict() if hasattr(value, "_asdict") else list(value)),
)
"""For each family of types, how its values are said in JSON. The first that fits counts."""


def _plain(value: Any, depth: int) -> Any:
    """The value rebuilt of what orjson always takes: the slow way, for the few values that need it."""
    if depth > _DEEPEST:
        return None
    if value is None or isinstance(value, bool | float):
        return None if isinstance(value, float) and not math.isfinite(value) else value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return orjson.Fragment(b"%d" % value)
    if isinstance(value, Mapping):
        return {_key(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple) and not hasattr(value, "_asdict"):
        return [_plain(item, depth + 1) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return _plain(fields, depth + 1)
    try:
        return orjson.loads(orjson.dumps(value, None, _OPTIONS))
    except (TypeError, RecursionError):
        return _plain(default(value), depth + 1)


def _text(value: str) -> str:
    return _SURROGATES.sub("?", value).replace("\0", "\ufffd")


def _key(key: Any) -> str:
    if isinstance(key, str):
        return _text(key)
    if isinstance(key, uuid.UUID | int | float) and not isinstance(key, bool):
        return str(key)
    try:
        return str(orjson.loads(orjson.dumps(key, None, _OPTIONS)))
    except TypeError:
        return _text(str(key))
