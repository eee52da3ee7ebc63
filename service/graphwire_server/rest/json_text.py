"""JSON text of answers.

Owns the step from Python values to bytes. Free-form parts come as bytes that were made once (design, encode once) and are put in as they are.
"""

import json
from collections.abc import Mapping
from typing import Any

import orjson


def dumps(value: Any) -> bytes:
    """An answer as JSON text. Its free-form parts are fragments, so that all else is what orjson takes."""
    return orjson.dumps(value)


def given(value: Any) -> orjson.Fragment:
    """JSON that came in with a request, with integers of any size."""
    try:
        return orjson.Fragment(orjson.dumps(value))
    except TypeError:
        return orjson.Fragment(json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=_plain).encode())


def made(text: bytes | None) -> orjson.Fragment | None:
    """JSON text that was made before; None is null."""
    return None if text is None else orjson.Fragment(text)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
