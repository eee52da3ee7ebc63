"""Envelopes: what the v2 event protocol sends.

Owns an envelope's form (wire facts 46 and 48), and its number. The invariant: an envelope has the same number and the same id on every connection, for as long
as its event is held: the number says which event of the thread's log it was made of, and which envelope of that event it is.
"""

from typing import Any, NamedTuple

import orjson

_BITS = 10
LAST = (1 << _BITS) - 1
"""The place of the last envelope of an event. Only what ends a run has it, so that a reader who has seen that needs nothing more of the run."""
MOST_SEQ = (1 << 53) - 1
"""The largest number that JavaScript can say."""


class Envelope(NamedTuple):
    """One envelope, before it is numbered.

    Attributes:
        method: What it says; `input.requested`, or the name of its channel.
        channel: The channel that it comes by.
        namespace: The subgraph that it is about; empty is the root graph.
        time: When it happened: milliseconds since 1970, UTC.
        data: What it says, as orjson takes it.
        node: The node that it comes from; empty where there is none.
        event_id: Its id, where that is not made of its number.
    """

    method: str
    channel: str
    namespace: tuple[str, ...]
    time: int
    data: Any
    node: str = ""
    event_id: str = ""


class Numbered(NamedTuple):
    """An envelope with its number and id."""

    seq: int
    event_id: str
    envelope: Envelope


def number(event_seq: int, place: int) -> int:
    """The number of an envelope. An event of more than a thousand envelopes gives several the last but one place; a reader who comes back there gets them again."""
    return event_seq << _BITS | min(place, LAST)


def through(event_seq: int) -> int:
    """The number behind all envelopes of an event."""
    return number(event_seq, LAST)


def seen(since: int) -> tuple[int, bool]:
    """Which event the number of an envelope names, and whether nothing of that event comes behind it."""
    return since >> _BITS, since & LAST == LAST


def hidden(seq: int, since: int) -> bool:
    """Whether a reader who has come as far as a number has seen an envelope."""
    return seq < since or (seq == since and seq & LAST != LAST - 1)


def encoded(numbered: Numbered) -> bytes:
    """An envelope as JSON."""
    seq, event_id, envelope = numbered
    params: dict[str, Any] = {"namespace": envelope.namespace, "timestamp": envelope.time, "data": envelope.data}
    if envelope.node:
        params["node"] = envelope.node
    return orjson.dumps(
        {"type": "event", "event_id": event_id, "seq": seq, "method": envelope.method, "params": params}
    )


def failure(code: str, message: str, command_id: int | None = None) -> dict[str, Any]:
    """What says that something failed: a command, or with no id the stream itself."""
    return {"type": "error", "id": command_id, "error": code, "message": message}
