from graphwire_server.core.events import Custom, Event


class Framer:
    """A transport that counts."""

    def __init__(self, frame: bytes) -> None:
        self.frame = frame
        self.calls = 0

    def __call__(self, event: Event) -> bytes:
        self.calls += 1
        return self.frame


def test_a_frame_is_made_once_for_each_transport() -> None:
    event = Event(1, "r", "t", 0.0, (), Custom(b"1", ""), 1)
    grpc, http = Framer(b"grpc"), Framer(b"http")

    made = [event.framed(framer) for framer in (grpc, http, grpc, http)]

    assert made == [b"grpc", b"http", b"grpc", b"http"]
    assert (grpc.calls, http.calls) == (1, 1)
