"""What a search of the store asks of the values of items.

Owns how a filter is written, LangGraph's way: a field with the value that it equals, or with operators. The invariant: what is not understood is refused, and never
passed over.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from graphwire_server.core.errors import InvalidField
from graphwire_server.core.model import JsonObject, JsonValue

OPERATORS = ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte")
"""What a field may be compared by."""

_ORDERED = frozenset(OPERATORS[2:])

MOST_CONDITIONS = 100
"""The most conditions of one filter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One thing that is asked of a value.

    Attributes:
        path: The keys that lead to what is compared.
        operator: One of `OPERATORS`, or `$object`: that an object is there.
        operand: What it is compared with. Null equals what is not there. An order is one between two numbers, or two texts: anything else is in none.
    """

    path: tuple[str, ...]
    operator: str
    operand: JsonValue


def read_filter(wanted: JsonObject) -> tuple[Condition, ...]:
    """The conditions of a filter, all of which must hold. Raises InvalidField."""
    found = tuple(_conditions((), wanted))
    if len(found) > MOST_CONDITIONS:
        raise InvalidField("filter", f"has {len(found)} conditions; at most {MOST_CONDITIONS} are taken")
    return found


def _conditions(path: tuple[str, ...], wanted: JsonObject) -> Iterator[Condition]:
    for key, value in wanted.items():
        here = (*path, key)
        if key.startswith("$"):
            raise InvalidField(_name(path), f"{key!r} stands where a field is named; operators stand inside a field")
        if not isinstance(value, Mapping):
            yield Condition(path=here, operator="$eq", operand=value)
        elif any(name.startswith("$") for name in value):
            yield from (_compared(here, name, operand) for name, operand in value.items())
        elif value:
            yield from _conditions(here, value)
        else:
            yield Condition(path=here, operator="$object", operand=None)


def _compared(path: tuple[str, ...], operator: str, operand: JsonValue) -> Condition:
    if operator not in OPERATORS:
        raise InvalidField(_name(path), f"{operator!r} is no operator; there are {', '.join(OPERATORS)}")
    if operator in _ORDERED and (isinstance(operand, bool) or not isinstance(operand, str | int | float)):
        raise InvalidField(f"{_name(path)}.{operator}", "must be a number or text, since nothing else has an order")
    return Condition(path=path, operator=operator, operand=operand)


def _name(path: tuple[str, ...]) -> str:
    return ".".join(("filter", *path))
