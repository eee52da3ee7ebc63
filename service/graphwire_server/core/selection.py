"""Which runs that have not ended a caller means.

Owns the two ways to name several runs at once: by what they are doing, or by id. Pure: it looks at the request and at one run at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from graphwire_server.core.errors import InvalidField, RunNotFound, shortened
from graphwire_server.core.model import Run, RunStatus
from graphwire_server.core.spec import check_uuid

ActiveStatus = Literal["pending", "running", "all"]
"""What runs that have not ended are doing; all is both."""

MOST_IDS = 100
"""The most runs that one request names by id."""

_STATUSES = {
    "pending": frozenset({RunStatus.PENDING}),
    "running": frozenset({RunStatus.RUNNING}),
    "all": frozenset({RunStatus.PENDING, RunStatus.RUNNING}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Runs that have not ended. `selection` makes it; an empty part does not select."""

    statuses: frozenset[RunStatus]
    thread_id: str | None
    run_ids: frozenset[str]

    def has(self, run: Run) -> bool:
        """Whether a run is meant."""
        return (
            run.status in self.statuses
            and self.thread_id in (None, run.thread_id)
            and (not self.run_ids or run.run_id in self.run_ids)
        )

    def nothing(self) -> RunNotFound:
        """The error where no run is meant: it says what was looked for."""
        ids, doing = ", ".join(sorted(self.run_ids)), " or ".join(sorted(self.statuses))
        where = f" of thread {self.thread_id}" if self.thread_id else ""
        missing = RunNotFound(ids or doing)
        who = f"none of the runs {ids}" if ids else f"no run{where}"
        missing.message = shortened(f"nothing to cancel: {who} is {doing}")
        missing.args = (missing.message,)
        return missing


def selection(status: ActiveStatus | None, thread_id: str | None, run_ids: Sequence[str]) -> Selection:
    """The runs that a request means (wire fact 65).

    Args:
        status: All runs in this status; of one thread, where it is given too.
        thread_id: The thread: a UUID. Required with `run_ids`.
        run_ids: The runs: UUIDs, at most MOST_IDS. Not together with `status`.

    Raises:
        InvalidField: Something is wrong with it.
    """
    if status is not None and run_ids:
        raise InvalidField("status", "and run_ids are both set; send one of them")
    if status is None and not run_ids:
        raise InvalidField("status", "or run_ids must be set")
    if run_ids and thread_id is None:
        raise InvalidField("thread_id", "must be set together with run_ids: the thread of the runs")
    if len(run_ids) > MOST_IDS:
        raise InvalidField("run_ids", f"has {len(run_ids)} ids; at most {MOST_IDS} are taken")
    return Selection(
        statuses=_STATUSES[status or "all"],
        thread_id=None if thread_id is None else check_uuid("thread_id", thread_id),
        run_ids=frozenset(check_uuid("run_ids", run_id) for run_id in run_ids),
    )
