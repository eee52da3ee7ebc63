from collections.abc import Iterable

import pytest

from graphwire.v1.event_pb2 import StreamEvent
from graphwire.v1.run_service_pb2 import StreamRunResponse
from graphwire_server.core.batch import Batch
from graphwire_server.core.events import Custom, Event
from graphwire_server.rpc.frames import frames, shared_frames, value_frames

LARGEST_MESSAGE = 4 << 20
"""What stock clients take."""


def event(seq: int, size: int = 1) -> Event:
    return Event(seq, "r", "t", 1.25, ("a:1", "b:2"), Custom(b'"' + b"x" * size + b'"', "n"), size)


def read(messages: Iterable[tuple[bytes, int]]) -> list[StreamRunResponse]:
    return [StreamRunResponse.FromString(message) for message, _ in messages]


def test_a_batch_is_one_message_in_order() -> None:
    (made,) = read(frames([event(1), event(2, 200), event(3, 20_000)]))

    assert [each.seq for each in made.events] == [1, 2, 3]
    first = made.events[0]
    assert (first.run_id, first.thread_id, list(first.namespace)) == ("r", "t", ["a:1", "b:2"])
    assert (first.time.seconds, first.time.nanos) == (1, 250_000_000)
    assert (first.custom.node, first.custom.data.text) == ("n", '"x"')


@pytest.mark.parametrize("size", [1, 60, 100, 127, 128, 16_300, 16_384, 2_097_152])
def test_frames_of_every_length_can_be_read(size: int) -> None:
    (made,) = read(frames([event(1, size), event(2)]))

    assert [len(each.custom.data.text) for each in made.events] == [size + 2, 3]


def test_no_message_of_a_batch_is_too_large() -> None:
    messages = list(frames([event(seq, 1 << 20) for seq in range(1, 10)]))

    assert all(len(message) < LARGEST_MESSAGE for message, _ in messages)
    assert [each.seq for made in read(messages) for each in made.events] == [*range(1, 10)]


@pytest.mark.parametrize("make", [frames, value_frames])
def test_a_large_event_comes_in_pieces_that_make_the_whole(make: object) -> None:
    assert callable(make)
    messages: list[tuple[bytes, int]] = list(make([event(1), event(2, 10 << 20), event(3)]))

    assert all(len(message) < LARGEST_MESSAGE for message, _ in messages)
    events = [each for made in read(messages) for each in made.events]
    pieces = [each for each in events if each.HasField("fragment")]
    whole = StreamEvent.FromString(b"".join(piece.fragment.data for piece in pieces))
    assert [each.seq for each in events] == [1, *[2] * len(pieces), 3]
    assert [piece.fragment.index for piece in pieces] == [*range(pieces[0].fragment.count)]
    assert len(pieces) == pieces[0].fragment.count == 4
    assert {tuple(piece.namespace) for piece in pieces} == {("a:1", "b:2")}
    assert whole.seq == 2
    assert len(whole.custom.data.text or whole.custom.data.value.string_value) >= 10 << 20


def test_values_are_made_for_those_who_ask() -> None:
    (made,) = read(value_frames([event(1)]))

    assert made.events[0].custom.data.value.string_value == "x"


def test_a_frame_is_made_once() -> None:
    one = event(1)

    first, second = list(frames([one])), list(frames([one]))

    assert first == second


def test_each_message_says_how_far_it_brings_its_reader() -> None:
    made = list(frames([event(1), event(2, 4 << 20), event(3)]))

    assert [cursor for _, cursor in made] == [1, 1, 2, 3]


def test_readers_of_a_batch_share_its_messages() -> None:
    batch = Batch([event(1), event(2)])

    first, second, third = [list(shared_frames(batch)) for _ in range(3)]

    assert first == second == third
    assert second[0][0] is third[0][0]


def test_a_large_event_is_cut_for_each_reader_when_its_turn_comes() -> None:
    """A reader that is stuck at the first piece holds that one alone."""
    batch = Batch([event(1, 10 << 20)])

    made = [iter(shared_frames(batch)) for _ in range(3)]

    assert {len(next(messages)[0]) for messages in made} == {len(next(iter(frames(batch)))[0])}
    assert not any(isinstance(messages, tuple) for messages in map(shared_frames, [batch] * 3))
