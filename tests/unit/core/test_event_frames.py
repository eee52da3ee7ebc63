from graphwire_server.core.events import Custom, Event


class Framer:
    """A transport that counts."""

    def __init__(self, frame: bytes) -> None:
        self.frame = frame
        self.calls = 0

    def __call__(self, event: Event) -> bytes:
        self.calls += 1
        return self.frame


def test_what_the_first_reader_gets_is_not_held() -> None:
    event, framer = Event(1, "r", "t", 0.0, (), Custom(b"1", ""), 1), Framer(b"x")

    made = [event.framed(framer) for _ in range(50)]

    assert made == [b"x"] * 50
    assert framer.calls == 2


def test_each_transport_has_its_own_frame() -> None:
    event = Event(1, "r", "t", 0.0, (), Custom(b"1", ""), 1)
    grpc, http = Framer(b"grpc"), Framer(b"http")

    made = [event.framed(framer) for framer in (grpc, http, grpc, http, grpc, http)]

    assert made == [b"grpc", b"http"] * 3
    assert (grpc.calls, http.calls) == (2, 1)
