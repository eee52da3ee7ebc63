"""What of a thread's checkpoints is needed to go on from its latest state.

Owns the one rule by which every engine prunes. The newest checkpoint of the root graph stays, with what its tasks have written: interrupts, answers, the results of
nodes that have finished. So does the newest one of each subgraph that waits on top of it, or that remembers from call to call. The invariant: what
`get_state` shows, with subgraphs, and what a resume does, are the same before and after.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

_TASK = ":"
_COUNTERS = "counters_since_delta_snapshot"


class Stays(Enum):
    """What stays of a namespace."""

    NOTHING = "nothing"
    NEWEST = "newest"
    ALL = "all"


def stays(ns: str, metadata: Mapping[str, Any], root_id: str | None) -> Stays:
    """What stays of a namespace of a thread.

    Args:
        ns: The namespace.
        metadata: The metadata of its newest checkpoint, as LangGraph writes it.
        root_id: The newest checkpoint of the root graph.
    """
    if _TASK in ns:
        # The subgraph of one task. LangGraph names the checkpoint of the root under which it ran; a task of an earlier one never goes on.
        below = (metadata.get("parents") or {}).get("")
        if below is not None and below != root_id:
            return Stays.NOTHING
    # Channels that store differences are made of the writes on top of all checkpoints before.
    return Stays.ALL if metadata.get(_COUNTERS) else Stays.NEWEST
