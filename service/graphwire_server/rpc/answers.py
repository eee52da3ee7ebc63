"""Runs, threads and assistants as proto messages.

Owns the step from the core's values to what callers get. JSON goes into its carrier in the form that the caller wants.
"""

import json
from typing import Any

from graphwire.v1 import assistant_pb2, run_pb2, thread_pb2, webhook_pb2
from graphwire_server.core.delivery import Delivery, DeliveryState
from graphwire_server.core.model import (
    Assistant,
    CheckpointRef,
    MultitaskStrategy,
    Outcome,
    Run,
    RunConfig,
    Schemas,
    StateTask,
    Thread,
    ThreadState,
    ThreadStatus,
)
from graphwire_server.rpc.json_carrier import Fill, fill_text
from graphwire_server.rpc.payloads import CANCEL_ACTION, RUN_STATUS, write_error, write_interrupts
from graphwire_server.rpc.ttl import write_ttl

STRATEGIES = {
    MultitaskStrategy.ENQUEUE: run_pb2.MULTITASK_STRATEGY_ENQUEUE,
    MultitaskStrategy.REJECT: run_pb2.MULTITASK_STRATEGY_REJECT,
    MultitaskStrategy.INTERRUPT: run_pb2.MULTITASK_STRATEGY_INTERRUPT,
    MultitaskStrategy.ROLLBACK: run_pb2.MULTITASK_STRATEGY_ROLLBACK,
}
_THREAD_STATUS = {
    ThreadStatus.IDLE: thread_pb2.THREAD_STATUS_IDLE,
    ThreadStatus.BUSY: thread_pb2.THREAD_STATUS_BUSY,
    ThreadStatus.INTERRUPTED: thread_pb2.THREAD_STATUS_INTERRUPTED,
    ThreadStatus.ERROR: thread_pb2.THREAD_STATUS_ERROR,
}
_DELIVERY_STATE = {
    DeliveryState.PENDING: webhook_pb2.WEBHOOK_STATE_PENDING,
    DeliveryState.DELIVERED: webhook_pb2.WEBHOOK_STATE_DELIVERED,
    DeliveryState.FAILED: webhook_pb2.WEBHOOK_STATE_FAILED,
}


def json_text(value: Any) -> bytes:
    """A value that came in as JSON, as JSON again."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def write_run(made: run_pb2.Run, run: Run, fill: Fill) -> None:
    """Writes a run."""
    made.run_id = run.run_id
    made.thread_id = run.thread_id
    made.assistant_id = run.assistant_id
    made.graph_id = run.graph_id
    made.status = RUN_STATUS[run.status]
    made.create_time.FromDatetime(run.created_at)
    made.update_time.FromDatetime(run.updated_at)
    fill(made.metadata, json_text(run.spec.all_metadata))
    made.attempt = run.attempt
    made.multitask_strategy = STRATEGIES[run.spec.multitask_strategy]
    made.stream_modes.extend(run.spec.stream_modes)
    made.stateless = run.stateless
    made.first_seq = run.first_seq
    made.last_seq = run.last_seq
    if run.due_at is not None:
        made.due_time.FromDatetime(run.due_at)
    if run.started_at is not None:
        made.start_time.FromDatetime(run.started_at)
    if run.cancel is not None:
        made.cancel_action = CANCEL_ACTION[run.cancel]
    if run.outcome is not None:
        _write_outcome(made, run.outcome, fill, stateless=run.stateless)
    made.webhook = run.spec.webhook or ""
    if run.delivery is not None:
        _write_delivery(made.webhook_delivery, run.delivery)


def _write_outcome(made: run_pb2.Run, outcome: Outcome, fill: Fill, *, stateless: bool) -> None:
    made.checkpoint_id = "" if stateless else outcome.checkpoint_id
    write_interrupts(made.interrupts, outcome.interrupts, fill)
    if outcome.error is not None:
        write_error(made.error, outcome.error)
    made.lingering_nodes.extend(outcome.lingering)


def _write_delivery(made: webhook_pb2.WebhookDelivery, delivery: Delivery) -> None:
    made.state = _DELIVERY_STATE[delivery.state]
    made.attempts = delivery.attempts
    made.last_error = delivery.error
    if delivery.status is not None:
        made.last_status = delivery.status
    if delivery.attempted_at is not None:
        made.last_attempt_time.FromDatetime(delivery.attempted_at)
    if delivery.next_at is not None:
        made.next_attempt_time.FromDatetime(delivery.next_at)
    if delivery.settled_at is not None:
        made.settle_time.FromDatetime(delivery.settled_at)


def write_result(made: run_pb2.RunResult, run: Run, output: bytes, fill: Fill) -> None:
    """Writes the outcome of a run."""
    write_run(made.run, run, fill)
    fill(made.values, output)


def write_thread(made: thread_pb2.Thread, thread: Thread, fill: Fill, values: bytes | None, *, full: bool) -> None:
    """Writes a thread; its values and interrupts in the full view alone."""
    made.thread_id = thread.thread_id
    made.create_time.FromDatetime(thread.created_at)
    made.update_time.FromDatetime(thread.updated_at)
    fill(made.metadata, json_text(thread.metadata))
    made.status = _THREAD_STATUS[thread.status]
    made.last_seq = thread.last_seq
    if thread.error is not None:
        made.error = thread.error
    if thread.state_updated_at is not None:
        made.state_update_time.FromDatetime(thread.state_updated_at)
    if thread.graph_id is not None:
        write_config(made.config, thread.config, fill)
    write_ttl(made, thread)
    if not full:
        return
    if values is not None:
        fill(made.values, values)
    for task in thread.interrupts:
        write_interrupts(made.interrupts.add(task_id=task.task_id).interrupts, task.interrupts, fill)


def write_state(made: thread_pb2.ThreadState, state: ThreadState, thread_id: str, fill: Fill) -> None:
    """Writes a state, its tasks' nested states included."""
    fill(made.values, state.values)
    made.next.extend(state.next)
    for task in state.tasks:
        _write_task(made.tasks.add(), task, thread_id, fill)
    if state.checkpoint is not None:
        write_checkpoint_ref(made.checkpoint, state.checkpoint, thread_id, fill)
    if state.parent_checkpoint is not None:
        write_checkpoint_ref(made.parent_checkpoint, state.parent_checkpoint, thread_id, fill)
    fill(made.metadata, state.metadata)
    if state.created_at is not None:
        made.create_time.FromDatetime(state.created_at)
    write_interrupts(made.interrupts, state.interrupts, fill)


def _write_task(made: thread_pb2.StateTask, task: StateTask, thread_id: str, fill: Fill) -> None:
    made.id = task.id
    made.name = task.name
    if task.error is not None:
        made.error = task.error
    write_interrupts(made.interrupts, task.interrupts, fill)
    if task.result is not None:
        fill(made.result, task.result)
    if task.checkpoint is not None:
        write_checkpoint_ref(made.checkpoint, task.checkpoint, thread_id, fill)
    if task.state is not None:
        write_state(made.state, task.state, thread_id, fill)


def write_checkpoint_ref(made: run_pb2.CheckpointRef, at: CheckpointRef, thread_id: str, fill: Fill) -> None:
    """Writes which checkpoint is meant."""
    made.thread_id = thread_id
    made.checkpoint_id = at.checkpoint_id or ""
    made.checkpoint_ns = at.checkpoint_ns
    if at.checkpoint_map:
        fill(made.checkpoint_map, json_text(at.checkpoint_map))


def write_assistant(made: assistant_pb2.Assistant, assistant: Assistant, fill: Fill) -> None:
    """Writes an assistant."""
    made.assistant_id = assistant.assistant_id
    made.graph_id = assistant.graph_id
    made.name = assistant.name
    made.description = assistant.description
    write_config(made.config, assistant.config, fill)
    if assistant.context is not None:
        fill(made.context, json_text(assistant.context))
    fill(made.metadata, json_text(assistant.metadata))
    made.version = assistant.version
    made.create_time.FromDatetime(assistant.created_at)
    made.update_time.FromDatetime(assistant.updated_at)


def write_config(made: run_pb2.RunConfig, config: RunConfig, fill: Fill) -> None:
    """Writes LangGraph's configuration."""
    made.SetInParent()
    made.tags.extend(config.tags)
    if config.recursion_limit is not None:
        made.recursion_limit = config.recursion_limit
    if config.configurable is not None:
        fill(made.configurable, json_text(config.configurable))
    if config.metadata is not None:
        fill(made.metadata, json_text(config.metadata))
    if config.max_concurrency is not None:
        made.max_concurrency = config.max_concurrency
    if config.run_name is not None:
        made.run_name = config.run_name


def write_schemas(made: assistant_pb2.GraphSchemas, schemas: Schemas, fill: Fill = fill_text) -> None:
    """Writes the schemas of a graph, those that it can state."""
    made.graph_id = schemas.graph_id
    for name in ("input", "output", "state", "config", "context"):
        schema = getattr(schemas, name)
        if schema is not None:
            fill(getattr(made, f"{name}_schema"), schema)
