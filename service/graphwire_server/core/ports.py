"""What the core needs from the other layers, as protocols.

Owns the shape of the store, the log, the graphs and the executor. Each is implemented once or more elsewhere and joined in
`app.py`. Errors that cross a port are those of `core/errors.py`.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from graphwire_server.core.events import Event, Payload
from graphwire_server.core.model import (
    CheckpointRef,
    Drawing,
    GraphInfo,
    JsonObject,
    JsonValue,
    Outcome,
    Page,
    Run,
    RunStatus,
    Schemas,
    SubgraphInfo,
    TaskInterrupts,
    Thread,
    ThreadQuery,
    ThreadSort,
    ThreadState,
    ThreadStatus,
)

Clock = Callable[[], datetime]
"""The time, in UTC."""

NewId = Callable[[], str]
"""A new UUID of version 7, so that ids sort by creation (wire fact 80)."""


class Store(Protocol):
    """Rows of threads and runs.

    Each call is one transaction and durable as far as the engine's README says when it returns. All raise StoreUnavailable when the
    engine does not answer. Cancellation leaves the transaction whole: done or not done.
    """

    async def create_thread(self, thread: Thread) -> None:
        """Adds a thread. Raises ThreadExists."""
        ...

    async def get_thread(self, thread_id: str) -> Thread | None:
        """The thread, or None."""
        ...

    async def merge_metadata(self, thread_id: str, metadata: JsonObject, now: datetime) -> Thread:
        """Merges metadata key by key and returns the thread after it. Raises ThreadNotFound."""
        ...

    async def set_thread_state(
        self, thread_id: str, *, status: ThreadStatus, interrupts: Sequence[TaskInterrupts], now: datetime
    ) -> None:
        """Records what an edit of the state left. Raises ThreadNotFound, and ThreadBusy while a run is on the thread."""
        ...

    async def delete_thread(self, thread_id: str) -> None:
        """Deletes a thread, its runs and its checkpoints. Raises ThreadNotFound, and ThreadBusy while a run is on it."""
        ...

    async def copy_thread(self, thread_id: str, copy_id: str, now: datetime) -> Thread:
        """Adds a copy of a thread: its row, all its checkpoints in all namespaces, and what tasks have written on top of them.

        A run may be on the thread; then the copy has what is stored at this moment, and is idle. It has no runs, and its event numbers start anew.

        Args:
            thread_id: The thread.
            copy_id: The copy's id, which no thread has.
            now: The copy's creation time.

        Returns:
            The copy as stored.

        Raises:
            ThreadNotFound: There is no such thread.
        """
        ...

    async def search_threads(self, query: ThreadQuery, page: Page, sort: ThreadSort, ascending: bool) -> list[Thread]:
        """A page of the threads that match; ties by id."""
        ...

    async def count_threads(self, query: ThreadQuery) -> int:
        """How many threads match."""
        ...

    async def admit_run(self, run: Run, *, create_thread: bool, reject_busy: bool, seq_block: int) -> Run:
        """Adds a run: running where its thread is idle, else pending. Decided atomically.

        The thread becomes busy, takes the run's graph and assistant into its columns and its metadata (wire fact 75), and its error and
        interrupts are cleared. A run that starts gets `first_seq`, one above the thread's numbers, and the thread's `reserved_seq` is raised by
        `seq_block` for it.

        Args:
            run: The run, with status running.
            create_thread: Whether a missing thread is created; its creation time is the run's.
            reject_busy: Whether a busy thread refuses the run instead of queueing it.
            seq_block: How many event numbers are reserved.

        Returns:
            The run as stored.

        Raises:
            ThreadNotFound: The thread is missing and is not to be created.
            ThreadBusy: The thread is busy and refuses.
        """
        ...

    async def start_next(self, thread_id: str, *, seq_block: int, now: datetime) -> Run | None:
        """Starts the oldest pending run of a thread on which none is running, as `admit_run` would have; None where there is none."""
        ...

    async def reserve(self, thread_id: str, last_seq: int) -> None:
        """Raises the thread's `reserved_seq` to a number; never lowers it."""
        ...

    async def number_end(self, run: Run, last_seq: int) -> None:
        """Records the number of the terminal event of a run that never started, on the run and on its thread."""
        ...

    async def finish_run(self, run: Run, thread_status: ThreadStatus) -> None:
        """Writes how a run ended, and what it leaves on its thread: status, interrupts, error text, and the exact `last_seq`.

        The thread stays busy where runs are pending on it. `run.outcome` and `run.last_seq` are set.
        """
        ...

    async def get_run(self, run_id: str) -> Run | None:
        """The run, or None."""
        ...

    async def list_runs(self, thread_id: str, status: RunStatus | None, page: Page) -> list[Run]:
        """A page of a thread's runs, the newest first. An unknown thread has none."""
        ...

    async def delete_run(self, run_id: str) -> None:
        """Deletes a run that has ended; nothing happens where there is none. Raises RunActive."""
        ...

    async def unfinished_runs(self) -> list[Run]:
        """All runs that have not ended, the oldest first: after a restart, those that a dead process left."""
        ...


class ThreadLog(Protocol):
    """The events of one thread that are held.

    Events are appended by one run at a time and read by any number of readers. Nothing here waits for a reader.
    """

    @property
    def oldest_seq(self) -> int:
        """The lowest number that is held; one above `newest_seq` where nothing is."""
        ...

    @property
    def newest_seq(self) -> int:
        """The highest number given so far."""
        ...

    def append(
        self, run_id: str, namespace: tuple[str, ...], payload: Payload, weight: int, time: float | None = None
    ) -> Event:
        """Numbers an event, holds it, and wakes the readers. The oldest events go where the bound is passed.

        Args:
            run_id: The run.
            namespace: The subgraph that it comes from.
            payload: What happened.
            weight: About how many bytes it holds.
            time: When it happened, in seconds since 1970; None is now.
        """
        ...

    def read(self, after_seq: int, max_bytes: int) -> Sequence[Event]:
        """Events behind a cursor, in order: as many as weigh `max_bytes`, at least one where there is one.

        Raises:
            CursorExpired: The next event is no longer held.
        """
        ...

    async def wait(self, after_seq: int) -> None:
        """Returns when an event behind the cursor is there. Cancelling it costs nothing.

        Raises:
            Draining: None is there, and the log closes.
            ThreadNotFound: None is there, and the thread is gone.
        """
        ...


class EventLog(Protocol):
    """The logs of all threads."""

    def attach(self, thread_id: str, newest_seq: int) -> AbstractAsyncContextManager[ThreadLog]:
        """Holds a thread's log open, making it where there is none.

        Args:
            thread_id: The thread.
            newest_seq: The highest number given so far, for a log that is made now.
        """
        ...

    def forget(self, thread_id: str) -> None:
        """Drops what is held of a thread that is gone. Readers that are attached read what is there, and wait for no more."""
        ...


Append = Callable[[tuple[str, ...], Payload, int], None]
"""How the engine reports what a run does: namespace, payload, and about how many bytes it weighs."""


class Executor(Protocol):
    """Executes one run."""

    async def execute(self, run: Run, append: Append) -> Outcome:
        """Runs the graph to its end and appends its events, without the metadata and the terminal event.

        A graph that fails is an outcome, not an exception; its error event is appended. Checkpoints are readable when this returns.
        Cancelling it stops the graph at its next await and raises CancelledError when the graph has stopped.
        """
        ...

    async def stopped_at(self, run: Run) -> Outcome:
        """What a run that was cut short has left: its last checkpoint, the nodes that remain, and their interrupts."""
        ...


class Graphs(Protocol):
    """The graphs of langgraph.json."""

    def list(self) -> Sequence[GraphInfo]:
        """All graphs, in the order of the file."""
        ...

    async def draw(self, graph_id: str, xray: int) -> Drawing:
        """A graph's nodes and edges, with `xray` levels of subgraphs."""
        ...

    async def schemas(self, graph_id: str) -> Schemas:
        """A graph's JSON Schemas."""
        ...

    async def subgraphs(self, graph_id: str, namespace: str | None, recurse: bool) -> Sequence[SubgraphInfo]:
        """The graphs inside a graph."""
        ...


class States(Protocol):
    """The states that graphs have left on threads."""

    async def get(self, graph_id: str, thread_id: str, at: CheckpointRef, *, subgraphs: bool) -> ThreadState | None:
        """The state at a checkpoint; for the latest of a thread that has none, an empty one. None where the checkpoint is unknown."""
        ...

    async def update(
        self, graph_id: str, thread_id: str, at: CheckpointRef, values: JsonValue, as_node: str | None
    ) -> CheckpointRef:
        """Writes a change as if a node had returned it. Raises InvalidField for a node that the graph does not have."""
        ...

    async def history(
        self, graph_id: str, thread_id: str, *, ns: str, before: str | None, metadata: JsonObject, limit: int
    ) -> Sequence[ThreadState]:
        """Up to `limit` states older than the checkpoint `before`, the newest first."""
        ...
