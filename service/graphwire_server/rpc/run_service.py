"""RunService: runs over gRPC.

Owns which call of the core each RPC is. A caller who is gone is handled here, since only the transport knows.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from graphwire.v1 import run_pb2, run_service_pb2
from graphwire.v1.json_pb2 import PAYLOAD_FORMAT_VALUE
from graphwire_server.core.batch import Batch
from graphwire_server.core.model import CancelAction, Run
from graphwire_server.core.runs import Runs
from graphwire_server.rpc import pages, requests
from graphwire_server.rpc.answers import write_result, write_run
from graphwire_server.rpc.calls import Stream
from graphwire_server.rpc.json_carrier import Fill, fill_text, filler

_OnThread = (
    run_service_pb2.JoinRunRequest
    | run_service_pb2.WaitRunRequest
    | run_service_pb2.GetRunRequest
    | run_service_pb2.CancelRunRequest
    | run_service_pb2.CancelRunsRequest
    | run_service_pb2.DeleteRunRequest
)


class RunService:
    """The RPCs of RunService.

    Args:
        runs: The runs of this server.
    """

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    async def stream_run(self, request: run_service_pb2.StreamRunRequest, stream: Stream) -> None:
        """Creates a run and streams it."""
        spec, wanted = requests.run_spec(request), requests.event_filter(request.filter)
        cancels = requests.cancels(request.on_disconnect)
        async with self._runs.stream(spec, wanted) as (run, batches):
            with self._watched(run, cancels):
                await stream.announce(run.thread_id, run.run_id, batches.after_seq)
                await _pump(batches, stream, as_values=request.payload_format == PAYLOAD_FORMAT_VALUE)

    async def join_run(self, request: run_service_pb2.JoinRunRequest, stream: Stream) -> None:
        """Attaches to a run."""
        wanted, cancels = requests.event_filter(request.filter), requests.cancels(request.on_disconnect)
        after = request.after_seq if request.HasField("after_seq") else None
        async with self._runs.join(request.run_id, _thread(request), after, wanted) as (run, batches):
            with self._watched(run, cancels):
                await stream.announce(run.thread_id, run.run_id, batches.after_seq)
                await _pump(batches, stream, as_values=request.payload_format == PAYLOAD_FORMAT_VALUE)

    async def create_run(self, request: run_service_pb2.CreateRunRequest) -> run_service_pb2.CreateRunResponse:
        """Creates a run in the background."""
        run = await self._runs.create(requests.run_spec(request))
        answer = run_service_pb2.CreateRunResponse()
        write_run(answer.run, run, filler(request.payload_format))
        return answer

    async def batch_create_runs(
        self, request: run_service_pb2.BatchCreateRunsRequest
    ) -> run_service_pb2.BatchCreateRunsResponse:
        """Creates several runs in the background."""
        specs = requests.batch_specs(request.requests)
        with requests.batch_fields():
            runs = await self._runs.create_batch(specs)
        answer = run_service_pb2.BatchCreateRunsResponse()
        for asked, run in zip(request.requests, runs, strict=True):
            write_run(answer.runs.add(), run, filler(asked.payload_format))
        return answer

    async def invoke_run(self, request: run_service_pb2.InvokeRunRequest) -> run_service_pb2.InvokeRunResponse:
        """Creates a run and waits for its outcome."""
        spec, cancels = requests.run_spec(request), requests.cancels(request.on_disconnect)
        run = await self._runs.create(spec)
        answer = run_service_pb2.InvokeRunResponse()
        await self._finish(run, answer.result, filler(request.payload_format), cancels=cancels)
        return answer

    async def wait_run(self, request: run_service_pb2.WaitRunRequest) -> run_service_pb2.WaitRunResponse:
        """Waits for the outcome of a run."""
        cancels = requests.cancels(request.on_disconnect)
        run = await self._runs.get(request.run_id, _thread(request))
        answer = run_service_pb2.WaitRunResponse()
        await self._finish(run, answer.result, filler(request.payload_format), cancels=cancels)
        return answer

    async def get_run(self, request: run_service_pb2.GetRunRequest) -> run_service_pb2.GetRunResponse:
        """Returns a run."""
        answer = run_service_pb2.GetRunResponse()
        write_run(answer.run, await self._runs.get(request.run_id, _thread(request)), filler(request.payload_format))
        return answer

    async def list_runs(self, request: run_service_pb2.ListRunsRequest) -> run_service_pb2.ListRunsResponse:
        """Lists the runs of a thread."""
        page = pages.page(request.page_size, request.page_token)
        found = await self._runs.list(request.thread_id, requests.run_status(request.status), page)
        answer = run_service_pb2.ListRunsResponse(next_page_token=pages.next_token(page, len(found)))
        for run in found:
            write_run(answer.runs.add(), run, filler(request.payload_format))
        return answer

    async def cancel_run(self, request: run_service_pb2.CancelRunRequest) -> run_service_pb2.CancelRunResponse:
        """Cancels a run. A caller who waits for a rollback gets no run: it is deleted, whoever asked for that."""
        asked = await self._runs.cancel(request.run_id, _thread(request), requests.cancel_action(request.action))
        run = await self._runs.wait(asked) if request.wait else asked
        answer = run_service_pb2.CancelRunResponse()
        if not (request.wait and CancelAction.ROLLBACK in (asked.cancel, run.cancel)):
            write_run(answer.run, run, fill_text)
        return answer

    async def cancel_runs(self, request: run_service_pb2.CancelRunsRequest) -> run_service_pb2.CancelRunsResponse:
        """Cancels several runs."""
        runs = await self._runs.cancel_many(
            status=requests.active_status(request),
            thread_id=_thread(request),
            run_ids=request.run_ids,
            action=requests.cancel_action(request.action),
        )
        return run_service_pb2.CancelRunsResponse(run_ids=[run.run_id for run in runs])

    async def delete_run(self, request: run_service_pb2.DeleteRunRequest) -> run_service_pb2.DeleteRunResponse:
        """Deletes a run that has ended."""
        await self._runs.delete(request.run_id, _thread(request))
        return run_service_pb2.DeleteRunResponse()

    async def _finish(self, run: Run, result: run_pb2.RunResult, fill: Fill, *, cancels: bool) -> None:
        with self._watched(run, cancels):
            ended = await self._runs.wait(run)
            write_result(result, ended, await self._runs.output(ended), fill)

    @contextmanager
    def _watched(self, run: Run, cancels: bool) -> Iterator[None]:
        """Cancels the run when its caller is gone, where the caller asked for that."""
        try:
            yield
        except asyncio.CancelledError:
            if cancels:
                self._runs.abandon(run.run_id)
            raise


async def _pump(batches: AsyncIterator[Batch], stream: Stream, *, as_values: bool) -> None:
    async for batch in batches:
        await stream.write(batch, as_values=as_values)


def _thread(request: _OnThread) -> str | None:
    return request.thread_id if request.HasField("thread_id") else None
