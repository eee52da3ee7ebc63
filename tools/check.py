"""All checks of `make check`, side by side, each with the command that mends what it finds.

Owns the list of checks. Needs no network.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from filecmp import cmp
from pathlib import Path

from tools import copies
from tools.sizes import violations

ROOT = Path(__file__).resolve().parent.parent
STUBS = ROOT / "clients" / "python"
RELEASED = "protos/released.binpb"


def _command(*words: str) -> Callable[[], str]:
    """A check that runs a program; what it prints is what is wrong."""

    def run() -> str:
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  the list below
        return "" if done.returncode == 0 else done.stdout + done.stderr

    return run


def _sizes() -> str:
    return "\n".join(violations(ROOT))


def _generated() -> str:
    """Whether the committed stubs are what the protos give."""
    with tempfile.TemporaryDirectory() as folder:
        words = [os.environ.get("GEN_PYTHON", sys.executable), "tools/gen.py", folder]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  our own tool
        if done.returncode:
            return done.stdout + done.stderr
        fresh = {path.relative_to(folder): path for path in Path(folder).rglob("*_pb2*")}
        package = (STUBS / "graphwire").rglob("*_pb2*.py*")
        committed = {path.relative_to(STUBS) for path in package if "__pycache__" not in path.parts}
        stale = [str(name) for name in committed ^ fresh.keys()]
        stale += [str(name) for name in committed & fresh.keys() if not cmp(STUBS / name, fresh[name], shallow=False)]
    return "\n".join([*(f"{name} is not what protos/ gives" for name in sorted(stale)), *copies.stale()])


CHECKS = (
    ("format", _command("ruff", "format", "--check", "-q", "."), "make fix"),
    ("lint", _command("ruff", "check", "-q", "."), "make fix"),
    ("types", _command("mypy", "--no-error-summary"), "mend the types"),
    ("layers", _command("lint-imports", "--no-cache"), "move the import to the layer that may have it"),
    ("sizes", _sizes, "find the new noun"),
    ("proto format", _command("buf", "format", "-d", "--exit-code", "protos"), "make fix"),
    ("proto lint", _command("buf", "lint"), "mend the proto"),
    ("proto breaking", _command("buf", "breaking", "--against", RELEASED), "keep the contract, or release it anew"),
    ("generated", _generated, "make gen"),
)


def _timed(check: Callable[[], str]) -> tuple[str, float]:
    start = time.monotonic()
    return check(), time.monotonic() - start


def main() -> int:
    """Runs all checks and prints what each found; returns 1 where one found something."""
    failed = 0
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        found = pool.map(_timed, [check for _, check, _ in CHECKS])
        for (name, _, mend), (problems, seconds) in zip(CHECKS, found, strict=True):
            print(f"{name:15} {'ok' if not problems else 'FAILED':6} {seconds:5.1f} s")
            if problems:
                failed = 1
                print(problems.rstrip() + f"\n  to mend it: {mend}\n")
    return failed


if __name__ == "__main__":
    sys.exit(main())
