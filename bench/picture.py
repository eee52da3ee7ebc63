"""The picture of the curves: one SVG of small multiples.

Owns how it looks. The same numbers give the same bytes, so that a change of the picture is a change of the numbers.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.curve import Curve

DEFAULT = Path("docs/cost.svg")
_COLUMNS = 2
_PANEL = (5.2, 3.2)
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "graphwire",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.grid": True,
    "grid.alpha": 0.35,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
    "lines.marker": "o",
    "lines.markersize": 4,
}
_COLOURS = {"bare": "#6b7280", "gRPC": "#1d4ed8", "HTTP": "#c2410c"}
_WIDE = 20
"""How many times the least value the largest is at least on a logarithmic axis."""
_OTHERS = ("#1d4ed8", "#c2410c", "#15803d")


def draw(curves: Sequence[Curve], path: Path) -> None:
    """Writes the picture of so many curves, one panel each."""
    rows = -(-len(curves) // _COLUMNS)
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(_PANEL[0] * _COLUMNS, _PANEL[1] * rows), layout="constrained")
        for place, curve in enumerate(curves, start=1):
            _panel(figure.add_subplot(rows, _COLUMNS, place), curve)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": "graphwire bench"})


def _panel(axes: Any, curve: Curve) -> None:
    for number, name in enumerate(curve.series):
        # A point that is missing breaks the line.
        values = [math.nan if point.values[name] is None else point.values[name] for point in curve.points]
        colour = _COLOURS.get(name, _OTHERS[number % len(_OTHERS)])
        axes.plot([point.size for point in curve.points], values, label=name, color=colour)
    axes.set_title(curve.title, loc="left", fontweight="bold")
    axes.set_xlabel(curve.size)
    axes.set_ylabel(curve.unit)
    axes.set_xscale("log", base=10)
    axes.set_xticks([point.size for point in curve.points], [short(point.size) for point in curve.points])
    axes.minorticks_off()
    _scale(axes, curve)
    if len(curve.series) > 1:
        axes.legend(frameon=False)


def _scale(axes: Any, curve: Curve) -> None:
    """A logarithmic axis where the values differ much, and one from zero where they do not."""
    values = [value for point in curve.points for value in point.values.values() if value is not None and value > 0]
    if values and max(values) > _WIDE * min(values):
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)


def short(size: int) -> str:
    """A size as a tick of an axis shows it: 32, 2Ki, 10k."""
    for unit, name in ((1 << 20, "Mi"), (1 << 10, "Ki"), (1_000_000, "M"), (1_000, "k")):
        if size >= unit and size % unit == 0:
            return f"{size // unit}{name}"
    return str(size)
