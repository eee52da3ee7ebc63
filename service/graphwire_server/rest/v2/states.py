"""Commands that read a thread's states: state.get, state.listCheckpoints.

Owns what they take and what they answer. The protocol has them; the reference server does not serve them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from graphwire_server.core.errors import InvalidField
from graphwire_server.core.model import MAX_PAGE, CheckpointRef, ThreadState
from graphwire_server.core.spec import check_uuid
from graphwire_server.core.threads import Threads
from graphwire_server.rest.answers import time_text

Params = Mapping[str, Any]
_LISTED = 10


class States:
    """The commands that read states.

    Args:
        threads: The threads of this server.
    """

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    async def get(self, thread_id: str, params: Params) -> dict[str, Any]:
        """The values of a thread, or of one of its subgraphs: all, or the keys that are named."""
        at = CheckpointRef(checkpoint_ns=_namespace(params))
        state = await self._threads.state(thread_id, at, subgraphs=False)
        made: dict[str, Any] = {"values": _chosen(state.values, params.get("keys"))}
        if state.checkpoint is not None:
            made["checkpoint"] = {"id": state.checkpoint.checkpoint_id, "ns": state.checkpoint.checkpoint_ns}
        return made

    async def checkpoints(self, thread_id: str, params: Params) -> dict[str, Any]:
        """The checkpoints of a thread, or of one of its subgraphs, the newest first."""
        limit = params.get("limit", _LISTED)
        if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_PAGE:
            raise InvalidField("limit", f"must be an integer from 1 to {MAX_PAGE}")
        before = params.get("before")
        found = await self._threads.history(
            thread_id,
            ns=_namespace(params),
            before=None if before is None else check_uuid("before", str(before)),
            metadata={},
            limit=limit,
        )
        return {"checkpoints": [_summary(state) for state in found if state.checkpoint is not None]}


def _namespace(params: Params) -> str:
    path = params.get("namespace") or []
    if not isinstance(path, list) or not all(isinstance(level, str) for level in path):
        raise InvalidField("namespace", "must be an array of strings")
    return "|".join(path)


def _chosen(values: bytes, keys: Any) -> Any:
    if keys is None:
        return orjson.Fragment(values)
    if not isinstance(keys, Sequence) or isinstance(keys, str) or not all(isinstance(key, str) for key in keys):
        raise InvalidField("keys", "must be an array of strings")
    known = orjson.loads(values)
    return {key: known[key] for key in keys if key in known} if isinstance(known, dict) else {}


def _summary(state: ThreadState) -> dict[str, Any]:
    metadata = orjson.loads(state.metadata)
    assert state.checkpoint is not None  # noqa: S101  its caller has looked
    return {
        "id": state.checkpoint.checkpoint_id,
        "timestamp": time_text(state.created_at),
        "step": metadata.get("step", -1),
        "metadata": metadata,
    }
