"""The content blocks of one message, as they grow.

Owns the step from the pieces of a message to blocks (wire fact 53): each block begins, grows, and is said whole at its end. Text, reasoning and the arguments of
tool calls grow; everything else comes whole. The invariant: blocks are numbered from 0 in the order in which they begin.
"""

from collections.abc import Iterator
from typing import Any

import orjson

from graphwire_server.core.events import Message, ToolCall, ToolCallChunk

Data = dict[str, Any]

_KNOWN = frozenset({"image", "audio", "video", "file", "non_standard", "server_tool_call", "server_tool_result"})
"""Types of blocks that the protocol knows and that come whole."""
_HEAVY = frozenset({"base64", "data", "args", "output", "value"})
"""Fields that are said at a block's end alone."""


class Blocks:
    """The blocks of one message."""

    def __init__(self) -> None:
        self._growing: dict[object, _Growing] = {}
        self._begun = 0

    def grow(self, piece: Message) -> Iterator[Data]:
        """What a piece adds."""
        extras = piece.extras
        if extras.reasoning:
            yield from self._add("reasoning", {"type": "reasoning"}, "reasoning", extras.reasoning)
        if piece.text:
            yield from self._add("text", {"type": "text"}, "text", piece.text)
        for block in extras.content_blocks:
            yield from self._whole(_known(orjson.loads(block)))
        for chunk in extras.tool_call_chunks:
            yield from self._call(chunk)
        for call in extras.tool_calls:
            yield from self._whole(_tool_call(call))

    def finish(self) -> Iterator[Data]:
        """The whole of each block that has grown."""
        for block in self._growing.values():
            yield {"event": "content-block-finish", "index": block.index, "content": block.whole()}
        self._growing.clear()

    def _add(self, key: object, start: Data, field: str, more: str) -> Iterator[Data]:
        block = self._growing.get(key)
        if block is None:
            block = self._growing[key] = _Growing(self._next(), start, field)
            yield {"event": "content-block-start", "index": block.index, "content": {**start, field: ""}}
        if more:
            block.parts.append(more)
            kind = "tool-call" if field == "args" else field
            yield {
                "event": "content-block-delta",
                "index": block.index,
                "delta": {"type": f"{kind}-delta", field: more},
            }

    def _call(self, chunk: ToolCallChunk) -> Iterator[Data]:
        key = ("call", chunk.position if chunk.position is not None else chunk.id)
        start = {"type": "tool_call_chunk", "id": chunk.id or None, "name": chunk.name or None}
        known = self._growing.get(key)
        if known is not None:  # a provider may say the name in a later piece
            for field in ("id", "name"):
                known.start[field] = known.start[field] or start[field]
        yield from self._add(key, start, "args", chunk.args)

    def _whole(self, block: Data) -> Iterator[Data]:
        index = self._next()
        start = {key: value for key, value in block.items() if key not in _HEAVY}
        if block["type"] in ("tool_call", "server_tool_call"):
            start["args"] = {}
        elif block["type"] == "non_standard":
            start["value"] = {}
        yield {"event": "content-block-start", "index": index, "content": start}
        yield {"event": "content-block-finish", "index": index, "content": block}

    def _next(self) -> int:
        index, self._begun = self._begun, self._begun + 1
        return index


class _Growing:
    __slots__ = ("field", "index", "parts", "start")

    def __init__(self, index: int, start: Data, field: str) -> None:
        self.index = index
        self.start = dict(start)
        self.field = field
        self.parts: list[str] = []

    def whole(self) -> Data:
        text = "".join(self.parts)
        if self.field != "args":
            return {**self.start, self.field: text}
        named = {"id": self.start["id"], "name": self.start["name"]}
        try:
            args = orjson.loads(text or "{}")
        except orjson.JSONDecodeError as error:
            return {"type": "invalid_tool_call", **named, "args": text, "error": f"the arguments are not JSON: {error}"}
        if not isinstance(args, dict):
            return {"type": "invalid_tool_call", **named, "args": text, "error": "the arguments are not a JSON object"}
        return {"type": "tool_call", **named, "name": named["name"] or "", "args": args}


def _tool_call(call: ToolCall) -> Data:
    return {"type": "tool_call", "id": call.id or None, "name": call.name, "args": orjson.Fragment(call.args)}


def _known(block: Any) -> Data:
    if isinstance(block, dict) and block.get("type") in _KNOWN:
        return block
    return {"type": "non_standard", "value": block if isinstance(block, dict) else {"value": block}}
