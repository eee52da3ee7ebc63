"""Threads over HTTP.

Owns which call of the core each route of threads is.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from graphwire_server.core.assistants import Assistants
from graphwire_server.core.errors import AssistantNotFound, CursorExpired, GraphNotFound
from graphwire_server.core.extract import Extract, extract
from graphwire_server.core.follow import EVERYTHING, Filter
from graphwire_server.core.model import CheckpointRef, Thread
from graphwire_server.core.pruning import Pruning
from graphwire_server.core.spec import check_uuid
from graphwire_server.core.streams import Streams
from graphwire_server.core.threads import Threads
from graphwire_server.core.ttl import TtlStrategy
from graphwire_server.rest import answers
from graphwire_server.rest.calls import Answer, Call, Reply
from graphwire_server.rest.cursor import named, thread_cursor
from graphwire_server.rest.event_stream import EventStream, Source
from graphwire_server.rest.state_selection import StateSelection, selection
from graphwire_server.rest.thread_requests import (
    CheckpointStateBody,
    HistoryBody,
    HistoryQuery,
    PruneBody,
    StateBody,
    ThreadBody,
    ThreadPatch,
    ThreadSearchBody,
    life,
    words,
)

_LIFECYCLE = Filter(modes=frozenset({"metadata"}))
"""Starts and ends of runs alone: these pass every filter, and no mode is called so."""


class ThreadRoutes:
    """The operations of threads.

    Args:
        threads: The threads of this server.
        pruning: Removes threads and old states.
        assistants: The assistants, for threads that name their graph.
        streams: The answers that last and are open.
    """

    def __init__(self, threads: Threads, pruning: Pruning, assistants: Assistants, streams: Streams) -> None:
        self._threads = threads
        self._pruning = pruning
        self._assistants = assistants
        self._streams = streams

    async def create(self, call: Call) -> Reply:
        """Creates a thread."""
        body: ThreadBody = call.body
        thread = await self._threads.create(
            body.thread_id,
            body.metadata or {},
            keep_existing=body.if_exists == "do_nothing",
            graph=await self._known(body.graph),
            supersteps=body.history,
            ttl=life(body.ttl),
        )
        return await self._answer(thread)

    async def get(self, call: Call) -> Reply:
        """Returns a thread."""
        with_ttl = call.query.with_ttl()
        thread = await self._threads.get(call.path["thread_id"])
        shown = await self._listed(thread, None)
        return Answer(value={**shown, "ttl": answers.ttl_json(thread)} if with_ttl else shown)

    async def patch(self, call: Call) -> Reply:
        """Changes a thread's metadata, and how long it lives."""
        body: ThreadPatch = call.body
        thread = await self._threads.merge_metadata(call.path["thread_id"], body.metadata or {}, life(body.ttl))
        if "return=minimal" in (call.header("prefer") or ""):  # wire fact 79
            return Answer(status=204, empty=True)
        return await self._answer(thread)

    async def delete(self, call: Call) -> Reply:
        """Deletes a thread."""
        await self._threads.delete(call.path["thread_id"])
        return Answer(status=204, empty=True)

    async def prune(self, call: Call) -> Reply:
        """Deletes threads, or their old states."""
        body: PruneBody = call.body
        pruned = await self._pruning.prune(body.thread_ids, TtlStrategy(body.strategy))
        return Answer(value={"pruned_count": pruned.count, "busy_thread_ids": list(pruned.busy)})

    async def search(self, call: Call) -> Reply:
        """Lists threads."""
        body: ThreadSearchBody = call.body
        wanted = extract(body.extract or {})
        found = await self._threads.search(body.query(), body.page, body.sort, body.sort_order == "asc")
        listed = [await self._listed(thread, body.select, wanted) for thread in found[: body.limit]]
        return Answer(value=listed, headers=pagination(body.offset, body.limit, len(found)))

    async def count(self, call: Call) -> Reply:
        """Counts threads."""
        return Answer(value=await self._threads.count(call.body.query()))

    async def copy(self, call: Call) -> Reply:
        """Copies a thread with its states."""
        return await self._answer(await self._threads.copy(call.path["thread_id"]))

    async def state(self, call: Call) -> Reply:
        """Returns a thread's state, now or at a checkpoint."""
        at = call.path.get("checkpoint_id")
        reference = CheckpointRef(checkpoint_id=None if at is None else check_uuid("checkpoint_id", at))
        chosen = selection(sorted(words(call.query.select)))
        return await self._state(call.path["thread_id"], reference, call.query.subgraphs, chosen)

    async def state_at(self, call: Call) -> Reply:
        """Returns a thread's state at a checkpoint of any namespace."""
        body: CheckpointStateBody = call.body
        thread_id = call.path["thread_id"]
        return await self._state(
            thread_id, body.checkpoint.reference(thread_id), body.subgraphs, selection(body.select or ())
        )

    async def update_state(self, call: Call) -> Reply:
        """Changes a thread's state."""
        body: StateBody = call.body
        thread_id = call.path["thread_id"]
        made = await self._threads.update_state(thread_id, body.at(thread_id), body.values, body.as_node)
        return Answer(value=answers.written_json(made, thread_id))

    async def history(self, call: Call) -> Reply:
        """Lists the states that a thread has had, the newest first."""
        asked: HistoryBody | HistoryQuery = call.query if call.body is None else call.body
        thread_id = call.path["thread_id"]
        ns, metadata = "", {}
        chosen = selection(asked.select or () if isinstance(asked, HistoryBody) else sorted(words(asked.select)))
        if isinstance(asked, HistoryBody):
            ns = (asked.checkpoint and asked.checkpoint.checkpoint_ns) or ""
            metadata = asked.metadata or {}
        found = await self._threads.history(
            thread_id, ns=ns, before=asked.before_id(thread_id), metadata=metadata, limit=asked.limit
        )
        return Answer(value=[chosen.of(state, thread_id) for state in found])

    async def watch(self, call: Call) -> Reply:
        """Streams all runs of a thread, and stays open between them (wire facts 41 to 44)."""
        wanted = _LIFECYCLE if call.query.lifecycle_only() else EVERYTHING
        thread_id = check_uuid("thread_id", call.path["thread_id"])
        return EventStream(self._watching(thread_id, thread_cursor(call), wanted), self._streams)

    @asynccontextmanager
    async def _watching(self, thread_id: str, after_seq: int | None, wanted: Filter) -> AsyncIterator[Source]:
        async with AsyncExitStack() as stack:
            try:
                watch = self._threads.watch(thread_id, after_seq, wanted)
                with named():
                    _, batches = await stack.enter_async_context(watch)
            except CursorExpired as expired:
                if after_seq != 0:
                    raise
                # All that is held was asked for, and the oldest events are no longer.
                watch = self._threads.watch(thread_id, expired.oldest_seq - 1, wanted)
                _, batches = await stack.enter_async_context(watch)
            yield Source(batches=batches, watched=True)

    async def _known(self, graph: str | None) -> str | None:
        """The graph that the metadata names, where there is one of that name: metadata is the caller's and may say anything."""
        if graph is None:
            return None
        try:
            await self._assistants.runnable(graph)
        except (AssistantNotFound, GraphNotFound):
            return None
        return graph

    async def _answer(self, thread: Thread) -> Reply:
        return Answer(value=await self._listed(thread, None))

    async def _listed(
        self, thread: Thread, select: Sequence[str] | None, wanted: Extract | None = None
    ) -> answers.Json:
        needed = not select or "values" in select or (wanted is not None and wanted.of_values)
        values = await self._threads.values(thread) if needed else None
        shown = answers.selected(answers.thread_json(thread, values), select)
        return {**shown, "extracted": answers.texts(wanted.of(thread, values))} if wanted else shown

    async def _state(self, thread_id: str, at: CheckpointRef, subgraphs: bool, chosen: StateSelection) -> Reply:
        state = await self._threads.state(thread_id, at, subgraphs=subgraphs)
        return Answer(value=chosen.of(state, thread_id))


def pagination(offset: int, limit: int, found: int) -> list[tuple[str, str]]:
    """The headers of a page, from how many rows were found when one more than the page was asked for (wire fact 83)."""
    if found <= limit:
        return [("x-pagination-total", str(offset + found))]
    following = offset + limit
    return [("x-pagination-total", str(following + 1)), ("x-pagination-next", str(following))]
