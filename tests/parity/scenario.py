"""One row of the table.

Owns what a row is. Rows speak the language of `face` alone: none knows a transport.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults.gate import Gate
from tests.parity.face import Face

Act = Callable[[Face, Gate], Awaitable[Any]]
Look = Callable[[Face, Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Something that callers do.

    Attributes:
        name: What it is, in words.
        act: Does it, over one transport: once over each. The answers must be equal but for ids and times.
        look: Reads what `act` answered with; over both transports, whichever made it. The answers must be equal to the letter.
        settings: Options of the server; where there are any, the row has a server of its own.
        headers: Headers of all calls, beside `settings`.
        refuses: The reason for which all that `act` asks is refused; None where it is not.
    """

    name: str
    act: Act
    look: Look | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    refuses: str | None = None
