"""What all shapes of requests have in common, and how JSON becomes one.

Owns the rules of this surface for what callers send: unknown fields are ignored, fields may be written in snake_case or camelCase (the JavaScript SDK
sends both), types are strict in bodies and text in queries. What is wrong names its field.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import from_json

from graphwire_server.core.errors import InvalidField

S = TypeVar("S", bound="Shape")

_MAY_OVERFLOW = (re.compile(rb"[eE]\+?\d{3}"), re.compile(rb"\d{200}"))
"""What a text has in it that says a number which no double can hold. Most texts have none of it, and are read once."""

_ALTERNATIVES = frozenset({"str", "int", "float", "bool"})
"""Names of types that pydantic puts into paths, and that look like fields."""

Words = Annotated[list[str], Field(default_factory=list)]
"""A field of a query that may come several times."""


class Shape(BaseModel):
    """A body or a query."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        loc_by_alias=False,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )

    def given(self, name: str) -> bool:
        """Whether the caller sent the field."""
        return name in self.model_fields_set


def parse(text: bytes) -> Any:
    """The JSON value of a body. Integers are exact, whatever their size. Raises InvalidField where it is none, or has a number without bounds."""
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidField("body", f"is not JSON: {error}") from None
    if any(pattern.search(text) for pattern in _MAY_OVERFLOW):
        # Parsers make infinity of 1e999, which could not be said in JSON again.
        json.loads(text, parse_float=_finite)
    return value


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise InvalidField("body", f"has a number that no double can hold: {text[:40]}")
    return number


def body_of(shape: type[S], value: Any) -> S:
    """A parsed body as its shape. Raises InvalidField for the first field that is wrong."""
    if not isinstance(value, Mapping):
        raise InvalidField("body", "must be a JSON object")
    try:
        return shape.model_validate(value, strict=True)
    except ValidationError as error:
        raise _wrong(error) from None


def query_of(shape: type[S], text: bytes) -> S:
    """A query string as its shape: repeated keys make a list, for fields that take one. Raises InvalidField."""
    values: dict[str, Any] = {}
    try:
        pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=200)
    except ValueError as error:
        raise InvalidField("query", f"cannot be read: {error}") from None
    for key, value in pairs:
        values.setdefault(key, []).append(value)
    lists = _lists(shape)
    try:
        return shape.model_validate({key: found if key in lists else found[-1] for key, found in values.items()})
    except ValidationError as error:
        raise _wrong(error) from None


def _lists(shape: type[Shape]) -> frozenset[str]:
    names = [name for name, field in shape.model_fields.items() if field.annotation == list[str]]
    return frozenset((*names, *map(to_camel, names)))


def _wrong(error: ValidationError) -> InvalidField:
    """The first field that is wrong. Of the alternatives of a union it is the one that went furthest, since that is what the caller meant."""
    found = error.errors(include_url=False, include_input=False)
    first = [each for each in found if each["loc"][:1] == found[0]["loc"][:1]]
    paths = [_path(each["loc"]) for each in first]
    path = max(paths, key=_depth)
    problems = dict.fromkeys(each["msg"] for each, at in zip(first, paths, strict=True) if at == path)
    return InvalidField(path or "body", ", or ".join(text[:1].lower() + text[1:] for text in problems))


def _depth(path: str) -> int:
    return path.count(".") + path.count("[")


def _path(place: Sequence[int | str]) -> str:
    """The field's path as the document has it. pydantic puts names of alternatives of a union into it, which say nothing to a caller."""
    path = ""
    for part in place:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part.isidentifier() and part.islower() and part not in _ALTERNATIVES:
            path += f".{part}" if path else part
    return path
