"""Events as gRPC frames.

Owns the step from an event of the log to the bytes of a `StreamEvent`, made once and shared by all readers. A frame is the field `events` of a
response, so a batch is its frames put one behind the other: no message is built for a reader. Attributes are set one by one, since building
these messages from keyword arguments takes twice as long (measured: 7.2 against 3.4 microseconds an event). Small events written by hand, without the library, take
longer than that.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from graphwire.v1 import event_pb2
from graphwire_server.core.batch import Batch
from graphwire_server.core.events import Event
from graphwire_server.rpc.json_carrier import Fill, fill_text, fill_value
from graphwire_server.rpc.payloads import write_payload
from graphwire_server.rpc.pieces import EVENTS_TAG, pieces, varint, written

LARGEST_EVENT = 3 << 20
"""The largest event that is sent whole: stock clients refuse messages over 4 MiB (wire D, message size)."""

LARGEST_BATCH = 3 << 20
"""The most bytes of one message with several events."""


Piece = tuple[bytes, int]
"""A message, and the cursor of a reader who has it: the number of the last event that it completes."""


def frames(batch: Sequence[Event]) -> Iterator[Piece]:
    """The messages that carry a batch to a reader who takes JSON as text: mostly one."""
    return _messages(batch, _shared, _pieces)


def shared_frames(batch: Batch) -> Iterable[Piece]:
    """The same, made once for all readers of the batch. One that is a large event is cut for each reader, a piece when its turn comes: shared, all pieces would be held,
    of an event of 100 MB as much again.
    """
    return frames(batch) if batch[0].weight > LARGEST_EVENT else batch.made(_all_frames)


def _all_frames(batch: Sequence[Event]) -> Sequence[Piece]:
    return tuple(frames(batch))


def value_frames(batch: Sequence[Event]) -> Iterator[Piece]:
    """The same for a reader who takes JSON as protobuf values; made for this reader alone."""
    return _messages(batch, lambda event: _framed(_message(event, fill_value)), lambda event: None)


def _messages(
    batch: Sequence[Event],
    encode: Callable[[Event], bytes],
    cut: Callable[[Event], Iterator[bytes] | None],
) -> Iterator[Piece]:
    waiting: list[bytes] = []
    size = cursor = 0
    for event in batch:
        large = cut(event) if event.weight > LARGEST_EVENT else None
        frame = b"" if large is not None else encode(event)
        if len(frame) > LARGEST_EVENT:
            large = pieces(_envelope(event), (_body(frame),))
        if waiting and (large is not None or size + len(frame) > LARGEST_BATCH):
            yield b"".join(waiting), cursor
            waiting, size = [], 0
        if large is not None:
            yield from _with_cursor(event, large)
        else:
            waiting.append(frame)
            size += len(frame)
        cursor = event.seq
    if waiting:
        yield b"".join(waiting), cursor


def _with_cursor(event: Event, large: Iterator[bytes]) -> Iterator[Piece]:
    """The event is complete with its last piece."""
    before = next(large)
    for piece in large:
        yield before, event.seq - 1
        before = piece
    yield before, event.seq


def _pieces(event: Event) -> Iterator[bytes] | None:
    envelope = _envelope(event)
    whole = written(envelope, event)
    return None if whole is None else pieces(envelope, whole)


def _body(frame: bytes) -> memoryview:
    """The event of a frame, without its tag and its length."""
    start = 1
    while frame[start] & 0x80:
        start += 1
    return memoryview(frame)[start + 1 :]


def _shared(event: Event) -> bytes:
    return event.framed(_frame)


def _frame(event: Event) -> bytes:
    return _framed(_message(event, fill_text))


def _framed(message: event_pb2.StreamEvent) -> bytes:
    body = message.SerializeToString()
    return EVENTS_TAG + varint(len(body)) + body


def _message(event: Event, fill: Fill) -> event_pb2.StreamEvent:
    made = _envelope(event)
    write_payload(made, event.payload, fill)
    return made


def _envelope(event: Event) -> event_pb2.StreamEvent:
    """All of an event but its payload."""
    made = event_pb2.StreamEvent()
    made.seq = event.seq
    made.run_id = event.run_id
    made.thread_id = event.thread_id
    _set_time(made.time, event.time)
    if event.namespace:
        made.namespace.extend(event.namespace)
    return made


def _set_time(target: Timestamp, time: float) -> None:
    seconds = int(time)
    target.seconds = seconds
    target.nanos = int((time - seconds) * 1e9)
