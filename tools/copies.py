"""What the clients share and each must have beside it: copies of one file.

Owns the list of copies. The invariant: a copy is the same bytes as its source, which `make check` holds.
"""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = ROOT / "clients"
SOURCE = CLIENTS / "service_config.json"
"""The channel's default service config."""

COPIES = (
    CLIENTS / "go" / SOURCE.name,
    CLIENTS / "java" / "graphwire" / "src" / "main" / "resources" / "io" / "graphwire" / SOURCE.name,
    CLIENTS / "python" / "graphwire" / SOURCE.name,
    CLIENTS / "typescript" / "src" / SOURCE.name,
)


def stale() -> Iterator[str]:
    """A line for each copy that is not there or not the same."""
    for copy in COPIES:
        if not copy.exists() or copy.read_bytes() != SOURCE.read_bytes():
            yield f"{copy.relative_to(ROOT)} is not what {SOURCE.relative_to(ROOT)} says"


def write() -> None:
    """Writes all copies."""
    for copy in COPIES:
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(SOURCE.read_bytes())


if __name__ == "__main__":
    write()
