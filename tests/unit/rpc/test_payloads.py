"""Payloads as cases of the wire's event."""

import typing
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from graphwire.v1.event_pb2 import StreamEvent
from graphwire_server.core import events
from graphwire_server.core.model import CancelAction, Interrupt, RunError, RunStatus
from graphwire_server.rpc.json_carrier import fill_text
from graphwire_server.rpc.payloads import _WRITERS, RUN_STATUS, write_payload

ASK = Interrupt(id="i", value=b"1", response_schema=b"{}")
ASKED = {"id": "i", "value": {"text": "1"}, "response_schema": {"text": "{}"}}
ERROR = RunError(type="E", message="m", retryable=True)
FAILED = {"type": "E", "message": "m", "retryable": True}
ORIGIN = events.MessageOrigin(node="n", step=2, tags=("t",), model="gpt", checkpoint_ns="n:1", metadata=b"{}")
EXTRAS = events.MessageExtras(
    name="who",
    reasoning="hm",
    content_blocks=(b"1",),
    tool_call_chunks=(events.ToolCallChunk(0, "c", "f", "{"), events.ToolCallChunk(None, "", "", "}")),
    tool_calls=(events.ToolCall(id="c", name="f", args=b"{}"),),
    usage=events.TokenUsage(input_tokens=1, output_tokens=2, total_tokens=3, details=b"{}"),
    finish_reason="stop",
    tool_call_id="c",
    extra=b"[]",
)
START = events.TaskStart(id="1", name="n", input=b"1", triggers=("x",), metadata=b"{}")
STARTED = {"id": "1", "name": "n", "input": {"text": "1"}, "triggers": ["x"], "metadata": {"text": "{}"}}
RESULT = events.TaskResult(id="1", name="n", result=b"1", error="e", interrupts=(ASK,))
RESULTED = {"id": "1", "name": "n", "result": {"text": "1"}, "error": "e", "interrupts": [ASKED]}
CHECKPOINT = events.Checkpoint(
    checkpoint_id="c",
    checkpoint_ns="ns",
    parent_checkpoint_id="p",
    step=-1,
    source="input",
    next=("n",),
    tasks=(events.CheckpointTask(id="1", name="n", error="e", interrupts=(ASK,), result=b"1", state=b"2"),),
    values=b"1",
    metadata=b"2",
    config=b"3",
    parent_config=None,
)
CHECKPOINTED = {
    "checkpoint_id": "c",
    "checkpoint_ns": "ns",
    "parent_checkpoint_id": "p",
    "step": -1,
    "source": "input",
    "next": ["n"],
    "tasks": [
        {"id": "1", "name": "n", "error": "e", "interrupts": [ASKED], "result": {"text": "1"}, "state": {"text": "2"}}
    ],
    "values": {"text": "1"},
    "metadata": {"text": "2"},
    "config": {"text": "3"},
}
TIME = datetime(2026, 1, 2, tzinfo=UTC)
CALLBACK = events.Callback(
    event="e",
    name="n",
    runnable_run_id="r",
    parent_ids=("p",),
    tags=("t",),
    data=b"1",
    metadata=b"2",
    node="x",
)
END = events.End(
    status=RunStatus.SUCCESS,
    error=ERROR,
    interrupts=(ASK,),
    next=("n",),
    checkpoint_id="c",
    event_count=3,
    cancel=CancelAction.ROLLBACK,
    lingering=("slow",),
)
BARE = events.MessageOrigin(node="n", step=0, tags=(), model="", checkpoint_ns="", metadata=b"{}")
CASES: list[tuple[events.Payload, dict[str, Any]]] = [
    (
        events.Metadata(run_id="r", attempt=1, assistant_id="a", graph_id="g"),
        {"metadata": {"run_id": "r", "attempt": 1, "assistant_id": "a", "graph_id": "g"}},
    ),
    (
        events.Values(state=b"1", interrupts=(ASK,)),
        {"values": {"state": {"text": "1"}, "interrupts": [ASKED]}},
    ),
    (events.Updates(node="n", update=b"null"), {"updates": {"node": "n", "update": {"text": "null"}}}),
    (
        events.Updates(node="", update=None, interrupts=(ASK,)),
        {"updates": {"interrupted": True, "interrupts": [ASKED]}},
    ),
    (events.Updates(node="", update=None), {"updates": {"interrupted": True}}),
    (
        events.Message("m", "ai", "hi", BARE, events.NO_EXTRAS, False, False),
        {"messages": {"id": "m", "type": "ai", "text": "hi", "node": "n"}},
    ),
    (
        events.Message("m", "ai", "hi", ORIGIN, EXTRAS, True, True),
        {
            "messages": {
                "id": "m",
                "type": "ai",
                "text": "hi",
                "node": "n",
                "step": 2,
                "tags": ["t"],
                "model": "gpt",
                "checkpoint_ns": "n:1",
                "metadata": {"text": "{}"},
                "complete": True,
                "name": "who",
                "reasoning": "hm",
                "content_blocks": [{"text": "1"}],
                "tool_call_chunks": [{"index": 0, "id": "c", "name": "f", "args": "{"}, {"args": "}"}],
                "tool_calls": [{"id": "c", "name": "f", "args": {"text": "{}"}}],
                "usage": {
                    "input_tokens": "1",
                    "output_tokens": "2",
                    "total_tokens": "3",
                    "details": {"text": "{}"},
                },
                "finish_reason": "stop",
                "tool_call_id": "c",
                "extra": {"text": "[]"},
            }
        },
    ),
    (START, {"tasks": {"start": STARTED}}),
    (RESULT, {"tasks": {"result": RESULTED}}),
    (CHECKPOINT, {"checkpoints": CHECKPOINTED}),
    (
        events.Debug(step=1, time=TIME, detail=START),
        {"debug": {"step": 1, "time": "2026-01-02T00:00:00Z", "task": STARTED}},
    ),
    (
        events.Debug(step=1, time=TIME, detail=RESULT),
        {"debug": {"step": 1, "time": "2026-01-02T00:00:00Z", "task_result": RESULTED}},
    ),
    (
        events.Debug(step=-1, time=TIME, detail=CHECKPOINT),
        {"debug": {"step": -1, "time": "2026-01-02T00:00:00Z", "checkpoint": CHECKPOINTED}},
    ),
    (
        events.Debug(step=1, time=TIME, detail=events.Raw(mode="new", data=b"1")),
        {"debug": {"step": 1, "time": "2026-01-02T00:00:00Z", "raw": {"mode": "new", "data": {"text": "1"}}}},
    ),
    (events.Custom(b"1", "n"), {"custom": {"data": {"text": "1"}, "node": "n"}}),
    (
        CALLBACK,
        {
            "events": {
                "event": "e",
                "name": "n",
                "runnable_run_id": "r",
                "parent_ids": ["p"],
                "tags": ["t"],
                "data": {"text": "1"},
                "metadata": {"text": "2"},
                "node": "x",
            }
        },
    ),
    (events.Raw(mode="new", data=b"1"), {"raw": {"mode": "new", "data": {"text": "1"}}}),
    (events.Error(error=ERROR), {"error": {"error": FAILED}}),
    (
        END,
        {
            "end": {
                "status": "RUN_STATUS_SUCCESS",
                "error": FAILED,
                "interrupts": [ASKED],
                "next": ["n"],
                "checkpoint_id": "c",
                "event_count": "3",
                "cancel_action": "CANCEL_ACTION_ROLLBACK",
                "lingering_nodes": ["slow"],
            }
        },
    ),
]


@pytest.mark.parametrize(("payload", "wire"), CASES)
def test_each_case_has_its_fields(payload: events.Payload, wire: dict[str, Any]) -> None:
    made = StreamEvent()

    write_payload(made, payload, fill_text)

    assert MessageToDict(made, preserving_proto_field_name=True) == wire


def test_the_table_is_complete() -> None:
    assert set(_WRITERS) == set(typing.get_args(events.Payload))
    assert {type(payload) for payload, _ in CASES} == set(_WRITERS)


def test_every_case_of_the_wire_is_written() -> None:
    written = {case for _, wire in CASES for case in wire}

    assert written == {field.name for field in StreamEvent.DESCRIPTOR.oneofs_by_name["payload"].fields} - {"fragment"}


def test_every_status_has_its_name() -> None:
    assert set(RUN_STATUS) == set(RunStatus)
