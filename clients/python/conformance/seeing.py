"""How what the client hands out looks in the runner's answer."""

from typing import Any

import graphwire

Seen = dict[str, Any]


def seen_event(event: graphwire.Event) -> Seen:
    """An event."""
    mode = event.mode
    found: Seen = {"seq": event.seq, "run_id": event.run_id, "mode": mode, "namespace": list(event.namespace)}
    if mode in {"updates", "messages", "custom"}:
        found["node"] = event.node
    if mode in {"values", "updates", "custom", "raw"}:
        found["data"] = event.data
    if mode == "messages":
        found["text"] = event.text
    if mode == "metadata":
        found["attempt"] = event.proto.metadata.attempt
    if event.status is not None:
        found["status"] = int(event.status) if event.status.isdecimal() else event.status
    if event.error is not None:
        found["error"] = {"type": event.error.type, "message": event.error.message}
    if event.interrupts:
        found["interrupts"] = [{"id": each.id, "value": each.value} for each in event.interrupts]
    return found


def seen_message(message: graphwire.Message) -> Seen:
    """A gathered message."""
    return {
        "id": message.id,
        "type": message.type,
        "text": message.text,
        "reasoning": message.reasoning,
        "finish_reason": message.finish_reason,
        "node": message.node,
        "complete": message.complete,
        "content_blocks": list(message.content_blocks),
        "tool_calls": [
            {"index": call.index, "id": call.id, "name": call.name, "args": call.args} for call in message.tool_calls
        ],
        "usage": None if message.usage is None else _usage(message.usage),
    }


def _usage(usage: graphwire.TokenUsage) -> Seen:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }


def seen_error(error: graphwire.GraphwireError) -> Seen:
    """What was raised."""
    return {
        "code": error.code.name,
        "reason": error.reason,
        "message": error.message,
        "metadata": error.metadata,
        "fields": [{"field": each.field, "description": each.description} for each in error.field_violations],
        "retry_after": error.retry_after,
    }
