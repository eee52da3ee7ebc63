"""What a filter finds, by each way that an engine may take: below a narrow namespace, by an index of values, by looking at each."""

from typing import Any

import pytest

from graphwire_server.core.errors import InvalidField
from tests.storage.items.shelf import USERS, Shelf

VALUES: dict[str, dict[str, Any]] = {
    "one": {"n": 1, "s": "b", "t": True, "o": {"x": 1, "y": {"z": "deep"}}, "l": [1, 2], "dot.ted": 1},
    "two": {"n": 2.5, "s": "a", "t": False, "o": {"x": 2}, "l": [2, 1], 'quo"te\\d': "\n"},
    "text": {"n": "1", "s": "[1,2]", "t": 1, "o": "x", "l": "x", "ü": "é", "big": 2**70},
    "none": {"n": None, "long": "x" * 300},
    "empty": {},
}

CASES: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {"one", "two", "text", "none", "empty"}),
    ({"n": 1}, {"one"}),
    ({"n": 1.0}, {"one"}),
    ({"n": "1"}, {"text"}),
    ({"n": 2.5}, {"two"}),
    ({"n": None}, {"none", "empty"}),
    ({"n": True}, set()),
    ({"t": True}, {"one"}),
    ({"t": False}, {"two"}),
    ({"t": 1}, {"text"}),
    ({"s": "b", "n": 1}, {"one"}),
    ({"s": "b", "n": 2.5}, set()),
    ({"s": "[1,2]"}, {"text"}),
    ({"l": [1, 2]}, {"one"}),
    ({"l": "[1,2]"}, set()),
    ({"o": {"x": 1}}, {"one"}),
    ({"o": {"x": {"$gt": 1}}}, {"two"}),
    ({"o": {"y": {"z": "deep"}}}, {"one"}),
    ({"o": {}}, {"one", "two"}),
    ({"o": {"$eq": {"x": 2}}}, {"two"}),
    ({"dot.ted": 1}, {"one"}),
    ({"dot": {"ted": 1}}, set()),
    ({'quo"te\\d': "\n"}, {"two"}),
    ({"ü": "é"}, {"text"}),
    ({"big": 2**70}, {"text"}),
    ({"big": 2**70 + 1}, set()),
    ({"big": {"$gt": 2**69}}, {"text"}),
    ({"long": "x" * 300}, {"none"}),
    ({"n": {"$eq": 1}}, {"one"}),
    ({"n": {"$ne": 1}}, {"two", "text", "none", "empty"}),
    ({"n": {"$ne": None}}, {"one", "two", "text"}),
    ({"n": {"$gt": 1}}, {"two"}),
    ({"n": {"$gt": 100}}, set()),
    ({"n": {"$lte": 2.5}, "s": {"$lt": "b"}}, {"two"}),
    ({"n": {"$gte": 1}}, {"one", "two"}),
    ({"n": {"$lt": 2.5}}, {"one"}),
    ({"n": {"$gte": 1, "$lt": 2}}, {"one"}),
    ({"n": {"$lte": "1"}}, {"text"}),
    ({"s": {"$gt": "a"}}, {"one"}),
    ({"t": {"$gte": 0}}, {"text"}),
    ({"'; DROP TABLE items; --": 1}, set()),
]


@pytest.mark.parametrize(("wanted", "found"), CASES, ids=lambda case: str(case)[:40])
async def test_a_filter_finds_the_same_by_every_way(kept: Shelf, wanted: dict[str, Any], found: set[str]) -> None:
    await kept.fill(USERS, **VALUES)

    assert set(await kept.found(USERS, wanted=wanted)) == found
    assert set(await kept.found((), wanted=wanted)) == found


async def test_an_object_with_very_many_fields_is_found_as_well(kept: Shelf) -> None:
    await kept.fill(USERS, narrow={"f1": 1}, wide={f"f{n}": n for n in range(500)})

    assert await kept.found(wanted={"f1": 1}) == ["wide", "narrow"]
    assert await kept.found(wanted={"f499": 499}) == ["wide"]
    await kept.fill(USERS, wide={"f1": 2})
    assert await kept.found(wanted={"f1": 1}) == ["narrow"]
    assert await kept.found(wanted={"f1": 2}) == ["wide"]


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ({"n": {"$in": [1]}}, r"filter\.n: '\$in' is no operator; there are \$eq"),
        ({"n": {"$gt": None}}, r"filter\.n\.\$gt: must be a number or text"),
        ({"n": {"$gt": True}}, r"filter\.n\.\$gt: must be"),
        ({"n": {"$gt": 1, "x": 2}}, r"filter\.n: 'x' is no operator"),
        ({"$or": []}, r"filter: '\$or' stands where a field is named"),
        ({"a": {"b": {"$x": 1}}}, r"filter\.a\.b: '\$x'"),
        ({f"f{n}": n for n in range(101)}, "has 101 conditions"),
    ],
)
async def test_a_filter_that_cannot_be_meant_is_refused(kept: Shelf, wanted: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidField, match=problem):
        await kept.items.search((), wanted=wanted)
