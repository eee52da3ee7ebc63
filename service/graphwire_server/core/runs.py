"""Runs: creating them, watching them, ending them.

Owns what callers may do with a run, whichever transport they come by. Where a run executes is the worker's matter; stateless runs have a store of their
own, which they leave at their end.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from graphwire_server.core.admission import Admission, named
from graphwire_server.core.assistants import Assistants
from graphwire_server.core.cron import Claim
from graphwire_server.core.errors import (
    CursorExpired,
    GraphwireError,
    InvalidField,
    RunActive,
    RunFinished,
    RunNotFound,
    ThreadNotFound,
)
from graphwire_server.core.expiry import Expiry
from graphwire_server.core.follow import Batches, Filter, Reading, follow
from graphwire_server.core.model import Admitted, CancelAction, Page, Run, RunSpec, RunStatus
from graphwire_server.core.output import output_of
from graphwire_server.core.ports import Clock, EventLog, NewId, States, Store, ThreadLog
from graphwire_server.core.replay import check_cursor, cursor, replay
from graphwire_server.core.selection import ActiveStatus, selection
from graphwire_server.core.spec import check_uuid
from graphwire_server.core.webhooks import UrlPolicy
from graphwire_server.core.worker import Worker

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
        ephemeral: Rows of stateless runs.
        logs: The event logs.
        states: The states that graphs have left.
        assistants: The assistants.
        worker: Executes the runs of this process.
        expiry: Sees to it that what is kept for a time goes after it.
        limits: How much this process takes on.
        webhooks: What their webhooks may call.
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
        expiry: Expiry,
        limits: Limits,
        webhooks: UrlPolicy,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._store = store
        self._ephemeral = ephemeral
        self._logs = logs
        self._states = states
        self._worker = worker
        self._admission = Admission(
            store=store,
            ephemeral=ephemeral,
            states=states,
            assistants=assistants,
            worker=worker,
            expiry=expiry,
            most_runs=limits.runs,
            webhooks=webhooks,
            clock=clock,
            new_id=new_id,
        )

    async def create(self, spec: RunSpec) -> Run:
        """Creates a run: it starts at once where its thread is idle and there is room, else it waits for its turn. A request whose key is known gives the run
        of the first (design, promise 9).

        Cancellation before it returns may or may not have created the run.

        Raises:
            InvalidField: The request is wrong.
            AssistantNotFound: There is no such assistant.
            GraphNotFound: Its graph is no longer in langgraph.json.
            ThreadNotFound: There is no such thread and it is not to be created.
            CheckpointNotFound: The thread has no such checkpoint.
            NothingToResume: It resumes, and nothing waits.
            ThreadBusy: The thread is busy and the run does not wait.
            RequestReused: The request's key belongs to another request.
            CapacityReached: The server has as many runs as it allows.
            Draining: The server stops.
        """
        return (await self._create(spec)).run

    async def _create(self, spec: RunSpec) -> Admitted:
        self._worker.check_open()
        spec = await self._admission.check_request(spec)
        known = await self._admission.known(spec)
        if known is not None:
            return Admitted(run=known, existing=True)
        self._admission.check_room(1)
        await self._admission.check_thread(spec)
        return await self._admission.admit(spec)

    async def fire(self, spec: RunSpec, claim: Claim) -> Run:
        """Creates the run of a cron's firing, and takes the firing: both or neither. Raises FiringTaken where somebody else has taken it, and as `create` does."""
        self._worker.check_open()
        spec = await self._admission.check_request(spec)
        self._admission.check_room(1)
        return (await self._admission.admit(spec, claim)).run

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
                checked.append(await self._admission.check_request(spec))
        known = await self._known(checked)
        if len(known) < len(checked):
            self._admission.check_room(len(checked) - len(known))
            await self._admission.check_places(checked, known)
        return await self._worker.see_through(self._admit_all(checked, known))

    async def _known(self, specs: Sequence[RunSpec]) -> dict[int, Run]:
        """The runs of earlier requests with the same keys, by their place in the batch."""
        known = {}
        for index, spec in enumerate(specs):
            with named(index):
                if (run := await self._admission.known(spec)) is not None:
                    known[index] = run
        return known

    async def _admit_all(self, specs: Sequence[RunSpec], known: Mapping[int, Run]) -> Sequence[Run]:
        created: list[Admitted] = []
        try:
            for index, spec in enumerate(specs):
                with named(index):
                    found = known.get(index)
                    made = await self._admission.admit(spec) if found is None else Admitted(run=found, existing=True)
                    created.append(made)
        except GraphwireError:
            for admitted in created:
                if not admitted.existing:
                    self.abandon(admitted.run.run_id)
            raise
        return [admitted.run for admitted in created]

    async def get(self, run_id: str, thread_id: str | None = None) -> Run:
        """The run. Raises RunNotFound, also where it belongs to another thread, and InvalidField for what is no UUID."""
        run_id = check_uuid("run_id", run_id)
        run = await self._ephemeral.get_run(run_id) or await self._store.get_run(run_id)
        if run is None or self._worker.remains.over(run):
            raise RunNotFound(run_id)
        if thread_id is not None and run.thread_id != check_uuid("thread_id", thread_id):
            raise RunNotFound(run_id)
        return run

    async def list(self, thread_id: str, status: RunStatus | None, page: Page) -> Sequence[Run]:
        """A page of a thread's runs, the newest first. Raises ThreadNotFound, InvalidField."""
        thread_id = check_uuid("thread_id", thread_id)
        if await self._store.get_thread(thread_id) is None:
            raise ThreadNotFound(thread_id)
        return await self._store.list_runs(thread_id, status, page)

    async def wait(self, run: Run) -> Run:
        """Waits until a run has ended and returns it. Cancelling the wait does not cancel the run. Raises Draining where the server stops before that."""
        while (job := self._worker.jobs.get(run.run_id)) is None:
            found = await self.get(run.run_id)
            if found.status.ended:
                return found
            # The server stops and has given it back; or its row is written, and whoever admitted it is about to take charge of it.
            self._worker.check_open()
            await asyncio.sleep(0)
        return await asyncio.shield(job.ended)

    async def output(self, run: Run) -> bytes:
        """What a run that has ended gave: the values of its last superstep as JSON text, `null` where there are none."""
        return await output_of(run, self._states)

    async def cancel(
        self, run_id: str, thread_id: str | None = None, action: CancelAction = CancelAction.INTERRUPT
    ) -> Run:
        """Asks a run to stop, and returns it as it is; `wait` tells when it has ended. Asking again changes nothing, but that a rollback replaces an interrupt.
        That it was asked is durable when this returns: should the process die, the run is not taken up again (design, promise 8).

        Raises:
            RunNotFound: There is no such run.
            RunFinished: It has ended.
        """
        run = await self.get(run_id, thread_id)
        asked = None if run.status.ended else await self._ask_to_stop(run, action)
        if asked is None:
            raise RunFinished(run.run_id, (await self._last_seen(run)).status)
        return asked

    async def _ask_to_stop(self, run: Run, action: CancelAction) -> Run | None:
        """The run after it was asked; None where it has ended."""
        store = self._store_of(run)
        try:
            asked = await store.request_cancel(run.run_id, action)
        except asyncio.CancelledError:
            # That it is to stop may be written all the same, and then one that waits would neither start nor end.
            self._worker.adopt(run, store)
            raise
        if asked is None or asked.status.ended:
            return None
        job = self._worker.jobs.get(run.run_id)
        if job is not None:
            self._worker.cancel(job, action)
        return asked

    async def _last_seen(self, run: Run) -> Run:
        return await self._store_of(run).get_run(run.run_id) or run

    async def cancel_many(
        self,
        *,
        status: ActiveStatus | None = None,
        thread_id: str | None = None,
        run_ids: Sequence[str] = (),
        action: CancelAction = CancelAction.INTERRUPT,
    ) -> Sequence[Run]:
        """Asks several runs to stop, and returns those as they are. Named are either all in a status or, on one thread, those with an id; ids of runs that
        have ended or do not exist are passed over (wire fact 65). That they were asked is durable when this returns.

        Args:
            status: All runs of this process in this status; with `thread_id`, those of one thread.
            thread_id: The thread: a UUID. Required with `run_ids`.
            run_ids: The runs: UUIDs, at most 100. Not together with `status`.
            action: What becomes of their work.

        Returns:
            The runs that were asked, in the order in which they were created, those that had been asked before included. At least one.

        Raises:
            InvalidField: The request names both, or neither, or too many; or an id is no UUID.
            RunNotFound: There is nothing to cancel.
        """
        meant = selection(status, thread_id, run_ids)
        found = [job.run for job in self._worker.jobs if meant.has(job.run)]
        asked = await asyncio.gather(*(self._ask_to_stop(run, action) for run in found))
        stopping = [run for run in asked if run is not None]
        if not stopping:
            raise meant.nothing()
        return stopping

    def abandon(self, run_id: str) -> None:
        """Asks a run to stop because its caller is gone; nothing happens where it has ended. Does not wait: the caller's task is ending. It stops at once; that it
        was asked is written at its end.
        """
        job = self._worker.jobs.get(run_id)
        if job is not None:
            self._worker.cancel(job, CancelAction.INTERRUPT)

    async def delete(self, run_id: str, thread_id: str | None = None) -> None:
        """Deletes a run that has ended; one that is stateless can then no longer be joined. Raises RunNotFound, RunActive."""
        run = await self.get(run_id, thread_id)
        if not run.status.ended:
            raise RunActive(run.run_id, run.status)
        if run.stateless:
            await self._worker.remains.drop(run.run_id)
        else:
            await self._store.delete_run(run.run_id)

    @asynccontextmanager
    async def stream(self, spec: RunSpec, wanted: Filter) -> AsyncIterator[tuple[Run, Batches]]:
        """Creates a run and gives its events from the first to the last. Raises as `create` and `follow` do."""
        admitted = await self._create(spec)
        run = admitted.run
        if run.first_seq and not admitted.existing:
            async with self._logs.attach(run.thread_id, run.first_seq - 1) as log:
                start = min(run.first_seq - 1, log.newest_seq)
                yield run, await follow(self._reading(run, log), run.run_id, start, wanted)
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
            reading = self._reading(run, log)
            if run.status.ended:
                yield run, await self._replay(reading, run, after_seq, wanted)
            else:
                yield run, await follow(reading, run.run_id, cursor(reading, run, after_seq), wanted)

    async def _replay(self, reading: Reading, run: Run, after_seq: int | None, wanted: Filter) -> Batches:
        try:
            return await replay(reading, run, after_seq, wanted)
        except CursorExpired:
            await self.get(run.run_id)  # where its time has passed meanwhile, there is no such run
            raise

    def _reading(self, run: Run, log: ThreadLog) -> Reading:
        return Reading(log, partial(self._store_of(run).kept_events, run.thread_id))

    async def _current(self, run_id: str) -> Run:
        """The run as it is at this moment. A row may be old when it arrives: the run may have begun or ended while it was read."""
        run = await self.get(run_id)
        job = self._worker.jobs.get(run_id)
        if job is not None:
            return job.run
        return run if run.status.ended else await self.get(run_id)

    async def _newest(self, run: Run) -> int:
        thread = await self._store_of(run).get_thread(run.thread_id)
        if thread is None:
            raise RunNotFound(run.run_id)
        return thread.last_seq

    def _store_of(self, run: Run) -> Store:
        return self._ephemeral if run.stateless else self._store
