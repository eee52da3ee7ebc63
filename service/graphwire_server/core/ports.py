"""What the core needs from the other layers, as protocols.

Owns the shape of the store, the log, the graphs and the executor. Each is implemented once or more elsewhere and joined in
`app.py`. Errors that cross a port are those of `core/errors.py`.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from graphwire_server.core.batch import Batch
from graphwire_server.core.cron import Claim
from graphwire_server.core.events import Event, Payload
from graphwire_server.core.model import (
    Admitted,
    Assistant,
    CancelAction,
    CheckpointRef,
    Drawing,
    GraphInfo,
    JsonObject,
    JsonValue,
    Outcome,
    Page,
    RequestKey,
    Run,
    RunStatus,
    Schemas,
    StateUpdate,
    SubgraphInfo,
    TaskInterrupts,
    Thread,
    ThreadQuery,
    ThreadSort,
    ThreadState,
    ThreadStatus,
)
from graphwire_server.core.ttl import Ttl

Clock = Callable[[], datetime]
"""The time, in UTC."""

NewId = Callable[[], str]
"""A new UUID of version 7, so that ids sort by creation (wire fact 80)."""


class Alarm(Protocol):
    """Something that will be done at its time."""

    def cancel(self) -> None:
        """Sees to it that it is not. Nothing happens where it was done."""
        ...


class Later(Protocol):
    """Does something later, on the event loop. asyncio's `call_later` is one; tests have one that they move by hand."""

    def __call__(self, delay: timedelta, act: Callable[[], object]) -> Alarm:
        """Sets an alarm. A delay of 0 or less is as soon as the loop comes to it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ended, and what it leaves: written in one transaction.

    Attributes:
        run: The run, with its outcome. Its `last_seq` is 0 where it never started; `number_end` says it later.
        thread_status: What its thread becomes where no other run is on it.
        rolled_back: Whether the run's own row goes.
        leaves_nothing: Whether its thread goes with it, and all that it has.
        events: The last events of the run, where they are to be kept: as its own, or between those of another run that goes on later.
        kept_until: Until when its own are.
    """

    run: Run
    thread_status: ThreadStatus
    rolled_back: bool = False
    leaves_nothing: bool = False
    events: tuple[Event, ...] = ()
    kept_until: datetime | None = None


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

    async def merge_metadata(
        self, thread_id: str, metadata: JsonObject, now: datetime, ttl: Ttl | None = None
    ) -> Thread:
        """Merges metadata key by key, changes the time to live where one is given, and returns the thread after it. Raises ThreadNotFound."""
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

    async def admit_run(
        self,
        run: Run,
        *,
        create_thread: bool,
        may_start: bool,
        seq_block: int,
        key: RequestKey | None = None,
        claim: Claim | None = None,
    ) -> Admitted:
        """Adds a run: running where it may start and nothing is before it on its thread, else pending. Decided atomically, with what its strategy does to
        the runs that it meets.

        The thread becomes busy and takes the run's graph and assistant into its columns and its metadata, and the run inherits the metadata that the thread has
        beside those (wire fact 75). A run that starts clears the
        thread's error and interrupts, gives it its config, gets `started_at` and `first_seq`, one above the thread's numbers, and raises the thread's `reserved_seq` by
        `seq_block`. Runs that its strategy stops get `cancel`, which is durable when this returns; stopping them is the caller's matter.

        Args:
            run: The run, with status running.
            create_thread: Whether a missing thread is created; its creation time is the run's, its time to live the store's default.
            may_start: Whether this process executes it at once.
            seq_block: How many event numbers are reserved.
            key: The caller's key. Where it is known and has not expired, nothing is added and the run of the first request is returned.
            claim: The firing of a cron that the run is made for, which is taken with it.

        Raises:
            FiringTaken: The firing is no longer to be had.
            ThreadNotFound: The thread is missing and is not to be created.
            ThreadBusy: Another run is on the thread, and the run's strategy is to be refused then.
            RequestReused: The key belongs to another request.
            RunNotFound: The key belongs to a run that is gone.
        """
        ...

    async def start_next(self, thread_id: str, *, seq_block: int, now: datetime) -> Run | None:
        """Starts a pending run of a thread on which none is running, as `admit_run` would have: one that was given back, else the oldest that is due and
        that nobody has asked to stop. A run that was started before gets `attempt` raised. None where there is none.
        """
        ...

    async def request_cancel(self, run_id: str, action: CancelAction) -> Run | None:
        """Writes that a run is to stop, unless it has ended; a rollback that was asked for stays one. Returns the run after it, or None."""
        ...

    async def release_run(self, run: Run, last_seq: int, *, lost: bool, now: datetime) -> Run | None:
        """Gives a running run back: pending again, and the thread's numbers set to `last_seq`. With `lost` its `losses` are raised. Returns the run after it;
        None where it is not running at this attempt.
        """
        ...

    async def undo_run(self, run: Run) -> None:
        """Removes the checkpoints that a run has made, and takes back what it has written on top of earlier ones. Once is as good as twice."""
        ...

    async def reserve(self, thread_id: str, last_seq: int) -> None:
        """Raises the thread's `reserved_seq` to a number; never lowers it."""
        ...

    async def number_end(self, run: Run, last_seq: int) -> None:
        """Records the number of the terminal event of a run that never started, on the run, where it is there, and on its thread."""
        ...

    async def finish_run(self, ending: Ending) -> bool:
        """Writes how a run ended, and what it leaves on its thread: status, interrupts, error text, and the exact `last_seq`.

        The thread stays busy where other runs are pending on it.

        Returns:
            Whether it was written. Nothing is where the run has ended, is gone or is at another attempt; and where a rollback was asked for, which the
            ending does not do: another caller may have asked in the same moment, and was told that it will be.
        """
        ...

    async def find_request(self, key: RequestKey) -> Run | None:
        """The run of an earlier request with the same key, None where there is none. Raises RequestReused and RunNotFound as `admit_run` does."""
        ...

    async def get_run(self, run_id: str) -> Run | None:
        """The run, or None."""
        ...

    async def list_runs(self, thread_id: str, status: RunStatus | None, page: Page) -> list[Run]:
        """A page of a thread's runs, the newest first. An unknown thread has none."""
        ...

    async def delete_run(self, run_id: str) -> None:
        """Deletes a run that has ended, and its events that are kept; nothing happens where there is none. Raises RunActive."""
        ...

    async def unfinished_runs(self) -> list[Run]:
        """All runs that have not ended, the oldest first: after a restart, those that a dead process left."""
        ...

    async def ended_runs(self) -> list[Run]:
        """All runs that have ended, in the order in which they did. For a store of stateless runs, which keeps few of them."""
        ...

    async def unnumbered_runs(self) -> list[Run]:
        """All runs that have ended and whose terminal event has no number: their process died before `number_end`."""
        ...

    async def kept_end(self, run: Run) -> int:
        """The number under which the terminal event of a run is kept; 0 where it is not."""
        ...

    async def keep_events(self, thread_id: str, events: Sequence[Event], *, drop_through: int = 0) -> None:
        """Adds events of a thread to those that are kept, behind all that are there, and drops those up to a number, that one included."""
        ...

    async def kept_events(self, thread_id: str, after_seq: int, max_bytes: int) -> Sequence[Event]:
        """Kept events behind a cursor, consecutive from `after_seq` + 1: about as many as weigh `max_bytes`, at least one; none where that one is not kept."""
        ...

    async def newest_kept(self, thread_id: str) -> int:
        """The highest number of a thread's kept events; 0 where none are."""
        ...

    async def expire(self, now: datetime) -> datetime | None:
        """Drops kept events of ended runs, and request keys, whose time has passed: a part of them at a time. Returns when to call again; None where nothing
        is left that will ever expire.
        """
        ...


class ThreadLog(Protocol):
    """The events of one thread that are held in memory.

    Events are appended by one run at a time and read by any number of readers. Nothing here waits for a reader. Events may be held back from readers until
    they are kept elsewhere; then `given_seq` is ahead of `newest_seq`.
    """

    @property
    def oldest_seq(self) -> int:
        """The lowest number that is held; one above `newest_seq` where nothing is."""
        ...

    @property
    def newest_seq(self) -> int:
        """The highest number that readers can see."""
        ...

    @property
    def given_seq(self) -> int:
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

    def hold_back(self, told: Callable[[], None] | None) -> None:
        """Shows readers what is appended from now on only when it is published; `told` is called for each event. None ends that, and publishes the rest."""
        ...

    def waiting(self, after_seq: int, max_bytes: int) -> Sequence[Event]:
        """Events behind a number, also those that readers do not see yet: as many as weigh `max_bytes`, at least one where there is one."""
        ...

    def publish(self, through_seq: int) -> None:
        """Shows readers the events up to a number, and wakes them."""
        ...

    def read(self, after_seq: int, max_bytes: int) -> Batch:
        """Events behind a cursor that readers may see, in order: as many as weigh `max_bytes`, at least one where there is one. Readers at the same place get the same
        batch.

        Raises:
            CursorExpired: The next event is no longer held.
        """
        ...

    async def wait(self, after_seq: int, *, at_once: bool = False) -> None:
        """Returns when an event behind the cursor is there for readers, at a lull of the loop: what is appended until then can be read with it. Cancelling it
        costs nothing.

        Args:
            after_seq: The cursor.
            at_once: Whether to return at once where one is there already, unless others wait for the lull too: a stream begins.

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

    def drain(self, busy: Callable[[str], bool]) -> None:
        """The server stops: readers wait for no more on threads on which nothing executes, as `busy` says. Those of other threads read on until `idle`."""
        ...

    def idle(self, thread_id: str) -> None:
        """Nothing executes on a thread any more. Where the server stops, its readers wait for no more."""
        ...


Append = Callable[[tuple[str, ...], Payload, int], None]
"""How the engine reports what a run does: namespace, payload, and about how many bytes it weighs."""


class Room(Protocol):
    """Room for more events. Only what must be kept before it is seen can be short of it; readers never are the reason."""

    @property
    def full(self) -> bool:
        """Whether there is none. Cheap enough to be asked often."""
        ...

    async def wait(self) -> None:
        """Returns when there is some; at once where there is. Cancelling it costs nothing."""
        ...


class Executor(Protocol):
    """Executes one run."""

    async def execute(self, run: Run, append: Append, *, goes_on: bool = False, room: Room | None = None) -> Outcome:
        """Runs the graph to its end and appends its events, without the metadata and the terminal event.

        A graph that fails is an outcome, not an exception; its error event is appended. Checkpoints are readable when this returns.
        Cancelling it stops the graph at its next await and raises CancelledError when the graph has stopped.

        Args:
            run: The run.
            append: Takes its events.
            goes_on: Whether it goes on from the last checkpoint that an earlier attempt has left, instead of beginning with its request.
            room: Waited for between events where there is none left; None is never short.
        """
        ...

    async def has_begun(self, run: Run) -> bool:
        """Whether an earlier attempt at the run has left a checkpoint to go on from."""
        ...

    async def stopped_at(self, run: Run) -> Outcome:
        """What a run that was cut short has left: its thread's last checkpoint, the nodes that remain, their interrupts, and the nodes that linger."""
        ...


class Graphs(Protocol):
    """The graphs of langgraph.json. A factory gets the assistant's configuration. All but `list` raise GraphNotFound for a graph that is not there."""

    def list(self) -> Sequence[GraphInfo]:
        """All graphs, in the order of the file."""
        ...

    async def draw(self, assistant: Assistant, xray: int) -> Drawing:
        """The nodes and edges of an assistant's graph, with `xray` levels of subgraphs."""
        ...

    async def schemas(self, assistant: Assistant) -> Schemas:
        """The JSON Schemas of an assistant's graph."""
        ...

    async def subgraphs(self, assistant: Assistant, namespace: str | None, recurse: bool) -> Sequence[SubgraphInfo]:
        """The graphs inside an assistant's graph."""
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

    async def bulk_update(
        self, graph_id: str, thread_id: str, supersteps: Sequence[Sequence[StateUpdate]]
    ) -> CheckpointRef:
        """Writes several supersteps, each with its changes, as if nodes had returned them. All or none. Raises InvalidField."""
        ...

    async def history(
        self, graph_id: str, thread_id: str, *, ns: str, before: str | None, metadata: JsonObject, limit: int
    ) -> Sequence[ThreadState]:
        """Up to `limit` states older than the checkpoint `before`, the newest first."""
        ...
