"""Crons over HTTP.

Owns which call of the core each route of crons is, where they stand, and how a cron is shown.
"""

from collections.abc import Sequence
from datetime import datetime

from graphwire_server.core.cron import Cron
from graphwire_server.core.crons import Crons
from graphwire_server.core.model import RunSpec
from graphwire_server.core.ports import Clock
from graphwire_server.rest import answers, shown
from graphwire_server.rest.calls import LISTED, Answer, Call, Operation, Operations, Reply
from graphwire_server.rest.cron_requests import CronBody, CronCountBody, CronPatch, CronSearchBody
from graphwire_server.rest.idempotency import as_sent
from graphwire_server.rest.json_text import given
from graphwire_server.rest.threads import pagination


class CronRoutes:
    """The operations of crons.

    Args:
        crons: The crons of this server.
        clock: The time.
    """

    def __init__(self, crons: Crons, clock: Clock) -> None:
        self._crons = crons
        self._clock = clock

    async def create(self, call: Call) -> Reply:
        """Creates a cron, on a thread or without one."""
        body: CronBody = call.body
        with as_sent():
            cron = await self._crons.create(body.cron(call.path.get("thread_id")))
        return Answer(value=cron_json(cron))

    async def get(self, call: Call) -> Reply:
        """Returns a cron."""
        return Answer(value=cron_json(await self._crons.get(call.path["cron_id"])))

    async def update(self, call: Call) -> Reply:
        """Changes a cron."""
        body: CronPatch = call.body
        with as_sent():
            changed = await self._crons.update(call.path["cron_id"], body.change())
        return Answer(value=cron_json(changed))

    async def delete(self, call: Call) -> Reply:
        """Deletes a cron."""
        await self._crons.delete(call.path["cron_id"])
        return Answer(status=204, empty=True)

    async def search(self, call: Call) -> Reply:
        """Lists crons."""
        body: CronSearchBody = call.body
        found = await self._crons.search(body.query(), body.page, body.sort, ascending=body.sort_order == "asc")
        now = self._clock()
        listed = [_listed(cron, body.select, now) for cron in found[: body.limit]]
        return Answer(value=listed, headers=pagination(body.offset, body.limit, len(found)))

    async def count(self, call: Call) -> Reply:
        """Counts crons."""
        body: CronCountBody = call.body
        return Answer(value=await self._crons.count(body.query()))


def thread_cron_paths(crons: CronRoutes) -> Operations:
    """Crons on threads."""
    return {"/threads/{thread_id}/runs/crons": {"POST": _create("create_thread_cron", crons)}}


def cron_paths(crons: CronRoutes) -> Operations:
    """Crons without threads, and crons by their id alone."""
    return {
        "/runs/crons": {"POST": _create("create_cron", crons)},
        "/runs/crons/search": {
            "POST": Operation(
                name="search_crons", summary="Lists crons.", run=crons.search, body=CronSearchBody, answers=LISTED
            )
        },
        "/runs/crons/count": {
            "POST": Operation(
                name="count_crons", summary="Counts crons.", run=crons.count, body=CronCountBody, answers={200: int}
            )
        },
        "/runs/crons/{cron_id}": {
            "GET": Operation(name="get_cron", summary="Returns a cron.", run=crons.get, answers={200: shown.ShownCron}),
            "PATCH": Operation(
                name="update_cron",
                summary="Changes a cron.",
                run=crons.update,
                body=CronPatch,
                needs_body=True,
                answers={200: shown.ShownCron},
            ),
            "DELETE": Operation(name="delete_cron", summary="Deletes a cron.", run=crons.delete, answers={204: None}),
        },
    }


def cron_json(cron: Cron) -> answers.Json:
    """A cron."""
    spec = cron.spec
    return {
        "cron_id": cron.cron_id,
        "assistant_id": spec.assistant,
        "thread_id": spec.thread_id,
        "on_run_completed": None if spec.thread_id else "keep" if spec.keep_thread else "delete",
        "schedule": cron.schedule,
        "timezone": cron.timezone,
        "end_time": answers.time_text(cron.end_time),
        "enabled": cron.enabled,
        "next_run_date": answers.time_text(cron.next_at),
        "created_at": answers.time_text(cron.created_at),
        "updated_at": answers.time_text(cron.updated_at),
        "user_id": None,
        "metadata": given(spec.metadata),
        "payload": _payload(cron.schedule, spec),
        "last_run_date": answers.time_text(cron.fired_at),
        "last_run_id": cron.last_run_id,
        "last_error": cron.problem,
    }


def _payload(schedule: str, spec: RunSpec) -> answers.Json:
    """The run, by the names of a run's body; what was not asked for is left out."""
    asked: answers.Json = {
        "schedule": schedule,
        "assistant_id": spec.assistant,
        "input": given(spec.input) if spec.has_input else None,
        "config": answers.config_json(spec.config) or None,
        "context": None if spec.context is None else given(spec.context),
        "metadata": given(spec.metadata) if spec.metadata else None,
        "interrupt_before": list(spec.interrupt_before) or None,
        "interrupt_after": list(spec.interrupt_after) or None,
        "stream_mode": list(spec.stream_modes),
        "stream_subgraphs": spec.stream_subgraphs or None,
        "stream_resumable": spec.stream_resumable or None,
        "multitask_strategy": spec.multitask_strategy.value,
        "durability": spec.durability and spec.durability.value,
        "webhook": spec.webhook,
        "timeout_seconds": None if spec.timeout is None else spec.timeout.total_seconds(),
    }
    return {name: value for name, value in asked.items() if value is not None}


def _listed(cron: Cron, select: Sequence[str] | None, now: datetime) -> answers.Json:
    shown_as = cron_json(cron)
    return answers.selected({**shown_as, "now": answers.time_text(now)}, select) if select else shown_as


def _create(name: str, crons: CronRoutes) -> Operation:
    return Operation(
        name=name,
        summary="Creates a cron: runs that are made on a schedule.",
        run=crons.create,
        body=CronBody,
        needs_body=True,
        answers={200: shown.ShownCron},
    )
