"""What callers say about runs that exist: which, and how to attach to them.

Owns the shapes of queries and of the bodies that name runs, and every encoding that SDKs send a filter in (wire fact 35).
"""

from typing import Annotated, Literal

from pydantic import Field
from pydantic_core import from_json

from graphwire_server.core.errors import InvalidField
from graphwire_server.core.follow import EVERYTHING, Filter
from graphwire_server.core.model import CancelAction, RunStatus
from graphwire_server.core.spec import check_modes
from graphwire_server.rest.shapes import Shape, Words

_ALWAYS_SENT = frozenset({"metadata", "error", "feedback", "end"})
"""Names of events that a filter may hold, and that pass every filter (design, promise 4)."""


class WaitQuery(Shape):
    """How to wait for a run."""

    cancel_on_disconnect: str | None = None
    """Whether the run is cancelled when the caller goes away: true, yes or 1, in any case."""

    @property
    def cancels(self) -> bool:
        """Whether the run is cancelled when its caller is gone (wire fact 36)."""
        return (self.cancel_on_disconnect or "").lower() in ("true", "yes", "1")


class JoinQuery(WaitQuery):
    """How to attach to a run."""

    stream_mode: Words
    """Only events of these modes: repeated, comma-separated, or a JSON array. Default: all."""

    def wanted(self) -> Filter:
        """The filter: the union of what all encodings name (wire fact 35). Raises InvalidField for a mode that does not exist."""
        modes = {_kind(mode) for given in self.stream_mode for mode in _split(given)} - _ALWAYS_SENT
        return Filter(modes=frozenset(modes)) if modes else EVERYTHING


def _split(given: str) -> list[str]:
    if given.startswith("["):
        try:
            parsed = from_json(given)
        except ValueError:
            parsed = None
        if not isinstance(parsed, list) or not all(isinstance(item, str) for item in parsed):
            raise InvalidField("stream_mode", "is no JSON array of modes")
        return parsed
    return [part.strip() for part in given.split(",") if part.strip()]


def _kind(name: str) -> str:
    """The kind of events that a name of a filter means: `messages/partial` and `messages-tuple` are messages, `updates|node` updates."""
    mode = name.partition("|")[0].partition("/")[0]
    if mode in _ALWAYS_SENT:
        return mode
    check_modes("stream_mode", (mode,))
    return "messages" if mode == "messages-tuple" else mode


class CancelManyQuery(Shape):
    """How to cancel runs."""

    action: Literal["interrupt", "rollback"] = "interrupt"
    """What becomes of it: interrupt keeps what it has done; rollback undoes that and deletes the run. Default: interrupt."""

    @property
    def cancel_action(self) -> CancelAction:
        """What becomes of the runs' work."""
        return CancelAction(self.action)


class CancelQuery(CancelManyQuery):
    """How to cancel a run."""

    wait: bool = False
    """Whether the answer comes when the run has ended."""


class CancelManyBody(Shape):
    """Which runs to cancel: those with a status, or those of a thread by id."""

    status: Literal["pending", "running", "all"] | None = None
    """All runs with this status."""
    thread_id: str | None = None
    """The thread of `run_ids`."""
    run_ids: list[str] | None = None
    """The runs."""


class ListQuery(Shape):
    """Which runs of a thread, the newest first."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 10
    """The most: 1 to 1000."""
    offset: Annotated[int, Field(ge=0, lt=2**62)] = 0
    """How many to pass over."""
    status: Literal["pending", "running", "error", "success", "timeout", "interrupted"] | None = None
    """Only those with this status."""
    select: Words
    """Only these fields of each."""

    def run_status(self) -> RunStatus | None:
        """The status; None for any."""
        return None if self.status is None else RunStatus(self.status)
