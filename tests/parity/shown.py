"""Events of gRPC as server-sent events: what HTTP must show.

Owns the step from typed events to frames, with nothing but what gRPC tells. A message is put together by LangChain itself, as a reader in Python
would.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC
from typing import Any

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    BaseMessageChunk,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    message_chunk_to_message,
)

from graphwire.v1 import event_pb2 as pb
from tests.parity.face import Frame
from tests.parity.resources import Json, asked, maybe, said

_WHOLE: dict[str, type[BaseMessage]] = {
    "ai": AIMessage,
    "human": HumanMessage,
    "system": SystemMessage,
    "tool": ToolMessage,
}


class Shown:
    """The frames of one stream.

    Args:
        numbered: Whether frames have ids.
        whole_messages: Whether the run streams whole messages (wire fact 16).
        watched: Whether it is a thread's stream, which says that a run is done (wire fact 43).
    """

    def __init__(self, *, numbered: bool, whole_messages: bool, watched: bool) -> None:
        self._numbered = numbered
        self._whole_messages = whole_messages
        self._watched = watched
        self._metadata: dict[str, Json] = {}
        self._so_far: dict[str, BaseMessageChunk] = {}

    def frames(self, events: Sequence[pb.StreamEvent]) -> list[Frame]:
        """The frames of events."""
        return [frame for event in events for frame in self._frames(event)]

    def _frames(self, event: pb.StreamEvent) -> Iterator[Frame]:
        number = event.seq if self._numbered else None
        case = event.WhichOneof("payload")
        payload = getattr(event, str(case))
        if case == "messages":
            *before, last = self._message(event, payload)
            yield from (Frame(name, data, None) for name, data in before)  # whoever is cut off here gets both again
            yield Frame(*last, number)
        elif case == "end":
            if self._watched:
                yield Frame("metadata", {"status": "run_done", "run_id": event.run_id}, number)
        else:
            name, data = _DATA[str(case)](event, payload)
            path = () if name in ("metadata", "error", "events") else event.namespace
            yield Frame("|".join((name, *path)).replace("\n", " "), data, number)

    def _message(self, event: pb.StreamEvent, piece: pb.MessagesEvent) -> Iterator[tuple[str, Json]]:
        if piece.HasField("metadata"):
            self._metadata[piece.id] = said(piece.metadata)
        message = _message(piece)
        if not self._whole_messages:
            yield "|".join(("messages", *event.namespace)), [message.model_dump(), self._metadata[piece.id]]
            return
        if piece.HasField("metadata"):
            yield "messages/metadata", {piece.id: {"metadata": self._metadata[piece.id]}}
        if isinstance(message, BaseMessageChunk):
            before = self._so_far.get(piece.id)
            self._so_far[piece.id] = message if before is None else before + message
            message = message_chunk_to_message(self._so_far[piece.id])
        yield "messages/complete" if piece.complete else "messages/partial", [message.model_dump()]


def _message(piece: pb.MessagesEvent) -> BaseMessage:
    fields: dict[str, Any] = maybe(piece, "extra") or {}
    fields |= {"id": piece.id or None, "name": piece.name or None, "content": _content(piece)}
    if piece.reasoning:
        fields["additional_kwargs"] = {**fields.get("additional_kwargs", {}), "reasoning_content": piece.reasoning}
    if piece.type == "tool":
        return ToolMessage(**fields, tool_call_id=piece.tool_call_id)
    if piece.type != "ai":
        return _WHOLE[piece.type](**fields)
    if piece.HasField("usage"):
        counts = {name: getattr(piece.usage, name) for name in ("input_tokens", "output_tokens", "total_tokens")}
        fields["usage_metadata"] = {**counts, **(maybe(piece.usage, "details") or {})}
    if piece.complete:
        calls = [{"id": call.id, "name": call.name, "args": said(call.args)} for call in piece.tool_calls]
        return AIMessage(**fields, tool_calls=calls)
    return AIMessageChunk(**fields, tool_call_chunks=[_call_chunk(chunk) for chunk in piece.tool_call_chunks])


def _content(piece: pb.MessagesEvent) -> Json:
    return [said(block) for block in piece.content_blocks] if piece.content_blocks else piece.text


def _call_chunk(chunk: pb.ToolCallChunk) -> Json:
    index = chunk.index if chunk.HasField("index") else None
    return {
        "id": chunk.id or None,
        "name": chunk.name or None,
        "args": chunk.args,
        "index": index,
        "type": "tool_call_chunk",
    }


def _metadata(event: pb.StreamEvent, payload: pb.MetadataEvent) -> tuple[str, Json]:
    return "metadata", {"run_id": payload.run_id, "attempt": payload.attempt}


def _values(event: pb.StreamEvent, payload: pb.ValuesEvent) -> tuple[str, Json]:
    state = said(payload.state)
    if payload.interrupts:
        state = {**(state or {}), "__interrupt__": [asked(item) for item in payload.interrupts]}
    return "values", state


def _updates(event: pb.StreamEvent, payload: pb.UpdatesEvent) -> tuple[str, Json]:
    if payload.interrupted:
        return "updates", {"__interrupt__": [asked(item) for item in payload.interrupts]}
    update = said(payload.update)
    return "updates", {payload.node: update} if payload.node else update


def _task(event: pb.StreamEvent, payload: pb.TaskEvent) -> tuple[str, Json]:
    start = payload.HasField("start")
    return "tasks", _start(payload.start) if start else _result(payload.result)


def _start(made: pb.TaskStart) -> Json:
    return {
        "id": made.id,
        "name": made.name,
        "input": said(made.input),
        "triggers": list(made.triggers),
        "metadata": maybe(made, "metadata") or {},
    }


def _result(made: pb.TaskResult) -> Json:
    return {
        "id": made.id,
        "name": made.name,
        "error": made.error if made.HasField("error") else None,
        "result": said(made.result),
        "interrupts": [asked(item) for item in made.interrupts],
    }


def _checkpoint(event: pb.StreamEvent, payload: pb.CheckpointEvent) -> tuple[str, Json]:
    return "checkpoints", checkpoint(payload)


def checkpoint(made: pb.CheckpointEvent) -> Json:
    """A checkpoint, with what leads to the one before it."""
    config, parent_id = said(made.config), made.parent_checkpoint_id
    return {
        "config": config,
        "metadata": said(made.metadata),
        "values": said(made.values),
        "next": list(made.next),
        "parent_config": _parent(config, made.checkpoint_ns, parent_id) if parent_id else None,
        "tasks": [_checkpoint_task(task) for task in made.tasks],
    }


def _parent(config: Json, ns: str, parent_id: str) -> Json:
    """What leads to this checkpoint, with the other's id in all places."""
    here = {**config["configurable"], "checkpoint_id": parent_id}
    if "checkpoint_map" in here:
        here["checkpoint_map"] = {**here["checkpoint_map"], ns: parent_id}
    return {**config, "configurable": here}


def _checkpoint_task(made: pb.CheckpointTask) -> Json:
    found: Json = {
        "id": made.id,
        "name": made.name,
        "interrupts": [asked(item) for item in made.interrupts],
        "state": maybe(made, "state"),
    }
    if made.HasField("error"):
        found["error"] = made.error
    return {**found, "result": said(made.result)} if made.HasField("result") else found


def _debug(event: pb.StreamEvent, payload: pb.DebugEvent) -> tuple[str, Json]:
    kind = str(payload.WhichOneof("detail"))
    detail = _DETAILS[kind](event, getattr(payload, kind))
    time = payload.time.ToDatetime(UTC).isoformat()
    return "debug", {"step": payload.step, "timestamp": time, "type": kind, "payload": detail}


def _checkpoint_detail(event: pb.StreamEvent, made: pb.CheckpointEvent) -> Json:
    return {
        **checkpoint(made),
        "checkpoint": _reference(event, made.checkpoint_id, made.checkpoint_ns),
        "parent_checkpoint": _reference(event, made.parent_checkpoint_id, made.checkpoint_ns),
    }


def _reference(event: pb.StreamEvent, checkpoint_id: str, ns: str) -> Json:
    found = {"thread_id": event.thread_id, "checkpoint_id": checkpoint_id, "checkpoint_ns": ns}
    return found if checkpoint_id else None


def _callback(event: pb.StreamEvent, payload: pb.CallbackEvent) -> tuple[str, Json]:
    return "events", {
        "event": payload.event,
        "data": said(payload.data),
        "name": payload.name,
        "tags": list(payload.tags),
        "run_id": payload.runnable_run_id,
        "metadata": said(payload.metadata),
        "parent_ids": list(payload.parent_ids),
    }


def _error(event: pb.StreamEvent, payload: pb.ErrorEvent) -> tuple[str, Json]:
    return "error", {"error": payload.error.type, "message": payload.error.message}


_DETAILS: dict[str, Callable[[pb.StreamEvent, Any], Json]] = {
    "checkpoint": _checkpoint_detail,
    "task": lambda _, made: _start(made),
    "task_result": lambda _, made: _result(made),
}
_DATA: dict[str, Callable[[pb.StreamEvent, Any], tuple[str, Json]]] = {
    "metadata": _metadata,
    "values": _values,
    "updates": _updates,
    "debug": _debug,
    "custom": lambda _, payload: ("custom", said(payload.data)),
    "events": _callback,
    "tasks": _task,
    "checkpoints": _checkpoint,
    "error": _error,
    "raw": lambda _, payload: (payload.mode, said(payload.data)),
}
"""What HTTP calls each case, and its data."""
