"""Rows of threads and runs in memory.

Owns dictionaries of values. Each call ends without an await, so on one event loop it is a transaction. The values are those that
were handed in, not copies: JSON in them is not to be changed afterwards.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from graphwire_server.core.cron import Claim
from graphwire_server.core.errors import RunActive, RunNotFound, ThreadBusy, ThreadExists, ThreadNotFound
from graphwire_server.core.events import Event
from graphwire_server.core.model import (
    Admitted,
    CancelAction,
    JsonObject,
    Page,
    RequestKey,
    Run,
    RunStatus,
    TaskInterrupts,
    Thread,
    ThreadQuery,
    ThreadSort,
    ThreadStatus,
)
from graphwire_server.core.ports import Ending
from graphwire_server.core.pruning import Outlook, Swept
from graphwire_server.core.ttl import Ttl, TtlStrategy
from graphwire_server.storage.containment import contains
from graphwire_server.storage.copies import copied
from graphwire_server.storage.memory.crons import MemoryCrons
from graphwire_server.storage.memory.deliveries import MemoryDeliveries
from graphwire_server.storage.memory.kept import KeptEvents
from graphwire_server.storage.memory.requests import RequestKeys
from graphwire_server.storage.memory.runs import Runs
from graphwire_server.storage.occupancy import (
    admitted,
    asked_to_stop,
    edited,
    ended,
    merged_into,
    met,
    next_run,
    opened,
    released,
    started,
    vacated,
)


class Checkpoints(Protocol):
    """The part of a checkpoint saver that deleting and copying a thread, and undoing a run, need."""

    def delete_thread(self, thread_id: str) -> None:
        """Deletes all checkpoints of a thread."""
        ...

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copies all checkpoints of a thread to another that has none."""
        ...

    def undo_run(self, run_id: str, thread_id: str) -> None:
        """Removes the checkpoints that a run has made, and takes back what it has written on top of others."""
        ...

    def forget_run(self, run_id: str) -> None:
        """Drops what is remembered to undo a run that has ended."""
        ...

    def latest_values(self, thread_id: str) -> JsonObject:
        """The values of the channels of a thread's latest checkpoint; none where it has none."""
        ...

    def keep_latest(self, thread_id: str) -> None:
        """Removes the checkpoints of a thread that nobody needs to go on from its latest state."""
        ...


class MemoryStore:
    """The `Store` port in memory.

    Args:
        checkpoints: Whose checkpoints go when a thread is deleted, and are copied with it; None where another does that.
        requests: The request keys that it shares with other stores; None for its own.
        deliveries: The deliveries that it shares with them; None for its own.
        ttl: The time to live of threads that runs create; None is for ever.

    Attributes:
        crons: The crons of whose firings it creates the runs. Two stores may share those of one of them.
    """

    def __init__(
        self,
        checkpoints: Checkpoints | None = None,
        requests: RequestKeys | None = None,
        deliveries: MemoryDeliveries | None = None,
        ttl: Ttl | None = None,
    ) -> None:
        self._ttl = ttl
        self._trimmed: dict[str, datetime] = {}
        self._checkpoints = checkpoints
        self._requests = requests or RequestKeys()
        self._kept = KeptEvents()
        self._threads: dict[str, Thread] = {}
        self.crons = MemoryCrons(lambda thread_id: thread_id in self._threads)
        self._runs = Runs()
        self.deliveries = deliveries or MemoryDeliveries()
        self.deliveries.shared_by(lambda run_id: self._runs.get(run_id) is not None)

    async def create_thread(self, thread: Thread) -> None:
        """Adds a thread. Raises ThreadExists."""
        if thread.thread_id in self._threads:
            raise ThreadExists(thread.thread_id)
        self._threads[thread.thread_id] = thread

    async def get_thread(self, thread_id: str) -> Thread | None:
        """The thread, or None."""
        return self._threads.get(thread_id)

    async def merge_metadata(
        self, thread_id: str, metadata: JsonObject, now: datetime, ttl: Ttl | None = None
    ) -> Thread:
        """Merges metadata, changes the time to live where one is given, and returns the thread after it. Raises ThreadNotFound."""
        merged = merged_into(self._thread(thread_id), metadata, ttl, now)
        self._threads[thread_id] = merged
        return merged

    async def set_thread_state(
        self, thread_id: str, *, status: ThreadStatus, interrupts: Sequence[TaskInterrupts], now: datetime
    ) -> None:
        """Records what an edit of the state left. Raises ThreadNotFound, and ThreadBusy while a run is on the thread."""
        thread = self._free(thread_id, "the update")
        self._threads[thread_id] = edited(thread, status, interrupts, now)

    async def delete_thread(self, thread_id: str) -> None:
        """Deletes a thread, its runs, its checkpoints and its kept events. Raises ThreadNotFound, and ThreadBusy while a run is on it."""
        self._free(thread_id, "the deletion")
        self._kept.drop_thread(thread_id)
        self._delete(thread_id)
        self.deliveries.drop_thread(thread_id)

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

    async def admit_run(
        self,
        run: Run,
        *,
        create_thread: bool,
        may_start: bool,
        seq_block: int,
        key: RequestKey | None = None,
        claim: Claim | None = None,
    ) -> Admitted:
        """Adds a run, and does to the runs that it meets what its strategy says. Raises FiringTaken, ThreadNotFound, ThreadBusy, RequestReused and RunNotFound."""
        if key is not None and (earlier := await self.find_request(key)) is not None:
            return Admitted(run=earlier, existing=True)
        if claim is not None:
            self.crons.check(claim)
        thread = self._threads.get(run.thread_id)
        if thread is None:
            if not create_thread:
                raise ThreadNotFound(run.thread_id)
            thread = opened(run, self._ttl)
        active = self._runs.on(run.thread_id)
        stopping = met(run, active)
        thread, stored = admitted(thread, run, active, may_start=may_start, seq_block=seq_block)
        self._threads[run.thread_id] = thread
        for each in (*stopping, stored):
            self._runs.put(each)
        if key is not None:
            self._requests.add(key, run.run_id)
        if claim is not None:
            self.crons.take(claim, run.run_id)
        return Admitted(run=stored, met=stopping)

    async def find_request(self, key: RequestKey) -> Run | None:
        """The run of an earlier request with the same key, None where there is none. Raises RequestReused and RunNotFound."""
        run_id = self._requests.known(key)
        if run_id is None:
            return None
        run = self._runs.get(run_id)
        if run is None:
            raise RunNotFound(run_id)
        return self.deliveries.shown(run)

    async def start_next(self, thread_id: str, *, seq_block: int, now: datetime) -> Run | None:
        """Starts the pending run of a thread whose turn it is; None where there is none."""
        run = next_run(self._runs.on(thread_id), now)
        if run is None:
            return None
        thread, run = started(self._threads[thread_id], run, seq_block, now)
        self._threads[thread_id] = thread
        self._runs.put(run)
        return run

    async def request_cancel(self, run_id: str, action: CancelAction) -> Run | None:
        """Writes that a run is to stop, unless it has ended. Returns the run after it, or None."""
        run = self._runs.get(run_id)
        if run is None or run.status.ended:
            return run
        asked = asked_to_stop(run, action)
        self._runs.put(asked)
        return asked

    async def release_run(self, run: Run, last_seq: int, *, lost: bool, now: datetime) -> Run | None:
        """Gives a running run back. Returns the run after it; None where it is not running at this attempt."""
        found = self._runs.held(run)
        if found is None or found.status is not RunStatus.RUNNING:
            return None
        thread, pending = released(self._threads[run.thread_id], found, last_seq, lost=lost, now=now)
        self._threads[run.thread_id] = thread
        self._runs.put(pending)
        return pending

    async def undo_run(self, run: Run) -> None:
        """Removes what a run has left among its thread's checkpoints. Nothing happens where it has ended, is gone, or is at another attempt."""
        if self._checkpoints is not None and self._runs.held(run) is not None:
            self._checkpoints.undo_run(run.run_id, run.thread_id)

    async def reserve(self, thread_id: str, last_seq: int) -> None:
        """Raises the upper bound of the thread's event numbers; never lowers it."""
        thread = self._threads.get(thread_id)
        if thread is not None and thread.reserved_seq < last_seq:
            self._threads[thread_id] = replace(thread, reserved_seq=last_seq)

    async def number_end(self, run: Run, last_seq: int) -> None:
        """Records the number of the terminal event of a run that never started."""
        if (found := self._runs.get(run.run_id)) is not None:
            self._runs.put(replace(found, last_seq=last_seq))
        thread = self._threads.get(run.thread_id)
        if thread is not None:
            reserved = max(thread.reserved_seq, last_seq)
            self._threads[run.thread_id] = replace(
                thread, last_seq=max(thread.last_seq, last_seq), reserved_seq=reserved
            )

    async def finish_run(self, ending: Ending) -> bool:
        """Writes how a run ended, and what it leaves on its thread. Returns whether it did (port `Store`)."""
        run = ending.run
        found = self._runs.held(run)
        if found is None or (found.cancel is CancelAction.ROLLBACK and not ending.rolled_back):
            return False
        self.deliveries.add(run)
        self._settle(ending)
        if ending.leaves_nothing and (ending.rolled_back or ending.kept_until is None):
            self._delete(run.thread_id)
            return True
        if ending.rolled_back:
            self._runs.drop(found)
        else:
            self._runs.put(ended(found, run))
        occupied = bool(self._runs.on(run.thread_id))
        before = self._runs.last_begun(run.thread_id) if ending.rolled_back else None
        self._threads[run.thread_id] = vacated(self._threads[run.thread_id], ending, before, occupied=occupied)
        return True

    async def get_run(self, run_id: str) -> Run | None:
        """The run, or None."""
        run = self._runs.get(run_id)
        return None if run is None else self.deliveries.shown(run)

    async def list_runs(self, thread_id: str, status: RunStatus | None, page: Page) -> list[Run]:
        """A page of a thread's runs, the newest first. An unknown thread has none."""
        return [self.deliveries.shown(run) for run in self._runs.page(thread_id, status, page)]

    async def delete_run(self, run_id: str) -> None:
        """Deletes a run that has ended, and its kept events; nothing happens where there is none. Raises RunActive."""
        run = self._runs.get(run_id)
        if run is None:
            return
        if not run.status.ended:
            raise RunActive(run_id, run.status)
        self._kept.drop_run(run)
        self._runs.drop(run)
        self.deliveries.drop_unseen(run_id)

    async def unfinished_runs(self) -> list[Run]:
        """All runs that have not ended, the oldest first."""
        return self._runs.unfinished()

    async def ended_runs(self) -> list[Run]:
        """All runs that have ended, in the order in which they did."""
        return [self.deliveries.shown(run) for run in self._runs.ended()]

    async def unnumbered_runs(self) -> list[Run]:
        """All runs that have ended and whose terminal event has no number (port `Store`)."""
        return [self.deliveries.shown(run) for run in self._runs.ended() if not run.last_seq]

    async def kept_end(self, run: Run) -> int:
        """The number under which the terminal event of a run is kept; 0 where it is not."""
        return self._kept.end_of(run)

    async def keep_events(self, thread_id: str, events: Sequence[Event], *, drop_through: int = 0) -> None:
        """Adds events of a thread to those that are kept, and drops those up to a number, that one included."""
        self._kept.add(thread_id, events)
        self._kept.drop_through(thread_id, drop_through)

    async def kept_events(self, thread_id: str, after_seq: int, max_bytes: int) -> Sequence[Event]:
        """Kept events behind a cursor (port `Store`)."""
        return self._kept.read(thread_id, after_seq, max_bytes)

    async def newest_kept(self, thread_id: str) -> int:
        """The highest number of a thread's kept events; 0 where none are."""
        return self._kept.newest(thread_id)

    async def expire(self, now: datetime) -> datetime | None:
        """Drops what has passed its time, and tells when to call again."""
        due = (self._kept.expire(now), self._requests.expire(now))
        return min((at for at in due if at is not None), default=None)

    async def outlook(self) -> Outlook:
        """What will pass its time (port `Pruner`)."""
        living = [thread for thread in self._threads.values() if thread.ttl is not None]
        return Outlook(
            any=bool(living), next=min(map(self._expires_at, living), key=lambda at: at or _NEVER, default=None)
        )

    async def due_threads(self, now: datetime, limit: int) -> list[str]:
        """The threads whose time has passed and on which no run is (port `Pruner`)."""
        due = [
            (at, thread.thread_id)
            for thread in self._threads.values()
            if (at := self._expires_at(thread)) is not None and at <= now and thread.status is not ThreadStatus.BUSY
        ]
        return [thread_id for _, thread_id in sorted(due)[:limit]]

    async def expire_thread(self, thread_id: str, now: datetime) -> Swept | None:
        """Removes what goes of a thread whose time has passed (port `Pruner`)."""
        thread = self._threads.get(thread_id)
        if thread is None or thread.ttl is None or thread.status is ThreadStatus.BUSY:
            return None
        at = self._expires_at(thread)
        if at is None or at > now:
            return None
        if thread.ttl.strategy is TtlStrategy.DELETE:
            await self.delete_thread(thread_id)
            return Swept(deleted=True)
        await self.trim_thread(thread_id)
        self._trimmed[thread_id] = thread.updated_at
        return Swept(deleted=False)

    async def trim_thread(self, thread_id: str) -> bool:
        """Removes all states of a thread but its latest (port `Pruner`)."""
        self._free(thread_id, "the removal of its states")
        if self._checkpoints is not None:
            self._checkpoints.keep_latest(thread_id)
        return False

    def _expires_at(self, thread: Thread) -> datetime | None:
        """When a thread's time passes; None is never, and for one that has not changed since its old states went."""
        return None if self._trimmed.get(thread.thread_id) == thread.updated_at else thread.expires_at

    def _settle(self, ending: Ending) -> None:
        """Sees to what a run that ends has left beside its row."""
        run = ending.run
        if ending.kept_until is not None:
            self._kept.add(run.thread_id, ending.events)
            self._kept.retain(run, ending.kept_until)
        elif ending.leaves_nothing:
            self._kept.drop_thread(run.thread_id)
        else:
            self._kept.drop_run(run)
            self._kept.add(run.thread_id, ending.events)
        if self._checkpoints is not None:
            if ending.rolled_back:
                self._checkpoints.undo_run(run.run_id, run.thread_id)
            self._checkpoints.forget_run(run.run_id)

    def _delete(self, thread_id: str) -> None:
        if self._checkpoints is not None:
            self._checkpoints.delete_thread(thread_id)
        del self._threads[thread_id]
        self.crons.drop_thread(thread_id)
        self._trimmed.pop(thread_id, None)
        self._runs.drop_thread(thread_id)

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
            if query.status not in (None, thread.status) or not contains(thread.metadata, query.metadata):
                continue
            if not query.values or contains(self._values(thread.thread_id), query.values):
                yield thread

    def _values(self, thread_id: str) -> JsonObject:
        return {} if self._checkpoints is None else self._checkpoints.latest_values(thread_id)


_NEVER = datetime.max.replace(tzinfo=UTC)
_SORT_KEYS: dict[ThreadSort, Callable[[Thread], tuple[datetime | str, str]]] = {
    ThreadSort.UPDATED_AT: lambda thread: (thread.updated_at, thread.thread_id),
    ThreadSort.CREATED_AT: lambda thread: (thread.created_at, thread.thread_id),
    ThreadSort.THREAD_ID: lambda thread: (thread.thread_id, thread.thread_id),
    ThreadSort.STATUS: lambda thread: (thread.status.value, thread.thread_id),
    ThreadSort.STATE_UPDATED_AT: lambda thread: (thread.state_updated_at or thread.created_at, thread.thread_id),
}
