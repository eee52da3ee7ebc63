"""What gRPC answers, in the spelling of the documented surface.

Owns one step from each message to JSON. Every field of the message is in it: what the documented surface does not have stands under its own name, or
under `beyond`, so that a comparison shows it.
"""

import json
from datetime import UTC
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from graphwire.v1 import (
    assistant_pb2,
    assistant_service_pb2,
    cron_pb2,
    run_pb2,
    run_service_pb2,
    store_pb2,
    thread_pb2,
    thread_service_pb2,
    webhook_pb2,
)
from graphwire.v1.interrupt_pb2 import Interrupt
from graphwire.v1.json_pb2 import Json as JsonMessage

Json = Any


def said(carrier: JsonMessage) -> Json:
    """The value that a carrier has."""
    return json.loads(carrier.text)


def maybe(message: Message, field: str) -> Json:
    """The value of a carrier that may be absent; then None."""
    return said(getattr(message, field)) if message.HasField(field) else None


def whole(message: Message) -> Json:
    """All that is set in a message, with JSON in place of its text."""
    return _opened(MessageToDict(message, preserving_proto_field_name=True))


def whole_with_zeros(message: Message) -> Json:
    """All fields of a message, those that say nothing included."""
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _opened(value: Json) -> Json:
    if isinstance(value, dict):
        return (
            json.loads(value["text"])
            if list(value) == ["text"]
            else {key: _opened(item) for key, item in value.items()}
        )
    return [_opened(item) for item in value] if isinstance(value, list) else value


def time(stamp: Timestamp) -> str:
    """A time as the documented surface writes it."""
    return stamp.ToDatetime(UTC).isoformat(timespec="microseconds")


def word(message: Message, field: str) -> str:
    """An enum's value without its prefix, in lower case."""
    enum = message.DESCRIPTOR.fields_by_name[field].enum_type
    assert enum is not None
    prefix = enum.values[0].name.removesuffix("UNSPECIFIED")
    return enum.values_by_number[getattr(message, field)].name.removeprefix(prefix).lower()


def asked(item: Interrupt) -> Json:
    """An interrupt."""
    return {"id": item.id, "value": said(item.value), "response_schema": maybe(item, "response_schema")}


def waiting(item: Interrupt) -> Json:
    """An interrupt as threads and states show it (wire fact 22); the form of its answer where it has one."""
    return {name: value for name, value in asked(item).items() if name != "response_schema" or value is not None}


def run(made: run_pb2.Run) -> Json:
    return {
        "run_id": made.run_id,
        "thread_id": made.thread_id,
        "assistant_id": made.assistant_id,
        "created_at": time(made.create_time),
        "updated_at": time(made.update_time),
        "metadata": said(made.metadata),
        "status": word(made, "status"),
        "multitask_strategy": word(made, "multitask_strategy"),
        "attempt": made.attempt,
        "kwargs": {
            "stream_mode": list(made.stream_modes),
            "temporary": made.stateless,
            "webhook": made.webhook or None,
        },
        **({"webhook_delivery": _delivery(made.webhook_delivery)} if made.HasField("webhook_delivery") else {}),
        "beyond": {
            "graph_id": made.graph_id,
            "error": whole(made.error) if made.HasField("error") else None,
            "interrupts": [asked(item) for item in made.interrupts],
            "checkpoint_id": made.checkpoint_id,
            "first_seq": made.first_seq,
            "last_seq": made.last_seq,
            "due_time": time(made.due_time) if made.HasField("due_time") else None,
            "start_time": time(made.start_time) if made.HasField("start_time") else None,
            "cancel_action": word(made, "cancel_action") if made.HasField("cancel_action") else None,
            "lingering_nodes": list(made.lingering_nodes),
        },
    }


def _delivery(made: webhook_pb2.WebhookDelivery) -> Json:
    return {
        "state": word(made, "state"),
        "attempts": made.attempts,
        "last_attempt_at": time(made.last_attempt_time) if made.HasField("last_attempt_time") else None,
        "last_status": made.last_status if made.HasField("last_status") else None,
        "last_error": made.last_error or None,
        "next_attempt_at": time(made.next_attempt_time) if made.HasField("next_attempt_time") else None,
        "settled_at": time(made.settle_time) if made.HasField("settle_time") else None,
    }


def result(made: run_pb2.RunResult) -> Json:
    return {
        "values": said(made.values),
        "error": whole(made.run.error) if made.run.HasField("error") else None,
        "interrupts": [asked(item) for item in made.run.interrupts],
        "run": run(made.run),
    }


def cancelled(made: run_service_pb2.CancelRunResponse, *, waited: bool) -> Json:
    return {"waited": waited, "run": run(made.run) if made.HasField("run") else None}


def thread(made: thread_pb2.Thread) -> Json:
    return {
        "thread_id": made.thread_id,
        "created_at": time(made.create_time),
        "updated_at": time(made.update_time),
        "state_updated_at": time(made.state_update_time if made.HasField("state_update_time") else made.create_time),
        "metadata": said(made.metadata),
        "config": whole(made.config),
        "status": word(made, "status"),
        "values": maybe(made, "values"),
        "interrupts": {task.task_id: [waiting(item) for item in task.interrupts] for task in made.interrupts},
        "error": _error(made.error) if made.HasField("error") else None,
        "last_seq": made.last_seq,
    }


def extracted(made: thread_pb2.Thread) -> Json:
    return {name: said(value) for name, value in made.extracted.items()}


def life(made: thread_pb2.Thread) -> Json:
    """How long a thread lives; None for ever."""
    if not made.HasField("ttl"):
        return None
    return {
        "strategy": word(made.ttl, "strategy"),
        "ttl_minutes": made.ttl.after.ToTimedelta().total_seconds() / 60,
        "expires_at": time(made.ttl.expire_time),
    }


def _error(line: str) -> Json:
    """gRPC keeps why a run failed as one line, as HTTP's two fields with a colon between them."""
    name, _, message = line.partition(": ")
    return {"error": name, "message": message}


def _reference(made: run_pb2.CheckpointRef) -> Json:
    found = {
        "thread_id": made.thread_id,
        "checkpoint_ns": made.checkpoint_ns,
        "checkpoint_id": made.checkpoint_id or None,
    }
    return {**found, "checkpoint_map": said(made.checkpoint_map)} if made.HasField("checkpoint_map") else found


def state(made: thread_pb2.ThreadState) -> Json:
    own = _reference(made.checkpoint) if made.HasField("checkpoint") else None
    parent = _reference(made.parent_checkpoint) if made.HasField("parent_checkpoint") else None
    return {
        "values": said(made.values),
        "next": list(made.next),
        "tasks": [_task(task) for task in made.tasks],
        "metadata": {**said(made.metadata), **({"thread_id": own["thread_id"]} if own else {})},
        "created_at": time(made.create_time) if made.HasField("create_time") else None,
        "checkpoint": own,
        "parent_checkpoint": parent,
        "interrupts": [waiting(item) for item in made.interrupts],
        "checkpoint_id": own and own["checkpoint_id"],
        "parent_checkpoint_id": parent and parent["checkpoint_id"],
    }


def _task(made: thread_pb2.StateTask) -> Json:
    return {
        "id": made.id,
        "name": made.name,
        "error": made.error if made.HasField("error") else None,
        "interrupts": [waiting(item) for item in made.interrupts],
        "checkpoint": _reference(made.checkpoint) if made.HasField("checkpoint") else None,
        "state": state(made.state) if made.HasField("state") else None,
        "result": maybe(made, "result"),
    }


def written(made: thread_service_pb2.UpdateThreadStateResponse) -> Json:
    at = _reference(made.checkpoint)
    return {"checkpoint": at, "configurable": at, "checkpoint_id": at["checkpoint_id"]}


def assistant(made: assistant_pb2.Assistant) -> Json:
    return {
        "assistant_id": made.assistant_id,
        "graph_id": made.graph_id,
        "name": made.name,
        "description": made.description or None,
        "config": whole(made.config),
        "context": maybe(made, "context") or {},
        "metadata": said(made.metadata),
        "version": made.version,
        "created_at": time(made.create_time),
        "updated_at": time(made.update_time),
    }


def item(made: store_pb2.Item) -> Json:
    return {
        "namespace": list(made.namespace),
        "key": made.key,
        "value": said(made.value),
        "created_at": time(made.create_time),
        "updated_at": time(made.update_time),
    }


def cron(made: cron_pb2.Cron) -> Json:
    return {
        "cron_id": made.cron_id,
        "assistant_id": made.assistant_id,
        "thread_id": made.thread_id if made.HasField("thread_id") else None,
        "on_run_completed": word(made, "on_run_completed") if made.on_run_completed else None,
        "schedule": made.schedule,
        "timezone": made.timezone or None,
        "end_time": _when(made, "end_time"),
        "enabled": made.enabled,
        "next_run_date": _when(made, "next_run_time"),
        "created_at": time(made.create_time),
        "updated_at": time(made.update_time),
        "user_id": None,
        "metadata": said(made.metadata),
        "payload": _payload(made),
        "last_run_date": _when(made, "last_run_time"),
        "last_run_id": made.last_run_id if made.HasField("last_run_id") else None,
        "last_error": made.last_error if made.HasField("last_error") else None,
    }


def _when(message: Message, field: str) -> Json:
    return time(getattr(message, field)) if message.HasField(field) else None


def _payload(made: cron_pb2.Cron) -> Json:
    asked: Json = {
        "schedule": made.schedule,
        "assistant_id": made.assistant_id,
        "input": maybe(made, "input"),
        "config": whole(made.config) or None,
        "context": maybe(made, "context"),
        "metadata": said(made.metadata) or None,
        "interrupt_before": list(made.interrupt_before) or None,
        "interrupt_after": list(made.interrupt_after) or None,
        "stream_mode": list(made.stream_mode),
        "stream_subgraphs": made.stream_subgraphs or None,
        "stream_resumable": made.stream_resumable or None,
        "multitask_strategy": word(made, "multitask_strategy"),
        "durability": word(made, "durability") if made.durability else None,
        "webhook": made.webhook or None,
        "timeout_seconds": made.timeout.ToTimedelta().total_seconds() if made.HasField("timeout") else None,
    }
    return {name: value for name, value in asked.items() if value is not None}


def drawing(made: assistant_service_pb2.GetAssistantGraphResponse) -> Json:
    return {
        "nodes": [_node(node) for node in made.nodes],
        "edges": [
            {
                "source": edge.source,
                "target": edge.target,
                **({"data": edge.label} if edge.label else {}),
                **({"conditional": True} if edge.conditional else {}),
            }
            for edge in made.edges
        ],
        "mermaid": made.mermaid,
    }


def _node(made: assistant_pb2.GraphNode) -> Json:
    found = {"id": made.id, "type": "runnable", "data": {"id": [made.name], "name": made.name}}
    return {**found, "metadata": said(made.metadata)} if made.HasField("metadata") else found


def schemas(made: assistant_pb2.GraphSchemas) -> Json:
    names = ("input", "output", "state", "config", "context")
    return {"graph_id": made.graph_id, **{f"{name}_schema": maybe(made, f"{name}_schema") for name in names}}
