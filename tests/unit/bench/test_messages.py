"""Events are counted in the bytes of a stream as protobuf would count them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.messages import Messages, events
from graphwire.v1.event_pb2 import StreamEvent, ValuesEvent
from graphwire.v1.json_pb2 import Json
from graphwire.v1.run_pb2 import Run
from graphwire.v1.run_service_pb2 import CreateRunResponse, JoinRunResponse


def message(*sizes: int) -> bytes:
    """A message with an event for each size of its text."""
    many = [
        StreamEvent(seq=number, values=ValuesEvent(state=Json(text="x" * size))) for number, size in enumerate(sizes)
    ]
    return JoinRunResponse(events=many).SerializeToString()


def framed(*messages: bytes) -> bytes:
    return b"".join(b"\x00" + len(each).to_bytes(4, "big") + each for each in messages)


@pytest.mark.parametrize("sizes", [(), (0,), (1, 2, 3), (100, 20_000, 3_000_000, 5)])
def test_events_of_a_message_are_counted(sizes: tuple[int, ...]) -> None:
    encoded = message(*sizes)

    assert events(encoded, 0, len(encoded)) == len(sizes)


def test_another_message_is_refused() -> None:
    encoded = b"\x12\x00" + CreateRunResponse(run=Run(run_id="x")).SerializeToString()

    with pytest.raises(ValueError, match="field 2"):
        events(encoded, 0, len(encoded))


@given(st.lists(st.integers(0, 200), max_size=6), st.integers(1, 50))
def test_a_stream_may_be_cut_anywhere(counts: list[int], piece: int) -> None:
    content = framed(*(message(*([count] * (count % 5))) for count in counts))
    told: list[int] = []
    messages = Messages(told.append)

    for at in range(0, len(content), piece):
        messages.take(content[at : at + piece])

    assert (told, messages.count) == ([count % 5 for count in counts], len(counts))
