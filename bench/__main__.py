"""`python -m bench`: measures all rows in one run and prints one table.

Owns the order of the measures: both sides of a row are measured in turns, several times, so that a machine that is busy for a moment is busy for
both. Ratios are those of medians.
"""

import argparse
import asyncio
import json
import statistics
import sys
from pathlib import Path
from typing import Any

import uvloop

from bench import load
from bench.load import Target
from bench.rows import ROWS, Row
from bench.server import server

ONCE = frozenset({"rest"})


async def _bare(row: Row) -> float:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.bare", row.name), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return float(out)


async def _measure(row: Row, target: Target, rounds: int) -> tuple[float, float | None]:
    """The medians of the server's side and of the bare side."""
    ours, bare = [], []
    for _ in range(1 if row.name in ONCE else rounds):
        if row.bare:
            bare.append(await _bare(row))
        ours.append(await getattr(load, row.name)(target))
    return statistics.median(ours), statistics.median(bare) if bare else None


def _line(row: Row, ours: float, bare: float | None) -> str:
    ratio = f"{ours / bare:.2f}" if bare else ""
    kept = "kept" if row.met(ours, bare) else "NOT KEPT"
    bare_text = f"{bare:,.0f}" if bare else ""
    shown = f"{ours:,.1f}" if ours < 100 else f"{ours:,.0f}"
    return f"| {row.title:50} | {bare_text:>9} | {shown:>9} {row.unit:3} | {ratio:>5} | {row.promise:>15} | {kept:8} |"


async def _main(rounds: int, wanted: list[str]) -> tuple[dict[str, Any], bool]:
    print(f"| {'row':50} | {'bare':>9} | {'graphwire':>13} | {'ratio':>5} | {'promised':>15} | {'':8} |")
    print(f"| {'-' * 50} | {'-' * 9} | {'-' * 13} | {'-' * 5} | {'-' * 15} | {'-' * 8} |")
    results, kept = {}, True
    async with server() as target:
        for row in ROWS:
            if wanted and row.name not in wanted:
                continue
            ours, bare = await _measure(row, target, rounds)
            kept = kept and row.met(ours, bare)
            results[row.name] = {"graphwire": ours, "bare": bare, "unit": row.unit}
            print(_line(row, ours, bare), flush=True)
    return results, kept


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bench", description="Measures graphwire beside the bare graph.")
    parser.add_argument("rows", nargs="*", help=f"which rows, of {', '.join(row.name for row in ROWS)}; default: all")
    parser.add_argument("--rounds", type=int, default=5, help="how often each row is measured; medians are shown")
    parser.add_argument("--json", type=Path, help="a file to write the medians to")
    options = parser.parse_args()
    measured, all_kept = uvloop.run(_main(options.rounds, options.rows))
    if options.json is not None:
        options.json.write_text(json.dumps(measured, indent=2))
    sys.exit(0 if all_kept else 1)
