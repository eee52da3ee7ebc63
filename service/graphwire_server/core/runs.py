"""Runs: creating them, watching them, ending them.

Owns what callers may do with a run, whichever transport they come by. Where a run executes is the worker's matter; stateless runs live in a
store of their own, in memory, so that they keep nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from graphwire_server.core.assistants import Assistants
from graphwire_server.core.errors import (
    CapacityReached,
    CheckpointNotFound,
    CursorExpired,
    InvalidField,
    NothingToResume,
    NotOffered,
    RunActive,
    RunFinished,
    RunNotFound,
    ThreadNotFound,
)
from graphwire_server.core.events import Event
from graphwire_server.core.follow import Filter, follow
from graphwire_server.core.lifecycle import finish, thread_status
from graphwire_server.core.model import (
    Assistant,
    CheckpointRef,
    MultitaskStrategy,
    Outcome,
    Page,
    Run,
    RunConfig,
    RunError,
    RunSpec,
    RunStatus,
    ThreadStatus,
)
from graphwire_server.core.ports import Clock, EventLog, NewId, States, Store, ThreadLog
from graphwire_server.core.spec import check_spec, check_uuid
from graphwire_server.core.worker import SEQ_BLOCK, SMALL_EVENT, Worker, append_end, terminal

Batches = AsyncIterator[Sequence[Event]]


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
        self._assistants = assistants
        self._worker = worker
        self._limits = limits
        self._clock = clock
        self._new_id = new_id

    async def recover(self) -> None:
        """Deals with what a dead process left: runs that executed end as errors, those that waited get their turn."""
        threads: dict[str, None] = {}
        for run in await self._store.unfinished_runs():
            threads[run.thread_id] = None
            if run.status is RunStatus.RUNNING:
                await self._end_abandoned(run)
        for thread_id in threads:
            following = await self._store.start_next(thread_id, seq_block=SEQ_BLOCK, now=self._clock())
            if following is not None:
                self._worker.take(following, self._store)

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
        spec = check_spec(spec)
        assistant = self._assistants.get(spec.assistant)
        _check_offered(spec)
        if len(self._worker) >= self._limits.runs:
            raise CapacityReached(f"the server has {self._limits.runs} runs that have not ended; try again later")
        await self._check_thread(spec)
        store = self._ephemeral if spec.stateless else self._store
        admitted = await store.admit_run(
            self._new_run(spec, assistant),
            create_thread=spec.thread_id is None or spec.create_thread,
            reject_busy=spec.multitask_strategy is MultitaskStrategy.REJECT,
            seq_block=SEQ_BLOCK,
        )
        self._worker.take(admitted, store)
        return admitted

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
        if outcome is None or run.stateless or not outcome.checkpoint_id:
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

    def abandon(self, run_id: str) -> None:
        """Asks a run to stop because its caller is gone; nothing happens where it has ended. Does not wait: the caller's task is ending."""
        job = self._worker.job(run_id)
        if job is not None:
            self._worker.cancel(job)

    async def delete(self, run_id: str, thread_id: str | None = None) -> None:
        """Deletes a run that has ended. Raises RunNotFound, RunActive."""
        run = await self.get(run_id, thread_id)
        if not run.status.ended:
            raise RunActive(run.run_id, run.status)
        await self._store.delete_run(run.run_id)

    @asynccontextmanager
    async def stream(self, spec: RunSpec, wanted: Filter) -> AsyncIterator[tuple[Run, Batches]]:
        """Creates a run and gives its events from the first to the last. Raises as `create` and `follow` do."""
        run = await self.create(spec)
        after = run.first_seq - 1 if run.first_seq else await self._newest(run)
        async with self._logs.attach(run.thread_id, after) as log:
            yield run, follow(log, run.run_id, min(after, log.newest_seq), wanted)

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
        if after_seq is not None and after_seq < 0:
            raise InvalidField("after_seq", "must be 0 or more; leave it out for what happens from now on")
        run = await self.get(run_id, thread_id)
        async with self._logs.attach(run.thread_id, await self._newest(run)) as log:
            # Read again: a run that ended meanwhile appended its terminal event to a log that this reader did not hold.
            run = await self.get(run_id, thread_id)
            if run.status.ended:
                yield run, _replay(log, run, after_seq, wanted)
            else:
                yield run, follow(log, run.run_id, _cursor(log, run, after_seq), wanted)

    async def _newest(self, run: Run) -> int:
        store = self._ephemeral if run.stateless else self._store
        thread = await store.get_thread(run.thread_id)
        if thread is None:
            raise RunNotFound(run.run_id)
        return thread.last_seq

    async def _check_thread(self, spec: RunSpec) -> None:
        """What can only be told from the thread as it is: whether something waits for the answer, whether the checkpoint exists."""
        if spec.thread_id is None or (spec.checkpoint is None and not (spec.command and spec.command.has_resume)):
            return
        thread = await self._store.get_thread(spec.thread_id)
        if thread is None:
            if spec.create_thread and spec.checkpoint is None:
                raise NothingToResume(spec.thread_id)
            raise ThreadNotFound(spec.thread_id)
        if spec.checkpoint is not None and spec.checkpoint.checkpoint_id is not None:
            graph_id = thread.graph_id or self._assistants.get(spec.assistant).graph_id
            if await self._states.get(graph_id, spec.thread_id, spec.checkpoint, subgraphs=False) is None:
                raise CheckpointNotFound(spec.checkpoint.checkpoint_id)
        elif spec.command and spec.command.has_resume and thread.status in (ThreadStatus.IDLE, ThreadStatus.ERROR):
            raise NothingToResume(spec.thread_id)

    def _new_run(self, spec: RunSpec, assistant: Assistant) -> Run:
        now = self._clock()
        return Run(
            run_id=self._new_id(),
            thread_id=spec.thread_id or self._new_id(),
            assistant_id=assistant.assistant_id,
            graph_id=assistant.graph_id,
            status=RunStatus.RUNNING,
            created_at=now,
            updated_at=now,
            spec=_configured(spec, assistant),
        )

    async def _end_abandoned(self, run: Run) -> None:
        """Ends a run whose process died, above every number that it can have delivered."""
        thread = await self._store.get_thread(run.thread_id)
        newest = max(thread.last_seq, thread.reserved_seq) if thread else run.first_seq
        error = RunError(type="ServerDied", message="the server died before the run ended", retryable=True)
        outcome = Outcome(status=RunStatus.ERROR, error=error)
        async with self._logs.attach(run.thread_id, newest) as log:
            ended = finish(run, outcome, newest + 1, self._clock())
            await self._store.finish_run(ended, thread_status(outcome))
            append_end(log, ended)


def _check_offered(spec: RunSpec) -> None:
    if spec.multitask_strategy in (MultitaskStrategy.INTERRUPT, MultitaskStrategy.ROLLBACK):
        raise NotOffered(f"multitask_strategy {spec.multitask_strategy}")


def _cursor(log: ThreadLog, run: Run, after_seq: int | None) -> int:
    if after_seq is None:
        return log.newest_seq
    _check_given(after_seq, log.newest_seq)
    # A run that waits for its turn has no event yet, so its start is what comes next.
    return max(after_seq, run.first_seq - 1) if run.first_seq else log.newest_seq


def _check_given(after_seq: int, newest_seq: int) -> None:
    if after_seq > newest_seq:
        raise InvalidField("after_seq", f"must be {newest_seq} or less, the newest event's number")


async def _replay(log: ThreadLog, run: Run, after_seq: int | None, wanted: Filter) -> Batches:
    """What is left to read of a run that has ended: the terminal event always, before it what is held behind the cursor."""
    first, last = run.first_seq or run.last_seq, run.last_seq
    cursor = last if after_seq is None else max(after_seq, first - 1)
    _check_given(cursor, max(log.newest_seq, last))
    if cursor < last - 1:
        oldest = min(max(log.oldest_seq, first), last) if log.newest_seq >= last else last
        if oldest > cursor + 1:
            raise CursorExpired(cursor, oldest, last)
        async for batch in follow(log, run.run_id, cursor, wanted):
            yield batch
    else:
        ended_at = run.updated_at.timestamp()
        yield [Event(last, run.run_id, run.thread_id, ended_at, (), terminal(run), SMALL_EVENT)]


def _configured(spec: RunSpec, assistant: Assistant) -> RunSpec:
    """The request over what its assistant brings; most bring nothing."""
    if assistant.context is None and assistant.config == RunConfig():
        return spec
    return replace(spec, config=_merge(assistant.config, spec.config), context=spec.context or assistant.context)


def _merge(base: RunConfig, over: RunConfig) -> RunConfig:
    """A run's configuration over its assistant's: scalars replace, maps merge key by key, tags add up (wire fact 75)."""
    return RunConfig(
        tags=tuple(dict.fromkeys((*base.tags, *over.tags))),
        recursion_limit=over.recursion_limit if over.recursion_limit is not None else base.recursion_limit,
        configurable={**(base.configurable or {}), **(over.configurable or {})} or None,
        metadata={**(base.metadata or {}), **(over.metadata or {})} or None,
        max_concurrency=over.max_concurrency if over.max_concurrency is not None else base.max_concurrency,
        run_name=over.run_name or base.run_name,
    )
