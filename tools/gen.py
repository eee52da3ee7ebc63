"""Generates the Python stubs from protos/ into a folder.

Owns the call of protoc. The invariant: the same protos and the same pinned tools give the same bytes, which `make check` relies on.

Usage: gen.py FOLDER
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"


def generate(out: Path) -> None:
    """Writes messages for every proto and stubs for every service.

    Args:
        out: The folder that the package `graphwire.v1` goes into.
    """
    protos = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))
    services = [proto for proto in protos if proto.endswith("_service.proto")]
    _protoc(protos, f"--python_out={out}", f"--mypy_out=quiet:{out}")
    _protoc(services, f"--grpc_python_out={out}", f"--mypy_grpc_out=quiet:{out}")


def _protoc(protos: list[str], *outputs: str) -> None:
    binaries = Path(sys.executable).parent
    plugins = [f"--plugin=protoc-gen-{name}={binaries / f'protoc-gen-{name}'}" for name in ("mypy", "mypy_grpc")]
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTOS}", *plugins, *outputs, *protos]
    subprocess.run(command, check=True, cwd=PROTOS)  # noqa: S603  our own tools on our own files


if __name__ == "__main__":
    generate(Path(sys.argv[1]).resolve())
