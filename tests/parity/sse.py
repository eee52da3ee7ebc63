"""Server-sent events off the wire.

Owns the step from bytes to frames. It is strict (wire facts 1, 8 and 10): what is not a frame or a comment of this surface fails the test.
"""

import json
import re
from collections.abc import AsyncIterator

from tests.parity.face import Frame

_FRAME = re.compile(r"event: ([^\r\n]+)\r\ndata: ([^\r\n]+)(?:\r\nid: ([0-9]+))?")
_HEARTBEAT = ": heartbeat"


async def frames(content: AsyncIterator[bytes]) -> AsyncIterator[Frame]:
    """The frames of an answer's body, without heartbeats."""
    waiting = b""
    async for part in content:
        *whole, waiting = (waiting + part).split(b"\r\n\r\n")
        for each in whole:
            if (text := each.decode()) != _HEARTBEAT:
                yield _frame(text)
    assert waiting == b"", f"the body ends within a frame: {waiting!r}"


def _frame(text: str) -> Frame:
    found = _FRAME.fullmatch(text)
    assert found is not None, f"no frame: {text!r}"
    name, data, number = found.groups()
    return Frame(name, json.loads(data), None if number is None else int(number))
