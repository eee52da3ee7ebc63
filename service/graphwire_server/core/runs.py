"""Runs: creating them, watching them, ending them.

Owns what callers may do with a run, whichever transport they come by. Where a run executes is the worker's matter; stateless runs live in a
store of their own, in memory, so that they keep nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from graphwire_server.core.admission import Admission, named
from graphwire_server.core.assistants import Assistants
from graphwire_server.core.ending import SERVER_DIED, append_ending, length
from graphwire_server.core.errors import (
    GraphwireError,
    InvalidField,
    RunActive,
    RunFinished,
    RunNotFound,
    ThreadNotFound,
)
from graphwire_server.core.follow import Batches, Filter, follow
from graphwire_server.core.lifecycle import finish, thread_status
from graphwire_server.core.model import CheckpointRef, Outcome, Page, Run, RunSpec, RunStatus
from graphwire_server.core.ports import Clock, EventLog, NewId, States, Store
from graphwire_server.core.replay import check_cursor, cursor, replay
from graphwire_server.core.selection import ActiveStatus, selection
from graphwire_server.core.spec import check_uuid
from graphwire_server.core.worker import SEQ_BLOCK, Worker

MAX_BATCH = 1000
"""The most runs that one request creates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a process takes on.

    Attributes:
        runs: The most runs that have not ended, executing or waiting.
    """

    runs: int = 10_000


class Runs:
    """The runs of this server.

    Args:
        store: Rows of threads and their runs.
        ephemeral: Rows of stateless runs, in memory.
        logs: The event logs.
        states: The states that graphs have left.
        assistants: The assistants.
        worker: Executes the runs of this process.
        limits: How much this process takes on.
        clock: The time.
        new_id: A new UUID.
    """

    def __init__(
        self,
        *,
        store: Store,
        ephemeral: Store,
        logs: EventLog,
        states: States,
        assistants: Assistants,
        worker: Worker,
        limits: Limits,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._store = store
        self._ephemeral = ephemeral
        self._logs = logs
        self._states = states
        self._worker = worker
        self._clock = clock
        self._admission = Admission(
            store=store,
            ephemeral=ephemeral,
            states=states,
            assistants=assistants,
            worker=worker,
            most_runs=limits.runs,
            clock=clock,
            new_id=new_id,
        )

    async def recover(self) -> None:
        """Deals with what a dead process left: runs that executed end as errors, those that waited get their turn."""
        threads: dict[str, None] = {}
        for run in await self._store.unfinished_runs():
            threads[run.thread_id] = None
            if run.status is RunStatus.RUNNING:
                await self._end_abandoned(run)
            else:
                self._worker.take(run, self._store)
        for thread_id in threads:
            following = await self._store.start_next(thread_id, seq_block=SEQ_BLOCK, now=self._clock())
            if following is not None:
                self._worker.start_pending(following, self._store)

    async def create(self, spec: RunSpec) -> Run:
        """Creates a run: it starts at once where its thread is idle, else it waits for its turn.

        Cancellation before it returns may or may not have created the run.

        Raises:
            InvalidField: The request is wrong.
            AssistantNotFound: There is no such assistant.
            ThreadNotFound: There is no such thread and it is not to be created.
            CheckpointNotFound: The thread has no such checkpoint.
            NothingToResume: It resumes, and nothing waits.
            ThreadBusy: The thread is busy and the run does not wait.
            CapacityReached: The server has as many runs as it allows.
            Draining: The server stops.
        """
        self._worker.check_open()
        spec = self._admission.check_request(spec)
        self._admission.check_room(1)
        await self._admission.check_thread(spec)
        return await self._admission.admit(spec)

    async def create_batch(self, specs: Sequence[RunSpec]) -> Sequence[Run]:
        """Creates several runs, in their order; all or none.

        All are checked before the first is created, against their threads as they are then, so that a batch that is wrong creates nothing. Where one
        can still not be created (another caller took its thread, the store fails), those before it are cancelled. Cancellation before it returns creates
        all or none.

        Args:
            specs: The requests: 1 to MAX_BATCH.

        Returns:
            The runs, in the order of the requests.

        Raises:
            GraphwireError: As `create` does. The field of an InvalidField starts with the request's index, such as `[3].thread_id`, and other errors have
                it as `index` in their metadata; the field of the batch itself is `[]`.
        """
        self._worker.check_open()
        if not 1 <= len(specs) <= MAX_BATCH:
            raise InvalidField("[]", f"has {len(specs)} runs; a batch has 1 to {MAX_BATCH}")
        checked = []
        for index, spec in enumerate(specs):
            with named(index):
                checked.append(self._admission.check_request(spec))
        self._admission.check_room(len(checked))
        await self._admission.check_places(checked)
        return await self._worker.see_through(self._admit_all(checked))

    async def _admit_all(self, specs: Sequence[RunSpec]) -> Sequence[Run]:
        created: list[Run] = []
        try:
            for index, spec in enumerate(specs):
                with named(index):
                    created.append(await self._admission.admit(spec))
        except GraphwireError:
            for run in created:
                self.abandon(run.run_id)
            raise
        return created

    async def get(self, run_id: str, thread_id: str | None = None) -> Run:
        """The run. Raises RunNotFound, also where it belongs to another thread, and InvalidField for what is no UUID."""
        run_id = check_uuid("run_id", run_id)
        run = await self._ephemeral.get_run(run_id) or await self._store.get_run(run_id)
        if run is None or (thread_id is not None and run.thread_id != check_uuid("thread_id", thread_id)):
            raise RunNotFound(run_id)
        return run

    async def list(self, thread_id: str, status: RunStatus | None, page: Page) -> Sequence[Run]:
        """A page of a thread's runs, the newest first. Raises ThreadNotFound, InvalidField."""
        thread_id = check_uuid("thread_id", thread_id)
        if await self._store.get_thread(thread_id) is None:
            raise ThreadNotFound(thread_id)
        return await self._store.list_runs(thread_id, status, page)

    async def wait(self, run: Run) -> Run:
        """Waits until a run has ended and returns it. Cancelling the wait does not cancel the run."""
        job = self._worker.job(run.run_id)
        if job is not None:
            return await asyncio.shield(job.ended)
        return await self.get(run.run_id)

    async def output(self, run: Run) -> bytes:
        """What a run that has ended gave: the values of its last superstep as JSON text, `null` where there are none."""
        outcome = run.outcome
        if outcome is None or outcome.values is not None or run.stateless or not outcome.checkpoint_id:
            return (outcome and outcome.values) or b"null"
        at = CheckpointRef(checkpoint_id=outcome.checkpoint_id)
        state = await self._states.get(run.graph_id, run.thread_id, at, subgraphs=False)
        return state.values if state else b"null"

    async def cancel(self, run_id: str, thread_id: str | None = None) -> Run:
        """Asks a run to stop, and returns it as it is; `wait` tells when it has ended. Once asked, asking again changes nothing.

        Raises:
            RunNotFound: There is no such run.
            RunFinished: It has ended.
        """
        run = await self.get(run_id, thread_id)
        job = self._worker.job(run.run_id)
        if job is None:
            raise RunFinished(run.run_id, run.status)
        self._worker.cancel(job)
        return run

    async def cancel_many(
        self, *, status: ActiveStatus | None = None, thread_id: str | None = None, run_ids: Sequence[str] = ()
    ) -> Sequence[Run]:
        """Asks several runs to stop, and returns those as they are. Named are either all in a status or, on one thread, those with an id; ids of runs that
        have ended or do not exist are passed over (wire fact 65).

        Args:
            status: All runs of this process in this status; with `thread_id`, those of one thread.
            thread_id: The thread: a UUID. Required with `run_ids`.
            run_ids: The runs: UUIDs, at most 100. Not together with `status`.

        Returns:
            The runs that were asked, in the order in which they were created, those that had been asked before included. At least one.

        Raises:
            InvalidField: The request names both, or neither, or too many; or an id is no UUID.
            RunNotFound: There is nothing to cancel.
        """
        meant = selection(status, thread_id, run_ids)
        found = [job for job in self._worker.jobs() if meant.has(job.run)]
        if not found:
            raise meant.nothing()
        for job in found:
            self._worker.cancel(job)
        return [job.run for job in found]

    def abandon(self, run_id: str) -> None:
        """Asks a run to stop because its caller is gone; nothing happens where it has ended. Does not wait: the caller's task is ending."""
        job = self._worker.job(run_id)
        if job is not None:
            self._worker.cancel(job)

    async def delete(self, run_id: str, thread_id: str | None = None) -> None:
        """Deletes a run that has ended; one that is stateless can then no longer be joined. Raises RunNotFound, RunActive."""
        run = await self.get(run_id, thread_id)
        if not run.status.ended:
            raise RunActive(run.run_id, run.status)
        if run.stateless:
            await self._worker.forget(run.run_id)
        else:
            await self._store.delete_run(run.run_id)

    @asynccontextmanager
    async def stream(self, spec: RunSpec, wanted: Filter) -> AsyncIterator[tuple[Run, Batches]]:
        """Creates a run and gives its events from the first to the last. Raises as `create` and `follow` do."""
        run = await self.create(spec)
        if run.first_seq:
            async with self._logs.attach(run.thread_id, run.first_seq - 1) as log:
                yield run, follow(log, run.run_id, min(run.first_seq - 1, log.newest_seq), wanted)
        else:
            async with self.join(run.run_id, run.thread_id, 0, wanted) as (_, batches):
                yield run, batches

    @asynccontextmanager
    async def join(
        self, run_id: str, thread_id: str | None, after_seq: int | None, wanted: Filter
    ) -> AsyncIterator[tuple[Run, Batches]]:
        """Attaches to a run.

        Args:
            run_id: The run.
            thread_id: Its thread, or None for whichever it is.
            after_seq: The cursor, exclusive; 0 is the run's start; None is only what happens from now on (seed 000).
            wanted: Which events are delivered.

        Raises:
            RunNotFound: There is no such run.
            InvalidField: An id is no UUID, or the cursor is negative or beyond the newest event.
            CursorExpired: Events behind the cursor are no longer held.
        """
        check_cursor(after_seq)
        run = await self.get(run_id, thread_id)
        async with self._logs.attach(run.thread_id, await self._newest(run)) as log:
            # Read again: a run that ended meanwhile appended its terminal event to a log that this reader did not hold.
            run = await self._current(run.run_id)
            if run.status.ended:
                yield run, replay(log, run, after_seq, wanted)
            else:
                yield run, follow(log, run.run_id, cursor(log, run, after_seq), wanted)

    async def _current(self, run_id: str) -> Run:
        """The run as it is at this moment. A row may be old when it arrives: the run may have begun or ended while it was read."""
        run = await self.get(run_id)
        job = self._worker.job(run_id)
        if job is not None:
            return job.run
        return run if run.status.ended else await self.get(run_id)

    async def _newest(self, run: Run) -> int:
        store = self._ephemeral if run.stateless else self._store
        thread = await store.get_thread(run.thread_id)
        if thread is None:
            raise RunNotFound(run.run_id)
        return thread.last_seq

    async def _end_abandoned(self, run: Run) -> None:
        """Ends a run whose process died, above every number that it can have delivered."""
        thread = await self._store.get_thread(run.thread_id)
        newest = max(thread.last_seq, thread.reserved_seq) if thread else run.first_seq
        outcome = Outcome(status=RunStatus.ERROR, error=SERVER_DIED)
        async with self._logs.attach(run.thread_id, newest) as log:
            ended = finish(run, outcome, newest + length(outcome, told=False), self._clock())
            await self._store.finish_run(ended, thread_status(outcome))
            append_ending(log, ended, told=False)
