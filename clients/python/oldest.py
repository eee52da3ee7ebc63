"""Runs the client's tests with the oldest versions of gRPC and protobuf that it supports.

    python clients/python/oldest.py [FOLDER]

Owns an environment in FOLDER (default: clients/python/build/oldest) that has exactly the lower bounds of pyproject.toml, and what the tests need. It is made
anew when those change. Its Python can run `conformance/main.py` as well.
"""

import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TESTS = ROOT / "tests" / "unit" / "client"
TEST_TOOLS = ("pytest==", "pytest-asyncio==", "pytest-timeout==")


def wanted() -> list[str]:
    """What is installed: the lower bounds, grpc_testing as old as gRPC, and the pinned tools of the tests."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    bounds = dict(re.findall(r"^([\w-]+)>=([\w.]+)", "\n".join(project["dependencies"]), re.MULTILINE))
    tools = [line for line in project["optional-dependencies"]["dev"] if line.startswith(TEST_TOOLS)]
    return [*(f"{name}=={version}" for name, version in bounds.items()), f"grpcio-testing=={bounds['grpcio']}", *tools]


def made(folder: Path) -> Path:
    """The Python of the environment, which is made where it is not there or not as wanted."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp, lines = folder / "wanted.txt", "\n".join(wanted())
    if not stamp.exists() or stamp.read_text() != lines:
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *wanted()], check=True)  # noqa: S603  our own list
        stamp.write_text(lines)
    return python


def main() -> int:
    """Runs the tests; returns their exit status."""
    folder = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else HERE / "build" / "oldest"
    environment = os.environ | {"PYTHONPATH": str(HERE)}
    words: list[str | Path] = [made(folder), "-m", "pytest", "-q", "-p", "no:cacheprovider", TESTS]
    return subprocess.run(words, cwd=ROOT, env=environment, check=False).returncode  # noqa: S603  our own tests


if __name__ == "__main__":
    sys.exit(main())
