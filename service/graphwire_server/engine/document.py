"""The text of langgraph.json, and where each key stands in it.

Owns the parsing, the types that values may have, and the errors that name a line. Knows no key. The invariant: all that is wrong is a
`ManifestError` of one line, which says where it is and what to do.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

_BLANK = " \t\n\r"


class ManifestError(Exception):
    """langgraph.json, or something that it names, is wrong. The text is one line for the person who wrote the file."""

    def __init__(self, where: str, problem: str) -> None:
        # Imported code may raise a text of many lines, and a log or a terminal shall still show one.
        super().__init__(" ".join(f"{where}: {problem}".split()))


class _Member(NamedTuple):
    """A key of a JSON object: where it starts in the text, and where its value starts."""

    key: str
    at: int
    value_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A JSON object of the file.

    Attributes:
        path: The file.
        text: The whole file, for the lines.
        values: The object.
        name: The keys that lead to it, with dots, such as `http.cors`; empty for the file itself.
    """

    path: Path
    text: str
    values: Mapping[str, Any]
    name: str = ""
    _members: Mapping[str, _Member] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The folder that paths in the file are relative to."""
        return self.path.absolute().parent

    def where(self, key: str) -> str:
        """The file and the line where a key stands that is there, such as `langgraph.json:4`."""
        return self._line(self._members[key].at)

    def wrong(self, key: str, problem: str) -> ManifestError:
        """The error that says what is wrong with the value of a key."""
        return ManifestError(f"{self.where(key)}: {self._full(key)}", problem)

    def keys_of(self, key: str) -> Iterator[tuple[str, str]]:
        """The keys of the object that a key has for its value, and where each stands. One that is there twice comes twice."""
        for member in _members(self.text, self._members[key].value_at):
            yield member.key, self._line(member.at)

    def section(self, key: str, example: str) -> "Section":
        """The object that a key has for its value; an empty one where there is no such key, or it is null."""
        value = self._value(key, dict, f"a map, such as {example}")
        if value is None:
            return Section(path=self.path, text=self.text, values={}, name=self._full(key))
        members = {each.key: each for each in _members(self.text, self._members[key].value_at)}
        return Section(path=self.path, text=self.text, values=value, name=self._full(key), _members=members)

    def string(self, key: str, example: str) -> str | None:
        """A text; None where there is no such key, or it is null."""
        value: str | None = self._value(key, str, f'text, such as "{example}"')
        return value

    def strings(self, key: str, example: str) -> tuple[str, ...] | None:
        """A list of texts; None where there is no such key, or it is null."""
        kind = f'a list of texts, such as ["{example}"]'
        value = self._value(key, list, kind)
        if value is None:
            return None
        if not all(isinstance(each, str) for each in value):
            raise self.wrong(key, f"this must be {kind}")
        return tuple(value)

    def flag(self, key: str) -> bool | None:
        """A truth value; None where there is no such key, or it is null."""
        value: bool | None = self._value(key, bool, "true or false")
        return value

    def count(self, key: str, unit: str) -> int | None:
        """A whole number, zero or more; None where there is no such key, or it is null."""
        kind = f"a whole number of {unit}, zero or more"
        value: int | None = self._value(key, int, kind)
        if isinstance(value, bool) or (value is not None and value < 0):
            raise self.wrong(key, f"this must be {kind}")
        return value

    def number(self, key: str, unit: str) -> float | None:
        """A number, zero or more; None where there is no such key, or it is null."""
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            raise self.wrong(key, f"this must be a number of {unit}, zero or more")
        return float(value)

    def _value(self, key: str, kind: type, name: str) -> Any:
        value = self.values.get(key)
        if value is not None and not isinstance(value, kind):
            raise self.wrong(key, f"this must be {name}")
        return value

    def _full(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def _line(self, at: int) -> str:
        return f"{self.path}:{self.text.count(chr(10), 0, at) + 1}"


def read_document(path: Path, example: str) -> Section:
    """Reads a file that holds a JSON object.

    Args:
        path: The file. Errors name it as it is given here.
        example: What the file could hold.

    Raises:
        ManifestError: The file cannot be read, or it is not a JSON object.
    """
    text = _text(path)
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        place = f"{path}:{error.lineno}:{error.colno}"
        raise ManifestError(place, f"this is not JSON: {error.msg}; correct it there") from error
    except RecursionError as error:
        raise ManifestError(str(path), "this is nested too deep; write a plain map") from error
    if not isinstance(document, dict):
        raise ManifestError(f"{path}:1", f"this must be a JSON object, such as {example}")
    return Section(path=path, text=text, values=document, _members={each.key: each for each in _members(text, 0)})


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ManifestError(str(path), "there is no such file; write one, or name it with --config") from error
    except OSError as error:
        raise ManifestError(str(path), f"this cannot be read: {error.strerror}; name a file with --config") from error
    except UnicodeDecodeError as error:
        raise ManifestError(
            str(path), f"this is not UTF-8: {error.reason} at byte {error.start}; save it as such"
        ) from error


def _members(text: str, at: int) -> Iterator[_Member]:
    """The keys of the JSON object that stands at or behind a place, in text that was parsed before."""
    decoder = json.JSONDecoder()
    at = _skip(text, _skip(text, at) + 1)
    while text[at] != "}":
        key, end = decoder.raw_decode(text, at)
        value_at = _skip(text, _skip(text, end) + 1)
        yield _Member(key, at, value_at)
        at = _skip(text, decoder.raw_decode(text, value_at)[1])
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    while text[at] in _BLANK:
        at += 1
    return at
