"""`python -m bench`: measures all rows in one run and prints one table.

Owns the command: what is measured, in which order, and what is written where.
"""

import argparse
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from bench import blocked, clients, curves, picture, surroundings, table
from bench.curve import Curve
from bench.process import run
from bench.rows import ROWS, Row
from bench.server import server
from bench.sides import Sides, Sweep, reason
from bench.target import Target

SECTIONS = ("blocked", "curves", "clients")
"""What is measured beside the rows."""


class Bench:
    """One run of the bench.

    Attributes:
        found: What it found so far, as the JSON has it.
        kept: Whether all promises were kept so far.

    Args:
        rounds: How often each row is measured.
        wanted: The rows and sections that are measured; all where it is empty.
        against: The URL of another server, or None.
        drawn: Where the picture of the curves is written.
    """

    def __init__(self, rounds: int, wanted: list[str], against: str | None, drawn: Path) -> None:
        self.found: dict[str, Any] = {"surroundings": surroundings.facts(), "rounds": rounds}
        self.kept = True
        self._rounds = rounds
        self._wanted = wanted
        self._against = against
        self._drawn = drawn

    async def run(self) -> None:
        """All that is wanted."""
        print(surroundings.line(self.found["surroundings"]))
        await self._table([row for row in ROWS if self._wants(row.name)])
        for name, section in (("blocked", self._blocked), ("curves", self._curves), ("clients", self._clients)):
            if self._wants(name):
                await self._section(name, section)

    async def _section(self, name: str, section: Callable[[], Awaitable[None]]) -> None:
        """One that fails is a result; the others go on."""
        try:
            await section()
        except Exception as error:  # noqa: BLE001  whatever a server under load does
            self.kept = False
            self.found[name] = {"failure": reason(error)}
            print(f"\n{name} failed: {reason(error)}", flush=True)

    def _wants(self, name: str) -> bool:
        return not self._wanted or name in self._wanted

    async def _table(self, rows: list[Row]) -> None:
        """The rows, printed as they come. No other server of ours is there while one has a server for itself."""
        if not rows:
            return
        other = await self._other()
        self.found["rows"] = {}
        print(*table.head(), sep="\n")
        for shared, group in groupby(rows, lambda row: row.fresh is None):
            async with server() if shared else nullcontext() as ours:
                for row in group:
                    self._row(row, await Sweep(row, ours, other).measure(self._rounds))

    async def _other(self) -> Target | None:
        if self._against is None:
            return None
        self.found["against"] = await surroundings.other(self._against)
        print(f"against {self._against}: {json.dumps(self.found['against']['info'])}")
        return Target(address="", url=self._against, pid=0)

    def _row(self, row: Row, sides: Sides) -> None:
        kept = table.kept(row, sides)
        self.kept = self.kept and kept
        self.found["rows"][row.name] = {
            "title": row.title,
            "unit": row.unit,
            "promised": {name: str(promise) for name, promise in table.promises(row).items()},
            "kept": kept,
            "sides": {name: {"median": side.median} | asdict(side) for name, side in sides.items()},
        }
        print(*table.lines(row, sides), sep="\n", flush=True)

    async def _blocked(self) -> None:
        found = await blocked.measure(self._rounds)
        self.found["blocked"] = asdict(found)
        print("", *blocked.lines(found), sep="\n", flush=True)

    async def _curves(self) -> None:
        self.found["curves"] = []
        drawn: list[Curve] = []
        async for curve in curves.measure(self._rounds):
            self.kept = self.kept and curve.kept
            drawn.append(curve)
            self.found["curves"].append(asdict(curve))
            print("", *curve.lines(), sep="\n", flush=True)
        picture.draw(drawn, self._drawn)

    async def _clients(self) -> None:
        costs = await clients.measure()
        self.found["clients"] = {
            name: {stream: asdict(cost) for stream, cost in by.items()} for name, by in costs.items()
        }
        print("", *clients.lines(costs), sep="\n", flush=True)


def _options() -> argparse.Namespace:
    names = [row.name for row in ROWS] + list(SECTIONS)
    parser = argparse.ArgumentParser(prog="bench", description="Measures graphwire beside the bare graph.")
    parser.add_argument(
        "wanted", nargs="*", metavar="NAME", help=f"what is measured, of {', '.join(names)}; default: all"
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often each row is measured; medians are shown")
    parser.add_argument("--json", type=Path, metavar="FILE", help="a file to write all that was found to")
    parser.add_argument(
        "--against",
        metavar="URL",
        help="another server of the documented surface, that serves bench/app/langgraph.json",
    )
    parser.add_argument(
        "--picture", type=Path, metavar="FILE", default=picture.DEFAULT, help="where the curves are drawn (%(default)s)"
    )
    parser.add_argument("--plot", type=Path, metavar="JSON", help="only draw the curves of an earlier run anew")
    options = parser.parse_args()
    if unknown := set(options.wanted) - set(names):
        parser.error(f"nothing is called {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    return options


def _measure(options: argparse.Namespace) -> int:
    """Measures, and writes what was found also where it was cut short. Gives the exit code."""
    bench = Bench(options.rounds, options.wanted, options.against, options.picture)
    try:
        run(bench.run())
    finally:
        if options.json is not None:
            options.json.write_text(json.dumps(bench.found, indent=2))
    return 0 if bench.kept else 1


def main() -> int:
    """The command. Gives its exit code: 0, or 1 where a promise was not kept."""
    options = _options()
    if options.plot is not None:
        found = json.loads(options.plot.read_text())
        picture.draw([Curve.of(each) for each in found["curves"]], options.picture)
        return 0
    return _measure(options)


if __name__ == "__main__":
    sys.exit(main())
