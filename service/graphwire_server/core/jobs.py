"""The runs that this process has in its hands.

Owns what the process knows of a run that has not ended, beside its row: its task, why it is cut short, who waits for its end. The invariant: a run has one job
from its admission to its end.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from graphwire_server.core.errors import GraphwireError
from graphwire_server.core.model import CancelAction, Run
from graphwire_server.core.ports import Alarm, Store


class Cut(Enum):
    """Why a run is cut short."""

    CANCELLED = "somebody asked it to stop"
    TIMED_OUT = "it took longer than it may"
    NOT_KEPT = "its events cannot be kept"
    RELEASED = "the server stops, and another process goes on with it"


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """A run that has not ended.

    Attributes:
        run: The run.
        store: Where its row is.
        ended: Gives the run once it has ended; Draining where this process stops before that.
        task: What brings it to its end, None until it starts.
        cancel: What somebody asked for, None where nobody has.
        cut: Why it is cut short, None where it is not.
        executing: Whether the graph executes, so that cutting it short means to stop the graph.
        told: Whether its error event has been appended.
        reserved: Up to which number events are reserved for it.
        alarms: What will be done at its time, unless the run ends before.
    """

    run: Run
    store: Store
    ended: asyncio.Future[Run]
    task: asyncio.Task[None] | None = None
    cancel: CancelAction | None = None
    cut: Cut | None = None
    executing: bool = False
    told: bool = False
    reserved: int = 0
    alarms: list[Alarm] = field(default_factory=list)

    def tell(self, ended: Run) -> None:
        """Tells whoever waits that the run has ended."""
        if not self.ended.done():
            self.ended.set_result(ended)

    def fail(self, error: GraphwireError) -> None:
        """Tells whoever waits that this process will not see the run end."""
        if not self.ended.done():
            self.ended.set_exception(error)
            self.ended.exception()  # nobody may wait, and that is no defect

    def quiet(self) -> None:
        """Takes back all alarms."""
        for alarm in self.alarms:
            alarm.cancel()
        self.alarms.clear()


class Jobs:
    """All jobs of this process, in the order in which they came."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._of_thread: dict[str, set[str]] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[Job]:
        return iter(tuple(self._jobs.values()))

    def get(self, run_id: str) -> Job | None:
        """The job of a run, or None."""
        return self._jobs.get(run_id)

    def add(self, job: Job) -> None:
        """Adds a job."""
        self._jobs[job.run.run_id] = job
        self._of_thread.setdefault(job.run.thread_id, set()).add(job.run.run_id)

    def remove(self, job: Job) -> None:
        """Removes a job. Nothing happens where it is not there."""
        if self._jobs.pop(job.run.run_id, None) is None:
            return
        of_thread = self._of_thread[job.run.thread_id]
        of_thread.discard(job.run.run_id)
        if not of_thread:
            del self._of_thread[job.run.thread_id]

    def of_thread(self, thread_id: str) -> list[Job]:
        """The jobs on a thread, in no order."""
        return [self._jobs[run_id] for run_id in self._of_thread.get(thread_id, ())]
