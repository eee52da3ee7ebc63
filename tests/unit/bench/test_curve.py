"""A curve promises that nothing is much dearer at its end."""

from dataclasses import asdict

import pytest

from bench.curve import Curve, Point


def curve(*values: float | None, most: float | None = 2.0) -> Curve:
    points = tuple(Point(size=10**number, values={"a call": value}) for number, value in enumerate(values))
    return Curve(name="calls", title="calls", size="threads", unit="ms", points=points, most=most)


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        (curve(1, 9, 2), True),
        (curve(1, 2.1), False),
        (curve(1, None), False),
        (curve(None, 1), False),
        (curve(1, 100, most=None), True),
    ],
)
def test_the_end_is_compared_with_the_beginning(found: Curve, kept: bool) -> None:
    assert found.kept is kept


def test_it_is_a_table() -> None:
    assert list(curve(1.5, None).lines()) == [
        "| calls: threads | a call, ms |",
        "| ---: | ---: |",
        "| 1 | 1.5 |",
        "| 10 | failed |",
        "at most 2 times as dear at the end: NOT KEPT",
    ]


def test_it_comes_back_from_json() -> None:
    assert Curve.of(asdict(curve(1, None, 3))) == curve(1, None, 3)
