"""The programs that the page is about.

Owns where they are looked for, and what happens where they are absent.
"""

import os
import shutil
import sys
from pathlib import Path

import pytest

BUILT = Path(__file__).parents[3] / "build" / "bin" / "grpcurl"
"""The pinned one, which `make build/bin/grpcurl` makes where there is a Go toolchain."""


def programs() -> dict[str, str]:
    """Where grpcurl and buf are. Skips the test where grpcurl is absent; with CI_STRICT=1, fails it."""
    return {"grpcurl": _grpcurl(), "buf": str(Path(sys.executable).with_name("buf"))}


def _grpcurl() -> str:
    found = os.environ.get("GRPCURL") or (str(BUILT) if BUILT.is_file() else shutil.which("grpcurl"))
    if found is not None:
        return found
    lack = "there is no grpcurl: not in $GRPCURL, not on PATH, and `make build/bin/grpcurl` has not built it, which needs Go"
    if os.environ.get("CI_STRICT") == "1":
        pytest.fail(f"{lack}, and nothing may be skipped here")
    pytest.skip(lack)
