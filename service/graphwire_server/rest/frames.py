"""Events as server-sent events.

Owns the step from an event of the log to the bytes of its frame, made once and shared by all readers. Free-form parts are the bytes that the engine
made; everything around them is put together here (wire facts 1, 8, 13 to 23). A frame has no `id` line: whether a reader gets one is its stream's
matter (`numbered`).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson

from graphwire_server.core import events
from graphwire_server.core.events import Event
from graphwire_server.core.model import Interrupt, RunError
from graphwire_server.rest.messages import message_parts

HEARTBEAT = b": heartbeat\r\n\r\n"
"""A comment, which readers pass over (wire fact 9)."""

_END = b"\r\n\r\n"
_TUPLE = b"event: messages\r\ndata: ["
_LINE = 2


def frame(event: Event) -> bytes:
    """The frame of an event; empty for the terminal event, which this surface does not have (wire fact 27)."""
    return _WRITERS[type(event.payload)](event, event.payload)


def frames(batch: Sequence[Event]) -> bytes:
    """The frames of a batch without ids."""
    return b"".join([event.framed(frame) for event in batch])


def numbered_frames(batch: Sequence[Event]) -> bytes:
    """The frames of a batch, each with its number as its id (wire fact 10)."""
    return b"".join([numbered(event.framed(frame), event.seq) for event in batch])


def numbered(made: bytes, seq: int) -> bytes:
    """A frame with an id line. Where an event has two frames, a reader that was cut off between them gets both again."""
    return made[:-_LINE] + b"id: %d\r\n\r\n" % seq if made else made


def thread_frames(batch: Sequence[Event]) -> bytes:
    """The frames of a batch of a thread's stream: always with ids, and with the end of each run (wire facts 42 and 43)."""
    return b"".join(
        [
            numbered(_done_frame(event.run_id) if type(event.payload) is events.End else event.framed(frame), event.seq)
            for event in batch
        ]
    )


def error_frame(error: str, message: str) -> bytes:
    """The last event of a stream that failed (wire fact 23)."""
    return _frame(b"error", orjson.dumps({"error": error, "message": message}))


def run_error_frame(error: RunError) -> bytes:
    """The error of a run (wire fact 23)."""
    return error_frame(error.type, error.message)


def _done_frame(run_id: str) -> bytes:
    return _frame(b"metadata", orjson.dumps({"status": "run_done", "run_id": run_id}))


def _frame(name: bytes, data: bytes) -> bytes:
    return b"".join((b"event: ", name, b"\r\ndata: ", data, _END))


def _name(mode: str, namespace: tuple[str, ...]) -> bytes:
    """The mode, and behind it the path of the subgraph (wire fact 14). A name of a node may hold anything, and a line's end would end the field."""
    if not namespace:
        return mode.encode()
    return "|".join((mode, *namespace)).replace("\r", " ").replace("\n", " ").encode()


def _interrupts(found: Iterable[Interrupt]) -> bytes:
    return orjson.dumps([interrupt_json(item) for item in found])


def interrupt_json(item: Interrupt) -> dict[str, Any]:
    """An interrupt as streams show it (wire fact 21)."""
    schema = item.response_schema
    return {
        "value": orjson.Fragment(item.value),
        "id": item.id,
        "response_schema": None if schema is None else orjson.Fragment(schema),
    }


def with_interrupts(values: bytes, found: Sequence[Interrupt]) -> bytes:
    """Values and what waits for an answer (wire facts 21 and 69). What is no object has no place for it, and is left out."""
    if not found:
        return values
    waiting = b'"__interrupt__":' + _interrupts(found) + b"}"
    return b"{" + waiting if values == b"{}" or not values.startswith(b"{") else values[:-1] + b"," + waiting


def _metadata(event: Event, payload: events.Metadata) -> bytes:
    return _frame(b"metadata", orjson.dumps({"run_id": payload.run_id, "attempt": payload.attempt}))


def _values(event: Event, payload: events.Values) -> bytes:
    return _frame(_name("values", event.namespace), with_interrupts(payload.state, payload.interrupts))


def _updates(event: Event, payload: events.Updates) -> bytes:
    name = _name("updates", event.namespace)
    if payload.update is None:
        return _frame(name, b'{"__interrupt__":' + _interrupts(payload.interrupts) + b"}")
    if not payload.node:
        return _frame(name, payload.update)
    return _frame(name, b"{" + orjson.dumps(payload.node) + b":" + payload.update + b"}")


def _message(event: Event, payload: events.Message) -> bytes:
    if payload.so_far is None:
        head = _TUPLE if not event.namespace else b"event: " + _name("messages", event.namespace) + b"\r\ndata: ["
        return b"".join((head, *message_parts(payload), b",", payload.origin.metadata, b"]\r\n\r\n"))
    whole = _frame(b"messages/complete" if payload.complete else b"messages/partial", b"[" + payload.so_far + b"]")
    if not payload.first:
        return whole
    origin = b'{"metadata":' + payload.origin.metadata + b"}"
    return _frame(b"messages/metadata", b"{" + orjson.dumps(payload.id) + b":" + origin + b"}") + whole


def _task_start(event: Event, payload: events.TaskStart) -> bytes:
    return _frame(_name("tasks", event.namespace), orjson.dumps(start_json(payload)))


def _task_result(event: Event, payload: events.TaskResult) -> bytes:
    return _frame(_name("tasks", event.namespace), orjson.dumps(result_json(payload)))


def _checkpoint(event: Event, payload: events.Checkpoint) -> bytes:
    return _frame(_name("checkpoints", event.namespace), orjson.dumps(_checkpoint_json(payload)))


def _debug(event: Event, payload: events.Debug) -> bytes:
    kind, detail = _debug_detail(event, payload.detail)
    data = {"step": payload.step, "timestamp": payload.time.isoformat(), "type": kind, "payload": detail}
    return _frame(_name("debug", event.namespace), orjson.dumps(data))


def _debug_detail(event: Event, detail: events.Payload) -> tuple[str, Any]:
    if isinstance(detail, events.Checkpoint):
        own = _reference(event, detail.checkpoint_id, detail.checkpoint_ns)
        parent = _reference(event, detail.parent_checkpoint_id, detail.checkpoint_ns)
        return "checkpoint", {**_checkpoint_json(detail), "checkpoint": own, "parent_checkpoint": parent}
    if isinstance(detail, events.TaskStart):
        return "task", start_json(detail)
    if isinstance(detail, events.TaskResult):
        return "task_result", result_json(detail)
    raw: events.Raw = detail  # type: ignore[assignment]  # what is left of the union that a debug event may hold
    return raw.mode, orjson.Fragment(raw.data)


def _reference(event: Event, checkpoint_id: str, checkpoint_ns: str) -> dict[str, str] | None:
    if not checkpoint_id:
        return None
    return {"thread_id": event.thread_id, "checkpoint_id": checkpoint_id, "checkpoint_ns": checkpoint_ns}


def start_json(payload: events.TaskStart) -> dict[str, Any]:
    """A task that begins (wire fact 18)."""
    return {
        "id": payload.id,
        "name": payload.name,
        "input": orjson.Fragment(payload.input),
        "triggers": payload.triggers,
        "metadata": orjson.Fragment(payload.metadata or b"{}"),
    }


def result_json(payload: events.TaskResult) -> dict[str, Any]:
    """A task that has ended (wire fact 18)."""
    return {
        "id": payload.id,
        "name": payload.name,
        "error": payload.error,
        "result": orjson.Fragment(payload.result),
        "interrupts": [interrupt_json(item) for item in payload.interrupts],
    }


def _checkpoint_json(payload: events.Checkpoint) -> dict[str, Any]:
    parent = payload.parent_config
    return {
        "config": orjson.Fragment(payload.config),
        "metadata": orjson.Fragment(payload.metadata),
        "values": orjson.Fragment(payload.values),
        "next": payload.next,
        "parent_config": None if parent is None else orjson.Fragment(parent),
        "tasks": [_checkpoint_task_json(task) for task in payload.tasks],
    }


def _checkpoint_task_json(task: events.CheckpointTask) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": task.id,
        "name": task.name,
        "interrupts": [interrupt_json(item) for item in task.interrupts],
        "state": None if task.state is None else orjson.Fragment(task.state),
    }
    if task.error is not None:
        made["error"] = task.error
    if task.result is not None:
        made["result"] = orjson.Fragment(task.result)
    return made


def _custom(event: Event, payload: events.Custom) -> bytes:
    return _frame(_name("custom", event.namespace), payload.data)


def _callback(event: Event, payload: events.Callback) -> bytes:
    data = {
        "event": payload.event,
        "data": orjson.Fragment(payload.data),
        "name": payload.name,
        "tags": payload.tags,
        "run_id": payload.runnable_run_id,
        "metadata": orjson.Fragment(payload.metadata),
        "parent_ids": payload.parent_ids,
    }
    return _frame(b"events", orjson.dumps(data))


def _raw(event: Event, payload: events.Raw) -> bytes:
    return _frame(_name(payload.mode, event.namespace), payload.data)


def _error(event: Event, payload: events.Error) -> bytes:
    return run_error_frame(payload.error)


def _end(event: Event, payload: events.End) -> bytes:
    return b""


_WRITERS: dict[type, Callable[[Event, Any], bytes]] = {
    events.Metadata: _metadata,
    events.Values: _values,
    events.Updates: _updates,
    events.Message: _message,
    events.TaskStart: _task_start,
    events.TaskResult: _task_result,
    events.Checkpoint: _checkpoint,
    events.Debug: _debug,
    events.Custom: _custom,
    events.Callback: _callback,
    events.Raw: _raw,
    events.Error: _error,
    events.End: _end,
}
"""How each class of payload is framed: one row each, tested to be complete."""
