"""A thread's events as envelopes: each kind of event, the order, the ids and the numbers."""

import json

import pytest

from graphwire_server.core import events
from graphwire_server.core.model import RunError, RunStatus
from graphwire_server.rest.v2.envelopes import number, through
from graphwire_server.rest.v2.tape import Tape
from tests.unit.rest.v2.tapes import ASK, BEGIN, checkpoint, end, made, numbered, piece, result, said, task

INNER = ("inner:t1",)
VALUES = events.Values(state=b'{"n":1}')
BROKEN = RunError(type="ValueError", message="broken")


def test_a_run() -> None:
    assert said(BEGIN, VALUES, end(checkpoint_id="c")) == [
        ("lifecycle", (), {"event": "running", "graph_name": "agent"}),
        ("values", (), {"n": 1}),
        ("lifecycle", (), {"event": "completed", "graph_name": "agent", "checkpoint": {"id": "c"}}),
    ]


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        (end(), "completed"),
        (end(next=("more",)), "interrupted"),
        (end(RunStatus.INTERRUPTED), "interrupted"),
        (end(RunStatus.ERROR, error=BROKEN), "failed"),
        (end(RunStatus.TIMEOUT, error=BROKEN), "failed"),
    ],
)
def test_how_a_run_ends(ending: events.End, status: str) -> None:
    _, path, data = said(BEGIN, ending)[-1]

    assert (path, data["event"]) == ((), status)
    assert data.get("error") == ("broken" if ending.error else None)


def test_each_kind_of_event() -> None:
    update = events.Updates(node="say", update=b'{"n":2}')
    chart = events.Custom(b'{"name":"chart","payload":[1]}', "say")
    tool = events.Raw(mode="tools", data=b'{"event":"tool-started"}')
    made = said(BEGIN, update, events.Custom(b"7", "say"), chart, tool, task("t1"), checkpoint("c", "p"))

    assert made[1:] == [
        ("updates", (), {"node": "say", "values": {"n": 2}}),
        ("custom", (), {"payload": 7}),
        ("custom", (), {"name": "chart", "payload": [1]}),
        ("tools", (), {"event": "tool-started"}),
        ("tasks", (), {"id": "t1", "name": "say", "input": {}, "triggers": [], "metadata": {}}),
        ("checkpoints", (), {"id": "c", "parent_id": "p", "step": 0, "source": "loop"}),
    ]


@pytest.mark.parametrize(
    "data", [b'{"name":1,"payload":2}', b'{"name":"a","payload":2,"x":3}', b'{"name":"","payload":1}']
)
def test_what_is_no_named_custom_data_is_a_payload(data: bytes) -> None:
    assert said(BEGIN, events.Custom(data, ""))[-1][2] == {"payload": json.loads(data)}


def test_events_that_say_nothing_here() -> None:
    callback = events.Callback(
        event="e", name="n", runnable_run_id="", parent_ids=(), tags=(), data=b"{}", metadata=b"{}", node=""
    )

    assert said(BEGIN, callback, events.Raw(mode="new", data=b"{}"))[1:] == []


def test_a_subgraph_from_its_first_event_to_the_end_of_its_task() -> None:
    made = said(BEGIN, (INNER, VALUES), (INNER, VALUES), result("t1", "inner"))

    assert [(method, path, data.get("event")) for method, path, data in made[1:]] == [
        ("lifecycle", INNER, "started"),
        ("values", INNER, None),
        ("values", INNER, None),
        ("tasks", (), None),
        ("lifecycle", INNER, "completed"),
    ]
    assert made[1][2]["graph_name"] == "inner"


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(result("t1", "inner", "broken"), "failed"), (result("t1", "inner", None, ASK), "interrupted")],
)
def test_how_a_subgraph_ends(outcome: events.TaskResult, status: str) -> None:
    method, path, data = said(BEGIN, (INNER, VALUES), outcome)[-1]

    assert (method, path, data["event"]) == ("lifecycle", INNER, status)


def test_a_run_ends_what_is_under_way() -> None:
    made = said(BEGIN, (INNER, VALUES), (INNER, piece("a")), end(RunStatus.ERROR, error=BROKEN))

    assert [(method, path, data["event"]) for method, path, data in made[-3:]] == [
        ("messages", INNER, "error"),
        ("lifecycle", INNER, "failed"),
        ("lifecycle", (), "failed"),
    ]


def test_input_is_asked_for_at_the_end_where_the_answer_can_be_given() -> None:
    stopped = events.Updates(node="", update=None, interrupts=(ASK,))
    made = said(BEGIN, (INNER, stopped), stopped, end(interrupts=(ASK,), next=("inner",)))

    assert [(method, path) for method, path, _ in made[1:]] == [
        ("lifecycle", INNER),
        ("lifecycle", INNER),
        ("input.requested", INNER),
        ("lifecycle", ()),
    ]
    assert made[-2][2] == {"interrupt_id": "i1", "payload": "why?", "value": "why?"}


def test_the_checkpoint_of_a_state_comes_before_it() -> None:
    made = said(BEGIN, checkpoint("c0"), VALUES, checkpoint("c1"), VALUES, task("t"))

    assert [(method, data.get("id")) for method, _, data in made[1:]] == [
        ("checkpoints", "c0"),
        ("checkpoints", "c1"),
        ("values", None),
        ("values", None),
        ("tasks", "t"),
    ]


def test_a_state_does_not_wait_where_no_checkpoints_are_streamed() -> None:
    tape = Tape()
    found = made(BEGIN, VALUES)
    numbered(found[:1], tape)

    assert len(numbered(found[1:], tape)) == 1


def test_numbers_and_ids() -> None:
    found = numbered(made(BEGIN, (INNER, VALUES), end()))

    assert [(each.seq, each.event_id) for each in found] == [
        (number(1, 0), "synth:r:lc||running"),
        (number(2, 0), "synth:r:lc|inner:t1|started"),
        (number(2, 1), "2"),
        (number(3, 0), "synth:r:lc|inner:t1|completed"),
        (through(3), "synth:r:lc||completed"),
    ]


def test_numbers_rise_and_ids_are_unique() -> None:
    whole = piece("x", complete=True, content_blocks=(b'{"type":"image"}',) * 700)
    found = numbered(made(BEGIN, checkpoint("a"), VALUES, checkpoint("b"), (INNER, whole), result("t1"), end()))

    seqs, ids = [each.seq for each in found], [each.event_id for each in found]
    assert seqs == sorted(seqs)
    assert len(set(ids)) == len(ids)
    assert max(seqs) == through(7)


def test_another_attempt_begins_anew() -> None:
    made = said(BEGIN, (INNER, VALUES), BEGIN, (INNER, VALUES))

    assert [data["event"] for method, _, data in made if method == "lifecycle"] == ["running", "started"] * 2


def test_runs_are_told_apart() -> None:
    tape = Tape()
    first = numbered(made(BEGIN, checkpoint("c"), VALUES), tape)
    other = numbered(made(end(RunStatus.INTERRUPTED), first=4, run_id="other"), tape)

    assert [each.envelope.method for each in first] == ["lifecycle", "checkpoints"]
    assert [each.event_id for each in other] == ["synth:other:lc||interrupted"]
