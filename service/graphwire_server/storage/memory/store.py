"""Rows of threads and runs in memory.

Owns dictionaries of values. Each call ends without an await, so on one event loop it is a transaction. The values are those that
were handed in, not copies: JSON in them is not to be changed afterwards.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from graphwire_server.core.errors import RunActive, ThreadBusy, ThreadExists, ThreadNotFound
from graphwire_server.core.model import (
    JsonObject,
    Page,
    Run,
    RunStatus,
    TaskInterrupts,
    Thread,
    ThreadQuery,
    ThreadSort,
    ThreadStatus,
)
from graphwire_server.storage.containment import contains
from graphwire_server.storage.copies import copied
from graphwire_server.storage.occupancy import admitted, opened, started, vacated


class Checkpoints(Protocol):
    """The part of a checkpoint saver that deleting and copying a thread need."""

    def delete_thread(self, thread_id: str) -> None:
        """Deletes all checkpoints of a thread."""
        ...

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copies all checkpoints of a thread to another that has none."""
        ...


class MemoryStore:
    """The `Store` port in memory.

    Args:
        checkpoints: Whose checkpoints go when a thread is deleted, and are copied with it; None where another does that.
    """

    def __init__(self, checkpoints: Checkpoints | None = None) -> None:
        self._checkpoints = checkpoints
        self._threads: dict[str, Thread] = {}
        self._runs: dict[str, Run] = {}
        self._runs_of: dict[str, set[str]] = {}
        self._active: dict[
            str, set[str]
        ] = {}  # by thread, so that admission costs the same however many runs have ended

    async def create_thread(self, thread: Thread) -> None:
        """Adds a thread. Raises ThreadExists."""
        if thread.thread_id in self._threads:
            raise ThreadExists(thread.thread_id)
        self._threads[thread.thread_id] = thread

    async def get_thread(self, thread_id: str) -> Thread | None:
        """The thread, or None."""
        return self._threads.get(thread_id)

    async def merge_metadata(self, thread_id: str, metadata: JsonObject, now: datetime) -> Thread:
        """Merges metadata key by key and returns the thread after it. Raises ThreadNotFound."""
        thread = self._thread(thread_id)
        merged = replace(thread, metadata={**thread.metadata, **metadata}, updated_at=now)
        self._threads[thread_id] = merged
        return merged

    async def set_thread_state(
        self, thread_id: str, *, status: ThreadStatus, interrupts: Sequence[TaskInterrupts], now: datetime
    ) -> None:
        """Records what an edit of the state left. Raises ThreadNotFound, and ThreadBusy while a run is on the thread."""
        thread = self._free(thread_id, "the update")
        error = thread.error if status is ThreadStatus.ERROR else None
        self._threads[thread_id] = replace(
            thread, status=status, interrupts=tuple(interrupts), error=error, updated_at=now
        )

    async def delete_thread(self, thread_id: str) -> None:
        """Deletes a thread, its runs and its checkpoints. Raises ThreadNotFound, and ThreadBusy while a run is on it."""
        self._free(thread_id, "the deletion")
        if self._checkpoints is not None:
            self._checkpoints.delete_thread(thread_id)
        del self._threads[thread_id]
        for run_id in self._runs_of.pop(thread_id, ()):
            del self._runs[run_id]

    async def copy_thread(self, thread_id: str, copy_id: str, now: datetime) -> Thread:
        """Adds a copy of a thread with all its checkpoints, and returns it. Raises ThreadNotFound."""
        made = copied(self._thread(thread_id), copy_id, now)
        if self._checkpoints is not None:
            self._checkpoints.copy_thread(thread_id, copy_id)
        self._threads[copy_id] = made
        return made

    async def search_threads(self, query: ThreadQuery, page: Page, sort: ThreadSort, ascending: bool) -> list[Thread]:
        """A page of the threads that match; ties by id, in the same direction."""
        found = sorted(self._matching(query), key=_SORT_KEYS[sort], reverse=not ascending)
        return found[page.offset : page.offset + page.limit]

    async def count_threads(self, query: ThreadQuery) -> int:
        """How many threads match."""
        return sum(1 for _ in self._matching(query))

    async def admit_run(self, run: Run, *, create_thread: bool, reject_busy: bool, seq_block: int) -> Run:
        """Adds a run: running where its thread is idle, else pending. Raises ThreadNotFound and ThreadBusy."""
        thread = self._threads.get(run.thread_id)
        if thread is None:
            if not create_thread:
                raise ThreadNotFound(run.thread_id)
            thread = opened(run)
        if reject_busy and thread.status is ThreadStatus.BUSY:
            raise ThreadBusy(run.thread_id, "the run")
        thread, run = admitted(thread, run, seq_block)
        self._threads[run.thread_id] = thread
        self._runs[run.run_id] = run
        self._runs_of.setdefault(run.thread_id, set()).add(run.run_id)
        self._active.setdefault(run.thread_id, set()).add(run.run_id)
        return run

    async def start_next(self, thread_id: str, *, seq_block: int, now: datetime) -> Run | None:
        """Starts the oldest pending run of a thread on which none is running; None where there is none."""
        active = [self._runs[run_id] for run_id in self._active.get(thread_id, ())]
        if not active or any(run.status is RunStatus.RUNNING for run in active):
            return None
        thread, run = started(self._threads[thread_id], min(active, key=_by_age), seq_block, now)
        self._threads[thread_id] = thread
        self._runs[run.run_id] = run
        return run

    async def reserve(self, thread_id: str, last_seq: int) -> None:
        """Raises the upper bound of the thread's event numbers; never lowers it."""
        thread = self._threads.get(thread_id)
        if thread is not None and thread.reserved_seq < last_seq:
            self._threads[thread_id] = replace(thread, reserved_seq=last_seq)

    async def number_end(self, run: Run, last_seq: int) -> None:
        """Records the number of the terminal event of a run that never started."""
        if run.run_id in self._runs:
            self._runs[run.run_id] = replace(self._runs[run.run_id], last_seq=last_seq)
        thread = self._threads.get(run.thread_id)
        if thread is not None:
            reserved = max(thread.reserved_seq, last_seq)
            self._threads[run.thread_id] = replace(
                thread, last_seq=max(thread.last_seq, last_seq), reserved_seq=reserved
            )

    async def finish_run(self, run: Run, thread_status: ThreadStatus) -> None:
        """Writes how a run ended, and what it leaves on its thread. A run that has ended before, or is gone, stays as it is."""
        active = self._active.get(run.thread_id, set())
        if run.run_id not in active:
            return
        active.remove(run.run_id)
        if not active:
            del self._active[run.thread_id]
        self._runs[run.run_id] = run
        self._threads[run.thread_id] = vacated(self._threads[run.thread_id], run, thread_status, occupied=bool(active))

    async def get_run(self, run_id: str) -> Run | None:
        """The run, or None."""
        return self._runs.get(run_id)

    async def list_runs(self, thread_id: str, status: RunStatus | None, page: Page) -> list[Run]:
        """A page of a thread's runs, the newest first. An unknown thread has none."""
        runs = (self._runs[run_id] for run_id in self._runs_of.get(thread_id, ()))
        found = sorted((run for run in runs if status in (None, run.status)), key=_by_age, reverse=True)
        return found[page.offset : page.offset + page.limit]

    async def delete_run(self, run_id: str) -> None:
        """Deletes a run that has ended; nothing happens where there is none. Raises RunActive."""
        run = self._runs.get(run_id)
        if run is None:
            return
        if not run.status.ended:
            raise RunActive(run_id, run.status)
        del self._runs[run_id]
        self._runs_of[run.thread_id].discard(run_id)

    async def unfinished_runs(self) -> list[Run]:
        """All runs that have not ended, the oldest first."""
        return sorted((self._runs[run_id] for active in self._active.values() for run_id in active), key=_by_age)

    def _thread(self, thread_id: str) -> Thread:
        thread = self._threads.get(thread_id)
        if thread is None:
            raise ThreadNotFound(thread_id)
        return thread

    def _free(self, thread_id: str, wants: str) -> Thread:
        thread = self._thread(thread_id)
        if thread.status is ThreadStatus.BUSY:
            raise ThreadBusy(thread_id, wants)
        return thread

    def _matching(self, query: ThreadQuery) -> Iterator[Thread]:
        ids = frozenset(query.thread_ids)
        for thread in self._threads.values():
            if ids and thread.thread_id not in ids:
                continue
            if query.status in (None, thread.status) and contains(thread.metadata, query.metadata):
                yield thread


def _by_age(run: Run) -> tuple[datetime, str]:
    return run.created_at, run.run_id


_SORT_KEYS: dict[ThreadSort, Callable[[Thread], tuple[datetime | str, str]]] = {
    ThreadSort.UPDATED_AT: lambda thread: (thread.updated_at, thread.thread_id),
    ThreadSort.CREATED_AT: lambda thread: (thread.created_at, thread.thread_id),
    ThreadSort.THREAD_ID: lambda thread: (thread.thread_id, thread.thread_id),
    ThreadSort.STATUS: lambda thread: (thread.status.value, thread.thread_id),
}
