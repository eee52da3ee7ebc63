"""Payloads of events as the cases of `StreamEvent`.

Owns the one table from payload classes to wire cases. A payload that is not in the table fails its test, not a reader.
"""

from collections.abc import Callable, Iterable
from typing import Any

from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

from graphwire.v1 import event_pb2, run_pb2
from graphwire.v1.error_pb2 import RunError as RunErrorMessage
from graphwire.v1.interrupt_pb2 import Interrupt as InterruptMessage
from graphwire_server.core import events
from graphwire_server.core.model import CancelAction, Interrupt, RunError, RunStatus
from graphwire_server.rpc.json_carrier import Fill

RUN_STATUS = {
    RunStatus.PENDING: run_pb2.RUN_STATUS_PENDING,
    RunStatus.RUNNING: run_pb2.RUN_STATUS_RUNNING,
    RunStatus.SUCCESS: run_pb2.RUN_STATUS_SUCCESS,
    RunStatus.ERROR: run_pb2.RUN_STATUS_ERROR,
    RunStatus.TIMEOUT: run_pb2.RUN_STATUS_TIMEOUT,
    RunStatus.INTERRUPTED: run_pb2.RUN_STATUS_INTERRUPTED,
}
"""The wire's name of each status."""

CANCEL_ACTION = {
    CancelAction.INTERRUPT: run_pb2.CANCEL_ACTION_INTERRUPT,
    CancelAction.ROLLBACK: run_pb2.CANCEL_ACTION_ROLLBACK,
}
"""The wire's name of what becomes of a cancelled run."""


def write_payload(target: event_pb2.StreamEvent, payload: events.Payload, fill: Fill) -> None:
    """Writes a payload into its case of an event.

    Args:
        target: The event.
        payload: What happened.
        fill: How JSON goes into its carrier.
    """
    _WRITERS[type(payload)](target, payload, fill)


def write_interrupts(
    target: RepeatedCompositeFieldContainer[InterruptMessage], found: Iterable[Interrupt], fill: Fill
) -> None:
    """Writes interrupts into a repeated field."""
    for interrupt in found:
        made = target.add()
        made.id = interrupt.id
        fill(made.value, interrupt.value)
        if interrupt.response_schema is not None:
            fill(made.response_schema, interrupt.response_schema)


def write_error(target: RunErrorMessage, error: RunError) -> None:
    """Writes a run's error."""
    target.type = error.type
    target.message = error.message
    target.retryable = error.retryable


def _metadata(target: event_pb2.StreamEvent, payload: events.Metadata, fill: Fill) -> None:
    made = target.metadata
    made.run_id = payload.run_id
    made.attempt = payload.attempt
    made.assistant_id = payload.assistant_id
    made.graph_id = payload.graph_id


def _values(target: event_pb2.StreamEvent, payload: events.Values, fill: Fill) -> None:
    made = target.values
    fill(made.state, payload.state)
    write_interrupts(made.interrupts, payload.interrupts, fill)


def _updates(target: event_pb2.StreamEvent, payload: events.Updates, fill: Fill) -> None:
    made = target.updates
    if payload.update is None:
        made.interrupted = True
        write_interrupts(made.interrupts, payload.interrupts, fill)
    else:
        made.node = payload.node
        fill(made.update, payload.update)


def _message(target: event_pb2.StreamEvent, payload: events.Message, fill: Fill) -> None:
    made, origin = target.messages, payload.origin
    made.id = payload.id
    made.type = payload.type
    made.text = payload.text
    made.node = origin.node
    made.step = origin.step
    made.checkpoint_ns = origin.checkpoint_ns
    if origin.model:
        made.model = origin.model
    if origin.tags:
        made.tags.extend(origin.tags)
    if payload.first:
        fill(made.metadata, origin.metadata)
    if payload.complete:
        made.complete = True
    if payload.extras is not events.NO_EXTRAS:
        _extras(made, payload.extras, fill)


def _extras(made: event_pb2.MessagesEvent, extras: events.MessageExtras, fill: Fill) -> None:
    made.name = extras.name
    made.reasoning = extras.reasoning
    made.finish_reason = extras.finish_reason
    made.tool_call_id = extras.tool_call_id
    for block in extras.content_blocks:
        fill(made.content_blocks.add(), block)
    for chunk in extras.tool_call_chunks:
        piece = made.tool_call_chunks.add(id=chunk.id, name=chunk.name, args=chunk.args)
        if chunk.position is not None:
            piece.index = chunk.position
    for call in extras.tool_calls:
        whole = made.tool_calls.add(id=call.id, name=call.name)
        fill(whole.args, call.args)
    if extras.usage is not None:
        made.usage.input_tokens = extras.usage.input_tokens
        made.usage.output_tokens = extras.usage.output_tokens
        made.usage.total_tokens = extras.usage.total_tokens
        if extras.usage.details is not None:
            fill(made.usage.details, extras.usage.details)
    if extras.extra is not None:
        fill(made.extra, extras.extra)


def _task_start(target: event_pb2.StreamEvent, payload: events.TaskStart, fill: Fill) -> None:
    _write_start(target.tasks.start, payload, fill)


def _task_result(target: event_pb2.StreamEvent, payload: events.TaskResult, fill: Fill) -> None:
    _write_result(target.tasks.result, payload, fill)


def _checkpoint(target: event_pb2.StreamEvent, payload: events.Checkpoint, fill: Fill) -> None:
    _write_checkpoint(target.checkpoints, payload, fill)


def _debug(target: event_pb2.StreamEvent, payload: events.Debug, fill: Fill) -> None:
    made, detail = target.debug, payload.detail
    made.step = payload.step
    made.time.FromDatetime(payload.time)
    if isinstance(detail, events.Checkpoint):
        _write_checkpoint(made.checkpoint, detail, fill)
    elif isinstance(detail, events.TaskStart):
        _write_start(made.task, detail, fill)
    elif isinstance(detail, events.TaskResult):
        _write_result(made.task_result, detail, fill)
    else:
        made.raw.mode = detail.mode
        fill(made.raw.data, detail.data)


def _write_start(made: event_pb2.TaskStart, payload: events.TaskStart, fill: Fill) -> None:
    made.id = payload.id
    made.name = payload.name
    fill(made.input, payload.input)
    made.triggers.extend(payload.triggers)
    if payload.metadata is not None:
        fill(made.metadata, payload.metadata)


def _write_result(made: event_pb2.TaskResult, payload: events.TaskResult, fill: Fill) -> None:
    made.id = payload.id
    made.name = payload.name
    fill(made.result, payload.result)
    if payload.error is not None:
        made.error = payload.error
    write_interrupts(made.interrupts, payload.interrupts, fill)


def _write_checkpoint(made: event_pb2.CheckpointEvent, payload: events.Checkpoint, fill: Fill) -> None:
    made.checkpoint_id = payload.checkpoint_id
    made.checkpoint_ns = payload.checkpoint_ns
    made.parent_checkpoint_id = payload.parent_checkpoint_id
    made.step = payload.step
    made.source = payload.source
    made.next.extend(payload.next)
    for task in payload.tasks:
        _write_checkpoint_task(made.tasks.add(), task, fill)
    fill(made.values, payload.values)
    fill(made.metadata, payload.metadata)
    fill(made.config, payload.config)


def _write_checkpoint_task(made: event_pb2.CheckpointTask, task: events.CheckpointTask, fill: Fill) -> None:
    made.id = task.id
    made.name = task.name
    if task.error is not None:
        made.error = task.error
    write_interrupts(made.interrupts, task.interrupts, fill)
    if task.result is not None:
        fill(made.result, task.result)
    if task.state is not None:
        fill(made.state, task.state)


def _custom(target: event_pb2.StreamEvent, payload: events.Custom, fill: Fill) -> None:
    made = target.custom
    made.node = payload.node
    fill(made.data, payload.data)


def _callback(target: event_pb2.StreamEvent, payload: events.Callback, fill: Fill) -> None:
    made = target.events
    made.event = payload.event
    made.name = payload.name
    made.runnable_run_id = payload.runnable_run_id
    made.parent_ids.extend(payload.parent_ids)
    made.tags.extend(payload.tags)
    fill(made.data, payload.data)
    fill(made.metadata, payload.metadata)
    made.node = payload.node


def _raw(target: event_pb2.StreamEvent, payload: events.Raw, fill: Fill) -> None:
    target.raw.mode = payload.mode
    fill(target.raw.data, payload.data)


def _error(target: event_pb2.StreamEvent, payload: events.Error, fill: Fill) -> None:
    write_error(target.error.error, payload.error)


def _end(target: event_pb2.StreamEvent, payload: events.End, fill: Fill) -> None:
    made = target.end
    made.status = RUN_STATUS[payload.status]
    made.checkpoint_id = payload.checkpoint_id
    made.event_count = payload.event_count
    made.next.extend(payload.next)
    write_interrupts(made.interrupts, payload.interrupts, fill)
    if payload.error is not None:
        write_error(made.error, payload.error)
    if payload.cancel is not None:
        made.cancel_action = CANCEL_ACTION[payload.cancel]
    made.lingering_nodes.extend(payload.lingering)


_WRITERS: dict[type, Callable[[event_pb2.StreamEvent, Any, Fill], None]] = {
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
"""How each class of payload is written: one row each, tested to be complete."""
