"""Where a thread stands: which node of which run it executes, and at which line.

Owns reading another thread's frames. What it finds is for log lines and for the names of nodes that linger; nothing is decided by it. The invariant: only frames of
LangGraph and of this package are looked into, never the locals of anybody's own code.
"""

import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from graphwire_server.core.model import Run

_LIBRARIES = tuple(
    str(Path(folder).resolve()) + "/"
    for folder in {
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        str(Path(__file__).parents[1]),
    }
)
_KNOWN = ("langgraph.", "graphwire_server.engine.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a thread stands.

    Attributes:
        run_id: The run that it works for; empty where the frames do not say.
        node: The node; empty between nodes, and in a task that a node has made for itself.
        at: File and line: the innermost that is in no library, else the innermost. Empty where the thread is gone.
    """

    run_id: str = ""
    node: str = ""
    at: str = ""


def standing(thread: int) -> Standing:
    """Where a thread stands at this moment.

    Args:
        thread: Its identifier, as `threading.get_ident` gives it.
    """
    frames = list(_frames(thread))
    run_id = node = ""
    for frame in frames:
        run_id, node = _works_for(frame)
        if run_id:
            break
    return Standing(run_id=run_id, node=node, at=_place(frames))


def _frames(thread: int) -> Iterator[FrameType]:
    frame = sys._current_frames().get(thread)  # noqa: SLF001  the one way to another thread's frames; documented, in spite of its name
    while frame is not None:
        yield frame
        frame = frame.f_back


def _works_for(frame: FrameType) -> tuple[str, str]:
    """The run and the node of a frame that knows them, else two empty texts: what LangGraph calls a node with, or what we execute."""
    if not str(frame.f_globals.get("__name__", "")).startswith(_KNOWN):
        return "", ""
    known = frame.f_locals
    run = known.get("run")
    if isinstance(run, Run):
        return run.run_id, ""
    config = known.get("config")
    metadata: Any = config.get("metadata") if isinstance(config, Mapping) else None
    if not isinstance(metadata, Mapping) or "langgraph_node" not in metadata:
        return "", ""
    return str(metadata.get("run_id") or ""), str(metadata["langgraph_node"])


def _place(frames: list[FrameType]) -> str:
    own = (frame for frame in frames if not frame.f_code.co_filename.startswith((*_LIBRARIES, "<")))
    frame = next(own, frames[0] if frames else None)
    return "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
