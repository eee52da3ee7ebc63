"""Events that are too large for one message, as pieces.

Owns how they are cut (protos: EventFragment). What is large of an event is nearly always one JSON text: a state, an update, custom data. Such an event is written by hand
around its text, so that each byte of that is copied once, into its message; built by the library it is copied six times. The invariant: the pieces, joined, are the
event as the library reads it, field for field.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from graphwire.v1.event_pb2 import StreamEvent
from graphwire_server.core import events
from graphwire_server.core.events import Event

Parts = Sequence[bytes | memoryview]
"""Bytes that belong behind one another."""

PIECE_BYTES = 3 << 20
"""The most bytes of an event in one piece: stock clients refuse messages over 4 MiB (wire D, message size), and each message waits for a turn of the loop."""

EVENTS_TAG = b"\x0a"
"""Field 1 of every stream's response, `events`; as all tags here, that of a field with a length."""
_FRAGMENT_TAG, _DATA_TAG = b"\xb2\x01", b"\x1a"
_INDEX_TAG, _COUNT_TAG = b"\x08", b"\x10"
_FIRST_TAG, _NODE_OF_UPDATE, _UPDATE_TAG, _NODE_OF_CUSTOM = b"\x0a", b"\x0a", b"\x12", b"\x12"
_VALUES_TAG, _UPDATES_TAG, _CUSTOM_TAG = b"\x5a", b"\x62", b"\x7a"


def pieces(envelope: StreamEvent, whole: Parts) -> Iterator[bytes]:
    """The messages that carry an event.

    Args:
        envelope: All of it but its payload.
        whole: The event, as bytes behind one another.
    """
    said, size = envelope.SerializeToString(), sum(map(len, whole))
    count = -(-size // PIECE_BYTES)
    for index in range(count):
        piece = _slice(whole, index * PIECE_BYTES, (index + 1) * PIECE_BYTES)
        data = (_INDEX_TAG, varint(index), _COUNT_TAG, varint(count), *_field(_DATA_TAG, piece))
        yield b"".join(_field(EVENTS_TAG, (said, *_field(_FRAGMENT_TAG, data))))


def written(envelope: StreamEvent, event: Event) -> Parts | None:
    """An event around its one large text, as bytes behind one another; None where it is of another kind, which the library writes."""
    write = _BY_HAND.get(type(event.payload))
    payload = None if write is None else write(event.payload)
    return None if payload is None else (envelope.SerializeToString(), *payload)


def varint(number: int) -> bytes:
    """A number of 0 or more as protobuf writes it."""
    if number < 0x80:
        return bytes((number,))
    if number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7))
    parts = bytearray()
    while number >= 0x80:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def _field(tag: bytes, content: Parts) -> Parts:
    return (tag, varint(sum(map(len, content))), *content)


def _json(tag: bytes, text: bytes) -> Parts:
    return _field(tag, _field(_FIRST_TAG, (text,)))


def _name(tag: bytes, name: str) -> Parts:
    return _field(tag, (name.encode(),)) if name else ()


def _values(payload: events.Values) -> Parts | None:
    return None if payload.interrupts else _field(_VALUES_TAG, _json(_FIRST_TAG, payload.state))


def _updates(payload: events.Updates) -> Parts | None:
    if payload.update is None:
        return None
    return _field(_UPDATES_TAG, (*_name(_NODE_OF_UPDATE, payload.node), *_json(_UPDATE_TAG, payload.update)))


def _custom(payload: events.Custom) -> Parts:
    return _field(_CUSTOM_TAG, (*_json(_FIRST_TAG, payload.data), *_name(_NODE_OF_CUSTOM, payload.node)))


_BY_HAND: dict[type, Callable[[Any], Parts | None]] = {
    events.Values: _values,
    events.Updates: _updates,
    events.Custom: _custom,
}


def _slice(parts: Parts, start: int, end: int) -> Parts:
    """What lies between two places, without a copy."""
    made, at = list[memoryview](), 0
    for part in parts:
        if at < end and at + len(part) > start:
            made.append(memoryview(part)[max(0, start - at) : end - at])
        at += len(part)
    return made
