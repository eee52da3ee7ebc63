"""How runs are brought to their end.

Owns the order in which a run ends: its events are kept, its row is written, its terminal event is appended, whoever waits is told. The invariant: one terminal event
for each run, whose number is the one that its row says; and what was asked for until its end is written, is done.
"""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from weakref import WeakValueDictionary

from graphwire_server.core.attempt import left_by
from graphwire_server.core.deliveries import Deliveries
from graphwire_server.core.ending import append_ending, ending_events, length
from graphwire_server.core.expiry import Expiry
from graphwire_server.core.jobs import Job
from graphwire_server.core.keeping import Insist, Keeper
from graphwire_server.core.lifecycle import finish, thread_status
from graphwire_server.core.model import CancelAction, Outcome, Run, RunStatus
from graphwire_server.core.ports import Clock, Ending, EventLog, Executor, Store, ThreadLog
from graphwire_server.core.remains import Remains
from graphwire_server.core.tally import Tally
from graphwire_server.core.webhooks import delivering

_log = logging.getLogger("graphwire.runs")


class Ends:
    """The ends of runs.

    Args:
        executor: Tells what a run that was cut short has left.
        logs: The event logs.
        clock: The time.
        expiry: Sees to it that what is kept for a time goes after it.
        remains: Has what stateless runs leave.
        deliveries: Calls their webhooks.
        kept_for: How long the events of a resumable run are kept after its end.
        insist: How it is written.
        tally: Counts them.
    """

    def __init__(
        self,
        *,
        executor: Executor,
        logs: EventLog,
        clock: Clock,
        expiry: Expiry,
        remains: Remains,
        deliveries: Deliveries,
        kept_for: timedelta,
        insist: Insist,
        tally: Tally,
    ) -> None:
        self._executor = executor
        self._logs = logs
        self._clock = clock
        self._expiry = expiry
        self._remains = remains
        self._deliveries = deliveries
        self._kept_for = kept_for
        self._insist = insist
        self._tally = tally
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def lock(self, thread_id: str) -> asyncio.Lock:
        """The lock under which runs of a thread end, and start when their turn comes.

        Two may end at once (one executed, one cancelled in the queue): the number that is written for a terminal event must be the one that it gets. And a
        run may be cancelled while its turn comes: it must either start or end, not both.
        """
        lock = self._locks.get(thread_id)
        if lock is None:
            lock = self._locks[thread_id] = asyncio.Lock()
        return lock

    async def finish(self, job: Job, outcome: Outcome, log: ThreadLog, keeper: Keeper | None) -> None:
        """Brings a run that has executed to its end, under the lock. Where a rollback is asked for, until the moment at which the end is written, the run is
        undone first.
        """
        async with self.lock(job.run.thread_id):
            if keeper is not None:
                await keeper.flush()
            done = job.cancel is not CancelAction.ROLLBACK and await self._write(job, outcome, log)
            if not done and await self._to_be_undone(job):
                await self._insist(lambda: job.store.undo_run(job.run))
                await self._write(job, await left_by(self._executor, job), log, rolled_back=True)

    async def end_waiting(self, job: Job, *, alone: bool, between_kept: bool) -> None:
        """Ends a run that was cancelled while it waited; under the lock, which the caller has. Its only event here is the terminal one.

        Nothing happens where somebody has asked for a rollback in this moment, and `job.cancel` does not say so yet.

        Args:
            job: The run.
            alone: Whether no run executes on its thread.
            between_kept: Whether a run on its thread has begun whose events are kept, and that goes on later: they are read without a gap.
        """
        rolled_back = job.cancel is CancelAction.ROLLBACK
        left = await self._left_waiting(job, rolled_back=rolled_back)
        if alone and await self._write_alone(job, left, rolled_back=rolled_back, kept=between_kept):
            return
        ended = finish(replace(job.run, cancel=job.cancel), left, 0, self._clock())
        ending = self._ending(ended, rolled_back=rolled_back)
        if await self._insist(lambda: job.store.finish_run(ending)) or rolled_back:
            await self._append_end(job, ending)

    async def _write_alone(self, job: Job, left: Outcome, *, rolled_back: bool, kept: bool) -> bool:
        """Ends a run on whose thread none executes: the number of its end is known when its row is written, so that it is never given again."""
        newest = await self._newest(job)
        async with self._logs.attach(job.run.thread_id, newest) as log:
            return await self._write(job, left, log, rolled_back=rolled_back, kept=kept)

    async def _to_be_undone(self, job: Job) -> bool:
        row = await self._insist(lambda: job.store.get_run(job.run.run_id))
        return row is not None and row.cancel is CancelAction.ROLLBACK and row.attempt == job.run.attempt

    async def _write(
        self, job: Job, outcome: Outcome, log: ThreadLog, *, rolled_back: bool = False, kept: bool = False
    ) -> bool:
        """Writes the row, then appends what readers see of it. False where the row is no longer this attempt's, or is to be rolled back."""
        last_seq = log.given_seq + length(outcome, told=job.told)
        ended = finish(replace(job.run, cancel=job.cancel), outcome, last_seq, self._clock())
        ending = self._ending(ended, rolled_back=rolled_back)
        ended, events = ending.run, ending_events(ended, told=job.told)
        if kept or ending.kept_until is not None:
            ending = replace(ending, events=events)
        if not await self._insist(lambda: job.store.finish_run(ending)):
            return False
        log.hold_back(None)  # these are kept already
        last = append_ending(log, events)
        if last.seq != last_seq:  # a run has started meanwhile, before one that was not due
            job.run = ended = replace(ended, last_seq=last.seq)
            await self._insist(lambda: job.store.number_end(ended, last.seq))
        self._leave(ending, job.store)
        self._tell(job, ended)
        return True

    def _ending(self, ended: Run, *, rolled_back: bool) -> Ending:
        kept = ended.spec.stream_resumable and bool(ended.first_seq)
        return Ending(
            run=delivering(ended, rolled_back=rolled_back),
            thread_status=thread_status(ended.outcome or Outcome(status=ended.status)),
            rolled_back=rolled_back,
            leaves_nothing=ended.stateless and (rolled_back or not kept),
            kept_until=ended.updated_at + self._kept_for if kept else None,
        )

    def _leave(self, ending: Ending, store: Store) -> None:
        """Sees to what a run leaves for a while: its events, where they are kept, a stateless one its row, and the call of its webhook. Else a stateless
        run leaves nothing.
        """
        if ending.kept_until is not None:
            self._expiry.expect(ending.kept_until)
        if ending.leaves_nothing:
            self._logs.forget(ending.run.thread_id)
        elif ending.run.stateless:
            self._remains.keep(ending.run, store)
        if ending.run.delivery is not None:
            self._deliveries.expect(ending.run.delivery)

    async def _left_waiting(self, job: Job, *, rolled_back: bool) -> Outcome:
        """What a run that waits has left: nothing, unless an earlier attempt has begun."""
        if job.run.started_at is None:
            return Outcome(status=RunStatus.INTERRUPTED)
        if rolled_back:
            await self._insist(lambda: job.store.undo_run(job.run))
        return await left_by(self._executor, job)

    async def _append_end(self, job: Job, ending: Ending) -> None:
        store, ended = job.store, ending.run
        newest = await self._newest(job)
        async with self._logs.attach(ended.thread_id, newest) as log:
            last = append_ending(log, ending_events(ended, told=True))
            # A reader that joins while the number is written finds the end behind it, and would wait for it.
            job.run = replace(ended, last_seq=last.seq)
            await self._insist(lambda: store.number_end(ended, last.seq))
            self._leave(ending, store)
        self._tell(job, job.run)

    async def _newest(self, job: Job) -> int:
        thread = await self._insist(lambda: job.store.get_thread(job.run.thread_id))
        return thread.last_seq if thread else 0

    def _tell(self, job: Job, ended: Run) -> None:
        job.tell(ended)
        self._tally.ended(ended)
        _report(ended)


def _report(ended: Run) -> None:
    outcome = ended.outcome
    _log.info(
        "run ended",
        extra={
            "run_id": ended.run_id,
            "thread_id": ended.thread_id,
            "status": ended.status.value,
            "last_seq": ended.last_seq,
            "attempt": ended.attempt,
        }
        | ({"error": outcome.error.type} if outcome and outcome.error else {})
        | ({"lingering": outcome.lingering} if outcome and outcome.lingering else {}),
    )
