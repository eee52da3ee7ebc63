"""Admission: whether a request becomes a run.

Owns what is checked before a run exists, from the request alone to what its thread is doing, and how the run is made of the request and its assistant.
What two requests may race for, the store decides when it admits a run.
"""

import asyncio
import hashlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from graphwire_server.core.assistant_changes import configured
from graphwire_server.core.assistants import Assistants
from graphwire_server.core.attempt import SEQ_BLOCK
from graphwire_server.core.cron import Claim
from graphwire_server.core.errors import (
    CapacityReached,
    CheckpointNotFound,
    GraphwireError,
    InvalidField,
    NothingToResume,
    ThreadBusy,
    ThreadNotFound,
)
from graphwire_server.core.expiry import Expiry
from graphwire_server.core.model import (
    KEYS_FOR,
    Admitted,
    MultitaskStrategy,
    RequestKey,
    Run,
    RunSpec,
    RunStatus,
    ThreadStatus,
)
from graphwire_server.core.ports import Clock, NewId, States, Store
from graphwire_server.core.spec import check_spec
from graphwire_server.core.webhooks import UrlPolicy
from graphwire_server.core.worker import Worker


class Admission:
    """What stands between a request and its run.

    Args:
        store: Rows of threads and their runs.
        ephemeral: Rows of stateless runs, in memory.
        states: The states that graphs have left.
        assistants: The assistants.
        worker: Executes the runs of this process.
        expiry: Sees to it that keys go after their time.
        most_runs: The most runs that have not ended.
        webhooks: What their webhooks may call.
        clock: The time.
        new_id: A new UUID.
    """

    def __init__(
        self,
        *,
        store: Store,
        ephemeral: Store,
        states: States,
        assistants: Assistants,
        worker: Worker,
        expiry: Expiry,
        most_runs: int,
        webhooks: UrlPolicy,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._store = store
        self._ephemeral = ephemeral
        self._states = states
        self._assistants = assistants
        self._worker = worker
        self._expiry = expiry
        self._most_runs = most_runs
        self._webhooks = webhooks
        self._clock = clock
        self._new_id = new_id

    async def check_request(self, spec: RunSpec) -> RunSpec:
        """The request with its ids and modes in canonical form.

        Raises:
            InvalidField: Something is wrong with it.
            NothingToResume: It resumes, and has no thread on which something could wait.
            AssistantNotFound: There is no such assistant.
            GraphNotFound: Its graph is no longer there.
            NotOffered: It has a webhook, and this server calls none.
        """
        spec = self._webhooks.check_spec(check_spec(spec))
        await self._assistants.runnable(spec.assistant)
        return spec

    async def known(self, spec: RunSpec) -> Run | None:
        """The run of an earlier request with the same key; None where there is none (design, promise 9). It is asked for before anything else, since what the
        first request found may be different now: the interrupt that it answered no longer waits.

        Raises:
            RequestReused: The key belongs to another request.
            RunNotFound: Its run is gone.
        """
        if not spec.request_id:
            return None
        return await self._store_of(spec).find_request(self._key(spec))

    def check_room(self, count: int) -> None:
        """Raises CapacityReached where the server does not take so many runs more."""
        if len(self._worker.jobs) + count > self._most_runs:
            asked = "" if count == 1 else f"; with the {count} of this request it would have more"
            raise CapacityReached(
                f"the server has at most {self._most_runs} runs that have not ended{asked}; try again later"
            )

    async def check_thread(self, spec: RunSpec) -> None:
        """What can only be told from the thread as it is: whether something waits for the answer, whether the checkpoint exists.

        Raises:
            ThreadNotFound: There is no such thread.
            NothingToResume: It resumes, and nothing waits.
            CheckpointNotFound: The thread has no such checkpoint.
        """
        resumes = spec.command is not None and spec.command.has_resume
        if spec.thread_id is None or (spec.checkpoint is None and not resumes):
            return
        thread = await self._store.get_thread(spec.thread_id)
        if thread is None:
            if spec.create_thread and spec.checkpoint is None:
                raise NothingToResume(spec.thread_id)
            raise ThreadNotFound(spec.thread_id)
        if spec.checkpoint is not None and spec.checkpoint.checkpoint_id is not None:
            graph_id = thread.graph_id or (await self._assistants.get(spec.assistant)).graph_id
            if await self._states.get(graph_id, spec.thread_id, spec.checkpoint, subgraphs=False) is None:
                raise CheckpointNotFound(spec.checkpoint.checkpoint_id)
        elif resumes and thread.status in (ThreadStatus.IDLE, ThreadStatus.ERROR):
            raise NothingToResume(spec.thread_id)

    async def check_places(self, specs: Sequence[RunSpec], known: Collection[int] = ()) -> None:
        """Whether each request of a batch would find its thread, were they admitted now, one after the other. Those in `known` have their run already.

        Raises what `check_thread` and `admit` raise, with the request's index (see `named`).
        """
        taken: set[str] = set()
        for index, spec in enumerate(specs):
            if index in known:
                continue
            with named(index):
                await self._check_place(spec, taken)
                await self.check_thread(spec)

    async def _check_place(self, spec: RunSpec, taken: set[str]) -> None:
        """Notes the thread as taken by this request."""
        if spec.thread_id is None:
            return
        thread = await self._store.get_thread(spec.thread_id)
        if thread is None and not spec.create_thread and spec.thread_id not in taken:
            raise ThreadNotFound(spec.thread_id)
        busy = spec.thread_id in taken or (thread is not None and thread.status is ThreadStatus.BUSY)
        if busy and spec.multitask_strategy is MultitaskStrategy.REJECT:
            raise ThreadBusy(spec.thread_id, "the run")
        taken.add(spec.thread_id)

    async def admit(self, spec: RunSpec, claim: Claim | None = None) -> Admitted:
        """Makes the run of a request that was checked: it starts at once where its thread is idle and there is room, else it waits for its turn. A firing of a
        cron is taken with it.

        Raises:
            AssistantNotFound: Its assistant is gone by now.
            FiringTaken: The firing is no longer to be had.
            ThreadNotFound: There is no such thread and it is not to be created.
            ThreadBusy: The thread is busy and the run does not wait.
            RequestReused: Its key belongs to another request.
            RunNotFound: Its key belongs to a run that is gone.
        """
        run, store = await self.new_run(spec), self._store_of(spec)
        key = self._key(spec) if spec.request_id else None
        if key is not None:  # before it is written: its caller may be gone by then
            self._expiry.expect(key.expires_at)
        with self._worker.slot() as slot:
            try:
                admitted = await store.admit_run(
                    run,
                    create_thread=spec.thread_id is None or spec.create_thread,
                    may_start=slot.free,
                    seq_block=SEQ_BLOCK,
                    key=key,
                    claim=claim,
                )
            except asyncio.CancelledError:
                # Its row may be written all the same, and a run that nobody takes would keep its thread busy until the server starts anew.
                self._worker.adopt(run, store, slot)
                raise
            if admitted.existing:
                return admitted
            if admitted.run.status is RunStatus.RUNNING:
                slot.use()
            self._worker.take(admitted.run, store)
        self._stop_met(admitted)
        return admitted

    def _stop_met(self, admitted: Admitted) -> None:
        """Stops the runs that the strategy of a new run met. That they are to stop is written."""
        for run in admitted.met:
            job = self._worker.jobs.get(run.run_id)
            if job is not None and run.cancel is not None:  # else it has ended since
                self._worker.cancel(job, run.cancel)

    def _store_of(self, spec: RunSpec) -> Store:
        return self._ephemeral if spec.stateless else self._store

    def _key(self, spec: RunSpec) -> RequestKey:
        now = self._clock()
        # What is left out differs between two ways to ask for the same run: headers name the request, and a stream does not ask for the output.
        asked = repr(replace(spec, headers={}, keep_output=True, request_ttl=KEYS_FOR))
        return RequestKey(
            request_id=spec.request_id,
            fingerprint=hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest(),
            now=now,
            expires_at=now + spec.request_ttl,
        )

    async def new_run(self, spec: RunSpec) -> Run:
        """The run of a request, as it will be when it is admitted to an idle thread. What its assistant brings is in it, so that a later change of the assistant does
        not reach it. Raises AssistantNotFound, GraphNotFound.
        """
        assistant, now = await self._assistants.runnable(spec.assistant), self._clock()
        return Run(
            run_id=self._new_id(),
            thread_id=spec.thread_id or self._new_id(),
            assistant_id=assistant.assistant_id,
            graph_id=assistant.graph_id,
            status=RunStatus.RUNNING,
            created_at=now,
            updated_at=now,
            # A graph's own brings nothing, and to find that out would be a part of what each run costs.
            spec=spec if self._assistants.own(assistant) else configured(spec, assistant),
            due_at=now + spec.start_after if spec.start_after else None,
        )


@contextmanager
def named(index: int) -> Iterator[None]:
    """Errors inside say which request of a batch they mean: in the field, such as `[3].assistant_id`, or else as `index` in their metadata. What the
    list is called, the transport knows.
    """
    try:
        yield
    except InvalidField as error:
        raise InvalidField(f"[{index}].{error.field}", error.problem, error.http_status) from error
    except GraphwireError as error:
        error.metadata["index"] = str(index)
        raise
