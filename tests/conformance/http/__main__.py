"""Holds any server against the recording and the expectations, or records one.

The server must serve the graphs of `tests/conformance/app/langgraph.json`. `check` says what is otherwise and exits with 1 where anything is.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from tests.conformance.http.recording import check, record
from tests.conformance.http.scenarios import RECORDED, SCENARIOS

_SHOWN = 4
"""How many differences of a scenario are printed."""


def main() -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.http", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("check", "record"):
        command = verbs.add_parser(verb)
        command.add_argument("url")
        if verb == "record":
            command.add_argument("file", type=Path)
        meant = RECORDED if verb == "record" else SCENARIOS
        command.add_argument("--only", nargs="+", metavar="NAME", choices=list(SCENARIOS), default=list(meant))
    options = parser.parse_args()
    if options.verb == "record":
        asyncio.run(record(options.url, options.only, options.file))
        print(f"recorded {len(options.only)} scenarios")
        return 0
    return _check(options.url, options.only)


def _check(url: str, names: list[str]) -> int:
    found = asyncio.run(check(url, names))
    for name, lines in found.items():
        print(f"{'FAIL' if lines else 'ok  '} {name}")
        for line in lines[:_SHOWN]:
            print(f"       {line}")
        if len(lines) > _SHOWN:
            print(f"       and {len(lines) - _SHOWN} more")
    failed = sum(map(bool, found.values()))
    print(f"{len(found) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
