"""A curve: what something costs, by the size of something.

Owns its points, and the promise that some make: that nothing is much dearer at the end.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What it costs at one size.

    Attributes:
        size: The size, in the curve's unit.
        values: By name of the series; None where the measure failed.
    """

    size: int
    values: dict[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A curve.

    Attributes:
        name: Its key in the JSON.
        title: What a reader sees.
        size: The size and its unit.
        unit: The unit of all series.
        points: By rising size.
        most: How many times dearer each series may be at the end than at the beginning; None promises nothing.
    """

    name: str
    title: str
    size: str
    unit: str
    points: tuple[Point, ...]
    most: float | None = None

    @property
    def series(self) -> tuple[str, ...]:
        """The names of its series."""
        return tuple(self.points[0].values)

    @property
    def kept(self) -> bool:
        """Whether no series is much dearer at the end, and none failed, where that is promised."""
        return self.most is None or all(map(self._flat, self.series))

    def _flat(self, name: str) -> bool:
        first, last = self.points[0].values[name], self.points[-1].values[name]
        return first is not None and last is not None and self.most is not None and last <= self.most * first

    def lines(self) -> Iterator[str]:
        """The curve as a table."""
        yield f"| {self.title}: {self.size} | {' | '.join(f'{name}, {self.unit}' for name in self.series)} |"
        yield "| ---: |" + " ---: |" * len(self.series)
        for point in self.points:
            cells = ("failed" if value is None else f"{value:,.4g}" for value in point.values.values())
            yield f"| {point.size:,} | {' | '.join(cells)} |"
        if self.most is not None:
            yield f"at most {self.most:g} times as dear at the end: {'kept' if self.kept else 'NOT KEPT'}"

    @classmethod
    def of(cls, found: dict[str, Any]) -> "Curve":
        """The curve that `dataclasses.asdict` made a dictionary of."""
        return cls(**found | {"points": tuple(Point(**point) for point in found["points"])})
