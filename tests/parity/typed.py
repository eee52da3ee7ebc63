"""Server-sent events as events of gRPC: what gRPC must say.

Owns the step from frames to typed events, with nothing but what HTTP shows. Each field of a frame is taken up: what has no place in an event fails.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from graphwire.v1 import event_pb2 as pb
from graphwire.v1.interrupt_pb2 import Interrupt
from graphwire.v1.json_pb2 import Json as JsonMessage
from tests.parity.face import Frame
from tests.parity.resources import Json

_FINISH = ("finish_reason", "stop_reason", "done_reason")


def put(carrier: JsonMessage, value: Json) -> None:
    """Puts a value into its carrier."""
    carrier.text = json.dumps(value)


class Typed:
    """The events of one stream.

    Args:
        run_id: The run, from the head of the answer; empty for a thread's stream, whose `metadata` events name it.
        thread_id: The thread, from the head of the answer.
    """

    def __init__(self, run_id: str, thread_id: str) -> None:
        self._run_id = run_id
        self._thread_id = thread_id
        self._begun: set[str] = set()
        self._origins: dict[str, Json] = {}
        self._lengths: dict[str, int] = {}

    def events(self, frames: Sequence[Frame]) -> list[pb.StreamEvent]:
        """The events of frames."""
        made = [self._event(frame) for frame in frames]
        return [event for event in made if event is not None]

    def _event(self, frame: Frame) -> pb.StreamEvent | None:
        mode, *namespace = frame.event.split("|")
        if mode == "metadata":
            self._run_id = frame.data["run_id"]
        event = pb.StreamEvent(seq=frame.id or 0, run_id=self._run_id, thread_id=self._thread_id, namespace=namespace)
        if mode == "messages/metadata":
            self._origins.update(frame.data)
            return None
        if mode.startswith("messages"):
            self._message(event.messages, mode, frame.data)
        else:
            _WRITERS.get(mode, _raw)(event, dict(frame.data) if isinstance(frame.data, dict) else frame.data)
        return event

    def _message(self, made: pb.MessagesEvent, mode: str, data: Json) -> None:
        if mode == "messages":
            message, origin = data
            whole = not message["type"].endswith("Chunk")
        else:
            (message,) = data
            origin, whole = self._origins[message["id"]]["metadata"], mode == "messages/complete"
        first = message["id"] not in self._begun
        self._begun.add(message["id"])
        message = dict(message)
        if mode == "messages/partial":  # the message so far: what is new is behind what was there
            before = self._lengths.get(message["id"], 0)
            self._lengths[message["id"]] = len(message["content"])
            message["content"] = message["content"][before:]
        _write_message(made, message, complete=whole)
        _write_origin(made, origin, first=first)


def _write_message(made: pb.MessagesEvent, message: dict[str, Json], *, complete: bool) -> None:
    made.complete = complete
    made.id = message.pop("id") or ""
    made.type = message.pop("type").removesuffix("MessageChunk").lower()
    made.name = message.pop("name") or ""
    made.tool_call_id = message.pop("tool_call_id", None) or ""
    more = message["additional_kwargs"]
    made.reasoning = more.pop("reasoning_content", "")
    _write_content(made, message.pop("content"))
    made.finish_reason = next(
        (message["response_metadata"][key] for key in _FINISH if key in message["response_metadata"]), ""
    )
    for chunk in message.pop("tool_call_chunks", ()):
        piece = made.tool_call_chunks.add(id=chunk["id"] or "", name=chunk["name"] or "", args=chunk["args"])
        if chunk["index"] is not None:
            piece.index = chunk["index"]
    for call in message.pop("tool_calls", ()):
        if complete:  # of a piece they are made of its chunks
            put(made.tool_calls.add(id=call["id"], name=call["name"]).args, call["args"])
    for made_of_others in (
        "invalid_tool_calls",
        "chunk_position",
    ):  # by LangChain, which marks pieces for its own merging
        message.pop(made_of_others, None)
    _write_usage(made, message.pop("usage_metadata", None))
    if left := {key: value for key, value in message.items() if value}:
        put(made.extra, left)


def _write_content(made: pb.MessagesEvent, content: Json) -> None:
    if isinstance(content, str):
        made.text = content
        return
    for block in content:
        if block["type"] == "text":
            made.text += block["text"]
        elif block["type"] == "reasoning":
            made.reasoning += block["reasoning"]
        else:
            put(made.content_blocks.add(), block)


def _write_usage(made: pb.MessagesEvent, usage: Json) -> None:
    if usage is None:
        return
    for name in ("input_tokens", "output_tokens", "total_tokens"):
        setattr(made.usage, name, usage.pop(name))
    if usage:
        put(made.usage.details, usage)


def _write_origin(made: pb.MessagesEvent, origin: Mapping[str, Json], *, first: bool) -> None:
    made.node = origin["langgraph_node"]
    made.step = origin["langgraph_step"]
    made.model = origin.get("ls_model_name", "")
    made.tags.extend(origin.get("tags") or ())
    made.checkpoint_ns = origin["langgraph_checkpoint_ns"]
    if first:
        put(made.metadata, origin)


def _interrupts(target: Any, found: Sequence[Json]) -> None:
    for item in found:
        made: Interrupt = target.add(id=item["id"])
        put(made.value, item["value"])
        if item["response_schema"] is not None:
            put(made.response_schema, item["response_schema"])


def _metadata(event: pb.StreamEvent, data: Json) -> None:
    if "status" in data:
        event.end.SetInParent()
        _take(data, {"run_id": event.run_id, "status": "run_done"})
        return
    event.metadata.run_id, event.metadata.attempt = data.pop("run_id"), data.pop("attempt")
    _take(data, {})


def _values(event: pb.StreamEvent, data: Json) -> None:
    if isinstance(data, dict):
        _interrupts(event.values.interrupts, data.pop("__interrupt__", ()))
    put(event.values.state, data)


def _updates(event: pb.StreamEvent, data: Json) -> None:
    ((node, update),) = data.items()
    if node == "__interrupt__":
        event.updates.interrupted = True
        _interrupts(event.updates.interrupts, update)
    else:
        event.updates.node = node
        put(event.updates.update, update)


def _tasks(event: pb.StreamEvent, data: Json) -> None:
    _task(event.tasks.result if "result" in data else event.tasks.start, data)


def _task(made: Any, data: Json) -> None:
    made.id, made.name = data.pop("id"), data.pop("name")
    if isinstance(made, pb.TaskResult):
        put(made.result, data.pop("result"))
        error = data.pop("error")
        if error is not None:
            made.error = error
        _interrupts(made.interrupts, data.pop("interrupts"))
    else:
        put(made.input, data.pop("input"))
        made.triggers.extend(data.pop("triggers"))
        if metadata := data.pop("metadata"):
            put(made.metadata, metadata)
    _take(data, {})


def _checkpoints(event: pb.StreamEvent, data: Json) -> None:
    _checkpoint(event.checkpoints, data)


def _checkpoint(made: pb.CheckpointEvent, data: Json) -> None:
    config, metadata, parent = data.pop("config"), data.pop("metadata"), data.pop("parent_config")
    made.checkpoint_id = config["configurable"].get("checkpoint_id", "")
    made.checkpoint_ns = config["configurable"].get("checkpoint_ns", "")
    made.parent_checkpoint_id = parent["configurable"]["checkpoint_id"] if parent else ""
    made.step, made.source = metadata["step"], metadata["source"]
    made.next.extend(data.pop("next"))
    put(made.values, data.pop("values"))
    put(made.metadata, metadata)
    put(made.config, config)
    for task in data.pop("tasks"):
        _checkpoint_task(made.tasks.add(), task)
    _take(data, {})


def _checkpoint_task(made: pb.CheckpointTask, data: Json) -> None:
    made.id, made.name = data.pop("id"), data.pop("name")
    _interrupts(made.interrupts, data.pop("interrupts"))
    state = data.pop("state")
    if state is not None:
        put(made.state, state)
    if "error" in data:
        made.error = data.pop("error")
    if "result" in data:
        put(made.result, data.pop("result"))
    _take(data, {})


def _debug(event: pb.StreamEvent, data: Json) -> None:
    made, kind, detail = event.debug, data.pop("type"), data.pop("payload")
    made.step = data.pop("step")
    made.time.FromDatetime(datetime.fromisoformat(data.pop("timestamp")))
    if kind == "checkpoint":
        for name in ("checkpoint", "parent_checkpoint"):
            reference = detail.pop(name)
            assert reference is None or reference["thread_id"] == event.thread_id or not event.thread_id
        _checkpoint(made.checkpoint, detail)
    else:
        _task(getattr(made, kind), detail)
    _take(data, {})


def _events(event: pb.StreamEvent, data: Json) -> None:
    made, metadata = event.events, data.pop("metadata")
    made.event, made.name, made.runnable_run_id = data.pop("event"), data.pop("name"), data.pop("run_id")
    made.parent_ids.extend(data.pop("parent_ids"))
    made.tags.extend(data.pop("tags"))
    made.node = metadata.get("langgraph_node", "")
    put(made.data, data.pop("data"))
    put(made.metadata, metadata)
    event.namespace.extend(metadata.get("langgraph_checkpoint_ns", "").split("|")[:-1])
    _take(data, {})


def _error(event: pb.StreamEvent, data: Json) -> None:
    event.error.error.type, event.error.error.message = data.pop("error"), data.pop("message")
    _take(data, {})


def _custom(event: pb.StreamEvent, data: Json) -> None:
    put(event.custom.data, data)


def _raw(event: pb.StreamEvent, data: Json) -> None:
    raise AssertionError(f"no event of this surface: {data}")


def _tools(event: pb.StreamEvent, data: Json) -> None:
    """A mode without a type of its own yet."""
    event.raw.mode = "tools"
    put(event.raw.data, data)


def _take(left: Json, wanted: Json) -> None:
    assert left == wanted, f"not taken up: {left}"


_WRITERS: dict[str, Callable[[pb.StreamEvent, Any], None]] = {
    "metadata": _metadata,
    "values": _values,
    "updates": _updates,
    "debug": _debug,
    "custom": _custom,
    "events": _events,
    "tasks": _tasks,
    "tools": _tools,
    "checkpoints": _checkpoints,
    "error": _error,
}
"""What each kind of frame is in gRPC."""
