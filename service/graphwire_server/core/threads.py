"""Threads: conversations, their states and their history.

Owns what callers may do with a thread. States are read and written by the thread's graph, through a port.
"""

from collections.abc import Sequence
from dataclasses import replace

from graphwire_server.core.assistants import Assistants
from graphwire_server.core.errors import (
    CheckpointNotFound,
    InvalidField,
    ThreadBusy,
    ThreadExists,
    ThreadHasNoGraph,
    ThreadNotFound,
)
from graphwire_server.core.model import (
    MAX_PAGE,
    CheckpointRef,
    JsonObject,
    JsonValue,
    Page,
    TaskInterrupts,
    Thread,
    ThreadQuery,
    ThreadSort,
    ThreadState,
    ThreadStatus,
)
from graphwire_server.core.ports import Clock, EventLog, NewId, States, Store
from graphwire_server.core.spec import check_uuid

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


class Threads:
    """The threads of this server.

    Args:
        store: Rows of threads.
        logs: The event logs.
        states: The states that graphs have left.
        assistants: The assistants.
        clock: The time.
        new_id: A new UUID.
    """

    def __init__(
        self, *, store: Store, logs: EventLog, states: States, assistants: Assistants, clock: Clock, new_id: NewId
    ) -> None:
        self._store = store
        self._logs = logs
        self._states = states
        self._assistants = assistants
        self._clock = clock
        self._new_id = new_id

    async def create(
        self, thread_id: str | None, metadata: JsonObject, *, keep_existing: bool = False, graph: str | None = None
    ) -> Thread:
        """Creates a thread.

        Args:
            thread_id: Its id; None for a new one.
            metadata: Its metadata.
            keep_existing: Whether an existing thread is returned instead of refused.
            graph: The graph that will run on it, by assistant id or name; None lets the first run decide.

        Raises:
            ThreadExists: The id is taken.
            InvalidField: The id is no UUID.
            AssistantNotFound: There is no such graph.
        """
        assistant = None if graph is None else self._assistants.get(graph)
        now = self._clock()
        thread = Thread(
            thread_id=self._new_id() if thread_id is None else check_uuid("thread_id", thread_id),
            created_at=now,
            updated_at=now,
            metadata=metadata,
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
        return thread

    async def get(self, thread_id: str) -> Thread:
        """The thread. Raises ThreadNotFound, InvalidField."""
        thread_id = check_uuid("thread_id", thread_id)
        thread = await self._store.get_thread(thread_id)
        if thread is None:
            raise ThreadNotFound(thread_id)
        return thread

    async def values(self, thread: Thread) -> bytes | None:
        """The values of a thread's latest state as JSON text; None where no run has used it."""
        if thread.graph_id is None:
            return None
        state = await self._states.get(thread.graph_id, thread.thread_id, CheckpointRef(), subgraphs=False)
        return state.values if state and state.checkpoint else None

    async def merge_metadata(self, thread_id: str, metadata: JsonObject) -> Thread:
        """Merges metadata key by key. Raises ThreadNotFound, InvalidField."""
        return await self._store.merge_metadata(check_uuid("thread_id", thread_id), metadata, self._clock())

    async def delete(self, thread_id: str) -> None:
        """Deletes a thread with its runs and checkpoints. Raises ThreadNotFound, ThreadBusy, InvalidField."""
        thread_id = check_uuid("thread_id", thread_id)
        await self._store.delete_thread(thread_id)
        self._logs.forget(thread_id)

    async def search(self, query: ThreadQuery, page: Page, sort: ThreadSort, ascending: bool) -> Sequence[Thread]:
        """A page of the threads that match. Raises InvalidField."""
        if len(query.thread_ids) > MAX_PAGE:
            raise InvalidField("thread_ids", f"has {len(query.thread_ids)} ids; at most {MAX_PAGE} are taken")
        ids = tuple(check_uuid("thread_ids", thread_id) for thread_id in query.thread_ids)
        return await self._store.search_threads(replace(query, thread_ids=ids), page, sort, ascending)

    async def count(self, query: ThreadQuery) -> int:
        """How many threads match."""
        return await self._store.count_threads(query)

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
        state = await self._states.get(thread.graph_id, thread.thread_id, CheckpointRef(), subgraphs=False)
        if state is not None:
            waiting = tuple(
                TaskInterrupts(task_id=task.id, interrupts=task.interrupts) for task in state.tasks if task.interrupts
            )
            status = ThreadStatus.INTERRUPTED if state.next else ThreadStatus.IDLE
            await self._store.set_thread_state(thread.thread_id, status=status, interrupts=waiting, now=self._clock())
        return made

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
