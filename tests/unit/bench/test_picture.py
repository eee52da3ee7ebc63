"""The picture shows every curve, and the same numbers give the same bytes."""

from pathlib import Path

import pytest

from bench.curve import Curve, Point
from bench.picture import draw, short


def curve(name: str, *values: float | None) -> Curve:
    points = tuple(Point(size=10**number, values={"gRPC": value, "HTTP": 1.0}) for number, value in enumerate(values))
    return Curve(name=name, title=f"title of {name}", size="runs at a time", unit="ms", points=points)


def test_the_same_numbers_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.svg", "other.svg"):
        draw([curve("load", 1, 2, 300), curve("size", 1, None, 3)], tmp_path / name)

    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "other.svg").read_bytes()


def test_every_curve_has_its_title_axes_and_names(tmp_path: Path) -> None:
    draw([curve("load", 1, 2), curve("size", None, 3)], tmp_path / "cost.svg")

    text = (tmp_path / "cost.svg").read_text()
    for shown in ("title of load", "title of size", "runs at a time", "ms", "gRPC", "HTTP"):
        assert f">{shown}</text>" in text


@pytest.mark.parametrize(
    ("size", "shown"), [(32, "32"), (1_000, "1k"), (2_048, "2Ki"), (1 << 20, "1Mi"), (100_000, "100k"), (1_500, "1500")]
)
def test_sizes_are_short(size: int, shown: str) -> None:
    assert short(size) == shown
