"""Threads: conversations, their states and their history.

Owns what callers may do with a thread. States are read and written by the thread's graph, through a port.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial

from graphwire_server.core.assistants import Assistants
from graphwire_server.core.errors import (
    CheckpointNotFound,
    GraphNotFound,
    GraphwireError,
    InvalidField,
    ThreadBusy,
    ThreadExists,
    ThreadHasNoGraph,
    ThreadNotFound,
)
from graphwire_server.core.follow import EVERYTHING, Batches, Filter, Reading, follow, starting_at
from graphwire_server.core.model import (
    MAX_PAGE,
    CheckpointRef,
    JsonObject,
    JsonValue,
    Page,
    StateUpdate,
    TaskInterrupts,
    Thread,
    ThreadQuery,
    ThreadSort,
    ThreadState,
    ThreadStatus,
)
from graphwire_server.core.ports import Clock, EventLog, NewId, States, Store
from graphwire_server.core.rewind import MOST_RUNS, earliest, start_of_run
from graphwire_server.core.see_through import SeeThrough
from graphwire_server.core.spec import check_changes, check_uuid
from graphwire_server.core.ttl import Ttl, check_ttl, given

EMPTY_STATE = ThreadState(
    values=b"{}",
    next=(),
    tasks=(),
    checkpoint=None,
    parent_checkpoint=None,
    metadata=b"{}",
    created_at=None,
    interrupts=(),
)
"""The state of a thread that has none (wire fact 68)."""


MOST_SUPERSTEPS = 1000
"""The most supersteps that a thread is created with."""


class Threads:
    """The threads of this server.

    Args:
        store: Rows of threads.
        logs: The event logs.
        states: The states that graphs have left.
        assistants: The assistants.
        clock: The time.
        new_id: A new UUID.
        see_through: How what must not stop in the middle is done.
        expire: Is told when a thread will have passed its time.
        ttl: The time to live of threads that do not say; None is for ever.
    """

    def __init__(
        self,
        *,
        store: Store,
        logs: EventLog,
        states: States,
        assistants: Assistants,
        clock: Clock,
        new_id: NewId,
        see_through: SeeThrough,
        expire: Callable[[datetime], None],
        ttl: Ttl | None = None,
    ) -> None:
        self._expire = expire
        self._default_ttl = ttl
        self._see_through = see_through
        self._store = store
        self._logs = logs
        self._states = states
        self._assistants = assistants
        self._clock = clock
        self._new_id = new_id

    async def create(
        self,
        thread_id: str | None,
        metadata: JsonObject,
        *,
        keep_existing: bool = False,
        graph: str | None = None,
        supersteps: Sequence[Sequence[StateUpdate]] = (),
        ttl: Ttl | None = None,
    ) -> Thread:
        """Creates a thread, with a history where one is given: all of it or, where something in it is wrong, no thread.

        Args:
            thread_id: Its id; None for a new one.
            metadata: Its metadata.
            keep_existing: Whether an existing thread is returned instead of refused.
            graph: The graph that will run on it, by assistant id or name; None lets the first run decide.
            supersteps: Changes of its state, superstep by superstep, as if nodes had returned them. At most MOST_SUPERSTEPS. They need a graph, and are
                passed over where an existing thread is returned.
            ttl: Its time to live; None is the server's default. Passed over where an existing thread is returned.

        Raises:
            ThreadExists: The id is taken.
            InvalidField: The id is no UUID, the time to live cannot be, or the graph does not take a change.
            AssistantNotFound: There is no such graph.
            GraphNotFound: The assistant's graph is no longer there.
        """
        _check_supersteps(supersteps, graph)
        assistant = None if graph is None else await self._assistants.runnable(graph)
        now = self._clock()
        thread = Thread(
            thread_id=self._new_id() if thread_id is None else check_uuid("thread_id", thread_id),
            created_at=now,
            updated_at=now,
            metadata=metadata,
            ttl=self._ttl_of(ttl),
        )
        if assistant is not None:
            graph_id, assistant_id = assistant.graph_id, assistant.assistant_id
            named = {**metadata, "graph_id": graph_id, "assistant_id": assistant_id}
            thread = replace(thread, metadata=named, graph_id=graph_id, assistant_id=assistant_id)
        try:
            await self._store.create_thread(thread)
        except ThreadExists:
            if not keep_existing:
                raise
            return await self.get(thread.thread_id)
        self._expect(thread)
        return await self._with_history(thread, supersteps) if supersteps else thread

    def _ttl_of(self, ttl: Ttl | None) -> Ttl | None:
        return given(None if ttl is None else check_ttl("ttl", ttl), self._default_ttl)

    def _expect(self, thread: Thread) -> None:
        if thread.expires_at is not None:
            self._expire(thread.expires_at)

    async def _with_history(self, thread: Thread, supersteps: Sequence[Sequence[StateUpdate]]) -> Thread:
        try:
            await self._states.bulk_update(str(thread.graph_id), thread.thread_id, supersteps)
            await self._note_state(str(thread.graph_id), thread.thread_id)
        except BaseException:
            # Also where the caller is gone: a thread with half a history is nothing that anybody asked for.
            await self._see_through(self._delete(thread.thread_id))
            raise
        return await self.get(thread.thread_id)

    async def get(self, thread_id: str) -> Thread:
        """The thread. Raises ThreadNotFound, InvalidField."""
        thread_id = check_uuid("thread_id", thread_id)
        thread = await self._store.get_thread(thread_id)
        if thread is None:
            raise ThreadNotFound(thread_id)
        return thread

    async def values(self, thread: Thread) -> bytes | None:
        """The values of a thread's latest state as JSON text; None where no run has used it, or langgraph.json no longer has its graph: a list of threads is to
        be had all the same.
        """
        if thread.graph_id is None:
            return None
        try:
            state = await self._states.get(thread.graph_id, thread.thread_id, CheckpointRef(), subgraphs=False)
        except GraphNotFound:
            return None
        return state.values if state and state.checkpoint else None

    async def merge_metadata(self, thread_id: str, metadata: JsonObject, ttl: Ttl | None = None) -> Thread:
        """Merges metadata key by key, and changes the time to live where one is given. Raises ThreadNotFound, InvalidField."""
        checked = None if ttl is None else check_ttl("ttl", ttl)
        thread_id = check_uuid("thread_id", thread_id)
        thread = await self._store.merge_metadata(thread_id, metadata, self._clock(), checked)
        self._expect(thread)
        return thread

    async def delete(self, thread_id: str) -> None:
        """Deletes a thread with its runs and checkpoints. Raises ThreadNotFound, ThreadBusy, InvalidField."""
        error = await self._see_through(self._delete(check_uuid("thread_id", thread_id)))
        if error is not None:
            raise error

    async def _delete(self, thread_id: str) -> GraphwireError | None:
        """Deletes a thread, whether or not its caller leaves: else one that gets its id later would go on with its events. Returns why it cannot."""
        try:
            await self._store.delete_thread(thread_id)
        except GraphwireError as error:
            return error
        self._logs.forget(thread_id)
        return None

    async def copy(self, thread_id: str) -> Thread:
        """Copies a thread: metadata, graph, status, interrupts, and all its checkpoints with those of its subgraphs. Runs are not copied.

        A busy thread is copied as well, as a branch of what its run has done so far: the copy is idle, it has the checkpoints that are stored at this
        moment, and a run without input goes on from the last of them. Neither thread touches the other afterwards. Cancellation before it
        returns may or may not have made the copy.

        Args:
            thread_id: The thread: a UUID.

        Returns:
            The copy, with an id and times of its own. Its events are numbered from 1.

        Raises:
            ThreadNotFound: There is no such thread.
            InvalidField: The id is no UUID.
        """
        return await self._store.copy_thread(check_uuid("thread_id", thread_id), self._new_id(), self._clock())

    @asynccontextmanager
    async def watch(
        self, thread_id: str, after_seq: int | None, wanted: Filter
    ) -> AsyncIterator[tuple[Thread, Batches]]:
        """Attaches to a thread: gives the events of all its runs, and stays open between them.

        A watch ends with an error alone, so that whoever watches knows why it ended. While somebody watches, the thread's events stay held. Threads of
        stateless runs cannot be watched. Leaving, or cancellation, changes nothing for the runs.

        Args:
            thread_id: The thread: a UUID.
            after_seq: The cursor, exclusive; 0 is the thread's first event; None is only what happens from now on (seed 000).
            wanted: Which events are delivered; metadata, errors and terminal events always are.

        Raises:
            ThreadNotFound: There is no such thread; while it is watched, it was deleted, and its last event has been delivered.
            InvalidField: The id is no UUID, or the cursor is negative or beyond the newest event.
            CursorExpired: Events behind the cursor are no longer held.
            SlowReader: The reader fell behind what is held; raised by the batches, as the next is.
            Draining: The server stops.
        """
        thread = await self.get(thread_id)
        async with self._logs.attach(thread.thread_id, thread.last_seq) as log:
            # Read again: a thread that was deleted meanwhile has forgotten its log before this reader held it.
            thread = await self.get(thread_id)
            reading = Reading(log, partial(self._store.kept_events, thread.thread_id))
            yield thread, await follow(reading, None, starting_at(log, after_seq), wanted)

    @asynccontextmanager
    async def watch_whole(self, thread_id: str, after_seq: int | None) -> AsyncIterator[tuple[int, Batches]]:
        """Attaches to a thread as `watch` does, for a reader that needs whole runs: from the start of the run that goes on behind a cursor. Gives the number of the
        newest event with them.

        Args:
            thread_id: The thread: a UUID.
            after_seq: The cursor, exclusive; None is all that can be read.

        Raises:
            ThreadNotFound: As in `watch`, as are InvalidField, SlowReader and Draining.
            CursorExpired: The start of that run, or what is behind the cursor, is no longer held.
        """
        thread = await self.get(thread_id)
        async with self._logs.attach(thread.thread_id, thread.last_seq) as log:
            thread = await self.get(thread_id)  # as in `watch`
            reading = Reading(log, partial(self._store.kept_events, thread.thread_id))
            runs = await self._store.list_runs(thread.thread_id, None, Page(offset=0, limit=MOST_RUNS))
            if after_seq is None:
                start = await earliest(reading, runs)
            else:
                start = await start_of_run(reading, runs, starting_at(log, after_seq))
            yield log.newest_seq, await follow(reading, None, start, EVERYTHING)

    async def search(self, query: ThreadQuery, page: Page, sort: ThreadSort, ascending: bool) -> Sequence[Thread]:
        """A page of the threads that match. Raises InvalidField."""
        return await self._store.search_threads(_checked(query), page, sort, ascending)

    async def count(self, query: ThreadQuery) -> int:
        """How many threads match. Raises InvalidField."""
        return await self._store.count_threads(_checked(query))

    async def state(self, thread_id: str, at: CheckpointRef, *, subgraphs: bool) -> ThreadState:
        """A thread's state at a checkpoint, or now. Raises ThreadNotFound, CheckpointNotFound, InvalidField."""
        thread = await self.get(thread_id)
        if thread.graph_id is None:
            if at.checkpoint_id is not None:
                raise CheckpointNotFound(at.checkpoint_id)
            return EMPTY_STATE
        state = await self._states.get(thread.graph_id, thread.thread_id, at, subgraphs=subgraphs)
        if state is None:
            raise CheckpointNotFound(at.checkpoint_id or at.checkpoint_ns)
        return state

    async def update_state(
        self, thread_id: str, at: CheckpointRef, values: JsonValue, as_node: str | None
    ) -> CheckpointRef:
        """Changes a thread's state as if a node had returned the change.

        Raises:
            ThreadNotFound: There is no such thread.
            ThreadHasNoGraph: No run has used it (wire fact 67).
            ThreadBusy: A run is on it.
            CheckpointNotFound: It has no such checkpoint.
            InvalidField: The graph has no such node, or an id is no UUID.
        """
        thread = await self.get(thread_id)
        if thread.graph_id is None:
            raise ThreadHasNoGraph(thread.thread_id)
        if thread.status is ThreadStatus.BUSY:
            raise ThreadBusy(thread.thread_id, "the change of its state")
        if at.checkpoint_id is not None:
            await self.state(thread_id, at, subgraphs=False)
        made = await self._states.update(thread.graph_id, thread.thread_id, at, values, as_node)
        await self._note_state(thread.graph_id, thread.thread_id)
        return made

    async def _note_state(self, graph_id: str, thread_id: str) -> None:
        """Writes what an edit of a thread's state has made of the thread."""
        state = await self._states.get(graph_id, thread_id, CheckpointRef(), subgraphs=False)
        if state is None:
            return
        waiting = tuple(
            TaskInterrupts(task_id=task.id, interrupts=task.interrupts) for task in state.tasks if task.interrupts
        )
        status = ThreadStatus.INTERRUPTED if state.next else ThreadStatus.IDLE
        await self._store.set_thread_state(thread_id, status=status, interrupts=waiting, now=self._clock())

    async def history(
        self, thread_id: str, *, ns: str, before: str | None, metadata: JsonObject, limit: int
    ) -> Sequence[ThreadState]:
        """Up to `limit` states older than the checkpoint `before`, the newest first. Raises ThreadNotFound, InvalidField."""
        thread = await self.get(thread_id)
        if thread.graph_id is None:
            return ()
        return await self._states.history(
            thread.graph_id, thread.thread_id, ns=ns, before=before, metadata=metadata, limit=limit
        )


def _checked(query: ThreadQuery) -> ThreadQuery:
    if len(query.thread_ids) > MAX_PAGE:
        raise InvalidField("thread_ids", f"has {len(query.thread_ids)} ids; at most {MAX_PAGE} are taken")
    return replace(query, thread_ids=tuple(check_uuid("thread_ids", thread_id) for thread_id in query.thread_ids))


def _check_supersteps(supersteps: Sequence[Sequence[StateUpdate]], graph: str | None) -> None:
    if not supersteps:
        return
    if graph is None:
        raise InvalidField("supersteps", "need a graph that takes them; name it in graph_id")
    if len(supersteps) > MOST_SUPERSTEPS:
        raise InvalidField("supersteps", f"has {len(supersteps)}; at most {MOST_SUPERSTEPS} are taken")
    for index, updates in enumerate(supersteps):
        if not updates:
            raise InvalidField(f"supersteps[{index}].updates", "is empty; a superstep has at least one change")
        for place, update in enumerate(updates):
            _check_update(f"supersteps[{index}].updates[{place}]", update)


def _check_update(field: str, update: StateUpdate) -> None:
    if update.command is None:
        return
    if update.values is not None:
        raise InvalidField(f"{field}.command", "and values are both set; send one of them")
    if update.command.has_resume:
        raise InvalidField(
            f"{field}.command.resume", "answers an interrupt, and nothing executes here; send update or goto"
        )
    check_changes(f"{field}.command", update.command)
