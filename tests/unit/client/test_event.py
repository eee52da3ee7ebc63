"""What an event shows of its message."""

from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Value

from graphwire import Event, Interrupt, RunError, to_plain
from graphwire.v1 import error_pb2, run_pb2
from graphwire.v1 import event_pb2 as pb
from graphwire.v1.interrupt_pb2 import Interrupt as InterruptMessage
from graphwire.v1.json_pb2 import Json
from tests.unit.client.scripted import event, text

ASKED = InterruptMessage(id="i1", value=text('"sure?"'))


def _event(**payload: Any) -> Event:
    return Event(proto=event(5, **payload))


def test_a_reader_can_match_on_it() -> None:
    found = _event(messages=pb.MessagesEvent(text="Hi", node="writer"))

    match found:
        case Event(mode="messages", text=said, node=node):
            assert (said, node) == ("Hi", "writer")
        case _:
            pytest.fail("no match")


@pytest.mark.parametrize(
    ("payload", "node", "data"),
    [
        ({"values": pb.ValuesEvent(state=text('{"n":1}'))}, "", {"n": 1}),
        ({"updates": pb.UpdatesEvent(node="a", update=text('{"n":1}'))}, "a", {"n": 1}),
        ({"updates": pb.UpdatesEvent(node="a", update=text("null"))}, "a", None),
        ({"custom": pb.CustomEvent(node="a", data=text("[1]"))}, "a", [1]),
        ({"raw": pb.RawEvent(mode="new", data=text("1"))}, "", 1),
        ({"tasks": pb.TaskEvent(start=pb.TaskStart(name="a"))}, "a", {"start": {"name": "a"}}),
        (
            {"debug": pb.DebugEvent(step=1, task_result=pb.TaskResult(name="a"))},
            "a",
            {"step": 1, "task_result": {"name": "a"}},
        ),
        ({"checkpoints": pb.CheckpointEvent(values=text("{}"))}, "", {"values": {}}),
        ({"events": pb.CallbackEvent(event="on_x", node="a")}, "a", {"event": "on_x", "node": "a"}),
        ({}, "", None),
    ],
)
def test_node_and_data_of_each_mode(payload: dict[str, Any], node: str, data: object) -> None:
    found = _event(**payload)

    assert (found.node, found.data) == (node, data)


def test_numbers_of_the_value_form_are_integers_where_they_are_whole() -> None:
    carrier = Json(value=ParseDict({"n": 3, "x": 1.5, "l": [1, None, True]}, Value()))

    data = _event(custom=pb.CustomEvent(data=carrier)).data

    assert data == {"n": 3, "x": 1.5, "l": [1, None, True]}
    assert isinstance(data["n"], int)


@pytest.mark.parametrize(
    "payload",
    [
        {"values": pb.ValuesEvent(interrupts=[ASKED])},
        {"updates": pb.UpdatesEvent(interrupted=True, interrupts=[ASKED])},
        {"end": pb.EndEvent(interrupts=[ASKED])},
        {"tasks": pb.TaskEvent(result=pb.TaskResult(interrupts=[ASKED]))},
    ],
)
def test_interrupts_stand_where_the_mode_has_them(payload: dict[str, Any]) -> None:
    assert _event(**payload).interrupts == (Interrupt(id="i1", value="sure?"),)


def test_the_error_of_a_failed_run() -> None:
    failed = error_pb2.RunError(type="ValueError", message="no")

    last = _event(end=pb.EndEvent(status=run_pb2.RUN_STATUS_ERROR, error=failed))

    assert last.error == RunError(type="ValueError", message="no", retryable=False)
    assert last.status == "error"
    assert _event(error=pb.ErrorEvent(error=failed)).error == last.error
    assert _event(end=pb.EndEvent(status=run_pb2.RUN_STATUS_SUCCESS)).error is None


def test_a_message_becomes_plain_values() -> None:
    message = event(2**60, tasks=pb.TaskEvent(result=pb.TaskResult(name="a", result=text('{"n":9007199254740993}'))))
    message.time.FromJsonString("2026-01-02T03:04:05.5Z")

    assert to_plain(message) == {
        "seq": 2**60,
        "run_id": message.run_id,
        "thread_id": message.thread_id,
        "time": "2026-01-02T03:04:05.500Z",
        "tasks": {"result": {"name": "a", "result": {"n": 9007199254740993}}},
    }
    assert to_plain(pb.EndEvent(status=run_pb2.RUN_STATUS_SUCCESS)) == {"status": "RUN_STATUS_SUCCESS"}
