"""`python -m bench`: measures all rows in one run and prints one table.

Owns the order of the measures: all sides of a row are measured in turns, several times, so that a machine that is busy for a moment is busy for
all. Ratios are those of medians.
"""

import argparse
import asyncio
import json
import statistics
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

from bench import grpc_load, http_load
from bench.rows import ROWS, Promise, Row
from bench.server import server
from bench.target import Target

_HEAD = ("row", "bare", "gRPC", "of bare", "HTTP", "of bare", "against", "promised: gRPC, HTTP", "")
_WIDTHS = (60, 9, 13, 7, 13, 7, 13, 27, 8)

Medians = dict[str, float]
"""The median of each side of a row: bare, grpc, http, against."""


async def _bare(row: Row) -> float:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.bare", row.name), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return float(out)


def _sides(row: Row, ours: Target, other: Target | None) -> dict[str, Callable[[], Awaitable[float]]]:
    """What is measured of a row, by side."""
    sides: dict[str, Callable[[], Awaitable[float]]] = {}
    if row.bare:
        sides["bare"] = lambda: _bare(row)
    if row.grpc is not None:
        sides["grpc"] = lambda: getattr(grpc_load, row.name)(ours)
    if row.http is not None:
        sides["http"] = lambda: getattr(http_load, row.name)(ours)
        if other is not None:
            sides["against"] = lambda: getattr(http_load, row.name)(other)
    return sides


async def _measure(row: Row, ours: Target, other: Target | None, rounds: int) -> Medians:
    sides = _sides(row, ours, other)
    found: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(1 if row.once else rounds):
        for side, measure in sides.items():
            found[side].append(await measure())
    return {side: statistics.median(values) for side, values in found.items()}


def _kept(row: Row, medians: Medians) -> bool:
    promises: dict[str, Promise | None] = {"grpc": row.grpc, "http": row.http}
    return all(promise is None or promise.met(medians[side], medians.get("bare")) for side, promise in promises.items())


def _line(row: Row, medians: Medians) -> str:
    bare = medians.get("bare")

    def shown(side: str) -> str:
        value = medians.get(side)
        return "" if value is None else f"{value:,.1f} {row.unit}" if value < 100 else f"{value:,.0f} {row.unit}"

    def ratio(side: str) -> str:
        return f"{medians[side] / bare:.2f}" if bare and side in medians else ""

    promised = ", ".join("-" if promise is None else str(promise) for promise in (row.grpc, row.http))
    kept = "kept" if _kept(row, medians) else "NOT KEPT"
    cells = (
        row.title,
        f"{bare:,.0f}" if bare else "",
        shown("grpc"),
        ratio("grpc"),
        shown("http"),
        ratio("http"),
        shown("against"),
        promised,
        kept,
    )
    return _cells(cells)


def _cells(cells: tuple[str, ...]) -> str:
    first, *rest = (
        f"{cell:{width}}" if index == 0 else f"{cell:>{width}}"
        for index, (cell, width) in enumerate(zip(cells, _WIDTHS, strict=True))
    )
    return f"| {' | '.join((first, *rest))} |"


async def _main(rounds: int, wanted: list[str], against: str | None) -> tuple[dict[str, Any], bool]:
    print(_cells(_HEAD))
    print(_cells(tuple("-" * width for width in _WIDTHS)))
    results, kept = {}, True
    other = None if against is None else Target(address="", url=against, pid=0)
    async with server() as ours:
        for row in ROWS:
            if wanted and row.name not in wanted:
                continue
            medians = await _measure(row, ours, other, rounds)
            kept = kept and _kept(row, medians)
            results[row.name] = {"unit": row.unit, **medians}
            print(_line(row, medians), flush=True)
    return results, kept


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bench", description="Measures graphwire beside the bare graph.")
    parser.add_argument("rows", nargs="*", help=f"which rows, of {', '.join(row.name for row in ROWS)}; default: all")
    parser.add_argument("--rounds", type=int, default=5, help="how often each row is measured; medians are shown")
    parser.add_argument("--json", type=Path, help="a file to write the medians to")
    parser.add_argument(
        "--against",
        metavar="URL",
        help="another server of the documented surface, that serves bench/app/langgraph.json",
    )
    options = parser.parse_args()
    measured, all_kept = uvloop.run(_main(options.rounds, options.rows, options.against))
    if options.json is not None:
        options.json.write_text(json.dumps(measured, indent=2))
    sys.exit(0 if all_kept else 1)
