"""Executes the runs of this process and brings each to its end.

Owns the task of every run that executes here, and the order in which a run ends: first what it did is written, then the terminal event is
appended, then whoever waits is told, then the next run of the thread starts. The invariant: exactly one terminal event for each run, last; and before
it an error event, where the run has an error.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from types import TracebackType
from typing import Any, Self, TypeVar
from weakref import WeakValueDictionary

from graphwire_server.core.ending import INTERNAL, SELF_CANCELLED, SERVER_STOPPED, SMALL_EVENT, append_ending, length
from graphwire_server.core.errors import Draining, StoreUnavailable
from graphwire_server.core.events import Error, Metadata, Payload
from graphwire_server.core.lifecycle import finish, thread_status
from graphwire_server.core.model import Outcome, Retention, Run, RunStatus
from graphwire_server.core.ports import Append, Clock, EventLog, Executor, Store, ThreadLog
from graphwire_server.core.remains import Remains, Sleep, remaining

_log = logging.getLogger("graphwire.runs")

SEQ_BLOCK = 1 << 20
"""How many event numbers are reserved at a time: far more than a run appends while one write is under way."""

_RETRY = timedelta(milliseconds=500)

T = TypeVar("T")


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """A run that has not ended, in this process. `told` says that its error event has been appended."""

    run: Run
    store: Store
    ended: asyncio.Future[Run]
    task: asyncio.Task[None] | None = None
    cancelled: bool = False
    executing: bool = False
    told: bool = False
    reserved: int = 0


class Worker:
    """The runs of this process.

    Args:
        executor: Executes one run.
        logs: The event logs.
        clock: The time.
        grace: How long runs may go on when the server stops.
        retention: How long stateless runs that are resumable can be read after their end, and how much they may hold. None is the default.
        sleep: How the time passes until such a run goes.
    """

    def __init__(
        self,
        executor: Executor,
        logs: EventLog,
        clock: Clock,
        grace: timedelta,
        retention: Retention | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._executor = executor
        self._logs = logs
        self._clock = clock
        self._grace = grace
        self._remains = Remains(logs, clock, retention or Retention(), sleep)
        self._jobs: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._ends: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._stopping = False
        self._killing = False

    async def __aenter__(self) -> Self:
        await self._remains.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Lets runs end for the grace period, then cuts them short and records that."""
        self._stopping = True
        await self._remains.__aexit__(kind, error, trace)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._grace.total_seconds())
        self._killing = True
        for job in list(self._jobs.values()):
            self._interrupt(job)
        while self._tasks:
            await asyncio.wait(self._tasks)

    def check_open(self) -> None:
        """Raises Draining where this process takes no more runs."""
        if self._stopping:
            raise Draining

    def __len__(self) -> int:
        return len(self._jobs)

    def job(self, run_id: str) -> Job | None:
        """The job of a run that has not ended, or None."""
        return self._jobs.get(run_id)

    def jobs(self) -> Sequence[Job]:
        """The jobs of all runs that have not ended, as of now, in the order in which they came."""
        return tuple(self._jobs.values())

    def take(self, run: Run, store: Store) -> Job:
        """Takes charge of a run that was admitted: starts it where it is running, else keeps it until its turn."""
        job = Job(run=run, store=store, ended=asyncio.get_running_loop().create_future())
        self._jobs[run.run_id] = job
        if run.status is RunStatus.RUNNING:
            self._start(job)
        return job

    def start_pending(self, run: Run, store: Store) -> None:
        """Starts a run whose turn has come."""
        job = self._jobs.get(run.run_id)
        if job is None:
            job = self.take(run, store)
        else:
            job.run = run
            self._start(job)

    async def see_through(self, work: Coroutine[Any, Any, T]) -> T:
        """Does what must not stop in the middle: a caller who is cancelled leaves, and the work goes on."""
        return await asyncio.shield(self._own(work))

    def adopt(self, run: Run, store: Store) -> None:
        """Takes charge of a run whose admission was cut off, should its row be written all the same."""
        self._spawn(self._adopt(run, store))

    async def forget(self, run_id: str) -> None:
        """Drops what a stateless run has left to its readers; nothing happens where it left nothing."""
        await self._remains.drop(run_id)

    def cancel(self, job: Job) -> None:
        """Asks a run to stop. A node that awaits stops at once; a synchronous one when it returns. Once is enough."""
        if job.cancelled:
            return
        job.cancelled = True
        if job.task is None:
            self._spawn(self._end_unstarted(job))
        else:
            self._interrupt(job)

    def _interrupt(self, job: Job) -> None:
        """Stops the graph, and nothing but the graph: a task that is not yet or no longer executing must do its duty."""
        if job.executing and job.task is not None:
            job.task.cancel()

    def _start(self, job: Job) -> None:
        job.reserved = job.run.first_seq + SEQ_BLOCK - 1
        job.task = self._spawn(self._run(job))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._own(work)
        task.add_done_callback(self._done)
        return task

    def _own(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("run task failed", exc_info=error)

    async def _run(self, job: Job) -> None:
        run = job.run
        async with self._logs.attach(run.thread_id, run.first_seq - 1) as log:
            begun = Metadata(
                run_id=run.run_id, attempt=run.attempt, assistant_id=run.assistant_id, graph_id=run.graph_id
            )
            log.append(run.run_id, (), begun, SMALL_EVENT)
            outcome = await self._execute(job, log)
            async with self._end_lock(run.thread_id):
                last_seq = log.newest_seq + length(outcome, told=job.told)
                ended = finish(run, outcome, last_seq, self._clock())
                await self._insist(lambda: job.store.finish_run(remaining(ended), thread_status(outcome)))
                append_ending(log, ended, told=job.told)
            self._tell(job, ended)
            await self._leave(job, ended)

    async def _execute(self, job: Job, log: ThreadLog) -> Outcome:
        if not (job.cancelled or self._killing):
            job.executing = True
            try:
                return await self._executor.execute(job.run, self._appender(job, log))
            except asyncio.CancelledError:
                # Only `_interrupt` cancels this task, and it wants the run to end in order: the task goes on to record that.
                while (task := asyncio.current_task()) is not None and task.cancelling():
                    task.uncancel()
            except Exception:  # noqa: BLE001  a defect of the engine ends its run, not the worker
                _log.exception("executor failed", extra={"run_id": job.run.run_id})
                return Outcome(status=RunStatus.ERROR, error=INTERNAL)
            finally:
                job.executing = False
        return await self._cut_short(job)

    async def _cut_short(self, job: Job) -> Outcome:
        """How a run ends that was stopped: by a caller, by the end of the server, or by a node that raised CancelledError itself."""
        try:
            left = await self._executor.stopped_at(job.run)
        except Exception:  # noqa: BLE001  what it left cannot be read; that it ended must be told all the same
            _log.exception("state of a stopped run not readable", extra={"run_id": job.run.run_id})
            left = Outcome(status=RunStatus.INTERRUPTED)
        if job.cancelled:
            return left
        return replace(left, status=RunStatus.ERROR, error=SERVER_STOPPED if self._killing else SELF_CANCELLED)

    def _appender(self, job: Job, log: ThreadLog) -> Append:
        run_id, append = job.run.run_id, log.append

        def step(namespace: tuple[str, ...], payload: Payload, weight: int) -> None:
            seq = append(run_id, namespace, payload, weight).seq
            if type(payload) is Error:
                job.told = True
            if seq > job.reserved - SEQ_BLOCK // 2:
                job.reserved += SEQ_BLOCK
                reserved = job.reserved
                self._spawn(self._insist(lambda: job.store.reserve(job.run.thread_id, reserved)))

        return step

    async def _end_unstarted(self, job: Job) -> None:
        """Ends a run that was cancelled before its turn came. Its only event is the terminal one."""
        run, store = job.run, job.store
        outcome = Outcome(status=RunStatus.INTERRUPTED)
        async with self._end_lock(run.thread_id):
            if job.task is not None:  # its turn came while this waited for the lock
                return self._interrupt(job)
            ended = finish(run, outcome, 0, self._clock())
            await self._insist(lambda: store.finish_run(ended, thread_status(outcome)))
            thread = await store.get_thread(run.thread_id)
            async with self._logs.attach(run.thread_id, thread.last_seq if thread else 0) as log:
                ended = replace(ended, last_seq=append_ending(log, ended, told=False).seq)
                await self._insist(lambda: store.number_end(run, ended.last_seq))
            self._tell(job, ended)
        return None

    async def _adopt(self, run: Run, store: Store) -> None:
        await self._insist(
            lambda: store.reserve(run.thread_id, 0)
        )  # changes nothing, but is done behind the write that was cut off
        found = await store.get_run(run.run_id)
        if found is not None and not found.status.ended and self.job(run.run_id) is None:
            self.take(found, store)

    def _end_lock(self, thread_id: str) -> asyncio.Lock:
        """Two runs of a thread may end at once (one executed, one cancelled in the queue): the number that is written for a terminal event must be
        the one that it gets. And a run may be cancelled while its turn comes: it must either start or end, not both.
        """
        lock = self._ends.get(thread_id)
        if lock is None:
            lock = self._ends[thread_id] = asyncio.Lock()
        return lock

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

    async def _leave(self, job: Job, ended: Run) -> None:
        if ended.stateless and ended.spec.stream_resumable:
            return await self._remains.keep(ended, job.store)
        if ended.stateless:
            self._logs.forget(ended.thread_id)
            return await job.store.delete_thread(ended.thread_id)
        if self._killing:  # those that wait get their turn at the next start
            return None
        async with self._end_lock(ended.thread_id):
            following = await self._insist(
                lambda: job.store.start_next(ended.thread_id, seq_block=SEQ_BLOCK, now=self._clock())
            )
            if following is not None:
                self.start_pending(following, job.store)
        return None

    def _tell(self, job: Job, ended: Run) -> None:
        del self._jobs[ended.run_id]
        if not job.ended.done():
            job.ended.set_result(ended)
        outcome = ended.outcome
        _log.info(
            "run ended",
            extra={
                "run_id": ended.run_id,
                "thread_id": ended.thread_id,
                "status": ended.status.value,
                "last_seq": ended.last_seq,
            }
            | ({"error": outcome.error.type} if outcome and outcome.error else {}),
        )
