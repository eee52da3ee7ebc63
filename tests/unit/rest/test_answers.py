"""Answers, held to what is written down here and to what the document says of them."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from graphwire_server.core.delivery import Delivery, DeliveryState
from graphwire_server.core.model import (
    Assistant,
    CheckpointRef,
    Command,
    Drawing,
    Goto,
    GraphEdge,
    GraphNode,
    Interrupt,
    Run,
    RunConfig,
    RunSpec,
    RunStatus,
    Schemas,
    StateTask,
    SubgraphInfo,
    TaskInterrupts,
    Thread,
    ThreadState,
    ThreadStatus,
)
from graphwire_server.rest import answers, shown
from graphwire_server.rest.json_text import dumps

BIG = 123456789012345678901234567890
THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
ASK = Interrupt(id="i", value=b'{"q":%d}' % BIG, response_schema=b"{}")
ASKED = {"id": "i", "value": {"q": BIG}}
FULL = RunSpec(
    assistant="agent",
    thread_id="t",
    has_input=True,
    input={"a": BIG},
    command=Command(has_resume=True, resume=BIG, update={"u": 1}, goto=(Goto(node="n"), Goto(node="m"))),
    config=RunConfig(tags=("x",), recursion_limit=3, configurable={"k": BIG}, metadata={}, max_concurrency=2, run_name="r"),
    context={"c": 1},
    metadata={"big": BIG},
    interrupt_before=("*",),
    interrupt_after=("n",),
    stream_modes=("values", "custom"),
    stream_subgraphs=True,
    stream_resumable=True,
    headers={"x-secret": "hidden"},
)  # fmt: skip
RUN = Run(
    run_id="r",
    thread_id="t",
    assistant_id="a",
    graph_id="agent",
    status=RunStatus.RUNNING,
    created_at=THEN,
    updated_at=LATER,
    spec=FULL,
    attempt=2,
)
THREAD = Thread(
    thread_id="t",
    created_at=THEN,
    updated_at=LATER,
    status=ThreadStatus.INTERRUPTED,
    metadata={"big": BIG},
    interrupts=(TaskInterrupts(task_id="1", interrupts=(ASK,)),),
    error="ValueError: it failed: twice",
)
INNER = ThreadState(
    values=b"{}",
    next=(),
    tasks=(),
    checkpoint=CheckpointRef(checkpoint_id="ic", checkpoint_ns="n:1", checkpoint_map={"": "c", "n:1": "ic"}),
    parent_checkpoint=None,
    metadata=b'{"thread_id":"own","n":1}',
    created_at=None,
    interrupts=(),
)
STATE = ThreadState(
    values=b'{"v":%d}' % BIG,
    next=("n",),
    tasks=(
        StateTask(
            id="1",
            name="n",
            error="e",
            interrupts=(ASK,),
            result=b"[1]",
            checkpoint=CheckpointRef(checkpoint_ns="n:1"),
            state=INNER,
        ),
    ),
    checkpoint=CheckpointRef(checkpoint_id="c"),
    parent_checkpoint=CheckpointRef(checkpoint_id="p"),
    metadata=b'{"step":%d}' % BIG,
    created_at=LATER,
    interrupts=(ASK,),
)
ASSISTANT = Assistant(
    assistant_id="a", graph_id="agent", name="Agent", created_at=THEN, updated_at=LATER, metadata={"big": BIG}
)
SCHEMAS = Schemas(graph_id="agent", input=b'{"type":"object"}', output=None, state=None, config=None, context=b"{}")


def sent(value: Any) -> Any:
    """An answer that has gone over the wire."""
    return json.loads(dumps(value))


def test_a_run_with_the_delivery_of_its_webhook() -> None:
    spec = replace(FULL, webhook="https://x.example/?token=1")
    failed = Delivery(
        run_id="r",
        thread_id="t",
        url="u",
        state=DeliveryState.FAILED,
        attempts=2,
        attempted_at=THEN,
        settled_at=LATER,
        error="e",
    )

    made = sent(answers.run_json(replace(RUN, spec=spec, delivery=failed)))

    assert made["kwargs"]["webhook"] == "https://x.example/?token=1"
    assert made["webhook_delivery"] == {
        "state": "failed",
        "attempts": 2,
        "last_attempt_at": "2026-01-02T03:04:05.000000+00:00",
        "last_status": None,
        "last_error": "e",
        "next_attempt_at": None,
        "settled_at": "2026-01-02T03:04:05.000006+00:00",
    }
    shown.ShownRun.model_validate(made)


def test_a_run() -> None:
    made = sent(answers.run_json(RUN))

    assert made == {
        "run_id": "r",
        "thread_id": "t",
        "assistant_id": "a",
        "created_at": "2026-01-02T03:04:05.000000+00:00",
        "updated_at": "2026-01-02T03:04:05.000006+00:00",
        "metadata": {"big": BIG},
        "status": "running",
        "kwargs": {
            "input": {"a": BIG},
            "command": {"resume": BIG, "update": {"u": 1}, "goto": ["n", "m"]},
            "config": {
                "tags": ["x"],
                "recursion_limit": 3,
                "configurable": {"k": BIG},
                "metadata": {},
                "max_concurrency": 2,
                "run_name": "r",
            },
            "context": {"c": 1},
            "stream_mode": ["values", "custom"],
            "interrupt_before": ["*"],
            "interrupt_after": ["n"],
            "subgraphs": True,
            "resumable": True,
            "temporary": False,
            "webhook": None,
        },
        "multitask_strategy": "enqueue",
        "attempt": 2,
    }
    shown.ShownRun.model_validate(made)


def test_a_run_that_says_little() -> None:
    made = sent(answers.run_json(replace(RUN, spec=RunSpec(assistant="agent"))))

    assert (made["metadata"], made["kwargs"]["config"], made["kwargs"]["temporary"]) == ({}, {}, True)
    assert (made["kwargs"]["input"], made["kwargs"]["command"], made["kwargs"]["context"]) == (None, None, None)


def test_headers_of_a_request_are_shown_to_nobody() -> None:
    assert b"hidden" not in dumps(answers.run_json(RUN))


def test_a_thread() -> None:
    made = sent(answers.thread_json(THREAD, b'{"v":%d}' % BIG))

    assert made == {
        "thread_id": "t",
        "created_at": "2026-01-02T03:04:05.000000+00:00",
        "updated_at": "2026-01-02T03:04:05.000006+00:00",
        "state_updated_at": "2026-01-02T03:04:05.000000+00:00",
        "metadata": {"big": BIG},
        "status": "interrupted",
        "config": {},
        "values": {"v": BIG},
        "interrupts": {"1": [ASKED]},
        "error": {"error": "ValueError", "message": "it failed: twice"},
    }
    shown.ShownThread.model_validate(made)


def test_a_thread_without_a_state_has_no_values() -> None:
    assert sent(answers.thread_json(THREAD, None))["values"] is None


def test_a_state() -> None:
    made = sent(answers.state_json(STATE, "t"))

    assert made == {
        "values": {"v": BIG},
        "next": ["n"],
        "tasks": [
            {
                "id": "1",
                "name": "n",
                "error": "e",
                "interrupts": [ASKED],
                "checkpoint": {"thread_id": "t", "checkpoint_ns": "n:1", "checkpoint_id": None},
                "state": {
                    "values": {},
                    "next": [],
                    "tasks": [],
                    "metadata": {"thread_id": "own", "n": 1},
                    "created_at": None,
                    "checkpoint": {
                        "thread_id": "t",
                        "checkpoint_ns": "n:1",
                        "checkpoint_id": "ic",
                        "checkpoint_map": {"": "c", "n:1": "ic"},
                    },
                    "parent_checkpoint": None,
                    "interrupts": [],
                    "checkpoint_id": "ic",
                    "parent_checkpoint_id": None,
                },
                "result": [1],
            }
        ],
        "metadata": {"step": BIG, "thread_id": "t"},
        "created_at": "2026-01-02T03:04:05.000006+00:00",
        "checkpoint": {"thread_id": "t", "checkpoint_ns": "", "checkpoint_id": "c"},
        "parent_checkpoint": {"thread_id": "t", "checkpoint_ns": "", "checkpoint_id": "p"},
        "interrupts": [ASKED],
        "checkpoint_id": "c",
        "parent_checkpoint_id": "p",
    }
    shown.ShownState.model_validate(made)


@pytest.mark.parametrize(
    ("metadata", "made"),
    [
        (b"{}", {"thread_id": "t"}),
        (b'{"a":1}', {"a": 1, "thread_id": "t"}),
        (b'{"thread_id":"own"}', {"thread_id": "own"}),
        (b'{"writes":{"thread_id":"theirs"}}', {"writes": {"thread_id": "theirs"}, "thread_id": "t"}),
    ],
)
def test_the_metadata_of_a_state_names_its_thread(metadata: bytes, made: dict[str, Any]) -> None:
    assert sent(answers.state_json(replace(STATE, metadata=metadata), "t"))["metadata"] == made


def test_a_state_without_a_checkpoint() -> None:
    made = sent(answers.state_json(replace(STATE, checkpoint=None, parent_checkpoint=None, metadata=b"{}"), "t"))

    assert (made["metadata"], made["checkpoint"], made["checkpoint_id"]) == ({}, None, None)


def test_what_a_change_made() -> None:
    made = sent(answers.written_json(CheckpointRef(checkpoint_id="c", checkpoint_ns="n:1"), "t"))

    reference = {"thread_id": "t", "checkpoint_ns": "n:1", "checkpoint_id": "c"}
    assert made == {"checkpoint": reference, "configurable": reference, "checkpoint_id": "c"}
    shown.Written.model_validate(made)


def test_an_assistant() -> None:
    made = sent(answers.assistant_json(ASSISTANT))

    assert made == {
        "assistant_id": "a",
        "graph_id": "agent",
        "name": "Agent",
        "description": None,
        "config": {},
        "context": {},
        "metadata": {"big": BIG},
        "version": 1,
        "created_at": "2026-01-02T03:04:05.000000+00:00",
        "updated_at": "2026-01-02T03:04:05.000006+00:00",
    }
    shown.ShownAssistant.model_validate(made)


def test_an_assistant_that_says_more() -> None:
    made = sent(answers.assistant_json(replace(ASSISTANT, description="talks", context={"c": BIG})))

    assert (made["description"], made["context"]) == ("talks", {"c": BIG})


def test_a_drawing() -> None:
    nodes = (GraphNode(id="1", name="n"), GraphNode(id="2", name="m", metadata=b'{"k":1}'))
    edges = (GraphEdge(source="1", target="2"), GraphEdge(source="2", target="1", label="again", conditional=True))

    made = sent(answers.drawing_json(Drawing(nodes=nodes, edges=edges, mermaid="")))

    assert made == {
        "nodes": [
            {"id": "1", "type": "runnable", "data": {"id": ["n"], "name": "n"}},
            {"id": "2", "type": "runnable", "data": {"id": ["m"], "name": "m"}, "metadata": {"k": 1}},
        ],
        "edges": [
            {"source": "1", "target": "2"},
            {"source": "2", "target": "1", "data": "again", "conditional": True},
        ],
    }
    shown.ShownGraph.model_validate(made)


def test_schemas() -> None:
    made = sent(answers.schemas_json(SCHEMAS))

    assert made == {
        "graph_id": "agent",
        "input_schema": {"type": "object"},
        "output_schema": None,
        "state_schema": None,
        "config_schema": None,
        "context_schema": {},
    }
    shown.ShownSchemas.model_validate(made)


def test_subgraphs() -> None:
    made = sent(answers.subgraphs_json([SubgraphInfo(namespace="n", schemas=SCHEMAS)]))

    assert made == {"n": sent(answers.schemas_json(SCHEMAS))}


@pytest.mark.parametrize(
    ("select", "made"),
    [(None, {"a": 1, "b": 2}), ([], {"a": 1, "b": 2}), (["b"], {"b": 2}), (["b", "z"], {"b": 2})],
)
def test_only_some_fields(select: list[str] | None, made: dict[str, int]) -> None:
    assert answers.selected({"a": 1, "b": 2}, select) == made


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (None, None),
        (THEN, "2026-01-02T03:04:05.000000+00:00"),
        (THEN.astimezone(timezone(timedelta(hours=2))), "2026-01-02T03:04:05.000000+00:00"),
    ],
)
def test_a_time_is_in_utc(time: datetime | None, text: str | None) -> None:
    assert answers.time_text(time) == text
