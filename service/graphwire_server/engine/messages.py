"""Chat messages: LangChain's chunk and its metadata to one event.

Owns what of a message is typed and what is left over, and the whole messages that runs in mode `messages` stream. This runs once for each token,
so the plain case (a piece of a model's text and nothing else) is decided first and makes two small objects.
"""

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from langchain_core.messages import AIMessageChunk, BaseMessage, BaseMessageChunk, message_chunk_to_message

from graphwire_server.core.events import (
    NO_EXTRAS,
    Message,
    MessageExtras,
    MessageOrigin,
    TokenUsage,
    ToolCall,
    ToolCallChunk,
)
from graphwire_server.engine.encoding import dumps, text

_TYPES = {
    "AIMessageChunk": "ai",
    "HumanMessageChunk": "human",
    "SystemMessageChunk": "system",
    "ToolMessageChunk": "tool",
    "FunctionMessageChunk": "function",
    "ChatMessageChunk": "chat",
}
_TOOL_BLOCKS = frozenset({"tool_use", "tool_call", "tool_call_chunk", "input_json_delta", "function_call"})
_FINISH = ("finish_reason", "stop_reason", "done_reason")
_TYPED = frozenset(
    {
        "content",
        "type",
        "name",
        "id",
        "tool_calls",
        "invalid_tool_calls",
        "tool_call_chunks",
        "usage_metadata",
        "tool_call_id",
        "chunk_position",
    }
)
_MORE = itemgetter(
    "tool_call_chunks",
    "usage_metadata",
    "response_metadata",
    "additional_kwargs",
    "tool_calls",
    "invalid_tool_calls",
    "name",
    "chunk_position",
)
"""What a piece of a model's answer has beside its text, if anything."""
_new = tuple.__new__
_CALLS_AT_ONCE = 1024
"""How many model calls are remembered at once. A call that is forgotten repeats its metadata once, nothing worse."""


class Origins:
    """Where the messages of one run come from. LangGraph hands over one metadata object for each model call: it is read once."""

    def __init__(self) -> None:
        self._calls: dict[int, tuple[Mapping[str, Any], MessageOrigin, set[str | None]]] = {}

    def origin(self, message: BaseMessage, metadata: Mapping[str, Any]) -> tuple[MessageOrigin, bool]:
        """The origin of a message, and whether this is the first event of the message."""
        call = self._calls.get(id(metadata))
        if call is None or call[0] is not metadata:
            if len(self._calls) >= _CALLS_AT_ONCE:
                del self._calls[next(iter(self._calls))]
            call = self._calls[id(metadata)] = (metadata, _origin(metadata), set())
        _, origin, seen = call
        if message.id in seen:
            return origin, False
        seen.add(message.id)
        return origin, True


def _origin(metadata: Mapping[str, Any]) -> MessageOrigin:
    return MessageOrigin(
        node=metadata.get("langgraph_node") or "",
        step=metadata.get("langgraph_step") or 0,
        tags=tuple(metadata.get("tags") or ()),
        model=metadata.get("ls_model_name") or "",
        checkpoint_ns=metadata.get("langgraph_checkpoint_ns") or metadata.get("checkpoint_ns") or "",
        metadata=dumps({key: value for key, value in metadata.items() if not key.startswith("__")}),
    )


class Partials:
    """The messages of one run as far as they have come, for the mode `messages` (wire fact 16)."""

    def __init__(self) -> None:
        self._messages: dict[str | None, BaseMessageChunk] = {}

    def so_far(self, message: BaseMessage) -> bytes:
        """The message with all its pieces up to this one, as JSON text."""
        if not isinstance(message, BaseMessageChunk):
            return dumps(message)
        before = self._messages.pop(message.id, None)
        if len(self._messages) >= _CALLS_AT_ONCE:
            del self._messages[next(iter(self._messages))]
        whole = self._messages[message.id] = message if before is None else before + message
        return dumps(message_chunk_to_message(whole))


def message_event(
    message: BaseMessage, metadata: Mapping[str, Any], origins: Origins, partials: Partials | None = None
) -> tuple[Message, int]:
    """The event of one chunk or one whole message, and about how many bytes its free-form parts have.

    Args:
        message: What LangGraph yielded.
        metadata: What it yielded beside it.
        origins: The model calls of the run.
        partials: The messages of the run so far, where whole messages are asked for.
    """
    origin, first = origins.origin(message, metadata)
    fields = message.__dict__
    content = fields["content"]
    weight = len(origin.metadata) if first else 0
    if type(message) is AIMessageChunk and type(content) is str and not any(_MORE(fields)):
        words = text(content)
        so_far = None if partials is None else partials.so_far(message)
        # The plain case is made for each token: a named tuple's own constructor takes twice as long as the tuple's.
        event = _new(Message, (message.id or "", "ai", words, origin, NO_EXTRAS, first, False, None, so_far))
        return event, weight + len(words) + len(so_far or b"")
    words, extras = _full(message, fields)
    dump = dumps(message)
    so_far = None if partials is None else partials.so_far(message)
    weight += (
        len(words) + sum(map(len, extras.content_blocks)) + len(extras.extra or b"") + len(dump) + len(so_far or b"")
    )
    kind = message.type
    whole = not isinstance(message, BaseMessageChunk)
    event = Message(message.id or "", _TYPES.get(kind, kind), words, origin, extras, first, whole, dump, so_far)
    return event, weight


def _full(message: BaseMessage, fields: Mapping[str, Any]) -> tuple[str, MessageExtras]:
    words, reasoning, blocks = _content(fields["content"])
    more = dict(fields.get("additional_kwargs") or {})
    reasoning += more.pop("reasoning_content", None) or ""
    response = fields.get("response_metadata") or {}
    extra = {key: value for key, value in fields.items() if key not in _TYPED and value}
    if more != fields.get("additional_kwargs"):
        extra["additional_kwargs"] = more
    chunked = isinstance(message, BaseMessageChunk)
    return text(words), MessageExtras(
        name=text(fields.get("name") or ""),
        reasoning=text(reasoning),
        content_blocks=tuple(map(dumps, blocks)),
        tool_call_chunks=tuple(map(_call_chunk, fields.get("tool_call_chunks") or ())),
        tool_calls=() if chunked else tuple(map(_call, fields.get("tool_calls") or ())),
        usage=_usage(fields.get("usage_metadata")),
        finish_reason=str(next((response[key] for key in _FINISH if response.get(key)), "")),
        tool_call_id=fields.get("tool_call_id") or "",
        extra=dumps(extra) if any(extra.values()) else None,
    )


def _content(content: Any) -> tuple[str, str, list[Any]]:
    """Text, reasoning and other blocks of a message's content, which is text or a list of blocks."""
    if isinstance(content, str):
        return content, "", []
    words, reasoning, others = "", "", []
    for block in content or ():
        kind = block.get("type") if isinstance(block, dict) else None
        if isinstance(block, str):
            words += block
        elif kind == "text" and set(block) <= {"type", "text", "index", "id"}:
            words += block.get("text") or ""
        elif kind in ("reasoning", "thinking") and (thought := block.get("reasoning") or block.get("thinking")):
            reasoning += thought
        elif kind not in _TOOL_BLOCKS:
            others.append(block)
    return words, reasoning, others


def _call_chunk(chunk: Mapping[str, Any]) -> ToolCallChunk:
    position = chunk.get("index")
    return ToolCallChunk(
        position if isinstance(position, int) else None,
        chunk.get("id") or "",
        text(chunk.get("name") or ""),
        text(chunk.get("args") or ""),
    )


def _call(call: Mapping[str, Any]) -> ToolCall:
    return ToolCall(id=call.get("id") or "", name=text(call.get("name") or ""), args=dumps(call.get("args")))


def _usage(usage: Mapping[str, Any] | None) -> TokenUsage | None:
    if not usage:
        return None
    details = {key: value for key, value in usage.items() if key.endswith("_details") and value}
    return TokenUsage(
        input_tokens=usage.get("input_tokens") or 0,
        output_tokens=usage.get("output_tokens") or 0,
        total_tokens=usage.get("total_tokens") or 0,
        details=dumps(details) if details else None,
    )
