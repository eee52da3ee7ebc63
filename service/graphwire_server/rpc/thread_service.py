"""ThreadService: threads over gRPC.

Owns which call of the core each RPC is.
"""

from collections.abc import Iterable
from dataclasses import replace

from graphwire.v1 import thread_pb2, thread_service_pb2
from graphwire.v1.json_pb2 import PAYLOAD_FORMAT_VALUE
from graphwire_server.core.extract import extract, narrowed
from graphwire_server.core.model import CheckpointRef, Thread, ThreadQuery, ThreadState
from graphwire_server.core.pruning import Pruning
from graphwire_server.core.spec import check_uuid
from graphwire_server.core.threads import Threads
from graphwire_server.rpc import pages, requests
from graphwire_server.rpc.answers import write_checkpoint_ref, write_state, write_thread
from graphwire_server.rpc.calls import Stream
from graphwire_server.rpc.json_carrier import Fill, fill_text, filler, parse, parse_object
from graphwire_server.rpc.supersteps import supersteps
from graphwire_server.rpc.ttl import strategy, ttl

_VIEWS = {
    thread_pb2.THREAD_VIEW_UNSPECIFIED: None,
    thread_pb2.THREAD_VIEW_BASIC: False,
    thread_pb2.THREAD_VIEW_FULL: True,
}


class ThreadService:
    """The RPCs of ThreadService.

    Args:
        threads: The threads of this server.
        pruning: Removes threads and old states.
    """

    def __init__(self, threads: Threads, pruning: Pruning) -> None:
        self._threads = threads
        self._pruning = pruning

    async def create_thread(
        self, request: thread_service_pb2.CreateThreadRequest
    ) -> thread_service_pb2.CreateThreadResponse:
        """Creates a thread."""
        thread = await self._threads.create(
            request.thread_id if request.HasField("thread_id") else None,
            parse_object("metadata", request.metadata) if request.HasField("metadata") else {},
            keep_existing=requests.choose("if_exists", requests.IF_EXISTS, request.if_exists),
            graph=request.graph_id if request.HasField("graph_id") else None,
            supersteps=supersteps(request.supersteps),
            ttl=ttl(request.ttl) if request.HasField("ttl") else None,
        )
        answer = thread_service_pb2.CreateThreadResponse()
        await self._write(answer.thread, thread, filler(request.payload_format), full=True)
        return answer

    async def get_thread(self, request: thread_service_pb2.GetThreadRequest) -> thread_service_pb2.GetThreadResponse:
        """Returns a thread."""
        full = requests.choose("view", _VIEWS, request.view) is not False
        thread = await self._threads.get(request.thread_id)
        answer = thread_service_pb2.GetThreadResponse()
        await self._write(answer.thread, thread, filler(request.payload_format), full=full)
        return answer

    async def update_thread(
        self, request: thread_service_pb2.UpdateThreadRequest
    ) -> thread_service_pb2.UpdateThreadResponse:
        """Changes a thread's metadata, and how long it lives."""
        metadata = parse_object("metadata", request.metadata) if request.HasField("metadata") else {}
        life = ttl(request.ttl) if request.HasField("ttl") else None
        thread = await self._threads.merge_metadata(request.thread_id, metadata, life)
        answer = thread_service_pb2.UpdateThreadResponse()
        await self._write(answer.thread, thread, filler(request.payload_format), full=False)
        return answer

    async def delete_thread(
        self, request: thread_service_pb2.DeleteThreadRequest
    ) -> thread_service_pb2.DeleteThreadResponse:
        """Deletes a thread."""
        await self._threads.delete(request.thread_id)
        return thread_service_pb2.DeleteThreadResponse()

    async def prune_threads(
        self, request: thread_service_pb2.PruneThreadsRequest
    ) -> thread_service_pb2.PruneThreadsResponse:
        """Deletes threads, or their old states."""
        pruned = await self._pruning.prune(request.thread_ids, strategy("strategy", request.strategy))
        return thread_service_pb2.PruneThreadsResponse(pruned_count=pruned.count, busy_thread_ids=pruned.busy)

    async def search_threads(
        self, request: thread_service_pb2.SearchThreadsRequest
    ) -> thread_service_pb2.SearchThreadsResponse:
        """Lists threads."""
        wanted = extract(request.extract)
        full = requests.choose("view", _VIEWS, request.view) is True
        page = pages.page(request.page_size, request.page_token)
        query = ThreadQuery(
            metadata=parse_object("metadata", request.metadata) if request.HasField("metadata") else {},
            status=requests.thread_status(request.status),
            thread_ids=tuple(request.thread_ids),
            values=parse_object("values", request.values) if request.HasField("values") else {},
        )
        found = await self._threads.search(query, page, requests.thread_sort(request.sort_by), request.ascending)
        answer = thread_service_pb2.SearchThreadsResponse(next_page_token=pages.next_token(page, len(found)))
        fill = filler(request.payload_format)
        for thread in found:
            values = await self._threads.values(thread) if full or wanted.of_values else None
            made = answer.threads.add()
            write_thread(made, thread, fill, values, full=full)
            for name, text in wanted.of(thread, values).items():
                fill(made.extracted[name], text)
        return answer

    async def count_threads(
        self, request: thread_service_pb2.CountThreadsRequest
    ) -> thread_service_pb2.CountThreadsResponse:
        """Counts threads."""
        query = ThreadQuery(
            metadata=parse_object("metadata", request.metadata) if request.HasField("metadata") else {},
            status=requests.thread_status(request.status),
            thread_ids=tuple(request.thread_ids),
            values=parse_object("values", request.values) if request.HasField("values") else {},
        )
        return thread_service_pb2.CountThreadsResponse(count=await self._threads.count(query))

    async def copy_thread(self, request: thread_service_pb2.CopyThreadRequest) -> thread_service_pb2.CopyThreadResponse:
        """Copies a thread."""
        thread = await self._threads.copy(request.thread_id)
        answer = thread_service_pb2.CopyThreadResponse()
        await self._write(answer.thread, thread, filler(request.payload_format), full=True)
        return answer

    async def get_thread_state(
        self, request: thread_service_pb2.GetThreadStateRequest
    ) -> thread_service_pb2.GetThreadStateResponse:
        """Returns a thread's state."""
        at = requests.checkpoint_ref(request, request.thread_id) or CheckpointRef()
        state = await self._threads.state(request.thread_id, at, subgraphs=request.subgraphs)
        answer = thread_service_pb2.GetThreadStateResponse()
        write_state(answer.state, _with(state, request.value_keys), request.thread_id, filler(request.payload_format))
        return answer

    async def update_thread_state(
        self, request: thread_service_pb2.UpdateThreadStateRequest
    ) -> thread_service_pb2.UpdateThreadStateResponse:
        """Changes a thread's state."""
        at = requests.checkpoint_ref(request, request.thread_id) or CheckpointRef()
        values = parse("values", request.values) if request.HasField("values") else None
        as_node = request.as_node if request.HasField("as_node") else None
        made = await self._threads.update_state(request.thread_id, at, values, as_node)
        answer = thread_service_pb2.UpdateThreadStateResponse()
        write_checkpoint_ref(answer.checkpoint, made, request.thread_id, fill_text)
        return answer

    async def list_thread_history(
        self, request: thread_service_pb2.ListThreadHistoryRequest
    ) -> thread_service_pb2.ListThreadHistoryResponse:
        """Lists the states that a thread has had. A page's token is the last checkpoint on it."""
        limit = pages.page_limit(request.page_size)
        before = (
            check_uuid("before_checkpoint_id", request.before_checkpoint_id)
            if request.HasField("before_checkpoint_id")
            else None
        )
        states = await self._threads.history(
            request.thread_id,
            ns=request.checkpoint_ns,
            before=pages.page_start(request.page_token) if request.page_token else before,
            metadata=parse_object("metadata", request.metadata) if request.HasField("metadata") else {},
            limit=limit,
        )
        answer = thread_service_pb2.ListThreadHistoryResponse()
        for state in states:
            shown = _with(state, request.value_keys)
            write_state(answer.states.add(), shown, request.thread_id, filler(request.payload_format))
        last = states[-1].checkpoint if len(states) == limit else None
        answer.next_page_token = (last and last.checkpoint_id) or ""
        return answer

    async def watch_thread(self, request: thread_service_pb2.WatchThreadRequest, stream: Stream) -> None:
        """Streams all runs of a thread."""
        wanted = requests.event_filter(request.filter)
        after = request.after_seq if request.HasField("after_seq") else None
        async with self._threads.watch(request.thread_id, after, wanted) as (thread, batches):
            await stream.announce(thread.thread_id, None, batches.after_seq)
            await stream.pump(batches, as_values=request.payload_format == PAYLOAD_FORMAT_VALUE)

    async def _write(self, made: thread_pb2.Thread, thread: Thread, fill: Fill, *, full: bool) -> None:
        values = await self._threads.values(thread) if full else None
        write_thread(made, thread, fill, values, full=full)


def _with(state: ThreadState, keys: Iterable[str]) -> ThreadState:
    """A state with some of the keys of its values; all, where none are named."""
    wanted = frozenset(keys)
    return replace(state, values=narrowed(state.values, wanted)) if wanted else state
