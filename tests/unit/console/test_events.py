"""How each kind of event looks: in a pipe as plain text, in a terminal with panels."""

import io
import json
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console

from graphwire import Event
from graphwire.v1 import error_pb2, run_pb2
from graphwire.v1 import event_pb2 as pb
from graphwire.v1.interrupt_pb2 import Interrupt
from graphwire_server.console.events import Commands, EventPrinter
from graphwire_server.console.screen import Screen
from graphwire_server.console.target import Target
from tests.unit.client.scripted import RUN, THREAD, end, event, metadata, text

COMMANDS = Commands(assistant="agent")


def _print(*events: pb.StreamEvent, commands: Commands = COMMANDS, terminal: bool = False) -> tuple[str, str]:
    """What stands on standard output and on standard error after some events."""
    out, err = io.StringIO(), io.StringIO()
    screen = Screen(
        out=Console(file=out, force_terminal=terminal, width=60, highlight=False, color_system=None),
        err=Console(file=err, force_terminal=False, highlight=False),
    )
    printer = EventPrinter(screen, commands)
    for seq, item in enumerate(events):
        item.time.CopyFrom(Timestamp(seconds=100 + seq))
        printer.show(Event(proto=item))
    return out.getvalue(), err.getvalue()


def _token(seq: int, said: str, **fields: Any) -> pb.StreamEvent:
    return event(seq, messages=pb.MessagesEvent(**{"id": "m1", "type": "ai", "node": "writer", "text": said, **fields}))


def test_tokens_flow_under_one_header() -> None:
    out, _ = _print(_token(1, "Once "), _token(2, "upon\n"), _token(3, "a time"), end(4))

    assert out.startswith("writer · ai\nOnce upon\na time\nsuccess · 4 events · 3.0 s")


def test_two_models_at_once_are_kept_apart() -> None:
    out, _ = _print(_token(1, "one"), _token(2, "two", id="m2", node="critic"), _token(3, "more"))

    assert out == "writer · ai\none\ncritic · ai\ntwo\nwriter · ai\nmore"


def test_what_happens_between_tokens_has_its_own_line() -> None:
    out, _ = _print(_token(1, "one"), event(2, custom=pb.CustomEvent(node="fetch", data=text('{"done":1,"of":9}'))))

    assert out == "writer · ai\none\nfetch: done: 1, of: 9\n"


def test_tool_calls_show_name_and_arguments() -> None:
    pieces = [pb.ToolCallChunk(index=0, id="c", name="search", args='{"q":'), pb.ToolCallChunk(index=0, args='"x"}')]
    out, _ = _print(*(_token(i, "", tool_call_chunks=[piece]) for i, piece in enumerate(pieces)))

    assert out == 'writer · ai\n\ncalls search {"q":"x"}'


def test_a_message_that_was_streamed_is_not_repeated_in_the_update() -> None:
    update = {"messages": [{"type": "ai", "id": "m1", "content": "Once"}, {"type": "ai", "id": "m9", "content": "New"}]}
    out, _ = _print(
        _token(1, "Once"), event(2, updates=pb.UpdatesEvent(node="writer", update=text(json.dumps(update))))
    )

    assert out.endswith("writer\n  messages:\n    ai: (as above)\n    ai: New\n")


def test_an_update_names_its_node_and_its_subgraph() -> None:
    out, _ = _print(
        event(1, namespace=["desk:1f"], updates=pb.UpdatesEvent(node="sign", update=text('{"n":1,"s":"x"}')))
    )

    assert out == "desk / sign\n  n: 1\n  s: x\n"


def test_a_terminal_gets_panels() -> None:
    out, _ = _print(event(1, values=pb.ValuesEvent(state=text('{"n":1}'))), terminal=True)

    assert out == "╭─ state ─╮\n│ n: 1    │\n╰─────────╯\n"


@pytest.mark.parametrize(
    ("payload", "line"),
    [
        ({"tasks": pb.TaskEvent(start=pb.TaskStart(name="ask"))}, "ask starts"),
        ({"tasks": pb.TaskEvent(result=pb.TaskResult(name="ask", result=text("{}")))}, "ask is done: {}"),
        ({"tasks": pb.TaskEvent(result=pb.TaskResult(name="ask", error="no"))}, "ask failed: no"),
        ({"debug": pb.DebugEvent(task=pb.TaskStart(name="ask"))}, "ask starts"),
        ({"debug": pb.DebugEvent(task_result=pb.TaskResult(name="ask", result=text("1")))}, "ask is done: 1"),
        (
            {"checkpoints": pb.CheckpointEvent(checkpoint_id="c1", step=2, source="loop", next=["ask"])},
            "checkpoint c1 at step 2 (loop); next: ask",
        ),
        (
            {"debug": pb.DebugEvent(checkpoint=pb.CheckpointEvent(checkpoint_id="c1", step=-1, source="input"))},
            "checkpoint c1 at step -1 (input); next: nothing",
        ),
        ({"events": pb.CallbackEvent(event="on_chain_start", name="ask", data=text("{}"))}, "on_chain_start ask {}"),
        ({"raw": pb.RawEvent(mode="novel", data=text("1"))}, "novel\n  1"),
        ({}, ""),
    ],
)
def test_the_other_kinds_take_a_line(payload: dict[str, Any], line: str) -> None:
    out, _ = _print(event(1, **payload))

    assert out.rstrip("\n") == line


def test_the_first_line_says_which_run_and_the_last_how_it_ended() -> None:
    out, _ = _print(metadata(), end(2))

    first, last = out.splitlines()
    assert first == f"agent: run {RUN} on thread {THREAD}"
    assert last == f"success · 2 events · 1.0 s · run {RUN}"


def test_a_failure_is_told_once_and_on_standard_error() -> None:
    failed = error_pb2.RunError(type="ValueError", message="no", retryable=True)
    out, err = _print(
        event(1, error=pb.ErrorEvent(error=failed)), end(2, status=run_pb2.RUN_STATUS_ERROR, error=failed)
    )

    assert err == "ValueError: no (it may succeed when it is run again)\n"
    assert out.startswith("error · 2 events")


def test_an_interrupt_comes_with_the_command_that_answers() -> None:
    out, _ = _print(end(1, interrupts=[Interrupt(id="i1", value=text('{"question":"Pay?"}'))], next=["ask"]))

    assert "interrupt i1\n  question: Pay?\n" in out
    assert f"graphwire stream agent --thread {THREAD} --resume '\"...\"'\n" in out
    assert out.splitlines()[-1].startswith("waits · ")


def test_several_interrupts_are_answered_by_id_at_the_same_server() -> None:
    waiting = [Interrupt(id=name, value=text("1")) for name in ("i1", "i2")]
    out, _ = _print(end(1, interrupts=waiting), commands=Commands(assistant="agent", target=Target(address="far:1")))

    assert """--resume '{"i1": "...", "i2": "..."}' --address far:1""" in out


def test_a_stop_before_a_node_goes_on_without_an_answer() -> None:
    out, _ = _print(end(1, next=["pay"]))

    assert f"stopped before pay. To go on:\n  graphwire stream agent --thread {THREAD}\n" in out


def test_a_run_without_a_thread_offers_no_command() -> None:
    waiting = [Interrupt(id="i1", value=text("1"))]
    out, _ = _print(end(1, interrupts=waiting), commands=Commands(assistant="agent", stateless=True))

    assert "--resume" not in out
    assert "--new-thread" in out


def test_text_of_a_model_cannot_command_the_terminal() -> None:
    out, _ = _print(_token(1, "a\x1b[2Jb\x07[red]c[/red]"), terminal=True)

    assert out.endswith("a[2Jb[red]c[/red]")
