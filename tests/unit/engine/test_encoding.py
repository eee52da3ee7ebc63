"""Python values as JSON text (wire fact 26)."""

import dataclasses
import enum
import ipaddress
import json
import math
import re
import uuid
from collections import OrderedDict, UserDict, deque
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from graphwire_server.engine.encoding import dumps


class Point(NamedTuple):
    x: int
    y: int


class Model(BaseModel):
    name: str
    at: Any = None


@dataclasses.dataclass
class Pair:
    left: Any
    right: Any = None


class Colour(enum.Enum):
    RED = "red"


class Number(enum.IntEnum):
    ONE = 1


UUID = uuid.UUID("018f2d3c-0a6b-7c1e-9b1a-2f6f1c3b5a7d")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"\x00\xff", "AP8="),
        (bytearray(b"a"), "YQ=="),
        (memoryview(b"a"), "YQ=="),
        (UUID, str(UUID)),
        (PurePosixPath("/a/b"), "/a/b"),
        (ipaddress.ip_address("127.0.0.1"), "127.0.0.1"),
        (ipaddress.ip_network("10.0.0.0/8"), "10.0.0.0/8"),
        ({1}, [1]),
        (frozenset({1}), [1]),
        (deque([1, 2]), [1, 2]),
        ((1, 2), [1, 2]),
        (Point(1, 2), {"x": 1, "y": 2}),
        (Decimal(2), 2),
        (Decimal("2.5"), 2.5),
        (Decimal("NaN"), None),
        (Decimal("Infinity"), None),
        (timedelta(minutes=1, milliseconds=500), 60.5),
        (Model(name="a", at=b"a"), {"name": "a", "at": "YQ=="}),
        (Pair(1, {2}), {"left": 1, "right": [2]}),
        (re.compile("a+"), "a+"),
        (UserDict({"a": 1}), {"a": 1}),
        (OrderedDict(a=1), {"a": 1}),
        (Colour.RED, "red"),
        (Number.ONE, 1),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
        (object(), None),
        (print, None),
        (math.nan, None),
        (-math.inf, None),
        ("a\0b", "a�b"),
        ("a\ud800b", "a?b"),
        ({"k\0\udfff": 1}, {"k�?": 1}),
        ({1: "a", UUID: "b", 2.5: "d"}, {"1": "a", str(UUID): "b", "2.5": "d"}),
        ("\\u0000", "\\u0000"),
        (True, True),
        (None, None),
        (-0.0, -0.0),
    ],
)
def test_how_each_type_is_said(value: Any, said: Any) -> None:
    assert json.loads(dumps(value)) == said
    # Once more beside a value that takes the slow way: both ways say the same.
    assert json.loads(dumps([value, 2**70])) == [said, 2**70]


@pytest.mark.parametrize("key", [True, False, None, 7, 2.5, Colour.RED, UUID, date(2026, 1, 2)])
def test_keys_are_said_alike_on_both_ways(key: Any) -> None:
    fast = json.loads(dumps({key: 0}))

    slow = json.loads(dumps({key: 2**70}))

    assert list(slow) == list(fast)


@pytest.mark.parametrize("number", [2**53 + 1, -(2**63), 2**64 - 1, 2**64, -(2**200), 10**4000])
def test_integers_are_exact(number: int) -> None:
    assert json.loads(dumps({"n": [number]}), parse_int=int) == {"n": [number]}


@pytest.mark.parametrize("kind", [int, Decimal])
def test_an_integer_that_python_will_not_print_is_still_json(kind: type) -> None:
    text = dumps({"n": kind(10) ** 5000})

    assert json.loads(text, parse_int=str)


def test_a_cycle_ends() -> None:
    cycle: dict[str, Any] = {}
    cycle["self"] = cycle

    assert json.loads(dumps(cycle))["self"] is None


@pytest.mark.timeout(10)  # where each way round were gone, it took for ever
def test_a_cycle_with_two_ways_round_ends() -> None:
    parent, child = Pair(None), Pair(None)
    parent.left = parent.right = child
    child.left = child.right = parent

    assert json.loads(dumps(parent))["left"]


def test_deep_nesting_ends() -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]

    assert json.loads(dumps(deep))


def test_what_fails_to_say_itself_is_null() -> None:
    class Broken(UserDict[str, int]):
        def __iter__(self) -> Any:
            raise RuntimeError("no")

    assert json.loads(dumps({"a": Broken(a=1), "b": 1})) == {"a": None, "b": 1}


def test_a_large_text_stays_whole() -> None:
    text = "é" * 100_000

    assert json.loads(dumps(text)) == text


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.decimals()
    | st.uuids()
    | st.timedeltas()
    | st.datetimes()
    | st.times()
    | st.ip_addresses()
    | st.builds(object),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.builds(Pair, inner, inner)
        | st.builds(Model, name=st.just("m"), at=inner)
        | st.dictionaries(st.text(st.characters()) | st.integers() | st.booleans(), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(JSON)
def test_json_round_trips_exactly(value: Any) -> None:
    assert json.loads(dumps(value)) == value


@settings(deadline=None)
@given(ANYTHING)
def test_anything_is_valid_json(value: Any) -> None:
    text = dumps(value)

    json.loads(text.decode("utf-8"), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert b"\\u0000" not in text.replace(b"\\\\", b"")
