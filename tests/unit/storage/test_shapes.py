from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from graphwire_server.storage.shapes import Shapes


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Point(NamedTuple):
    x: int
    y: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    name: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    colour: Colour
    points: tuple[Point, ...]
    inner: Inner
    maybe: Inner | None
    texts: tuple[str, ...]
    late: bool = True


WHOLE: dict[str, Any] = {
    "colour": "blue",
    "points": [{"x": 1, "y": 2}, {"x": 3}],
    "inner": {"name": "n", "data": b"d"},
    "maybe": None,
    "texts": ["a", "b"],
    "late": False,
}


def read(value: dict[str, Any]) -> Outer:
    made: Outer = Shapes({}).reader(Outer)(value)
    return made


def test_plain_data_becomes_values() -> None:
    assert read(WHOLE) == Outer(
        colour=Colour.BLUE,
        points=(Point(1, 2), Point(3, 7)),
        inner=Inner(name="n", data=b"d"),
        maybe=None,
        texts=("a", "b"),
        late=False,
    )


def test_what_may_be_none_may_be_there() -> None:
    assert read({**WHOLE, "maybe": {"name": "m", "data": b""}}).maybe == Inner(name="m", data=b"")


def test_fields_that_are_not_known_are_ignored() -> None:
    assert read({**WHOLE, "new": 1, "inner": {"name": "n", "data": b"d", "new": 2}}) == read(WHOLE)


def test_missing_fields_have_their_default_or_nothing() -> None:
    assert read({}) == Outer(
        colour=Colour.RED, points=(), inner=Inner(name="", data=b"null"), maybe=None, texts=(), late=True
    )


def test_a_format_reads_in_its_own_way() -> None:
    shapes = Shapes({bytes: str.encode}, {bytes: b"0"})

    assert shapes.reader(Inner)({"name": "n", "data": "d"}) == Inner(name="n", data=b"d")
    assert shapes.reader(Inner)({"name": "n"}) == Inner(name="n", data=b"0")
