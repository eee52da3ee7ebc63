"""The language of the table over gRPC.

Owns which RPC each call is, and how an error of gRPC becomes a refusal.
"""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message

from graphwire.errors import from_rpc
from graphwire.v1 import assistant_service_pb2 as assistants
from graphwire.v1 import cron_service_pb2 as crons
from graphwire.v1 import run_service_pb2 as runs
from graphwire.v1 import store_service_pb2 as store
from graphwire.v1 import thread_service_pb2 as threads
from graphwire.v1.event_pb2 import StreamEvent
from graphwire.v1.thread_pb2 import THREAD_VIEW_FULL
from tests.parity import resources
from tests.parity.face import Json, Reading, Refused
from tests.parity.fields import NAMES, filled
from tests.support.passing import Time
from tests.support.serving import Server

M = TypeVar("M", bound=Message)


@contextmanager
def _refusing() -> Any:
    try:
        yield
    except grpc.aio.AioRpcError as error:
        known = from_rpc(error)
        for violation in known.field_violations:
            assert violation.field == known.metadata["field"]
        raise Refused(known.reason, known.code.name, known.message, dict(known.metadata)) from None


class GrpcStream:
    """An open stream (protocol `Open`)."""

    def __init__(self, call: Any, heads: Mapping[str, str]) -> None:
        self.run_id = heads.get("graphwire-run-id", "")
        self.thread_id = heads.get("graphwire-thread-id", "")
        self._call = call

    async def rest(self) -> Reading:
        """All that is left, to its end."""
        with _refusing():
            found = [event async for message in self._call for event in message.events]
        return Reading(run_id=self.run_id, thread_id=self.thread_id, events=found)

    async def until_ended(self, runs: int) -> Reading:
        """What comes until so many runs have ended."""
        found: list[StreamEvent] = []
        with _refusing():
            async for message in self._call:
                found += message.events
                if sum(event.HasField("end") for event in found) >= runs:
                    break
        return Reading(run_id=self.run_id, thread_id=self.thread_id, events=found)


class GrpcFace:
    """The calls over gRPC (protocol `Face`).

    Args:
        server: The server.
        time: Its time.
        metadata: What every call carries, such as a key.
    """

    name = "grpc"

    def __init__(self, server: Server, time: Time, metadata: Sequence[tuple[str, str]] = ()) -> None:
        self.time = time
        self._runs, self._threads, self._assistants = server.runs, server.threads, server.assistants
        self._store = server.store
        self._crons = server.crons
        self._metadata = tuple(metadata)

    async def _ask(self, method: Callable[..., Awaitable[Any]], request: Message) -> Any:
        with _refusing():
            return await method(request, metadata=self._metadata)

    @asynccontextmanager
    async def _open(self, method: Callable[..., Any], request: Message) -> AsyncIterator[GrpcStream]:
        call = method(request, metadata=self._metadata)
        try:
            with _refusing():
                heads = {key: str(value) for key, value in await call.initial_metadata() or ()}
                if not heads.get("graphwire-thread-id"):  # refused before it began; reading tells why
                    await call.read()
            yield GrpcStream(call, heads)
        finally:
            call.cancel()

    def opening(self, assistant: str, thread_id: str | None = None, **body: Json) -> Any:
        """Creates a run and attaches to it."""
        request = filled(runs.StreamRunRequest(assistant_id=assistant), {"thread_id": thread_id, **body})
        return self._open(self._runs.StreamRun, request)

    def joining(self, run_id: str, thread_id: str | None = None, after: int | None = None, **wanted: Json) -> Any:
        """Attaches to a run."""
        body = {"thread_id": thread_id, "after_seq": after, "filter": wanted or None}
        return self._open(self._runs.JoinRun, filled(runs.JoinRunRequest(run_id=run_id), body))

    def watching(self, thread_id: str, after: int | None = None, *, lifecycle: bool = False) -> Any:
        """Attaches to a thread. No event comes from a graph of the name `-`, so what is left is what no filter hides."""
        wanted = {"namespaces": ["-"]} if lifecycle else None
        request = filled(threads.WatchThreadRequest(thread_id=thread_id), {"after_seq": after, "filter": wanted})
        return self._open(self._threads.WatchThread, request)

    async def create(self, assistant: str, thread_id: str | None = None, **body: Json) -> Json:
        request = filled(runs.CreateRunRequest(assistant_id=assistant), {"thread_id": thread_id, **body})
        return resources.run((await self._ask(self._runs.CreateRun, request)).run)

    async def batch(self, bodies: Sequence[Json], request_id: str | None = None) -> Json:
        keyed = [{**body, "request_id": request_id and f"{request_id}/{index}"} for index, body in enumerate(bodies)]
        request = filled(runs.BatchCreateRunsRequest(), {"requests": keyed})
        return [resources.run(run) for run in (await self._ask(self._runs.BatchCreateRuns, request)).runs]

    async def invoke(self, assistant: str, thread_id: str | None = None, **body: Json) -> Json:
        request = filled(runs.InvokeRunRequest(assistant_id=assistant), {"thread_id": thread_id, **body})
        return resources.result((await self._ask(self._runs.InvokeRun, request)).result)

    async def wait(self, run_id: str, thread_id: str | None = None) -> Json:
        request = filled(runs.WaitRunRequest(run_id=run_id), {"thread_id": thread_id})
        return resources.result((await self._ask(self._runs.WaitRun, request)).result)

    async def run(self, run_id: str, thread_id: str | None = None) -> Json:
        request = filled(runs.GetRunRequest(run_id=run_id), {"thread_id": thread_id})
        return resources.run((await self._ask(self._runs.GetRun, request)).run)

    async def runs(self, thread_id: str, **query: Json) -> Json:
        request = await self._page(self._runs.ListRuns, runs.ListRunsRequest(thread_id=thread_id), query)
        return [resources.run(run) for run in (await self._ask(self._runs.ListRuns, request)).runs]

    async def cancel(self, run_id: str, thread_id: str | None = None, **query: Json) -> Json:
        request = filled(runs.CancelRunRequest(run_id=run_id), {"thread_id": thread_id, **query})
        return resources.cancelled(await self._ask(self._runs.CancelRun, request), waited=bool(query.get("wait")))

    async def cancel_many(self, **body: Json) -> Json:
        body = {**body, "status": None} if body.get("status") == "all" else body
        return resources.whole(await self._ask(self._runs.CancelRuns, filled(runs.CancelRunsRequest(), body)))

    async def delete_run(self, run_id: str, thread_id: str | None = None) -> None:
        request = filled(runs.DeleteRunRequest(run_id=run_id), {"thread_id": thread_id})
        await self._ask(self._runs.DeleteRun, request)

    async def create_thread(self, **body: Json) -> Json:
        metadata = body.get("metadata")
        graph = metadata.get("graph_id") if isinstance(metadata, dict) else None
        request = filled(threads.CreateThreadRequest(), {"graph_id": graph, **body})
        return resources.thread((await self._ask(self._threads.CreateThread, request)).thread)

    async def thread(self, thread_id: str) -> Json:
        request = threads.GetThreadRequest(thread_id=thread_id)
        made = (await self._ask(self._threads.GetThread, request)).thread
        return {**resources.thread(made), "ttl": resources.life(made)}

    async def prune_threads(self, thread_ids: Sequence[str], **body: Json) -> Json:
        request = filled(threads.PruneThreadsRequest(thread_ids=thread_ids), body)
        return resources.whole_with_zeros(await self._ask(self._threads.PruneThreads, request))

    async def update_thread(self, thread_id: str, metadata: Json, **body: Json) -> Json:
        request = filled(threads.UpdateThreadRequest(thread_id=thread_id), {"metadata": metadata, **body})
        return resources.thread((await self._ask(self._threads.UpdateThread, request)).thread)

    async def delete_thread(self, thread_id: str) -> None:
        await self._ask(self._threads.DeleteThread, threads.DeleteThreadRequest(thread_id=thread_id))

    async def threads(self, **body: Json) -> Json:
        ascending = body.pop("sort_order", "desc") == "asc"
        request = threads.SearchThreadsRequest(view=THREAD_VIEW_FULL, ascending=ascending)
        request = await self._page(self._threads.SearchThreads, request, body)
        found = (await self._ask(self._threads.SearchThreads, request)).threads
        return [
            {**resources.thread(each), **({"extracted": resources.extracted(each)} if request.extract else {})}
            for each in found
        ]

    async def count_threads(self, **body: Json) -> Json:
        return (await self._ask(self._threads.CountThreads, filled(threads.CountThreadsRequest(), body))).count

    async def copy_thread(self, thread_id: str) -> Json:
        request = threads.CopyThreadRequest(thread_id=thread_id)
        return resources.thread((await self._ask(self._threads.CopyThread, request)).thread)

    async def state(self, thread_id: str, **at: Json) -> Json:
        request = filled(threads.GetThreadStateRequest(thread_id=thread_id), at)
        return resources.state((await self._ask(self._threads.GetThreadState, request)).state)

    async def update_state(self, thread_id: str, **body: Json) -> Json:
        request = filled(threads.UpdateThreadStateRequest(thread_id=thread_id), body)
        return resources.written(await self._ask(self._threads.UpdateThreadState, request))

    async def history(self, thread_id: str, **body: Json) -> Json:
        request = filled(threads.ListThreadHistoryRequest(thread_id=thread_id), body)
        return [resources.state(each) for each in (await self._ask(self._threads.ListThreadHistory, request)).states]

    async def assistant(self, assistant_id: str) -> Json:
        request = assistants.GetAssistantRequest(assistant_id=assistant_id)
        return resources.assistant((await self._ask(self._assistants.GetAssistant, request)).assistant)

    async def assistants(self, **body: Json) -> Json:
        descending = body.pop("sort_order", "asc") == "desc"
        request = assistants.SearchAssistantsRequest(descending=descending)
        request = await self._page(self._assistants.SearchAssistants, request, body)
        found = (await self._ask(self._assistants.SearchAssistants, request)).assistants
        return [resources.assistant(each) for each in found]

    async def count_assistants(self, **body: Json) -> Json:
        request = filled(assistants.CountAssistantsRequest(), body)
        return (await self._ask(self._assistants.CountAssistants, request)).count

    async def create_cron(self, assistant: str, thread_id: str | None = None, **body: Json) -> Json:
        request = crons.CreateCronRequest(assistant_id=assistant, thread_id=thread_id)
        return resources.cron((await self._ask(self._crons.CreateCron, filled(request, body))).cron)

    async def cron(self, cron_id: str) -> Json:
        return resources.cron((await self._ask(self._crons.GetCron, crons.GetCronRequest(cron_id=cron_id))).cron)

    async def update_cron(self, cron_id: str, **body: Json) -> Json:
        request = filled(crons.UpdateCronRequest(cron_id=cron_id), body)
        if "end_time" in body:  # null is no end
            request.update_mask.paths.extend(NAMES.get(name, name) for name in body)
        return resources.cron((await self._ask(self._crons.UpdateCron, request)).cron)

    async def delete_cron(self, cron_id: str) -> None:
        await self._ask(self._crons.DeleteCron, crons.DeleteCronRequest(cron_id=cron_id))

    async def crons(self, **body: Json) -> Json:
        query = {"ascending": body.pop("sort_order", None) == "asc", **body}
        request = await self._page(self._crons.SearchCrons, crons.SearchCronsRequest(), query)
        return [resources.cron(each) for each in (await self._ask(self._crons.SearchCrons, request)).crons]

    async def count_crons(self, **body: Json) -> Json:
        return (await self._ask(self._crons.CountCrons, filled(crons.CountCronsRequest(), body))).count

    async def create_assistant(self, graph_id: str, **body: Json) -> Json:
        request = filled(assistants.CreateAssistantRequest(graph_id=graph_id), body)
        return resources.assistant((await self._ask(self._assistants.CreateAssistant, request)).assistant)

    async def update_assistant(self, assistant_id: str, **body: Json) -> Json:
        request = filled(assistants.UpdateAssistantRequest(assistant_id=assistant_id), body)
        return resources.assistant((await self._ask(self._assistants.UpdateAssistant, request)).assistant)

    async def delete_assistant(self, assistant_id: str, *, delete_threads: bool = False) -> None:
        request = assistants.DeleteAssistantRequest(assistant_id=assistant_id, delete_threads=delete_threads)
        await self._ask(self._assistants.DeleteAssistant, request)

    async def versions(self, assistant_id: str, **body: Json) -> Json:
        request = assistants.ListAssistantVersionsRequest(assistant_id=assistant_id)
        request = await self._page(self._assistants.ListAssistantVersions, request, body)
        found = (await self._ask(self._assistants.ListAssistantVersions, request)).versions
        return [resources.assistant(each) for each in found]

    async def set_latest(self, assistant_id: str, version: int) -> Json:
        request = assistants.SetLatestAssistantVersionRequest(assistant_id=assistant_id, version=version)
        return resources.assistant((await self._ask(self._assistants.SetLatestAssistantVersion, request)).assistant)

    async def drawing(self, assistant_id: str, xray: int = 0) -> Json:
        request = assistants.GetAssistantGraphRequest(assistant_id=assistant_id, xray=xray)
        return resources.drawing(await self._ask(self._assistants.GetAssistantGraph, request))

    async def schemas(self, assistant_id: str) -> Json:
        request = assistants.GetAssistantSchemasRequest(assistant_id=assistant_id)
        return resources.schemas((await self._ask(self._assistants.GetAssistantSchemas, request)).schemas)

    async def subgraphs(self, assistant_id: str, namespace: str = "", *, recurse: bool = False) -> Json:
        request = assistants.ListSubgraphsRequest(assistant_id=assistant_id, namespace=namespace, recurse=recurse)
        found = (await self._ask(self._assistants.ListSubgraphs, request)).subgraphs
        return {each.namespace: resources.schemas(each.schemas) for each in found}

    async def put_item(self, **body: Json) -> None:
        await self._ask(self._store.PutItem, filled(store.PutItemRequest(), _said_of_item(body)))

    async def item(self, **query: Json) -> Json:
        """An item; None where there is none, as the documented surface has it."""
        try:
            found = await self._ask(self._store.GetItem, filled(store.GetItemRequest(), query))
        except Refused as refused:
            if refused.reason != "ITEM_NOT_FOUND":
                raise
            return None
        return resources.item(found.item)

    async def delete_item(self, **body: Json) -> None:
        await self._ask(self._store.DeleteItem, filled(store.DeleteItemRequest(), body))

    async def items(self, **body: Json) -> Json:
        request = await self._page(self._store.SearchItems, store.SearchItemsRequest(), body)
        found = (await self._ask(self._store.SearchItems, request)).items
        return [{**resources.item(each), "score": each.score if each.HasField("score") else None} for each in found]

    async def namespaces(self, **body: Json) -> Json:
        request = await self._page(self._store.ListNamespaces, store.ListNamespacesRequest(), body)
        return [list(each.labels) for each in (await self._ask(self._store.ListNamespaces, request)).namespaces]

    async def _page(self, method: Callable[..., Any], request: M, query: Mapping[str, Json]) -> M:
        """The request of a page. gRPC pages by tokens: where rows are passed over, a page of those comes first."""
        query = dict(query)
        offset = query.pop("offset", 0)
        filled(request, query)
        if offset:
            size = request.page_size  # type: ignore[attr-defined]  # every request of a list has one
            request.page_size = offset  # type: ignore[attr-defined]  # as above
            token = (await self._ask(method, request)).next_page_token
            request.page_token = token or base64.urlsafe_b64encode(b"offset:%d" % offset).decode()  # type: ignore[attr-defined]  # as above
            request.page_size = size  # type: ignore[attr-defined]  # as above
        return request


def _said_of_item(body: Mapping[str, Json]) -> dict[str, Json]:
    """What is null or false in HTTP is a field of its own, and minutes are a duration."""
    said = dict(body)
    if "index" in said:
        index = said.pop("index")
        said |= {"not_indexed": True} if index is False else {"fields": {"paths": index}}
    if "ttl" in said:
        ttl = said.pop("ttl")
        said |= {"never_expires": True} if ttl is None else {"ttl": ttl * 60}
    return said
