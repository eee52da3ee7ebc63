"""Runs over HTTP.

Owns which call of the core each route of runs is. A caller who is gone is handled here, since only the transport knows.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from graphwire_server.core.errors import RunNotFound
from graphwire_server.core.follow import EVERYTHING, Batches
from graphwire_server.core.headers import HeaderRule
from graphwire_server.core.model import Outcome, Page, Run, RunSpec, RunStatus
from graphwire_server.core.runs import Runs
from graphwire_server.core.spec import check_uuid
from graphwire_server.core.streams import Streams
from graphwire_server.rest import answers
from graphwire_server.rest.calls import Answer, Call, Headers, Reply
from graphwire_server.rest.cursor import named, run_cursor
from graphwire_server.rest.event_stream import EventStream, FailedStream, Source
from graphwire_server.rest.frames import with_interrupts
from graphwire_server.rest.idempotency import as_sent, item_key, request_key
from graphwire_server.rest.lines import let_go
from graphwire_server.rest.run_queries import CancelManyBody, CancelManyQuery, CancelQuery, JoinQuery, ListQuery
from graphwire_server.rest.run_requests import RunBody
from graphwire_server.rest.waiting import Waiting, failed_value


class RunRoutes:
    """The operations of runs.

    Args:
        runs: The runs of this server.
        streams: The answers that last and are open.
        headers: Which headers of a request its nodes may read.
    """

    def __init__(self, runs: Runs, streams: Streams, headers: HeaderRule) -> None:
        self._runs = runs
        self._streams = streams
        self._headers = headers

    async def create(self, call: Call) -> Reply:
        """Creates a run in the background."""
        run = await self._create(call)
        return Answer(value=answers.run_json(run), headers=_places(run, "")[1:])

    async def create_batch(self, call: Call) -> Reply:
        """Creates several stateless runs."""
        key = request_key(call)
        specs = [self._spec(call, body, item_key(key, index), keep_output=True) for index, body in enumerate(call.body)]
        with as_sent():
            runs = await self._runs.create_batch(specs)
        return Answer(value=[answers.run_json(run) for run in runs])

    async def stream(self, call: Call) -> Reply:
        """Creates a run and streams it."""
        spec = self._spec(call, call.body, request_key(call), keep_output=False)
        return EventStream(self._streaming(spec, call.body), self._streams)

    async def wait(self, call: Call) -> Reply:
        """Creates a run and waits for its values."""
        self._streams.check_room()  # a caller who is told to try again must not have made a run
        return self._waiting(await self._create(call), cancels=call.body.cancels)

    async def join(self, call: Call) -> Reply:
        """Waits for the values of a run."""
        try:
            run = await self._named(call)
        except RunNotFound:
            return Answer(content=failed_value("HTTPException", "404: Run not found"))  # wire fact 12
        return self._waiting(run, cancels=call.query.cancels)

    async def join_stream(self, call: Call) -> Reply:
        """Attaches to a run."""
        try:
            run = await self._named(call)
        except RunNotFound:
            return FailedStream("HTTPException", "404: Run not found")  # wire fact 12
        return EventStream(self._joining(run, call.query, run_cursor(run, call)), self._streams)

    async def get(self, call: Call) -> Reply:
        """Returns a run."""
        run = await self._named(call)
        return Answer(value=answers.run_json(run))

    async def list(self, call: Call) -> Reply:
        """Lists the runs of a thread."""
        query: ListQuery = call.query
        page = Page(offset=query.offset, limit=query.limit)
        found = await self._runs.list(call.path["thread_id"], query.run_status(), page)
        return Answer(value=[answers.selected(answers.run_json(run), query.select) for run in found])

    async def cancel(self, call: Call) -> Reply:
        """Cancels a run (wire fact 64)."""
        query: CancelQuery = call.query
        run = await self._runs.cancel(call.path["run_id"], call.path.get("thread_id"), query.cancel_action)
        if not query.wait:
            return Answer(status=202, empty=True)
        return Waiting(value=lambda: self._ended(run), streams=self._streams, gone=let_go)

    async def cancel_many(self, call: Call) -> Reply:
        """Cancels several runs (wire fact 65)."""
        query: CancelManyQuery = call.query
        body: CancelManyBody = call.body
        await self._runs.cancel_many(
            status=body.status,
            thread_id=body.thread_id,
            run_ids=tuple(body.run_ids or ()),
            action=query.cancel_action,
        )
        return Answer(status=204, empty=True)

    async def delete(self, call: Call) -> Reply:
        """Deletes a run that has ended."""
        await self._runs.delete(call.path["run_id"], call.path.get("thread_id"))
        return Answer(status=204, empty=True)

    async def _named(self, call: Call) -> Run:
        """The run of the path. Raises RunNotFound, and InvalidField for a thread's id that is none, whether or not there is such a run."""
        thread_id = call.path.get("thread_id")
        if thread_id is not None:
            check_uuid("thread_id", thread_id)
        return await self._runs.get(call.path["run_id"], thread_id)

    async def _create(self, call: Call) -> Run:
        spec = self._spec(call, call.body, request_key(call), keep_output=True)
        with as_sent():
            return await self._runs.create(spec)

    def _spec(self, call: Call, body: RunBody, key: str, *, keep_output: bool) -> RunSpec:
        headers = self._headers.select(call.headers)
        return body.spec(call.path.get("thread_id"), headers, keep_output=keep_output, request_id=key)

    @asynccontextmanager
    async def _streaming(self, spec: RunSpec, body: RunBody) -> AsyncIterator[Source]:
        async with AsyncExitStack() as stack:
            with as_sent():
                run, batches = await stack.enter_async_context(self._runs.stream(spec, EVERYTHING))
            yield self._source(run, batches, cancels=body.cancels)

    @asynccontextmanager
    async def _joining(self, run: Run, query: JoinQuery, after_seq: int | None) -> AsyncIterator[Source]:
        async with AsyncExitStack() as stack:
            with named():
                join = self._runs.join(run.run_id, run.thread_id, after_seq, query.wanted())
                joined, batches = await stack.enter_async_context(join)
            yield self._source(joined, batches, cancels=query.cancels)

    def _source(self, run: Run, batches: Batches, *, cancels: bool) -> Source:
        return Source(
            batches=batches,
            headers=_places(run, "/stream"),
            numbered=run.spec.stream_resumable,
            gone=self._abandons(run) if cancels else let_go,
        )

    def _waiting(self, run: Run, *, cancels: bool) -> Waiting:
        gone = self._abandons(run) if cancels else let_go
        # Of a stateless run, too, the thread is named: whoever lost the line comes back there (wire fact 4).
        places = _stateful_places(run, "/join")
        return Waiting(value=lambda: self._values(run), streams=self._streams, gone=gone, headers=places)

    def _abandons(self, run: Run) -> Callable[[], None]:
        return lambda: self._runs.abandon(run.run_id)

    async def _values(self, run: Run) -> bytes:
        ended = await self._runs.wait(run)
        outcome = ended.outcome or Outcome(status=ended.status)
        if outcome.error is not None:
            return failed_value(outcome.error.type, outcome.error.message)
        if ended.status is RunStatus.INTERRUPTED:
            return b"{}"
        values = await self._runs.output(ended)
        return with_interrupts(values, outcome.interrupts)

    async def _ended(self, run: Run) -> bytes:
        with suppress(RunNotFound):  # it was rolled back while the head was sent
            await self._runs.wait(run)
        return b"{}"


def _places(run: Run, what: str) -> Headers:
    """Where a caller comes back to, and what it made (wire facts 3 and 4). Path only, without prefix: SDKs put them behind their own URL."""
    if run.stateless:
        return [("location", f"/runs/{run.run_id}{what}"), ("content-location", f"/runs/{run.run_id}")]
    return _stateful_places(run, what)


def _stateful_places(run: Run, what: str) -> Headers:
    path = f"/threads/{run.thread_id}/runs/{run.run_id}"
    return [("location", path + what), ("content-location", path)]
