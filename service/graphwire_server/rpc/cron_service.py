"""CronService: crons over gRPC.

Owns which call of the core each RPC is, and how a cron becomes a proto message.
"""

from graphwire.v1 import cron_pb2, run_pb2
from graphwire.v1 import cron_service_pb2 as pb
from graphwire_server.core.cron import Cron
from graphwire_server.core.crons import Crons
from graphwire_server.core.model import Durability
from graphwire_server.rpc import pages
from graphwire_server.rpc.answers import STRATEGIES, json_text, write_config
from graphwire_server.rpc.cron_requests import cron_change, cron_query, cron_sort, new_cron
from graphwire_server.rpc.json_carrier import Fill, filler

_DURABILITIES = {
    Durability.SYNC: run_pb2.DURABILITY_SYNC,
    Durability.ASYNC: run_pb2.DURABILITY_ASYNC,
    Durability.EXIT: run_pb2.DURABILITY_EXIT,
}


class CronService:
    """The RPCs of CronService.

    Args:
        crons: The crons of this server.
    """

    def __init__(self, crons: Crons) -> None:
        self._crons = crons

    async def create_cron(self, request: pb.CreateCronRequest) -> pb.CreateCronResponse:
        """Creates a cron."""
        answer = pb.CreateCronResponse()
        write_cron(answer.cron, await self._crons.create(new_cron(request)), filler(request.payload_format))
        return answer

    async def get_cron(self, request: pb.GetCronRequest) -> pb.GetCronResponse:
        """Returns a cron."""
        answer = pb.GetCronResponse()
        write_cron(answer.cron, await self._crons.get(request.cron_id), filler(request.payload_format))
        return answer

    async def update_cron(self, request: pb.UpdateCronRequest) -> pb.UpdateCronResponse:
        """Changes a cron."""
        answer = pb.UpdateCronResponse()
        changed = await self._crons.update(request.cron_id, cron_change(request))
        write_cron(answer.cron, changed, filler(request.payload_format))
        return answer

    async def delete_cron(self, request: pb.DeleteCronRequest) -> pb.DeleteCronResponse:
        """Deletes a cron."""
        await self._crons.delete(request.cron_id)
        return pb.DeleteCronResponse()

    async def search_crons(self, request: pb.SearchCronsRequest) -> pb.SearchCronsResponse:
        """Lists crons."""
        page = pages.page(request.page_size, request.page_token)
        found = await self._crons.search(
            cron_query(request), page, cron_sort(request.sort_by), ascending=request.ascending
        )
        answer = pb.SearchCronsResponse(next_page_token=pages.next_token(page, len(found)))
        for cron in found:
            write_cron(answer.crons.add(), cron, filler(request.payload_format))
        return answer

    async def count_crons(self, request: pb.CountCronsRequest) -> pb.CountCronsResponse:
        """Counts crons."""
        return pb.CountCronsResponse(count=await self._crons.count(cron_query(request)))


def write_cron(made: cron_pb2.Cron, cron: Cron, fill: Fill) -> None:
    """Writes a cron."""
    made.cron_id = cron.cron_id
    made.schedule = cron.schedule
    made.timezone = cron.timezone or ""
    made.enabled = cron.enabled
    made.create_time.FromDatetime(cron.created_at)
    made.update_time.FromDatetime(cron.updated_at)
    if cron.end_time is not None:
        made.end_time.FromDatetime(cron.end_time)
    if cron.next_at is not None:
        made.next_run_time.FromDatetime(cron.next_at)
    if cron.fired_at is not None:
        made.last_run_time.FromDatetime(cron.fired_at)
    if cron.last_run_id is not None:
        made.last_run_id = cron.last_run_id
    if cron.problem is not None:
        made.last_error = cron.problem
    _write_run(made, cron, fill)


def _write_run(made: cron_pb2.Cron, cron: Cron, fill: Fill) -> None:
    spec = cron.spec
    made.assistant_id = spec.assistant
    if spec.thread_id is not None:
        made.thread_id = spec.thread_id
    else:
        made.on_run_completed = run_pb2.ON_COMPLETION_KEEP if spec.keep_thread else run_pb2.ON_COMPLETION_DELETE
    fill(made.metadata, json_text(spec.metadata))
    if spec.has_input:
        fill(made.input, json_text(spec.input))
    write_config(made.config, spec.config, fill)
    if spec.context is not None:
        fill(made.context, json_text(spec.context))
    made.interrupt_before.extend(spec.interrupt_before)
    made.interrupt_after.extend(spec.interrupt_after)
    made.stream_mode.extend(spec.stream_modes)
    made.stream_subgraphs = spec.stream_subgraphs
    made.stream_resumable = spec.stream_resumable
    if spec.durability is not None:
        made.durability = _DURABILITIES[spec.durability]
    made.multitask_strategy = STRATEGIES[spec.multitask_strategy]
    made.webhook = spec.webhook or ""
    if spec.timeout is not None:
        made.timeout.FromTimedelta(spec.timeout)
