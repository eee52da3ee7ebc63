"""Events that come in pieces.

Owns the joining of pieces, and the error for what the contract promises and did not come. The invariant: an event is handed out whole or not at all.
"""

import grpc
from google.protobuf.message import DecodeError

from graphwire.errors import GraphwireError
from graphwire.v1.event_pb2 import EventFragment, StreamEvent


class Fragments:
    """Joins the pieces of events that are too large for one message."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._seq = 0

    @property
    def open(self) -> bool:
        """Whether pieces of an event are still to come."""
        return bool(self._pieces)

    def whole(self, event: StreamEvent) -> StreamEvent | None:
        """The event, joined if it came in pieces; None while pieces are to come. Raises GraphwireError where one is missing."""
        if not event.HasField("fragment"):
            if self._pieces:
                raise lost(f"event {self._seq} came without its last piece")
            return event
        return self._joined(event.seq, event.fragment)

    def _joined(self, seq: int, piece: EventFragment) -> StreamEvent | None:
        if piece.index != len(self._pieces) or (self._pieces and seq != self._seq):
            raise lost(f"event {seq} came without its piece {len(self._pieces)}")
        self._seq = seq
        self._pieces.append(piece.data)
        if len(self._pieces) < piece.count:
            return None
        data, self._pieces = b"".join(self._pieces), []
        try:
            return StreamEvent.FromString(data)
        except DecodeError as error:
            raise lost(f"the pieces of event {seq} do not make an event") from error


def lost(message: str) -> GraphwireError:
    """Something that the contract promises did not come. Going on from `last_seq` is safe."""
    return GraphwireError(message, code=grpc.StatusCode.DATA_LOSS, reason="STREAM_CUT")
