"""Executes the runs of this process.

Owns the task of every run that executes here, from its turn until the next run gets one, and what becomes of runs when the server stops. How a run ends is in
`ends.py`. The invariant: a run that is taken is brought to its end, or given back for another process.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from graphwire_server.core.attempt import SEQ_BLOCK, Attempt
from graphwire_server.core.deliveries import Deliveries
from graphwire_server.core.ends import Ends
from graphwire_server.core.errors import Draining, StoreUnavailable
from graphwire_server.core.expiry import Expiry
from graphwire_server.core.jobs import Cut, Job, Jobs
from graphwire_server.core.keeping import Keeper
from graphwire_server.core.model import CancelAction, Outcome, Retention, Run, RunStatus
from graphwire_server.core.ports import Clock, EventLog, Executor, Later, Store, ThreadLog
from graphwire_server.core.remains import Remains
from graphwire_server.core.tally import Tally
from graphwire_server.core.turns import Slot, Turns

_log = logging.getLogger("graphwire.runs")

_RETRY = timedelta(milliseconds=500)

_PERSISTENCE = timedelta(seconds=1)
"""After how long a graph that was asked to stop is asked again: a node may swallow CancelledError and then await something else."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How a process works on runs.

    Attributes:
        slots: The most runs that execute at once, at least 1 (wire fact 91, N_JOBS_PER_WORKER).
        most_losses: How often a run may lose its process (wire fact 91, BG_JOB_MAX_RETRIES). Of those that have no loss left one executes at a time: one of
            them may be what kills the process, and the others are not to be lost with it.
        grace: How long runs may go on when the server stops.
        time_limit: How long a run may take that does not say (wire fact 91, BG_JOB_TIMEOUT_SECS).
        retention: How much of what runs have streamed is held, and for how long.
    """

    slots: int = 256
    most_losses: int = 3
    grace: timedelta = timedelta(seconds=10)
    time_limit: timedelta = timedelta(days=1)
    retention: Retention = field(default_factory=Retention)


class Worker:
    """The runs of this process.

    Args:
        executor: Executes one run.
        logs: The event logs.
        clock: The time.
        later: Does something at its time.
        expiry: Sees to it that what is kept for a time goes after it.
        deliveries: Calls the webhooks of runs that have ended.
        work: How it works.
        tally: Counts what becomes of runs.
    """

    def __init__(
        self,
        *,
        executor: Executor,
        logs: EventLog,
        clock: Clock,
        later: Later,
        expiry: Expiry,
        deliveries: Deliveries,
        work: Work | None = None,
        tally: Tally | None = None,
    ) -> None:
        self._executor = executor
        self._logs = logs
        self._clock = clock
        self._later = later
        self._expiry = expiry
        self._work = work or Work()
        self.remains = Remains(logs, clock, later, self._work.retention.ended_for, self._spawn)
        self.jobs = Jobs()
        self._turns = Turns(self._work.slots)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._admissions: set[asyncio.Future[None]] = set()
        self._ends = Ends(
            executor=executor,
            logs=logs,
            clock=clock,
            expiry=expiry,
            remains=self.remains,
            deliveries=deliveries,
            kept_for=self._work.retention.ended_for,
            insist=self._insist,
            tally=tally or Tally(),
        )
        self._stopping = False
        self._killing = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Starts no more runs, sends readers of idle threads away, lets runs that execute end for the grace period, then gives them back for another process."""
        self._stopping = True
        self.remains.close()
        self._logs.drain(self._executes)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._work.grace.total_seconds())
        self._killing = True
        for job in self.jobs:
            self._cut(job, Cut.RELEASED)
        while under_way := (*self._tasks, *self._admissions):
            await asyncio.wait(under_way)
        for job in self.jobs:  # those that wait
            job.quiet()
            job.fail(Draining())
            self.jobs.remove(job)

    def check_open(self) -> None:
        """Raises Draining where this process takes no more runs."""
        if self._stopping:
            raise Draining

    @contextmanager
    def slot(self) -> Iterator[Slot]:
        """Room for a run that may start at once; see `Turns.slot`. Whoever waits gets it where the run does not. The server does not stop while it is held: a
        row that is being written is that of a run which somebody must take. Raises Draining.
        """
        self.check_open()
        admission = asyncio.get_running_loop().create_future()
        self._admissions.add(admission)
        try:
            with self._turns.slot() as slot:
                yield slot
        finally:
            self._admissions.discard(admission)
            admission.set_result(None)
            self._dispatch()

    def take(self, run: Run, store: Store) -> Job:
        """Takes charge of a run that was admitted: starts it where it is running, else keeps it until its turn. A running one has its room already."""
        job = Job(run=run, store=store, ended=asyncio.get_running_loop().create_future(), cancel=run.cancel)
        self.jobs.add(job)
        if run.status is RunStatus.RUNNING:
            self._start(job)
        elif job.cancel is None:
            self._line_up(job)
        if job.cancel is not None:
            self.cancel(job, job.cancel)
        return job

    async def see_through(self, work: Coroutine[Any, Any, T]) -> T:
        """Does what must not stop in the middle: a caller who is cancelled leaves, and the work goes on."""
        return await asyncio.shield(self._own(work))

    def adopt(self, run: Run, store: Store, slot: Slot | None = None) -> None:
        """Does what a write asks for that was cut off, should it be done all the same: takes charge of a run whose row it wrote, and stops those on its thread
        that it says are to stop.

        Args:
            run: The run, as it was to be written, or that was to stop.
            store: Where its row is.
            slot: The room that is held for it, where it is a new one.
        """
        if slot is not None:
            slot.use()  # until it is known whether it executes
        self._spawn(self._adopt(run, store, room=slot is not None and slot.free))

    def cancel(self, job: Job, action: CancelAction) -> None:
        """Stops a run. A node that awaits stops at once; a synchronous one is left behind in its thread. A rollback that was asked for stays one."""
        if job.cancel is not CancelAction.ROLLBACK:
            job.cancel = action
        if job.task is None:
            self._spawn(self._end_waiting(job))
        else:
            self._cut(job, Cut.CANCELLED)

    @property
    def slots(self) -> int:
        """The most runs that execute at once."""
        return self._work.slots

    async def give_up(self, run: Run, store: Store, outcome: Outcome, newest_seq: int) -> None:
        """Ends a run that nobody executes, above every number that it can have delivered."""
        job = Job(run=run, store=store, ended=asyncio.get_running_loop().create_future())
        async with self._logs.attach(run.thread_id, newest_seq) as log:
            await self._ends.finish(job, outcome, log, None)

    async def _end_waiting(self, job: Job) -> None:
        """Ends a run that was cancelled while it waited."""
        async with self._ends.lock(job.run.thread_id):
            if job.task is not None:  # its turn came while this waited for the lock
                self._cut(job, Cut.CANCELLED)
            elif self.jobs.get(job.run.run_id) is job:  # else it was cancelled twice
                thread_id = job.run.thread_id
                await self._ends.end_waiting(
                    job, alone=not self._executes(thread_id), between_kept=self._resumes(thread_id)
                )
                if job.ended.done():
                    self.jobs.remove(job)
                    job.quiet()
                else:  # somebody has asked for a rollback in this moment
                    self.cancel(job, CancelAction.ROLLBACK)

    def _cut(self, job: Job, cut: Cut) -> None:
        """Cuts a run short. The first reason stands, but for a cancel: whoever asked was told that the run is cancelled."""
        if job.task is None:
            return
        if job.cut is None or cut is Cut.CANCELLED:
            job.cut = cut
        self._interrupt(job)

    def _interrupt(self, job: Job) -> None:
        """Stops the graph, and nothing but the graph: a task that is not yet or no longer executing must do its duty."""
        if job.executing and job.task is not None:
            job.task.cancel()
            job.alarms.append(self._later(_PERSISTENCE, lambda: self._interrupt(job)))

    def _executes(self, thread_id: str) -> bool:
        return any(job.task is not None for job in self.jobs.of_thread(thread_id))

    def _resumes(self, thread_id: str) -> bool:
        runs = [job.run for job in self.jobs.of_thread(thread_id)]
        return any(run.spec.stream_resumable and run.started_at is not None for run in runs)

    def _line_up(self, job: Job) -> None:
        """Queues a run that waits: behind the one that executes on its thread, else for its time, else for room."""
        now = self._clock()
        if not job.run.due(now):
            delay = (job.run.due_at or now) - now
            job.alarms.append(self._later(delay, lambda: self._line_up(job)))
        elif not self._executes(job.run.thread_id):
            self._want(job.run.thread_id, job.store)
            self._dispatch()

    def _want(self, thread_id: str, store: Store) -> None:
        waiting = (job.run for job in self.jobs.of_thread(thread_id) if job.task is None)
        suspected = any(run.losses and run.losses >= self._work.most_losses for run in waiting)
        self._turns.want(thread_id, store, suspected=suspected)

    def _dispatch(self) -> None:
        while not self._stopping and (turn := self._turns.next()) is not None:
            self._spawn(self._start_next(*turn))

    async def _start_next(self, thread_id: str, store: Store) -> None:
        run = None
        try:
            async with self._ends.lock(thread_id):
                run = await self._insist(lambda: store.start_next(thread_id, seq_block=SEQ_BLOCK, now=self._clock()))
                if run is not None:
                    self._start_waiting(run, store)
        finally:
            if run is None:
                self._turns.give_back(thread_id)
                self._dispatch()

    def _start_waiting(self, run: Run, store: Store) -> None:
        job = self.jobs.get(run.run_id)
        if job is None:  # its admission was cut off, and it is about to be adopted
            self.take(run, store)
        else:
            job.run = run
            self._start(job)

    def _start(self, job: Job) -> None:
        job.task = self._spawn(self._run(job))
        now = self._clock()
        left = (job.run.started_at or now) + self._limit(job.run) - now
        job.alarms.append(self._later(left, lambda: self._cut(job, Cut.TIMED_OUT)))
        if self._killing:  # it was admitted as the server stopped
            self._cut(job, Cut.RELEASED)

    def _limit(self, run: Run) -> timedelta:
        return run.spec.timeout or self._work.time_limit

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._own(work)
        task.add_done_callback(self._done)
        return task

    def _own(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._disown)
        return task

    def _disown(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waits for it is told; and that nobody waits is no defect

    def _done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("run task failed", exc_info=error)

    async def _run(self, job: Job) -> None:
        run = job.run
        try:
            newest = run.first_seq - 1 if run.attempt == 1 else await self._newest(job)
            job.reserved = newest + SEQ_BLOCK
            async with self._logs.attach(run.thread_id, newest) as log:
                with self._keeping(job, log) as keeper:
                    await self._attempt(job, log, keeper)
        finally:
            job.fail(Draining())  # where it has not ended, another process goes on with it
            self.jobs.remove(job)
            job.quiet()
            self._turns.give_back(run.thread_id)
            if any(other.task is None for other in self.jobs.of_thread(run.thread_id)):
                self._want(run.thread_id, job.store)
            self._logs.idle(run.thread_id)
            self._dispatch()

    async def _newest(self, job: Job) -> int:
        thread = await self._insist(lambda: job.store.get_thread(job.run.thread_id))
        return thread.last_seq if thread else job.run.first_seq - 1

    async def _attempt(self, job: Job, log: ThreadLog, keeper: Keeper | None) -> None:
        attempt = Attempt(
            job,
            self._executor,
            log,
            keeper,
            reserve=lambda seq: self._reserve(job, seq),
            insist=self._insist,
            limit=self._limit(job.run),
        )
        outcome = await attempt.outcome()
        if outcome is None:
            await self._release(job, log, keeper)
        else:
            await self._ends.finish(job, outcome, log, keeper)

    @contextmanager
    def _keeping(self, job: Job, log: ThreadLog) -> Iterator[Keeper | None]:
        if not job.run.spec.stream_resumable:
            yield None
            return
        keeper = Keeper(
            log,
            job.run,
            job.store,
            self._work.retention,
            insist=self._insist,
            own=self._own,
            later=self._later,
            give_up=lambda: self._cut(job, Cut.NOT_KEPT),
        )
        with keeper:
            yield keeper

    def _reserve(self, job: Job, seq: int) -> None:
        self._spawn(self._insist(lambda: job.store.reserve(job.run.thread_id, seq)))

    async def _release(self, job: Job, log: ThreadLog, keeper: Keeper | None) -> None:
        """Gives a run back, with the exact number of its last event: the next attempt goes on behind it."""
        if keeper is not None:
            await keeper.flush()
        now = self._clock()
        await self._insist(lambda: job.store.release_run(job.run, log.given_seq, lost=False, now=now))
        _log.info("run released", extra={"run_id": job.run.run_id, "thread_id": job.run.thread_id})

    async def _adopt(self, run: Run, store: Store, *, room: bool) -> None:
        await self._adopt_new(run, store, room=room)
        for job in self.jobs.of_thread(run.thread_id):
            row = await self._insist(partial(store.get_run, job.run.run_id))
            if row is not None and row.cancel is not None and row.cancel is not job.cancel:
                self.cancel(job, row.cancel)

    async def _adopt_new(self, run: Run, store: Store, *, room: bool) -> None:
        executes = False
        try:
            # Changes nothing, but is done behind the write that was cut off.
            await self._insist(lambda: store.reserve(run.thread_id, 0))
            found = await self._insist(lambda: store.get_run(run.run_id))
            if found is None or found.status.ended or self.jobs.get(run.run_id) is not None:
                return
            executes = found.status is RunStatus.RUNNING
            if executes and not room:
                self._turns.take()
            self.take(found, store)
        finally:
            if room and not executes:
                self._turns.give_up()
                self._dispatch()

    async def _insist(self, call: Callable[[], Awaitable[T]]) -> T:
        """Writes what must be written, however long the store is away, until the server is stopped: a terminal event before its row
        would promise what cannot be read.
        """
        while True:
            try:
                return await call()
            except StoreUnavailable:
                if self._killing:
                    raise
                _log.exception("store unavailable, trying again")
                await asyncio.sleep(_RETRY.total_seconds())
