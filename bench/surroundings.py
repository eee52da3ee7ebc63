"""On what a run of the bench was measured.

Owns the facts without which its figures say nothing.
"""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from bench.connection import Connection

_PACKAGES = (
    "graphwire",
    "langgraph",
    "langchain-core",
    "langgraph-checkpoint-sqlite",
    "grpcio",
    "protobuf",
    "orjson",
    "starlette",
    "uvicorn",
    "uvloop",
)


def facts() -> dict[str, Any]:
    """What is under the bench now: the machine and how busy it is, Python, and the packages that matter."""
    return {
        "begun": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _PACKAGES},
    }


def line(found: dict[str, Any]) -> str:
    """The same in a line."""
    versions = found["versions"]
    named = ", ".join(f"{name} {versions[name]}" for name in ("langgraph", "grpcio", "uvloop"))
    return f"{found['cores']} cores, load {found['load']:.2f}, Python {found['python']}, {named}"


async def other(url: str) -> dict[str, Any]:
    """What another server says of itself. Raises OSError where nobody answers, RuntimeError where it is no server of the documented surface."""
    connection = await Connection(url).open()
    try:
        told = await connection.call("GET", "/info")
    finally:
        connection.close()
    return {"url": url, "info": told}
