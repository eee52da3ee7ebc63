"""Messages as cases write them: protobuf's JSON form, and what a server one version newer adds to it.

Owns the step from a case to the messages that a scripted server sends. An event without `run_id` or `thread_id` gets those that all scripts share.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from graphwire.v1.event_pb2 import EventFragment, StreamEvent

RUN, THREAD = (f"0000000{n}-0000-4000-8000-000000000000" for n in (1, 2))
"""The run and the thread of all scripts."""
NEWER = "newer"
PIECES = "pieces"


def message(kind: type[Message], given: Mapping[str, Any]) -> Iterator[Message]:
    """The messages that one of a case stands for: itself, or the pieces of an event."""
    if PIECES in given:
        yield from _pieces(kind, **given[PIECES])
    else:
        yield _message(kind, given)


def _message(kind: type[Message], given: Mapping[str, Any]) -> Message:
    made = ParseDict(_without_newer(given), kind())
    for event in getattr(made, "events", ()):
        event.run_id = event.run_id or RUN
        event.thread_id = event.thread_id or THREAD
    _add_newer(made, given)
    return made


def _without_newer(given: Any) -> Any:
    if isinstance(given, list):
        return [_without_newer(each) for each in given]
    if isinstance(given, dict):
        return {key: _without_newer(value) for key, value in given.items() if key != NEWER}
    return given


def _add_newer(made: Message, given: Mapping[str, Any]) -> None:
    """Adds the fields that this version does not know, wherever the case has some. Protobuf's own messages have a JSON form of their own, and none."""
    if made.DESCRIPTOR.file.package == "google.protobuf":
        return
    for name, value in given.items():
        if name == NEWER:
            made.MergeFromString(b"".join(_field(int(number), each) for number, each in value.items()))
        elif isinstance(value, dict):
            _add_newer(getattr(made, name), value)
        elif isinstance(value, list):
            for part, each in zip(getattr(made, name), value, strict=True):
                if isinstance(each, dict):
                    _add_newer(part, each)


def _field(number: int, value: int | str) -> bytes:
    """A field on the wire: a number as a varint, a text with its length before it."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    content = value.encode()
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number >= 0x80:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def _pieces(
    kind: type[Message], event: Mapping[str, Any], count: int, keep: list[int] | None = None
) -> Iterator[Message]:
    whole = cast("Any", _message(kind, {"events": [event]})).events[0]
    content = whole.SerializeToString()
    size = -(-len(content) // count)
    for index in range(count) if keep is None else keep:
        part = StreamEvent(seq=whole.seq, run_id=whole.run_id, thread_id=whole.thread_id)
        part.fragment.CopyFrom(EventFragment(index=index, count=count, data=content[index * size : (index + 1) * size]))
        yield cast("Any", kind)(events=[part])
