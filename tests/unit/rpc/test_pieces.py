"""Large events: what is written by hand is what the library writes."""

from typing import Any

import pytest

from graphwire.v1.event_pb2 import StreamEvent
from graphwire.v1.run_service_pb2 import StreamRunResponse
from graphwire_server.core.events import Custom, Event, Raw, Updates, Values
from graphwire_server.core.model import Interrupt
from graphwire_server.rpc.frames import frames
from graphwire_server.rpc.json_carrier import fill_text
from graphwire_server.rpc.payloads import write_payload
from graphwire_server.rpc.pieces import PIECE_BYTES, pieces, varint, written

ENVELOPE = StreamEvent(seq=300, run_id="r", thread_id="t", namespace=["a:1", "b:2"])


def text(size: int) -> bytes:
    return b'"' + b"x" * size + b'"'


def event(payload: Any) -> Event:
    return Event(300, "r", "t", 1.25, ("a:1", "b:2"), payload, 1)


def built(payload: Any) -> StreamEvent:
    made = StreamEvent()
    made.CopyFrom(ENVELOPE)
    write_payload(made, payload, fill_text)
    return made


@pytest.mark.parametrize("size", [0, 1, 100, 126, 127, 128, 16_381, 16_384, 3_000_000])
@pytest.mark.parametrize(
    "make",
    [
        lambda data: Values(state=data),
        lambda data: Updates(node="n", update=data),
        lambda data: Updates(node="", update=data),
        lambda data: Custom(data, "caf\u00e9"),
        lambda data: Custom(data, ""),
    ],
    ids=["values", "updates", "updates-of-nobody", "custom", "custom-of-nobody"],
)
def test_what_is_written_by_hand_is_what_the_library_makes(make: Any, size: int) -> None:
    payload = make(text(size))

    whole = written(ENVELOPE, event(payload))

    assert whole is not None
    assert StreamEvent.FromString(b"".join(whole)) == built(payload)


@pytest.mark.parametrize(
    "payload",
    [
        Values(state=b"1", interrupts=(Interrupt(id="i", value=b"1"),)),
        Updates(node="", update=None, interrupts=(Interrupt(id="i", value=b"1"),)),
        Raw(mode="new", data=b"1"),
    ],
    ids=["stopped", "interrupted", "raw"],
)
def test_what_has_more_is_left_to_the_library(payload: Any) -> None:
    assert written(ENVELOPE, event(payload)) is None


@pytest.mark.parametrize("size", [1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES, 7_500_000])
@pytest.mark.parametrize("split", [0, 1, 20])
def test_pieces_are_cut_where_they_end_and_lose_nothing(size: int, split: int) -> None:
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)

    messages = [StreamRunResponse.FromString(each) for each in pieces(ENVELOPE, (data[:split], data[split:]))]

    (fragments,) = zip(*((each.events[0].fragment,) for each in messages), strict=True)
    assert b"".join(each.data for each in fragments) == data
    assert [each.index for each in fragments] == list(range(len(messages)))
    assert {each.count for each in fragments} == {-(-size // PIECE_BYTES)}
    assert all(len(each.data) == PIECE_BYTES for each in fragments[:-1])
    assert all(each.events[0].seq == 300 for each in messages)


def test_a_large_event_that_the_library_writes_comes_in_pieces_too() -> None:
    large = Event(1, "r", "t", 1.25, (), Raw(mode="new", data=text(7_000_000)), 7_000_000)

    messages = [StreamRunResponse.FromString(each) for each, _ in frames([large])]

    whole = StreamEvent.FromString(b"".join(each.events[0].fragment.data for each in messages))
    assert (whole.raw.mode, len(whole.raw.data.text)) == ("new", 7_000_002)


@pytest.mark.parametrize("number", [0, 1, 127, 128, 16_383, 16_384, 2**21, 2**35, 2**63 - 1])
def test_numbers_are_read_back(number: int) -> None:
    assert StreamEvent.FromString(b"\x08" + varint(number)).seq == number
