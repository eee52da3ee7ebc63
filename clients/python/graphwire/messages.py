"""Whole messages out of the pieces in which a model's answer comes.

Owns the joining, by the rules that all clients share: pieces of one `id` belong together, and a later attempt at the run starts its messages anew.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from graphwire.event import Event
from graphwire.payload import from_json
from graphwire.v1 import event_pb2 as pb
from graphwire.v1.json_pb2 import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A tool call of a message.

    Args:
        index: Which call of the message this is, from 0; None where the model did not say.
        id: The call's id.
        name: The tool's name.
        args: The arguments, as JSON text; not whole before the message is.
    """

    index: int | None
    id: str
    name: str
    args: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUsage:
    """Tokens that a model call used.

    Args:
        input_tokens: Tokens of the prompt.
        output_tokens: Tokens of the answer.
        total_tokens: Their sum, as the model reports it.
        details: Finer counts, where the model gives them; else None.
    """

    input_tokens: int
    output_tokens: int
    total_tokens: int
    details: Any = None  # the JSON edge


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message, as far as it has come.

    Args:
        id: Its id.
        run_id: The run that it belongs to: a UUID.
        type: LangChain's message type: `ai`, `human`, `tool`, `system`, ...
        name: The name of the author, where the message has one.
        text: Its text.
        reasoning: Its reasoning text, of models that show theirs.
        content_blocks: What is neither text nor reasoning: images, citations, ...
        tool_calls: Its tool calls.
        usage: Tokens counted so far; None where the model did not say.
        finish_reason: Why the model stopped; empty where it has not, or did not say.
        tool_call_id: For a message of type `tool`: the call that it answers.
        complete: Whether it came as a whole, and no model streamed it.
        namespace: The subgraph that it comes from, as of an event.
        node: The node that called the model, or returned the message.
        step: The superstep in which it did.
        tags: Tags of the model call.
        model: The model's name, where it is known.
        metadata: All metadata of the model call; None where there is none.
        extra: Fields of the message that are none of the above; None where there are none.
    """

    id: str
    run_id: str
    type: str
    name: str
    text: str
    reasoning: str
    content_blocks: tuple[Any, ...]  # the JSON edge
    tool_calls: tuple[ToolCall, ...]
    usage: TokenUsage | None
    finish_reason: str
    tool_call_id: str
    complete: bool
    namespace: tuple[str, ...]
    node: str
    step: int
    tags: tuple[str, ...]
    model: str
    metadata: Any  # the JSON edge
    extra: Any  # the JSON edge


class Messages:
    """Gathers the messages of a stream: fed with its events, it has whole messages, in the order in which they began.

    Feed it with all events, not only with those of mode `messages`: `metadata` tells it that another process took the run up, which says again what was
    not kept. It may be iterated at any time, and gives what has come so far. A message that came as a whole replaces what there was of its id.
    """

    def __init__(self) -> None:
        self._attempts: dict[str, int] = {}
        self._growing: dict[tuple[str, str], _Growing] = {}

    def add(self, event: Event) -> None:
        """Takes an event in; one of another mode changes no message."""
        proto = event.proto
        kind = proto.WhichOneof("payload")
        if kind == "messages":
            self._of(proto).take(proto.messages)
        elif kind == "metadata":
            self._attempts[proto.run_id] = proto.metadata.attempt

    def __iter__(self) -> Iterator[Message]:
        return iter([growing.message() for growing in self._growing.values()])

    def __len__(self) -> int:
        return len(self._growing)

    def _of(self, proto: pb.StreamEvent) -> "_Growing":
        """What an event's piece is to be added to."""
        key, attempt = (proto.run_id, proto.messages.id), self._attempts.get(proto.run_id, 0)
        found = self._growing.get(key)
        if found is None or found.attempt < attempt or proto.messages.complete:
            found = self._growing[key] = _Growing(proto, attempt)
        return found


class _Growing:
    """A message that grows piece by piece."""

    def __init__(self, proto: pb.StreamEvent, attempt: int) -> None:
        self.attempt = attempt
        self._run_id = proto.run_id
        self._namespace = tuple(proto.namespace)
        self._first = pb.MessagesEvent()
        self._had: set[str] = set()
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._blocks: list[Json] = []
        self._calls: list[_GrowingCall] = []
        self._last_call: _GrowingCall | None = None
        self._usage: pb.TokenUsage | None = None
        self._finish_reason = ""

    def take(self, piece: pb.MessagesEvent) -> None:
        for field, value in piece.ListFields():
            name = field.name
            if name == "text":
                self._text.append(value)
            elif name == "reasoning":
                self._reasoning.append(value)
            elif name == "tool_call_chunks":
                self._take_calls(value)
            elif name == "content_blocks":
                self._blocks.extend(value)
            elif name == "usage":
                self._usage = value
            elif name == "finish_reason":
                self._finish_reason = value
            elif name in _FIRST:
                self._take_first(name, value)

    def _take_first(self, name: str, value: Any) -> None:
        if name in self._had:
            return
        self._had.add(name)
        if name in _MANY:
            getattr(self._first, name).extend(value)
        elif name in _MESSAGES:
            getattr(self._first, name).CopyFrom(value)
        else:
            setattr(self._first, name, value)

    def _take_calls(self, chunks: Iterable[pb.ToolCallChunk]) -> None:
        for chunk in chunks:
            call = self._call(chunk)
            call.id, call.name = call.id or chunk.id, call.name or chunk.name
            call.args.append(chunk.args)
            self._last_call = call

    def _call(self, chunk: pb.ToolCallChunk) -> "_GrowingCall":
        """The call that a piece belongs to; a piece without an index belongs to the one before it."""
        index = chunk.index if chunk.HasField("index") else None
        if index is None and self._last_call is not None:
            return self._last_call
        found = next((call for call in self._calls if call.index == index), None)
        if found is None:
            found = _GrowingCall(index)
            self._calls.append(found)
        return found

    def message(self) -> Message:
        first = self._first
        return Message(
            id=first.id,
            run_id=self._run_id,
            type=first.type,
            name=first.name,
            text="".join(self._text),
            reasoning="".join(self._reasoning),
            content_blocks=tuple(from_json(block) for block in self._blocks),
            tool_calls=_whole(first.tool_calls) if first.complete else tuple(call.whole() for call in self._calls),
            usage=None if self._usage is None else _usage(self._usage),
            finish_reason=self._finish_reason,
            tool_call_id=first.tool_call_id,
            complete=first.complete,
            namespace=self._namespace,
            node=first.node,
            step=first.step,
            tags=tuple(first.tags),
            model=first.model,
            metadata=from_json(first.metadata),
            extra=from_json(first.extra),
        )


class _GrowingCall:
    """A tool call that grows piece by piece."""

    def __init__(self, index: int | None) -> None:
        self.index = index
        self.id = ""
        self.name = ""
        self.args: list[str] = []

    def whole(self) -> ToolCall:
        return ToolCall(index=self.index, id=self.id, name=self.name, args="".join(self.args))


_MANY = frozenset({"tags", "tool_calls"})
_MESSAGES = frozenset({"metadata", "extra"})
_FIRST = _MANY | _MESSAGES | {"id", "type", "name", "tool_call_id", "complete", "node", "step", "model"}
"""Fields of which the first that came counts."""


def _whole(calls: Iterable[pb.ToolCall]) -> tuple[ToolCall, ...]:
    """The tool calls of a message that came as a whole."""
    return tuple(
        ToolCall(index=index, id=call.id, name=call.name, args=_json_text(call.args))
        for index, call in enumerate(calls)
    )


def _json_text(carrier: Json) -> str:
    return carrier.text if carrier.HasField("text") else json.dumps(from_json(carrier), ensure_ascii=False)


def _usage(usage: pb.TokenUsage) -> TokenUsage:
    return TokenUsage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.total_tokens,
        details=from_json(usage.details),
    )
