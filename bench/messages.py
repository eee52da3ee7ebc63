"""The events in the bytes of a gRPC stream, counted without decoding them.

Owns that knowledge of the wire: a message has five bytes before it, its length in the last four; the messages of StreamRun and JoinRun repeat one field, of number 1, and nothing else.
"""

from collections.abc import Callable

_PREFIX = 5
_FIELD_1 = 0x0A
"""The tag of field 1 with a length."""


def events(data: bytes, at: int, end: int) -> int:
    """How many events one message has.

    Args:
        data: The bytes.
        at: Where the message begins in them.
        end: Where it ends.

    Raises:
        ValueError: It has another field.
    """
    found = 0
    while at < end:
        if data[at] != _FIELD_1:
            raise ValueError(f"field {data[at] >> 3} in a message of events")
        at += 1
        size = shift = 0
        while data[at] >= 0x80:
            size |= (data[at] & 0x7F) << shift
            shift += 7
            at += 1
        at += 1 + (size | data[at] << shift)
        found += 1
    return found


class Messages:
    """The messages of one stream, in pieces that may be cut anywhere.

    Attributes:
        count: How many messages have come.

    Args:
        tell: What is told how many events each brings.
    """

    __slots__ = ("_rest", "_tell", "count")

    def __init__(self, tell: Callable[[int], None]) -> None:
        self._tell = tell
        self._rest = b""
        self.count = 0

    def take(self, piece: bytes) -> None:
        """More bytes have come."""
        data = self._rest + piece if self._rest else piece
        at, size = 0, len(data)
        while size - at >= _PREFIX:
            end = at + _PREFIX + int.from_bytes(data[at + 1 : at + _PREFIX], "big")
            if end > size:
                break
            self._tell(events(data, at + _PREFIX, end))
            self.count += 1
            at = end
        self._rest = data[at:]
