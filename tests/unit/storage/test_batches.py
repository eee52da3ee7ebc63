from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import ormsgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphwire_server.core.events import (
    NO_EXTRAS,
    Callback,
    Checkpoint,
    CheckpointTask,
    Custom,
    Debug,
    End,
    Error,
    Event,
    Message,
    MessageExtras,
    MessageOrigin,
    Metadata,
    Payload,
    Raw,
    TaskResult,
    TaskStart,
    TokenUsage,
    ToolCall,
    ToolCallChunk,
    Updates,
    Values,
)
from graphwire_server.core.model import CancelAction, Interrupt, RunError, RunStatus
from graphwire_server.storage.batches import VERSION, UnknownBatch, pack, unpack
from tests.storage.suite.samples import event
from tests.storage.suite.samples import fields as content

SLOW_IS_NO_FAILURE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
TEXT = st.text(st.characters(), max_size=8)  # lone surrogates and zeros too: JSON can say them
NUMBER = st.integers()
DATA = st.binary(max_size=8)
TIME = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]))
EVERY: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: NUMBER,
    bytes: DATA,
    bool: st.booleans(),
    datetime: TIME,
    RunStatus: st.sampled_from(RunStatus),
    CancelAction: st.sampled_from(CancelAction),
}


def many(kind: Any) -> st.SearchStrategy[Any]:
    return st.lists(made(kind), max_size=2).map(tuple)


def made(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a type."""
    if kind in EVERY:
        return EVERY[kind]
    if type(None) in get_args(kind):
        return st.none() | made(get_args(kind)[0])
    if getattr(kind, "__origin__", None) is tuple:
        return many(get_args(kind)[0])
    return st.builds(kind, **{name: made(hint) for name, hint in kind.__annotations__.items() if name != "mode"})


DETAILS = [TaskStart, TaskResult, Checkpoint]
RAW = st.builds(Raw, mode=TEXT, data=DATA)
PAYLOADS: dict[type, st.SearchStrategy[Any]] = {
    **{kind: made(kind) for kind in get_args(Payload) if kind not in (Raw, Debug)},
    Raw: RAW,
    Debug: st.builds(Debug, step=NUMBER, time=TIME, detail=RAW | st.one_of(*map(made, DETAILS))),
}
EVENTS = st.lists(
    st.builds(
        Event,
        st.integers(1, 2**60),
        TEXT,
        st.just("t1"),
        st.floats(allow_nan=False),
        st.lists(TEXT, max_size=3).map(tuple),
        st.one_of(*PAYLOADS.values()),
        st.integers(0, 2**60),
    ),
    max_size=4,
)


def back(*events: Event) -> list[Event]:
    return unpack(pack(events), "t1")


def one(payload: Payload) -> Payload:
    (found,) = back(event(1, payload=payload))
    return found.payload


def origin(**changes: Any) -> MessageOrigin:
    return MessageOrigin(
        **{"node": "n", "step": 1, "tags": ("a",), "model": "m", "checkpoint_ns": "", "metadata": b"{}", **changes}
    )


def piece(text: str, of: MessageOrigin, extras: MessageExtras = NO_EXTRAS) -> Message:
    return Message("m1", "ai", text, of, extras, first=False, complete=False)


def test_the_cases_are_all_payload_classes() -> None:
    assert set(PAYLOADS) == set(get_args(Payload))
    classes = (*PAYLOADS, Interrupt, RunError, CheckpointTask, MessageOrigin, ToolCall, ToolCallChunk, TokenUsage)
    assert all(is_dataclass(kind) or hasattr(kind, "_fields") for kind in classes)


@settings(SLOW_IS_NO_FAILURE)
@given(EVENTS)
def test_events_read_back_as_they_were(events: list[Event]) -> None:
    found = back(*events)

    assert [*map(content, found)] == [*map(content, events)]


@pytest.mark.parametrize("kind", PAYLOADS, ids=lambda kind: str(kind.__name__))
def test_each_payload_reads_back_as_it_was(kind: type) -> None:
    @settings(SLOW_IS_NO_FAILURE, max_examples=50)
    @given(PAYLOADS[kind])
    def check(payload: Any) -> None:
        found = one(payload)
        assert (type(found), found) == (type(payload), payload)

    check()


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\x00", "ü", "\U0001f600", ""])
def test_texts_that_are_hard(text: str) -> None:
    assert one(piece(text, origin(node=text))) == piece(text, origin(node=text))
    assert one(Error(error=RunError(type="E", message=text))) == Error(error=RunError(type="E", message=text))


@pytest.mark.parametrize("number", [2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**40])
def test_numbers_that_are_hard(number: int) -> None:
    usage = TokenUsage(input_tokens=number, output_tokens=-number, total_tokens=0, details=None)

    assert one(piece("", origin(), MessageExtras(usage=usage))) == piece("", origin(), MessageExtras(usage=usage))


def test_pieces_share_their_origin_as_before() -> None:
    first, second = origin(), origin()
    pieces = [piece("a", first), piece("b", second), piece("c", first)]

    found = back(*(event(seq, payload=each) for seq, each in enumerate(pieces, 1)))

    origins = [each.payload.origin for each in found if isinstance(each.payload, Message)]
    assert origins[0] is origins[2]
    assert origins[0] is not origins[1]
    assert origins[0] == first


def test_pieces_without_extras_share_the_empty_ones() -> None:
    found = one(piece("a", origin()))

    assert isinstance(found, Message)
    assert found.extras is NO_EXTRAS


def test_what_pieces_share_is_written_once() -> None:
    shared = origin(metadata=b'"%s"' % (b"x" * 1000))
    pieces = [event(seq, payload=piece("abc", shared)) for seq in range(1, 1001)]

    assert len(pack(pieces)) < 50_000


def test_a_batch_may_be_empty() -> None:
    assert back() == []


def tree(*events: Event) -> dict[str, Any]:
    found: dict[str, Any] = ormsgpack.unpackb(pack(events))
    return found


def test_what_a_newer_program_adds_is_ignored() -> None:
    events = [
        event(1, payload=piece("a", origin())),
        event(2, payload=Custom(b"1", "n")),
        event(3, payload=Values(state=b"{}")),
    ]
    batch = tree(*events)
    batch["new"] = 1
    batch["origins"][0]["new"] = 2
    for row in batch["events"]:
        row.append("new")
    for row in batch["events"][:2]:
        row[6].append("new")
    batch["events"][2][6]["new"] = 3

    found = unpack(ormsgpack.packb(batch), "t1")

    assert [*map(content, found)] == [*map(content, events)]


def test_what_an_older_program_did_not_write_has_its_default() -> None:
    batch = tree(
        event(1, payload=piece("a", origin())),
        event(2, payload=Updates(node="n", update=b"1")),
        event(3, payload=Debug(step=1, time=datetime(2025, 1, 1, tzinfo=UTC), detail=Raw(mode="m", data=b"1"))),
    )
    del batch["events"][0][6][7:]
    del batch["events"][1][6]["interrupts"], batch["events"][1][6]["update"]
    del batch["events"][2][6]["step"], batch["events"][2][6]["time"], batch["events"][2][6]["detail"][1]["data"]
    del batch["origins"][0]["tags"]

    found = [each.payload for each in unpack(ormsgpack.packb(batch), "t1")]

    assert found == [
        piece("a", origin(tags=())),
        Updates(node="n", update=None),
        Debug(step=0, time=datetime(1970, 1, 1, tzinfo=UTC), detail=Raw(mode="m", data=b"null")),
    ]


def test_a_kind_of_a_newer_program_is_told_as_raw() -> None:
    batch = tree(event(1, payload=Values(state=b"{}")))
    batch["texts"] = ["new kind" if text == "values" else text for text in batch["texts"]]

    (found,) = unpack(ormsgpack.packb(batch), "t1")

    assert found.payload == Raw(mode="new kind", data=b"null")


def test_a_batch_of_a_newer_version_is_told_apart() -> None:
    batch = {**tree(event(1)), "version": VERSION + 1}

    with pytest.raises(UnknownBatch):
        unpack(ormsgpack.packb(batch), "t1")


def test_metadata_of_a_run_and_its_end() -> None:
    begun = Metadata(run_id="r", attempt=2, assistant_id="a", graph_id="g")
    end = End(status=RunStatus.ERROR, error=None, interrupts=(), next=("n",), checkpoint_id="c", event_count=3)
    called = Callback(
        event="e", name="n", runnable_run_id="r", parent_ids=("p",), tags=(), data=b"{}", metadata=b"{}", node="n"
    )

    assert [one(begun), one(end), one(called)] == [begun, end, called]
    assert {field.name for field in fields(end)} > {"status", "event_count"}
