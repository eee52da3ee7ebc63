"""Runs in memory.

Owns the runs of a store, by id, by thread and by whether they have ended: admission costs the same however many have.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from graphwire_server.core.model import Page, Run, RunStatus


class Runs:
    """The runs of all threads of a store."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._of: dict[str, set[str]] = {}
        self._active: dict[str, set[str]] = {}

    def __len__(self) -> int:
        return len(self._runs)

    def get(self, run_id: str) -> Run | None:
        """The run, or None."""
        return self._runs.get(run_id)

    def held(self, run: Run) -> Run | None:
        """A run as stored, where it has not ended and is at this attempt."""
        found = self._runs.get(run.run_id)
        return None if found is None or found.status.ended or found.attempt != run.attempt else found

    def put(self, run: Run) -> None:
        """Stores a run as it is now."""
        self._runs[run.run_id] = run
        self._of.setdefault(run.thread_id, set()).add(run.run_id)
        if run.status.ended:
            self._end(run)
        else:
            self._active.setdefault(run.thread_id, set()).add(run.run_id)

    def drop(self, run: Run) -> None:
        """Removes a run."""
        del self._runs[run.run_id]
        self._of[run.thread_id].remove(run.run_id)
        self._end(run)

    def drop_thread(self, thread_id: str) -> None:
        """Removes all runs of a thread."""
        for run_id in self._of.pop(thread_id, ()):
            del self._runs[run_id]
        self._active.pop(thread_id, None)

    def on(self, thread_id: str) -> Sequence[Run]:
        """The runs that are on a thread, the oldest first."""
        return sorted((self._runs[run_id] for run_id in self._active.get(thread_id, ())), key=_by_age)

    def page(self, thread_id: str, status: RunStatus | None, page: Page) -> list[Run]:
        """A page of a thread's runs, the newest first."""
        runs = (self._runs[run_id] for run_id in self._of.get(thread_id, ()))
        found = sorted((run for run in runs if status in (None, run.status)), key=_by_age, reverse=True)
        return found[page.offset : page.offset + page.limit]

    def last_begun(self, thread_id: str) -> Run | None:
        """The newest of a thread's runs that has been started, or None."""
        begun = (run for run_id in self._of.get(thread_id, ()) if (run := self._runs[run_id]).first_seq)
        return max(begun, key=_by_age, default=None)

    def unfinished(self) -> list[Run]:
        """All runs that have not ended, the oldest first."""
        return sorted((run for thread_id in self._active for run in self.on(thread_id)), key=_by_age)

    def ended(self) -> list[Run]:
        """All runs that have ended, in the order in which they did."""
        return sorted((run for run in self if run.status.ended), key=_by_end)

    def __iter__(self) -> Iterator[Run]:
        return iter(self._runs.values())

    def _end(self, run: Run) -> None:
        active = self._active.get(run.thread_id, set())
        active.discard(run.run_id)
        if not active:
            self._active.pop(run.thread_id, None)


def _by_age(run: Run) -> tuple[datetime, str]:
    return run.created_at, run.run_id


def _by_end(run: Run) -> tuple[datetime, str]:
    return run.updated_at, run.run_id
