"""What a dead process left.

Owns what becomes, at the start of a process, of the runs of one that is no more (design, promise 7): those that executed are taken up again, those that waited wait
on, those that were to stop end. The invariant: after it, every run that has not ended is in the hands of this process.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

from graphwire_server.core.ending import ending_events, server_died
from graphwire_server.core.model import Outcome, Run, RunStatus
from graphwire_server.core.ports import Clock, Store
from graphwire_server.core.worker import Worker

_log = logging.getLogger("graphwire.runs")

MOST_LOSSES = 3
"""How often a run may lose its process before it is taken for what kills it (wire fact 91, BG_JOB_MAX_RETRIES)."""


class Recovery:
    """Takes up what a dead process left.

    Args:
        store: Where runs on threads are.
        stateless: Where stateless runs are.
        worker: Executes them.
        clock: The time.
        most_losses: How often a run may lose its process, at least 0; after that it ends as an error.
    """

    def __init__(
        self, store: Store, stateless: Store, worker: Worker, clock: Clock, most_losses: int = MOST_LOSSES
    ) -> None:
        self._store = store
        self._stateless = stateless
        self._worker = worker
        self._clock = clock
        self._most_losses = most_losses

    async def recover(self) -> None:
        """Takes up all runs that have not ended, the oldest first. Raises StoreUnavailable."""
        for run in await self._stateless.ended_runs():
            self._worker.remains.keep(run, self._stateless)
        for store in (self._store, self._stateless):
            unfinished = await store.unfinished_runs()
            for run in await store.unnumbered_runs():
                await self._number_end(run, store, unfinished)
            for run in sorted(unfinished, key=_waits):  # one that is to stop is told of those that have begun
                await self._take_up(run, store)

    async def _take_up(self, run: Run, store: Store) -> None:
        found: Run | None = run
        if run.status is RunStatus.RUNNING:
            newest = await self._newest(run.thread_id, store, kept=run.spec.stream_resumable)
            if run.losses >= self._most_losses and run.cancel is None:
                died = Outcome(status=RunStatus.ERROR, error=server_died(run.losses + 1))
                return await self._worker.give_up(run, store, died, newest)
            found = await store.release_run(run, newest, lost=True, now=self._clock())
            _log.warning(
                "run found without a process",
                extra={"run_id": run.run_id, "thread_id": run.thread_id, "attempt": run.attempt},
            )
        if found is not None:
            self._worker.take(found, store)
        return None

    async def _number_end(self, run: Run, store: Store, unfinished: Sequence[Run]) -> None:
        """Gives the terminal event of a run that was cancelled while it waited its number, where the process died between its row and that. Where the event is
        kept, its number is that under which it was seen.
        """
        seq = await store.kept_end(run)
        if not seq:
            kept = any(other.thread_id == run.thread_id and _goes_on(other) for other in unfinished)
            seq = await self._newest(run.thread_id, store, kept=kept) + 1
            if kept:  # or who reads the other run meets a gap
                await store.keep_events(run.thread_id, ending_events(replace(run, last_seq=seq), told=True))
        await store.number_end(run, seq)

    async def _newest(self, thread_id: str, store: Store, *, kept: bool) -> int:
        """A number that no event of a thread has passed. What was delivered of a run whose events are kept is kept, so its number is exact."""
        thread = await store.get_thread(thread_id)
        if thread is None:
            return 0
        newest = await store.newest_kept(thread_id) if kept else thread.reserved_seq
        return max(thread.last_seq, newest)


def _waits(run: Run) -> bool:
    return run.status is not RunStatus.RUNNING


def _goes_on(run: Run) -> bool:
    return run.spec.stream_resumable and run.started_at is not None
