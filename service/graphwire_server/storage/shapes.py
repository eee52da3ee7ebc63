"""The core's values out of plain data.

Owns how the maps and lists that a format gives back become dataclasses, named tuples, tuples and enumerations again, by their type hints. Fields that a class
does not have are ignored and missing ones have their default, or the nothing of their type, so that what older and newer programs wrote can be read.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

Reader = Callable[[Any], Any]
"""Makes a value of what the format gave."""


class Shapes:
    """The readers of one format, each made once.

    Args:
        leaves: How values are read that the format says in its own way; all others are as they are.
        nothings: What stands for a missing value of such a type.
    """

    def __init__(self, leaves: Mapping[type, Reader], nothings: Mapping[type, Any] | None = None) -> None:
        self._leaves = leaves
        self._nothings = {str: "", int: 0, float: 0.0, bool: False, bytes: b"null", **(nothings or {})}
        self._readers: dict[Any, Reader] = {}

    def reader(self, kind: Any) -> Reader:
        """The reader of a type: a class, a tuple of one, or either of these or None."""
        found = self._readers.get(kind)
        if found is None:
            found = self._readers[kind] = self._made(kind)
        return found

    def _made(self, kind: Any) -> Reader:
        origin, arguments = get_origin(kind), get_args(kind)
        if origin in (Union, UnionType):
            (inner,) = (argument for argument in arguments if argument is not NoneType)
            return _optional(self.reader(inner))
        if origin is tuple:
            return _many(self.reader(arguments[0]))
        if not isinstance(kind, type):
            return _as_is
        if _is_record(kind):
            return self._record(kind)
        return kind if issubclass(kind, Enum) else self._leaves.get(kind, _as_is)

    def _record(self, kind: type) -> Reader:
        hints = get_type_hints(kind)
        defaults = _defaults(kind)
        needed = {name: self._nothing(hints[name]) for name in _names(kind) if name not in defaults}
        readers = [(name, self.reader(hints[name])) for name in _names(kind)]

        def read(value: Mapping[str, Any]) -> object:
            given = {name: reader(value[name]) for name, reader in readers if name in value}
            if len(given) < len(readers):
                given = {**needed, **given}
            return kind(**given)

        return read

    def _nothing(self, kind: Any) -> Any:
        """What stands for a missing value of a type that has no default."""
        if get_origin(kind) is tuple:
            return ()
        if not isinstance(kind, type):
            return None
        if _is_record(kind):
            return self.reader(kind)({})
        return next(iter(kind)) if issubclass(kind, Enum) else self._nothings.get(kind)


def _is_record(kind: type) -> bool:
    return is_dataclass(kind) or hasattr(kind, "_field_defaults")


def _names(kind: type) -> tuple[str, ...]:
    if is_dataclass(kind):
        return tuple(field.name for field in fields(kind))
    return tuple(kind._fields)  # type: ignore[attr-defined]  # a named tuple


def _defaults(kind: type) -> frozenset[str]:
    if is_dataclass(kind):
        return frozenset(
            field.name for field in fields(kind) if field.default is not MISSING or field.default_factory is not MISSING
        )
    return frozenset(kind._field_defaults)  # type: ignore[attr-defined]  # as above


def _optional(read: Reader) -> Reader:
    if read is _as_is:
        return read
    return lambda value: None if value is None else read(value)


def _many(read: Reader) -> Reader:
    if read is _as_is:
        return tuple
    return lambda value: tuple(map(read, value))


def _as_is(value: Any) -> Any:
    return value
