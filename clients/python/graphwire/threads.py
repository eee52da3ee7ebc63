"""Threads, their states, their history, and what happens on them.

Owns the calls of the thread service. Lists are async iterators that fetch page after page: stop when you have enough.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from graphwire._requests import chosen, event_filter, names, optional_json, superstep, time_to_live
from graphwire._route import JoinRoute
from graphwire.channel import Wire
from graphwire.options import Filter, Names, PayloadFormat, StateUpdate
from graphwire.state import Checkpoint, Thread, ThreadState, Ttl
from graphwire.stream import ThreadStream
from graphwire.v1 import thread_service_pb2 as pb

Status = Literal["idle", "busy", "interrupted", "error"]
Sort = Literal["update_time", "create_time", "thread_id", "status", "state_update_time"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was pruned.

    Args:
        count: How many threads were.
        busy_thread_ids: Those that were not, since a run is on them.
    """

    count: int
    busy_thread_ids: tuple[str, ...]


class Threads:
    """The calls of `client.threads`. All of them raise `GraphwireError`: `NotFound` for a thread that does not exist."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def create(
        self,
        *,
        thread_id: str | None = None,
        metadata: object = None,
        if_exists: Literal["reject", "keep"] | None = None,
        graph_id: str | None = None,
        supersteps: Iterable[Iterable[StateUpdate]] = (),
        ttl: Ttl | None = None,
    ) -> Thread:
        """Creates a thread.

        Args:
            thread_id: Its id: a UUID. Default: the server chooses.
            metadata: A JSON object. Default: empty.
            if_exists: What happens when the id is taken. Default: reject, with `AlreadyExists`.
            graph_id: The graph that will run on it, so that its state can be edited before its first run.
            supersteps: What its state begins with, for threads that come from elsewhere: for each superstep the changes of its nodes, written as one
                checkpoint. They need `graph_id`. Where one cannot be written, `InvalidArgument` names it and there is no thread. Default: none.
            ttl: How long it lives. Default: the server's, which is for ever unless its langgraph.json says otherwise.

        Raises:
            TypeError: JSON has no form for a value.
            ValueError: Likewise, or a value of an option is not one of its names.
        """
        request = pb.CreateThreadRequest(
            thread_id=thread_id,
            metadata=optional_json(metadata, "metadata"),
            if_exists=chosen(if_exists, "if_exists"),
            graph_id=graph_id,
            supersteps=[superstep(updates, f"supersteps[{index}]") for index, updates in enumerate(supersteps)],
            ttl=time_to_live(ttl),
        )
        return Thread.read((await self._wire.call(self._wire.threads.CreateThread, request)).thread)

    async def get(self, thread_id: str) -> Thread:
        """A thread, with its values and interrupts."""
        request = pb.GetThreadRequest(thread_id=thread_id)
        return Thread.read((await self._wire.call(self._wire.threads.GetThread, request)).thread)

    async def update(self, thread_id: str, *, metadata: object = None, ttl: Ttl | None = None) -> Thread:
        """Merges metadata into a thread's, key by key, says how long it lives from now on, and returns the thread without its values. What is left
        out stays as it is; a `Ttl` of 0 is for ever.
        """
        request = pb.UpdateThreadRequest(
            thread_id=thread_id, metadata=optional_json(metadata, "metadata"), ttl=time_to_live(ttl)
        )
        return Thread.read((await self._wire.call(self._wire.threads.UpdateThread, request)).thread)

    async def delete(self, thread_id: str) -> None:
        """Deletes a thread with its runs and checkpoints. One on which a run executes or waits raises `FailedPrecondition`."""
        await self._wire.call(self._wire.threads.DeleteThread, pb.DeleteThreadRequest(thread_id=thread_id))

    async def prune(self, thread_ids: Names, *, strategy: Literal["delete", "keep_latest"] | None = None) -> Pruned:
        """Deletes several threads, or all their states but the latest. Those that do not exist are passed over.

        Args:
            thread_ids: The threads: 1 to 1000 UUIDs.
            strategy: `keep_latest` leaves each thread with its latest state, and what waits for an answer. Default: `delete`.
        """
        request = pb.PruneThreadsRequest(thread_ids=names(thread_ids), strategy=chosen(strategy, "strategy"))
        answer = await self._wire.call(self._wire.threads.PruneThreads, request)
        return Pruned(count=answer.pruned_count, busy_thread_ids=tuple(answer.busy_thread_ids))

    async def copy(self, thread_id: str) -> Thread:
        """Creates a thread with a copy of another's metadata, state and history, and returns it; runs are not copied.

        A busy thread is copied as well: the copy is idle, and has what is stored of the run at that moment. What happens on either thread afterwards
        does not touch the other.
        """
        request = pb.CopyThreadRequest(thread_id=thread_id)
        return Thread.read((await self._wire.call(self._wire.threads.CopyThread, request)).thread)

    def watch(
        self,
        thread_id: str,
        *,
        after_seq: int | None = None,
        filter: Filter | None = None,  # noqa: A002  the name that the API uses
        payload_format: PayloadFormat | None = None,
    ) -> ThreadStream:
        """Attaches to a thread: what all its runs do from now on or, with a cursor, from there. It stays open between runs.

        A call that breaks is made again from where the stream is, for as long as the client's `patience` lasts.

        Args:
            thread_id: The thread: a UUID. When it is deleted, the stream raises `NotFound`.
            after_seq: The cursor: the `last_seq` of the stream that was left. 0 means from the thread's first event. None means from now on. One
                that is no longer held raises `CursorExpired`.
            filter: Which events are delivered. Default: all.
            payload_format: As in `StreamOptions`.

        Returns:
            The stream. The call starts when the stream is entered, or when its first event is asked for.
        """
        request = pb.WatchThreadRequest(
            thread_id=thread_id,
            after_seq=after_seq,
            filter=event_filter(filter),
            payload_format=chosen(payload_format, "payload_format"),
        )
        return ThreadStream(self._wire, JoinRoute(self._wire, request))

    async def search(
        self,
        *,
        metadata: object = None,
        values: object = None,
        status: Status | None = None,
        thread_ids: Names = (),
        sort_by: Sort | None = None,
        ascending: bool = False,
        view: Literal["basic", "full"] | None = None,
        extract: Mapping[str, str] | None = None,
        page_size: int = 100,
    ) -> AsyncIterator[Thread]:
        """The threads that match, page after page.

        Args:
            metadata: Only threads whose metadata has all these keys with these values.
            values: Only threads whose latest state has all these keys with these values.
            status: Only threads in this status.
            thread_ids: Only these, at most 1000.
            sort_by: Default: update_time.
            ascending: Whether the smallest comes first. Default: the largest or newest first.
            view: `full` has values and interrupts, and costs a read of each state. Default: basic.
            extract: Parts of each, in its `extracted`: paths such as `values.messages[-1].content` by names of your choice, at most 10.
            page_size: How many each call fetches: 1 to 1000.
        """
        request = pb.SearchThreadsRequest(
            metadata=optional_json(metadata, "metadata"),
            values=optional_json(values, "values"),
            status=chosen(status, "thread_status"),
            thread_ids=names(thread_ids),
            sort_by=chosen(sort_by, "sort_by"),
            ascending=ascending,
            view=chosen(view, "view"),
            extract=extract,
            page_size=page_size,
        )
        while True:
            page = await self._wire.call(self._wire.threads.SearchThreads, request)
            for thread in page.threads:
                yield Thread.read(thread)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def count(
        self, *, metadata: object = None, values: object = None, status: Status | None = None, thread_ids: Names = ()
    ) -> int:
        """How many threads match, as in `search`."""
        request = pb.CountThreadsRequest(
            metadata=optional_json(metadata, "metadata"),
            values=optional_json(values, "values"),
            status=chosen(status, "thread_status"),
            thread_ids=names(thread_ids),
        )
        return (await self._wire.call(self._wire.threads.CountThreads, request)).count

    async def state(
        self,
        thread_id: str,
        *,
        checkpoint_id: str | None = None,
        checkpoint: Checkpoint | None = None,
        subgraphs: bool = False,
        value_keys: Names = (),
    ) -> ThreadState:
        """A thread's state, now or at a checkpoint.

        Args:
            thread_id: The thread: a UUID.
            checkpoint_id: The checkpoint: a UUID. Default: the latest.
            checkpoint: The checkpoint, where it is a subgraph's.
            subgraphs: Whether tasks carry the states of their subgraphs.
            value_keys: Only these keys of the values. Default: all.
        """
        request = pb.GetThreadStateRequest(
            thread_id=thread_id,
            checkpoint_id=checkpoint_id,
            checkpoint=checkpoint.write() if checkpoint else None,
            subgraphs=subgraphs,
            value_keys=names(value_keys),
        )
        return ThreadState.read((await self._wire.call(self._wire.threads.GetThreadState, request)).state)

    async def update_state(
        self,
        thread_id: str,
        values: object = None,
        *,
        as_node: str | None = None,
        checkpoint_id: str | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Checkpoint:
        """Changes a thread's state, as if a node had returned the change, and returns the new checkpoint.

        Args:
            thread_id: The thread: a UUID. A busy one raises `FailedPrecondition`.
            values: The change. None means none: then only `as_node` counts.
            as_node: The node that seems to have returned it; what follows it runs next. Default: the last node that ran.
            checkpoint_id: The checkpoint to change from: a UUID. Default: the latest.
            checkpoint: The checkpoint to change from, where it is a subgraph's.
        """
        request = pb.UpdateThreadStateRequest(
            thread_id=thread_id,
            values=optional_json(values, "values"),
            as_node=as_node,
            checkpoint_id=checkpoint_id,
            checkpoint=checkpoint.write() if checkpoint else None,
        )
        return Checkpoint.read((await self._wire.call(self._wire.threads.UpdateThreadState, request)).checkpoint)

    async def history(
        self,
        thread_id: str,
        *,
        before: str | None = None,
        metadata: object = None,
        checkpoint_ns: str = "",
        value_keys: Names = (),
        page_size: int = 100,
    ) -> AsyncIterator[ThreadState]:
        """The states that a thread has had, the newest first, page after page.

        Args:
            thread_id: The thread: a UUID.
            before: Only states older than this checkpoint: a UUID.
            metadata: Only states whose metadata has all these keys with these values.
            checkpoint_ns: The namespace of a subgraph. Default: the root graph.
            value_keys: Only these keys of the values of each. Default: all.
            page_size: How many each call fetches: 1 to 1000.
        """
        request = pb.ListThreadHistoryRequest(
            thread_id=thread_id,
            before_checkpoint_id=before,
            metadata=optional_json(metadata, "metadata"),
            checkpoint_ns=checkpoint_ns,
            value_keys=names(value_keys),
            page_size=page_size,
        )
        while True:
            page = await self._wire.call(self._wire.threads.ListThreadHistory, request)
            for state in page.states:
                yield ThreadState.read(state)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token
