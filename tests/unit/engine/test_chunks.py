"""Chunks of LangGraph's stream modes, one by one."""

import gc
import json
import weakref
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk
from langgraph.types import Interrupt as GraphInterrupt

from graphwire_server.core.events import (
    Callback,
    Checkpoint,
    CheckpointTask,
    Custom,
    Debug,
    Message,
    Payload,
    Raw,
    TaskResult,
    TaskStart,
    Updates,
    Values,
)
from graphwire_server.core.model import Interrupt
from graphwire_server.engine.chunks import Chunks, interrupts, plain_values, without_internals
from graphwire_server.engine.writer import Written

ASK = GraphInterrupt(value={"q": 1}, id="i")
ASKED = Interrupt(id="i", value=b'{"q":1}')
CHECKPOINT: dict[str, Any] = {
    "config": {"configurable": {"checkpoint_id": "c", "checkpoint_ns": "", "langgraph_auth_user": "x", "__a": 1}},
    "parent_config": {"configurable": {"checkpoint_id": "p", "__a": 1}},
    "metadata": {"step": 1, "source": "loop", "__b": 2},
    "next": ["n"],
    "tasks": [{"id": "1", "name": "n", "interrupts": (), "state": {"configurable": {"thread_id": "t", "__a": 1}}}],
    "values": {"a": 1},
}
START = {"id": "1", "name": "n", "input": {"a": 1}, "triggers": ["x"], "metadata": {"m": 1, "__m": 2}}
STARTED = TaskStart(id="1", name="n", input=b'{"a":1}', triggers=("x",), metadata=b'{"m":1}')
RESULT = {
    "id": "1",
    "name": "n",
    "result": {"a": 1},
    "error": ValueError("e"),
    "interrupts": [{"id": "i", "value": {"q": 1}}],
}
RESULTED = TaskResult(id="1", name="n", result=b'{"a":1}', error="e", interrupts=(ASKED,))
MADE = Checkpoint(
    checkpoint_id="c",
    checkpoint_ns="",
    parent_checkpoint_id="p",
    step=1,
    source="loop",
    next=("n",),
    tasks=(
        CheckpointTask(
            id="1", name="n", error=None, interrupts=(), result=None, state=b'{"configurable":{"thread_id":"t"}}'
        ),
    ),
    values=b'{"a":1}',
    metadata=b'{"step":1,"source":"loop"}',
    config=b'{"configurable":{"checkpoint_id":"c","checkpoint_ns":""}}',
    parent_config=b'{"configurable":{"checkpoint_id":"p"}}',
)


def add(mode: str, data: Any, *, hidden: frozenset[str] = frozenset()) -> tuple[list[Payload], Chunks]:
    """The payloads of one chunk at the root."""
    made: list[Payload] = []

    def append(namespace: tuple[str, ...], payload: Payload, weight: int) -> None:
        assert weight >= 400
        made.append(payload)

    chunks = Chunks(append, hidden)
    chunks.add((), mode, data)
    return made, chunks


@pytest.mark.parametrize(
    ("mode", "data", "payloads"),
    [
        ("values", {"a": 1}, [Values(state=b'{"a":1}')]),
        ("values", {"a": 1, "__interrupt__": (ASK,)}, [Values(state=b'{"a":1}', interrupts=(ASKED,))]),
        ("values", [1], [Values(state=b"[1]")]),
        (
            "updates",
            {"x": {"a": 1}, "y": None, "__metadata__": 1},
            [Updates(node="x", update=b'{"a":1}'), Updates(node="y", update=b"null")],
        ),
        ("updates", {"__interrupt__": (ASK,)}, [Updates(node="", update=None, interrupts=(ASKED,))]),
        ("updates", {"__interrupt__": ()}, [Updates(node="", update=None)]),
        ("updates", [1], [Updates(node="", update=b"[1]")]),
        ("custom", Written("n", {"a": 1}), [Custom(b'{"a":1}', "n")]),
        ("custom", "loose", [Custom(b'"loose"', "")]),
        ("tasks", START, [STARTED]),
        ("tasks", RESULT, [RESULTED]),
        ("checkpoints", CHECKPOINT, [MADE]),
        ("new", {1}, [Raw(mode="new", data=b"[1]")]),
    ],
)
def test_each_mode(mode: str, data: Any, payloads: list[Payload]) -> None:
    made, _ = add(mode, data)

    assert made == payloads


def test_messages() -> None:
    made, _ = add("messages", (AIMessageChunk(content="hi", id="m"), {"langgraph_node": "n"}))

    assert isinstance(made[0], Message)
    assert (made[0].text, made[0].node) == ("hi", "n")


@pytest.mark.parametrize(
    ("kind", "payload", "detail"),
    [
        ("task", START, STARTED),
        ("task_result", RESULT, RESULTED),
        ("checkpoint", CHECKPOINT, MADE),
        ("new", {"a": 1}, Raw(mode="new", data=b'{"a":1}')),
    ],
)
def test_debug(kind: str, payload: Any, detail: Payload) -> None:
    made, _ = add("debug", {"type": kind, "step": 3, "timestamp": "2026-01-01T00:00:00+00:00", "payload": payload})

    assert isinstance(made[0], Debug)
    assert (made[0].step, made[0].time.year, made[0].detail) == (3, 2026, detail)


def test_hidden_modes_make_no_events_and_are_noted() -> None:
    made, chunks = add("updates", {"__interrupt__": (ASK,)}, hidden=frozenset({"updates"}))

    assert (made, chunks.interrupted, chunks.interrupts) == ([], True, (ASKED,))


def test_a_subgraph_says_nothing_about_the_runs_end() -> None:
    chunks = Chunks(lambda *_: None, frozenset())

    chunks.add(("sub:1",), "updates", {"__interrupt__": (ASK,)})
    chunks.add(("sub:1",), "values", {"a": 1})

    assert (chunks.interrupted, chunks.values) == (False, None)


def test_callbacks() -> None:
    made: list[tuple[tuple[str, ...], Payload]] = []
    chunks = Chunks(lambda namespace, payload, _: made.append((namespace, payload)), frozenset())
    metadata = {"langgraph_node": "n", "langgraph_checkpoint_ns": "sub:1|n:2", "__secret": 1}

    chunks.add_callback({"event": "on_x", "run_id": "r", "data": {"chunk": 1}, "metadata": metadata, "tags": ["t"]})

    namespace, payload = made[0]
    assert isinstance(payload, Callback)
    assert (namespace, payload.event, payload.node, payload.tags) == (("sub:1",), "on_x", "n", ("t",))
    assert b"__secret" not in payload.metadata


def test_interrupts_with_a_schema() -> None:
    made = interrupts([{"id": "i", "value": 1, "response_schema": {"type": "string"}}])

    assert made == (Interrupt(id="i", value=b"1", response_schema=b'{"type":"string"}'),)


def test_what_is_encoded_does_not_change_with_the_graph() -> None:
    state = {"a": [1]}
    made, _ = add("values", state)

    state["a"].append(2)

    assert isinstance(made[0], Values)
    assert json.loads(made[0].state) == {"a": [1]}


def test_internals_are_stripped() -> None:
    assert without_internals({"a": 1, "__b": 2, "langgraph_request_id": 3}) == {"a": 1}
    assert without_internals(None) == {}
    assert plain_values({"a": 1, "__interrupt__": ()}) == {"a": 1}


def test_it_goes_with_its_run_and_waits_for_no_collector() -> None:
    """It holds the run's log by what it appends with: kept by a cycle of its own, the events of runs with large states filled gigabytes until the collector came."""
    made = Chunks(lambda *_: None, frozenset({"updates"}))
    made.add((), "values", {"a": 1})
    gone = weakref.ref(made)

    gc.disable()
    try:
        del made
        assert gone() is None
    finally:
        gc.enable()
