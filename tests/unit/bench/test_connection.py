"""The events of an SSE stream are counted wherever its bytes are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.connection import Events

STREAM = b"".join(b"event: custom\r\ndata: {}\r\nid: %d\r\n\r\n" % number for number in range(20))


@given(st.integers(1, 60))
def test_a_stream_may_be_cut_anywhere(piece: int) -> None:
    told: list[int] = []
    events = Events(told.append)

    for at in range(0, len(STREAM), piece):
        events.take(STREAM[at : at + piece])

    assert sum(told) == 20


def test_a_failed_run_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="it broke"):
        Events(lambda _: None).take(b'event: values\r\ndata: {}\r\n\r\nevent: error\r\ndata: "it broke"\r\n\r\n')
