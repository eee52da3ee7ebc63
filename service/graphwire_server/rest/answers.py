"""Runs, threads, states and assistants as this surface shows them.

Owns the step from the core's values to JSON objects. Free-form parts are put in as the bytes that they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from graphwire_server.core.delivery import Delivery
from graphwire_server.core.model import (
    Assistant,
    CheckpointRef,
    Drawing,
    GraphNode,
    Interrupt,
    Run,
    RunConfig,
    RunSpec,
    Schemas,
    StateTask,
    SubgraphInfo,
    TaskInterrupts,
    Thread,
    ThreadState,
)
from graphwire_server.rest.json_text import given, made

Json = dict[str, Any]


def selected(item: Json, select: Sequence[str] | None) -> Json:
    """An object, or only some of its fields."""
    return item if not select else {name: item[name] for name in select if name in item}


def time_text(time: datetime | None) -> str | None:
    """A time as RFC 3339 has it, in UTC and to the microsecond; None for none."""
    return None if time is None else time.astimezone(UTC).isoformat(timespec="microseconds")


def run_json(run: Run) -> Json:
    """A run."""
    shown = {
        "run_id": run.run_id,
        "thread_id": run.thread_id,
        "assistant_id": run.assistant_id,
        "created_at": time_text(run.created_at),
        "updated_at": time_text(run.updated_at),
        "metadata": given(run.spec.all_metadata),
        "status": run.status.value,
        "kwargs": _kwargs(run.spec),
        "multitask_strategy": run.spec.multitask_strategy.value,
        "attempt": run.attempt,
    }
    return shown if run.delivery is None else shown | {"webhook_delivery": _delivery_json(run.delivery)}


def _delivery_json(delivery: Delivery) -> Json:
    """The call of a run's webhook."""
    return {
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "last_attempt_at": time_text(delivery.attempted_at),
        "last_status": delivery.status,
        "last_error": delivery.error or None,
        "next_attempt_at": time_text(delivery.next_at),
        "settled_at": time_text(delivery.settled_at),
    }


def _kwargs(spec: RunSpec) -> Json:
    command = spec.command
    return {
        "input": given(spec.input),
        "command": None if command is None else given({"resume": command.resume, "update": command.update, "goto": [step.node for step in command.goto]}),
        "config": config_json(spec.config),
        "context": given(spec.context),
        "stream_mode": list(spec.stream_modes),
        "interrupt_before": list(spec.interrupt_before),
        "interrupt_after": list(spec.interrupt_after),
        "subgraphs": spec.stream_subgraphs,
        "resumable": spec.stream_resumable,
        "temporary": spec.stateless,
        "webhook": spec.webhook,
    }  # fmt: skip


def config_json(config: RunConfig) -> Json:
    """LangGraph's configuration, what of it is set."""
    found: Json = {
        "tags": list(config.tags) or None,
        "recursion_limit": config.recursion_limit,
        "configurable": None if config.configurable is None else given(config.configurable),
        "metadata": None if config.metadata is None else given(config.metadata),
        "max_concurrency": config.max_concurrency,
        "run_name": config.run_name,
    }
    return {name: value for name, value in found.items() if value is not None}


def thread_json(thread: Thread, values: bytes | None) -> Json:
    """A thread, with the values of its latest state (wire facts 22 and 62)."""
    return {
        "thread_id": thread.thread_id,
        "created_at": time_text(thread.created_at),
        "updated_at": time_text(thread.updated_at),
        "state_updated_at": time_text(thread.state_updated_at or thread.created_at),
        "metadata": given(thread.metadata),
        "status": thread.status.value,
        "config": config_json(thread.config),
        "values": made(values),
        "interrupts": _task_interrupts(thread.interrupts),
        "error": error_json(thread.error),
    }


def ttl_json(thread: Thread) -> Json | None:
    """How long a thread lives; None for ever."""
    if thread.ttl is None:
        return None
    return {
        "strategy": thread.ttl.strategy.value,
        "ttl_minutes": thread.ttl.after / timedelta(minutes=1),
        "expires_at": time_text(thread.expires_at),
    }


def error_json(line: str | None) -> Json | None:
    """Why a run failed, or how it was stopped (wire fact 62). The core keeps it as one line: the exception's class, a colon, its text."""
    if line is None:
        return None
    name, _, message = line.partition(": ")
    return {"error": name, "message": message}


def texts(found: Mapping[str, bytes]) -> Json:
    """JSON texts by name."""
    return {name: made(text) for name, text in found.items()}


def _task_interrupts(found: Sequence[TaskInterrupts]) -> Json:
    return {task.task_id: [waiting_json(item) for item in task.interrupts] for task in found}


def waiting_json(item: Interrupt) -> Json:
    """An interrupt as threads and states show it (wire fact 22)."""
    return {"id": item.id, "value": orjson.Fragment(item.value)}


def reference_json(at: CheckpointRef | None, thread_id: str) -> Json | None:
    """Which checkpoint is meant."""
    if at is None:
        return None
    found: Json = {"thread_id": thread_id, "checkpoint_ns": at.checkpoint_ns, "checkpoint_id": at.checkpoint_id}
    if at.checkpoint_map:
        found["checkpoint_map"] = given(at.checkpoint_map)
    return found


def state_json(state: ThreadState, thread_id: str) -> Json:
    """A state, its tasks' nested states included (wire fact 68)."""
    own, parent = state.checkpoint, state.parent_checkpoint
    return {
        "values": orjson.Fragment(state.values),
        "next": list(state.next),
        "tasks": [_task_json(task, thread_id) for task in state.tasks],
        "metadata": _state_metadata(state, thread_id),
        "created_at": time_text(state.created_at),
        "checkpoint": reference_json(own, thread_id),
        "parent_checkpoint": reference_json(parent, thread_id),
        "interrupts": [waiting_json(item) for item in state.interrupts],
        "checkpoint_id": None if own is None else own.checkpoint_id,
        "parent_checkpoint_id": None if parent is None else parent.checkpoint_id,
    }


def _state_metadata(state: ThreadState, thread_id: str) -> orjson.Fragment:
    """The checkpoint's metadata with the thread's id, which checkpointers leave out."""
    if state.checkpoint is None or "thread_id" in orjson.loads(state.metadata):
        return orjson.Fragment(state.metadata)
    own = b'"thread_id":' + orjson.dumps(thread_id) + b"}"
    return orjson.Fragment(b"{" + own if state.metadata == b"{}" else state.metadata[:-1] + b"," + own)


def _task_json(task: StateTask, thread_id: str) -> Json:
    return {
        "id": task.id,
        "name": task.name,
        "error": task.error,
        "interrupts": [waiting_json(item) for item in task.interrupts],
        "checkpoint": reference_json(task.checkpoint, thread_id),
        "state": None if task.state is None else state_json(task.state, thread_id),
        "result": made(task.result),
    }


def written_json(at: CheckpointRef, thread_id: str) -> Json:
    """The checkpoint that a change of a state made."""
    reference = reference_json(at, thread_id)
    return {"checkpoint": reference, "configurable": reference, "checkpoint_id": at.checkpoint_id}


def assistant_json(assistant: Assistant) -> Json:
    """An assistant. Where one of `configurable` and the context is set, the other mirrors it (wire fact 72)."""
    config, settings = assistant.config, assistant.config.configurable or assistant.context
    if settings and not config.configurable:
        config = replace(config, configurable=settings)
    return {
        "assistant_id": assistant.assistant_id,
        "graph_id": assistant.graph_id,
        "name": assistant.name,
        "description": assistant.description or None,
        "config": config_json(config),
        "context": given(settings or {}),
        "metadata": given(assistant.metadata),
        "version": assistant.version,
        "created_at": time_text(assistant.created_at),
        "updated_at": time_text(assistant.updated_at),
    }


def drawing_json(drawing: Drawing) -> Json:
    """A drawn graph, in the form that LangChain's own drawing has."""
    return {
        "nodes": [_node_json(node) for node in drawing.nodes],
        "edges": [
            {
                "source": edge.source,
                "target": edge.target,
                **({"data": edge.label} if edge.label else {}),
                **({"conditional": True} if edge.conditional else {}),
            }
            for edge in drawing.edges
        ],
    }


def _node_json(node: GraphNode) -> Json:
    found: Json = {"id": node.id, "type": "runnable", "data": {"id": [node.name], "name": node.name}}
    if node.metadata is not None:
        found["metadata"] = orjson.Fragment(node.metadata)
    return found


def schemas_json(schemas: Schemas) -> Json:
    """The JSON Schemas of a graph; null where it cannot state one."""
    return {
        "graph_id": schemas.graph_id,
        "input_schema": made(schemas.input),
        "output_schema": made(schemas.output),
        "state_schema": made(schemas.state),
        "config_schema": made(schemas.config),
        "context_schema": made(schemas.context),
    }


def subgraphs_json(found: Sequence[SubgraphInfo]) -> Mapping[str, Json]:
    """The graphs inside a graph, by namespace."""
    return {info.namespace: schemas_json(info.schemas) for info in found}
