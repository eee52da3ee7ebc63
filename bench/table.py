"""The table that a run of the bench prints.

Owns the cells: how a value, a ratio, a promise and a failure look.
"""

from collections.abc import Iterator

from bench.promise import Promise
from bench.rows import Row
from bench.sides import Side, Sides

_HEAD = ("row", "bare", "gRPC", "of bare", "HTTP", "of bare", "against", "of bare", "promised: gRPC, HTTP", "")
_WIDTHS = (62, 12, 14, 7, 14, 7, 14, 7, 27, 8)
_SHORT = 100


def head() -> Iterator[str]:
    """The first lines."""
    yield _line(_HEAD)
    yield _line(tuple("-" * width for width in _WIDTHS))


def promises(row: Row) -> dict[str, Promise]:
    """What is promised, by side."""
    both = {"grpc": row.grpc, "http": row.http}
    return {side: promise for side, promise in both.items() if promise is not None}


def kept(row: Row, sides: Sides) -> bool:
    """Whether our faces keep all that the row promises. A side that failed keeps nothing."""
    bare = _median(sides, "bare")
    return all(promise.met(_median(sides, side), bare) for side, promise in promises(row).items())


def lines(row: Row, sides: Sides) -> Iterator[str]:
    """A row: one line, and one for each side that failed."""
    cells = [row.title, _value(row, sides.get("bare"))]
    for side in ("grpc", "http", "against"):
        cells += [_value(row, sides.get(side)), _ratio(sides, side)]
    promised = ", ".join(str(promise or "") or "-" for promise in (row.grpc, row.http))
    yield _line((*cells, promised, "kept" if kept(row, sides) else "NOT KEPT"))
    for name, measured in sides.items():
        if measured.failure is not None:
            yield f"|   {name} failed: {measured.failure}"


def _median(sides: Sides, name: str) -> float | None:
    side = sides.get(name)
    return None if side is None else side.median


def _value(row: Row, side: Side | None) -> str:
    if side is None:
        return ""
    if side.median is None:
        return "failed"
    digits = 2 if side.median < 10 else 1 if side.median < _SHORT else 0
    return f"{side.median:,.{digits}f} {row.unit}".strip()


def _ratio(sides: Sides, name: str) -> str:
    bare, value = _median(sides, "bare"), _median(sides, name)
    return "" if not bare or value is None else f"{value / bare:.2f}"


def _line(cells: tuple[str, ...]) -> str:
    first, *rest = (
        f"{cell:{width}}" if index == 0 else f"{cell:>{width}}"
        for index, (cell, width) in enumerate(zip(cells, _WIDTHS, strict=True))
    )
    return f"| {' | '.join((first, *rest))} |"
