"""Events as frames, to the byte."""

import json
import typing
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from graphwire_server.core import events
from graphwire_server.core.events import Event
from graphwire_server.core.model import Interrupt, RunError, RunStatus
from graphwire_server.rest.frames import (
    _WRITERS,
    HEARTBEAT,
    error_frame,
    frame,
    frames,
    numbered_frames,
    thread_frames,
    with_interrupts,
)

BIG = 123456789012345678901234567890
ASK = Interrupt(id="i", value=b'"why?"', response_schema=b'{"type":"string"}')
ASKED = {"value": "why?", "id": "i", "response_schema": {"type": "string"}}
PLAIN = Interrupt(id="j", value=b"1")
PLAINLY = {"value": 1, "id": "j", "response_schema": None}
ORIGIN = events.MessageOrigin(node="n", step=2, tags=("t",), model="m", checkpoint_ns="n:1", metadata=b'{"a":1}')
START = events.TaskStart(id="1", name="n", input=b'{"x":1}', triggers=("start",), metadata=b'{"m":1}')
STARTED = {"id": "1", "name": "n", "input": {"x": 1}, "triggers": ["start"], "metadata": {"m": 1}}
RESULT = events.TaskResult(id="1", name="n", result=b'{"y":2}', error="e", interrupts=(ASK,))
RESULTED = {"id": "1", "name": "n", "error": "e", "result": {"y": 2}, "interrupts": [ASKED]}
CHECKPOINT = events.Checkpoint(
    checkpoint_id="c",
    checkpoint_ns="ns",
    parent_checkpoint_id="p",
    step=-1,
    source="input",
    next=("n",),
    tasks=(
        events.CheckpointTask(id="1", name="n", error="e", interrupts=(PLAIN,), result=b"1", state=b'{"s":1}'),
        events.CheckpointTask(id="2", name="m", error=None, interrupts=(), result=None, state=None),
    ),
    values=b'{"v":1}',
    metadata=b'{"step":-1}',
    config=b'{"configurable":{}}',
    parent_config=None,
)
CHECKPOINTED = {
    "config": {"configurable": {}},
    "metadata": {"step": -1},
    "values": {"v": 1},
    "next": ["n"],
    "parent_config": None,
    "tasks": [
        {"id": "1", "name": "n", "interrupts": [PLAINLY], "state": {"s": 1}, "error": "e", "result": 1},
        {"id": "2", "name": "m", "interrupts": [], "state": None},
    ],
}
TIME = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
END = events.End(status=RunStatus.SUCCESS, error=None, interrupts=(), next=(), checkpoint_id="", event_count=1)


def message(text: str = "x", **fields: Any) -> events.Message:
    given: dict[str, Any] = {"id": "m", "type": "ai", "origin": ORIGIN, "extras": events.NO_EXTRAS}
    return events.Message(**{**given, "text": text, "first": False, "complete": False, **fields})


def debug(detail: Any) -> events.Debug:
    return events.Debug(step=3, time=TIME, detail=detail)


def wrapped(kind: str, payload: Any) -> dict[str, Any]:
    return {"step": 3, "timestamp": "2026-01-02T03:04:05.000678+00:00", "type": kind, "payload": payload}


CASES: list[tuple[events.Payload, str, Any]] = [
    (
        events.Metadata(run_id="r", attempt=2, assistant_id="a", graph_id="g"),
        "metadata",
        {"run_id": "r", "attempt": 2},
    ),
    (events.Values(state=b'{"a":1}'), "values", {"a": 1}),
    (events.Values(state=b'{"a":1}', interrupts=(ASK, PLAIN)), "values", {"a": 1, "__interrupt__": [ASKED, PLAINLY]}),
    (events.Values(state=b"{}", interrupts=(ASK,)), "values", {"__interrupt__": [ASKED]}),
    (events.Values(state=b"null", interrupts=(ASK,)), "values", {"__interrupt__": [ASKED]}),
    (events.Values(state=b"[1]"), "values", [1]),
    (events.Updates(node='n"', update=b'{"a":1}'), "updates", {'n"': {"a": 1}}),
    (events.Updates(node="", update=b'{"a":1}'), "updates", {"a": 1}),
    (events.Updates(node="", update=None, interrupts=(ASK,)), "updates", {"__interrupt__": [ASKED]}),
    (events.Updates(node="", update=None), "updates", {"__interrupt__": []}),
    (message(dump=b'{"content":"x"}'), "messages", [{"content": "x"}, {"a": 1}]),
    (START, "tasks", STARTED),
    (events.TaskStart(id="1", name="n", input=b"1", triggers=(), metadata=None), "tasks", {"id": "1", "name": "n", "input": 1, "triggers": [], "metadata": {}}),
    (RESULT, "tasks", RESULTED),
    (CHECKPOINT, "checkpoints", CHECKPOINTED),
    (debug(START), "debug", wrapped("task", STARTED)),
    (debug(RESULT), "debug", wrapped("task_result", RESULTED)),
    (debug(events.Raw(mode="new", data=b"[1]")), "debug", wrapped("new", [1])),
    (
        debug(CHECKPOINT),
        "debug",
        wrapped(
            "checkpoint",
            {
                **CHECKPOINTED,
                "checkpoint": {"thread_id": "t", "checkpoint_id": "c", "checkpoint_ns": "ns"},
                "parent_checkpoint": {"thread_id": "t", "checkpoint_id": "p", "checkpoint_ns": "ns"},
            },
        ),
    ),
    (events.Custom(b'"anything"', "n"), "custom", "anything"),
    (
        events.Callback(
            event="on_x",
            name="n",
            runnable_run_id="q",
            parent_ids=("p",),
            tags=("t",),
            data=b'{"chunk":1}',
            metadata=b'{"k":2}',
            node="x",
        ),
        "events",
        {
            "event": "on_x",
            "data": {"chunk": 1},
            "name": "n",
            "tags": ["t"],
            "run_id": "q",
            "metadata": {"k": 2},
            "parent_ids": ["p"],
        },
    ),
    (events.Raw(mode="new", data=b"1"), "new", 1),
    (events.Error(error=RunError(type="E", message="m")), "error", {"error": "E", "message": "m"}),
]  # fmt: skip


def event(payload: events.Payload, seq: int = 7, namespace: tuple[str, ...] = ()) -> Event:
    return Event(seq, "r", "t", 1.25, namespace, payload, 1)


def read(made: bytes) -> list[tuple[str, Any, str | None]]:
    """The frames: name, data, id. Their form is checked on the way."""
    assert made.endswith(b"\r\n\r\n") or not made
    found = []
    for each in made.split(b"\r\n\r\n")[:-1]:
        lines = each.split(b"\r\n")
        assert not any(b"\n" in line or b"\r" in line for line in lines)
        assert [line.partition(b": ")[0] for line in lines] in ([b"event", b"data"], [b"event", b"data", b"id"])
        name, data, number = [*(line.partition(b": ")[2].decode() for line in lines), None][:3]
        assert name is not None
        assert data is not None
        found.append((name, json.loads(data), number))
    return found


def test_every_class_of_payload_has_a_writer_and_a_case() -> None:
    classes = set(typing.get_args(events.Payload))

    assert set(_WRITERS) == classes
    assert {type(payload) for payload, _, _ in CASES} == classes - {events.End}


@pytest.mark.parametrize(("payload", "name", "data"), CASES)
def test_a_payload_is_a_frame(payload: events.Payload, name: str, data: Any) -> None:
    assert read(frame(event(payload))) == [(name, data, None)]


def test_a_frame_to_the_byte() -> None:
    assert frame(event(events.Values(state=b'{"a":1}'))) == b'event: values\r\ndata: {"a":1}\r\n\r\n'


def test_the_terminal_event_has_no_frame() -> None:
    assert frame(event(END)) == b""


def test_a_debug_checkpoint_without_a_parent_says_null() -> None:
    first = replace(CHECKPOINT, parent_checkpoint_id="")

    ((_, data, _),) = read(frame(event(debug(first))))

    assert data["payload"]["parent_checkpoint"] is None


SPACED = [
    (events.Values(state=b"{}"), "values|a:1|b:2"),
    (events.Updates(node="n", update=b"1"), "updates|a:1|b:2"),
    (events.Updates(node="", update=None), "updates|a:1|b:2"),
    (message(dump=b"{}"), "messages|a:1|b:2"),
    (START, "tasks|a:1|b:2"),
    (RESULT, "tasks|a:1|b:2"),
    (CHECKPOINT, "checkpoints|a:1|b:2"),
    (debug(START), "debug|a:1|b:2"),
    (events.Custom(b"1", "n"), "custom|a:1|b:2"),
    (events.Raw(mode="new", data=b"1"), "new|a:1|b:2"),
    (message(so_far=b"{}"), "messages/partial"),
    (events.Error(error=RunError(type="E", message="m")), "error"),
]


@pytest.mark.parametrize(("payload", "name"), SPACED)
def test_what_comes_from_a_subgraph_says_so_in_its_name(payload: events.Payload, name: str) -> None:
    ((found, _, _),) = read(frame(event(payload, namespace=("a:1", "b:2"))))

    assert found == name


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\r\n\r\n"])
def test_no_name_of_a_node_breaks_a_frame(end: str) -> None:
    node = f"x{end}data: 1{end}{end}event: error"

    ((name, data, _),) = read(frame(event(events.Updates(node=node, update=b"1"), namespace=(node,))))

    assert data == {node: 1}
    assert name.startswith("updates|x ")


def test_a_name_keeps_its_letters() -> None:
    ((name, _, _),) = read(frame(event(events.Custom(b"1", "n"), namespace=("späte nächte|😀",))))

    assert name == "custom|späte nächte|😀"


@pytest.mark.parametrize("text", ['"', "\\", "\u2028\u2029\x85", "😀", "\x00\x01\x1f\x7f", "a\nb\r\nc", "data: 1\n\n"])
def test_any_text_is_one_line_and_comes_back(text: str) -> None:
    ((_, data, _),) = read(frame(event(message(text))))

    assert data[0]["content"] == text


def test_an_error_of_several_lines_is_one_frame() -> None:
    assert read(error_frame("E", "a\r\n\r\nevent: x\n")) == [
        ("error", {"error": "E", "message": "a\r\n\r\nevent: x\n"}, None)
    ]


def test_free_form_parts_are_put_in_as_they_are() -> None:
    exact = b'{"n":%d,"f":1.0e2}' % BIG

    assert exact in frame(event(events.Values(state=exact)))
    assert exact in frame(event(debug(events.TaskStart(id="1", name="n", input=exact, triggers=(), metadata=None))))
    assert b"%d" % BIG in frame(event(events.Values(state=b"{}", interrupts=(Interrupt(id="i", value=b"%d" % BIG),))))


def test_the_first_piece_of_a_message_so_far_brings_its_metadata() -> None:
    found = read(frame(event(message(first=True, so_far=b'{"content":"x"}'))))

    assert found == [
        ("messages/metadata", {"m": {"metadata": {"a": 1}}}, None),
        ("messages/partial", [{"content": "x"}], None),
    ]


@pytest.mark.parametrize(("complete", "name"), [(False, "messages/partial"), (True, "messages/complete")])
def test_a_message_so_far_is_the_one_item_of_a_list(complete: bool, name: str) -> None:
    made = frame(event(message(complete=complete, so_far=b'{"content":"xy"}')))

    assert read(made) == [(name, [{"content": "xy"}], None)]


def test_a_batch_has_no_ids() -> None:
    batch = [event(events.Custom(b"1", "n"), 1), event(END, 2)]

    assert read(frames(batch)) == [("custom", 1, None)]


def test_numbered_frames_have_their_number() -> None:
    batch = [event(events.Custom(b"1", "n"), 8), event(events.Custom(b"2", "n"), 10**17), event(END, 10**17 + 1)]

    assert read(numbered_frames(batch)) == [("custom", 1, "8"), ("custom", 2, "1" + "0" * 17)]


@pytest.mark.parametrize("framed", [numbered_frames, thread_frames])
def test_of_two_frames_of_an_event_the_last_has_the_number(framed: Any) -> None:
    found = read(framed([event(message(first=True, so_far=b"{}"), 5)]))

    assert [(name, number) for name, _, number in found] == [("messages/metadata", None), ("messages/partial", "5")]


def test_a_threads_stream_says_that_a_run_is_done() -> None:
    batch: Sequence[Event] = [event(events.Custom(b"1", "n"), 1), event(END, 2)]

    assert read(thread_frames(batch)) == [
        ("custom", 1, "1"),
        ("metadata", {"status": "run_done", "run_id": "r"}, "2"),
    ]


def test_all_readers_share_a_frame() -> None:
    one = event(events.Custom(b"1", "n"))
    plain = [frames([one]) for _ in range(2)][1]

    one.payload = events.Custom(b"2", "n")

    assert frames([one]) == plain
    assert numbered_frames([one]) == plain[:-2] + b"id: 7\r\n\r\n"


@pytest.mark.parametrize("values", [b"[1]", b'"text"', b"5", b"null", b"{}"])
def test_values_that_have_no_place_for_interrupts_give_way_to_them(values: bytes) -> None:
    assert json.loads(with_interrupts(values, (PLAIN,))) == {"__interrupt__": [PLAINLY]}


@pytest.mark.parametrize("values", [b"[1]", b"{}", b"null"])
def test_values_without_interrupts_stay_as_they_are(values: bytes) -> None:
    assert with_interrupts(values, ()) is values


def test_a_sign_of_life_is_a_comment() -> None:
    assert HEARTBEAT == b": heartbeat\r\n\r\n"
