"""Chat messages as the v2 event protocol streams them.

Owns when a message begins and when it is finished (wire fact 53). All that is said of a message has its id, and the id of the model call that it comes from:
clients tell messages apart by them that grow side by side. The invariant: what has begun is finished or failed, at the latest with its run.
"""

from collections.abc import Iterator
from typing import Any

import orjson

from graphwire_server.core.events import Message, MessageOrigin, TokenUsage
from graphwire_server.rest.v2.blocks import Blocks, Data

_MOST_OPEN = 1024
"""How many messages of one run may grow at once; beyond, the oldest is finished."""
_ROLES = {"ai": "ai", "human": "human", "system": "system", "tool": "tool"}
_CALL_PREFIXES = ("lc_run--", "run--")

Said = tuple[tuple[str, ...], str, Data]
"""The namespace and the node of a message, and what is said of it."""


class Messages:
    """The messages of one run that grow."""

    def __init__(self) -> None:
        self._open: dict[tuple[tuple[str, ...], str], _Open] = {}

    def add(self, namespace: tuple[str, ...], piece: Message) -> Iterator[Said]:
        """What one piece, or one whole message, says."""
        key = (namespace, piece.id or piece.origin.checkpoint_ns)
        message = self._open.get(key)
        if message is None:
            if len(self._open) >= _MOST_OPEN:
                yield from self._finish(next(iter(self._open)))
            message = self._open[key] = _Open(namespace, piece)
            yield message.says(_start(piece))
        for data in message.blocks.grow(piece):
            yield message.says(data)
        if message.note(piece):
            yield from self._finish(key)

    def close(self, problem: str | None, task_id: str | None = None) -> Iterator[Said]:
        """Ends the messages of a task that has ended, or all: they are finished, or have failed where there was a problem."""
        for key, message in list(self._open.items()):
            if task_id not in (None, message.task_id):
                continue
            if problem:
                yield self._open.pop(key).says({"event": "error", "message": problem})
            else:
                yield from self._finish(key)

    def _finish(self, key: tuple[tuple[str, ...], str]) -> Iterator[Said]:
        message = self._open.pop(key)
        for data in message.blocks.finish():
            yield message.says(data)
        yield message.says(message.end())


class _Open:
    __slots__ = ("_ids", "_metadata", "_namespace", "_node", "_usage", "blocks", "task_id")

    def __init__(self, namespace: tuple[str, ...], piece: Message) -> None:
        self._namespace = namespace
        self._node = piece.origin.node
        self._ids = {"id": piece.id, "run_id": _call_id(piece.id)}
        self._metadata: Data = {}
        self._usage: Data = {}
        self.blocks = Blocks()
        self.task_id = piece.origin.checkpoint_ns.rpartition(":")[2]

    def says(self, data: Data) -> Said:
        return self._namespace, self._node, {**data, **self._ids}

    def note(self, piece: Message) -> bool:
        """Remembers what the end of the message says. Returns whether the piece is its end."""
        if piece.extras.usage is not None:
            _count(self._usage, piece.extras.usage)
        if piece.dump is None:
            return piece.complete
        fields = orjson.loads(piece.dump)
        self._metadata.update(fields.get("response_metadata") or {})
        return piece.complete or fields.get("chunk_position") == "last"

    def end(self) -> Data:
        made: Data = {"event": "message-finish"}
        if self._usage:
            made["usage"] = self._usage
        if self._metadata:
            made["metadata"] = self._metadata
        return made


def _start(piece: Message) -> Data:
    made: Data = {"event": "message-start", "role": _ROLES.get(piece.type, "ai")}
    if piece.extras.tool_call_id:
        made["tool_call_id"] = piece.extras.tool_call_id
    if piece.extras.name:
        made["name"] = piece.extras.name
    metadata = _origin(piece.origin)
    if metadata:
        made["metadata"] = metadata
    return made


def _origin(origin: MessageOrigin) -> Data:
    """Where a message comes from, in a few words: the whole of it would be repeated for each message."""
    known: dict[str, Any] = orjson.loads(origin.metadata) if origin.metadata else {}
    named = {
        "provider": known.get("ls_provider"),
        "model": origin.model or None,
        "model_type": known.get("ls_model_type"),
        "langgraph_node": origin.node or None,
        "langgraph_step": origin.step,
    }
    return {key: value for key, value in named.items() if value is not None}


def _call_id(message_id: str) -> str:
    for prefix in _CALL_PREFIXES:
        if message_id.startswith(prefix):
            return message_id.removeprefix(prefix)
    return message_id


def _count(total: Data, more: TokenUsage) -> None:
    for name in ("input_tokens", "output_tokens", "total_tokens"):
        total[name] = total.get(name, 0) + getattr(more, name)
    if more.details:
        details = orjson.loads(more.details)
        for name in ("input_token_details", "output_token_details"):
            if details.get(name):
                total[name] = {**total.get(name, {}), **details[name]}
