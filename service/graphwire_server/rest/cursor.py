"""The header Last-Event-ID: where a caller comes back to a stream.

Owns what its values mean (wire fact 30), and that a refusal of the core names the header, which is what the caller sent.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from graphwire_server.core.errors import InvalidField
from graphwire_server.core.model import Run
from graphwire_server.rest.calls import Call

_HEADER = "Last-Event-ID"
RUN_HEADER = {
    _HEADER: "The id of the last event that the caller has; -1 is the run's start. Without it, what happens from now on."
}
THREAD_HEADER = {
    _HEADER: "The id of the last event that the caller has; - is all that is held. Without it, what happens from now on."
}
_MOST_DIGITS = 18
_WHOLE_RUN = frozenset({"-1", "-", "0"})


def run_cursor(run: Run, call: Call) -> int | None:
    """The cursor in a run's stream: a number, or `-1`, `-` or `0` for its start; None is live. Runs whose events are not kept are joined live, whatever
    the id (wire fact 31). Raises InvalidField.
    """
    given = call.header(_HEADER.lower())
    if not given or not run.spec.stream_resumable:
        return None
    return 0 if given in _WHOLE_RUN else _number(given, "must be the id of an event of this run, or -1 for its start")


def thread_cursor(call: Call) -> int | None:
    """The cursor in a thread's stream: a number, or `-` for all that is held; None is live. Raises InvalidField."""
    given = call.header(_HEADER.lower())
    if not given:
        return None
    problem = "must be the id of an event of this thread, or - for all that is held"
    return 0 if given == "-" else _number(given.partition("-")[0], problem)


@contextmanager
def named() -> Iterator[None]:
    """What the core calls `after_seq`, errors of what is inside call as the caller does."""
    try:
        yield
    except InvalidField as error:
        if error.field != "after_seq":
            raise
        raise InvalidField(_HEADER, error.problem) from error


def _number(given: str, problem: str) -> int:
    if not given.isascii() or not given.isdecimal() or len(given) > _MOST_DIGITS:
        raise InvalidField(_HEADER, problem)
    return int(given)
