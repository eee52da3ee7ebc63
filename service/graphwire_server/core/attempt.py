"""One attempt at a run: the graph executes, and its events go into the log.

Owns what happens between the first event of an attempt and its outcome, and what an outcome is where the graph was cut short. It writes no row. The invariant: an
attempt gives an outcome, whatever ends it, or None where the run is released for another process.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from graphwire_server.core.ending import INTERNAL, NOT_KEPT, SELF_CANCELLED, SMALL_EVENT, timed_out
from graphwire_server.core.events import Error, Metadata, Payload
from graphwire_server.core.jobs import Cut, Job
from graphwire_server.core.keeping import Insist, Keeper
from graphwire_server.core.model import Outcome, RunStatus
from graphwire_server.core.ports import Append, Executor, ThreadLog

_log = logging.getLogger("graphwire.runs")

SEQ_BLOCK = 1 << 20
"""How many event numbers are reserved at a time: far more than a run appends while one write is under way."""


Reserve = Callable[[int], None]
"""Sees to it that event numbers up to this one are reserved."""


class Attempt:
    """One attempt at a run.

    Args:
        job: The run, with status running.
        executor: Executes it.
        log: Its thread's log.
        keeper: Keeps its events; None where they are not kept.
        reserve: Reserves numbers.
        insist: Writes what must be written before it begins.
        limit: How long the run may take, for its error.
    """

    def __init__(
        self,
        job: Job,
        executor: Executor,
        log: ThreadLog,
        keeper: Keeper | None,
        *,
        reserve: Reserve,
        insist: Insist,
        limit: timedelta,
    ) -> None:
        self._job = job
        self._executor = executor
        self._log = log
        self._keeper = keeper
        self._reserve = reserve
        self._insist = insist
        self._limit = limit

    async def outcome(self) -> Outcome | None:
        """Executes the run and tells how it ended; None where it was released."""
        run = self._job.run
        begun = Metadata(run_id=run.run_id, attempt=run.attempt, assistant_id=run.assistant_id, graph_id=run.graph_id)
        append = self._appender()
        append((), begun, SMALL_EVENT)
        return await self._execute(append)

    async def _execute(self, append: Append) -> Outcome | None:
        job = self._job
        try:
            goes_on = await self._begin()
            if job.cut is None:
                job.executing = True
                return await self._executor.execute(job.run, append, goes_on=goes_on, room=self._keeper)
        except asyncio.CancelledError:
            # Only `interrupt` cancels this task, and it wants the run to end in order: the task goes on to record that.
            while (task := asyncio.current_task()) is not None and task.cancelling():
                task.uncancel()
        except Exception:  # noqa: BLE001  a defect of the engine ends its run, not the worker
            _log.exception("executor failed", extra={"run_id": job.run.run_id})
            return Outcome(status=RunStatus.ERROR, error=INTERNAL)
        finally:
            job.executing = False
        return await self._cut_short()

    async def _begin(self) -> bool:
        """Whether the attempt goes on from a checkpoint. Where an earlier one has left none, what it wrote on top of others is taken back, so that the
        request means the same again.
        """
        run, store = self._job.run, self._job.store
        if run.attempt == 1:
            return False
        if await self._executor.has_begun(run):
            return True
        await self._insist(lambda: store.undo_run(run))
        return False

    async def _cut_short(self) -> Outcome | None:
        """How a run ends that was stopped, or in which a node raised CancelledError itself."""
        cut = self._job.cut
        if cut is Cut.RELEASED:
            return None
        left = await self.left()
        if cut is Cut.CANCELLED:
            return left
        if cut is Cut.TIMED_OUT:
            return replace(left, status=RunStatus.TIMEOUT, error=timed_out(self._limit))
        return replace(left, status=RunStatus.ERROR, error=NOT_KEPT if cut is Cut.NOT_KEPT else SELF_CANCELLED)

    async def left(self) -> Outcome:
        """What the run has left where it stopped."""
        return await left_by(self._executor, self._job)

    def _appender(self) -> Append:
        job, append, keeper = self._job, self._log.append, self._keeper
        run_id = job.run.run_id

        def step(namespace: tuple[str, ...], payload: Payload, weight: int) -> None:
            seq = append(run_id, namespace, payload, weight).seq
            if keeper is not None:
                keeper.weighed(weight)
            if type(payload) is Error:
                job.told = True
            if seq > job.reserved - SEQ_BLOCK // 2:
                job.reserved += SEQ_BLOCK
                self._reserve(job.reserved)

        return step


async def left_by(executor: Executor, job: Job) -> Outcome:
    """What a run that was stopped has left on its thread; that it ended must be told also where that cannot be read."""
    try:
        return await executor.stopped_at(job.run)
    except Exception:  # noqa: BLE001  see above
        _log.exception("state of a stopped run not readable", extra={"run_id": job.run.run_id})
        return Outcome(status=RunStatus.INTERRUPTED)
