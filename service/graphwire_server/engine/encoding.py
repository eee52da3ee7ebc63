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
import sys
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
        made = _dumps(value)
    except (TypeError, RecursionError):  # a big integer, a lone surrogate, a strange key, a cycle
        return orjson.dumps(_plain(value, set()))
    if made.rfind(_NUL) >= 0:  # from behind, since Python looks forward at a third of the speed
        made = orjson.dumps(_plain(orjson.loads(made), set()))
    return made if len(made) > _SNUG else b"".join((made, b""))


def _dumps(value: Any) -> bytes:
    """As orjson does it; most maps have keys of text alone, and with them it is a fifth faster where it need not expect others."""
    try:
        return orjson.dumps(value, default)
    except TypeError:
        return orjson.dumps(value, default, _OPTIONS)


def default(value: Any) -> Any:
    """What orjson asks for a type that it does not know."""
    for types, convert in _CONVERSIONS:
        if isinstance(value, types):
            return convert(value)
    return None


def _number(value: Decimal) -> int | float | None:
    if not value.is_finite():
        return None
    whole = value.adjusted() < sys.float_info.max_10_exp and value == value.to_integral_value()
    return int(value) if whole else float(value)


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


def text(value: str) -> str:
    """A string that UTF-8 can carry: lone surrogates become `?`, NUL characters U+FFFD (wire fact 26). Most strings are that already."""
    if "\0" not in value and (value.isascii() or not _SURROGATES.search(value)):
        return value
    return _SURROGATES.sub("?", value).replace("\0", "\ufffd")


def _plain(value: Any, above: set[int]) -> Any:
    """The value rebuilt of what orjson always takes: the slow way, for the few values that need it.

    Args:
        value: The value.
        above: The objects that hold it. One that holds itself has no end, so its second appearance is null.
    """
    if value is None or isinstance(value, bool | float):
        return None if isinstance(value, float) and not math.isfinite(value) else value
    if isinstance(value, str):
        return text(value)
    if isinstance(value, int):
        return _integer(value)
    if id(value) in above or len(above) > _DEEPEST:
        return None
    above.add(id(value))
    try:
        return _rebuilt(value, above)
    except Exception:  # noqa: BLE001  a value that fails to say itself must not fail the run
        return None
    finally:
        above.discard(id(value))


def _rebuilt(value: Any, above: set[int]) -> Any:
    if isinstance(value, Mapping):
        return {_key(key): _plain(item, above) for key, item in value.items()}
    if isinstance(value, list | tuple) and not hasattr(value, "_asdict"):
        return [_plain(item, above) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name), above) for field in dataclasses.fields(value)}
    try:
        return orjson.loads(orjson.dumps(value, None, _OPTIONS))
    except (TypeError, RecursionError):
        return _plain(default(value), above)


def _integer(value: int) -> Any:
    try:
        return orjson.Fragment(b"%d" % value)
    except ValueError:  # more digits than Python prints
        return None


def _key(key: Any) -> str:
    if isinstance(key, str):
        return text(key)
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    if isinstance(key, uuid.UUID | int | float):
        return str(key)
    try:
        return str(orjson.loads(orjson.dumps(key, None, _OPTIONS)))
    except TypeError:
        return text(str(key))
