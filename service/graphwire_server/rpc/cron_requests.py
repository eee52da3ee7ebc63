"""Requests for crons as values of the core.

Owns the step from a proto request to what the core takes. The run in a request for a cron is read as every run is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from graphwire.v1 import cron_pb2, run_pb2
from graphwire.v1.cron_service_pb2 import (
    CountCronsRequest,
    CreateCronRequest,
    SearchCronsRequest,
    UpdateCronRequest,
)
from graphwire.v1.run_service_pb2 import CreateRunRequest
from graphwire_server.core.cron import RUN_FIELDS, UNSET, CronChange, CronQuery, CronSort, NewCron, run_changes
from graphwire_server.core.errors import InvalidField
from graphwire_server.core.model import RunSpec
from graphwire_server.rpc.json_carrier import parse_object
from graphwire_server.rpc.requests import choose, run_spec

_SORTS = {
    cron_pb2.CRON_SORT_UNSPECIFIED: CronSort.CREATED_AT,
    cron_pb2.CRON_SORT_CREATE_TIME: CronSort.CREATED_AT,
    cron_pb2.CRON_SORT_UPDATE_TIME: CronSort.UPDATED_AT,
    cron_pb2.CRON_SORT_NEXT_RUN_TIME: CronSort.NEXT_AT,
    cron_pb2.CRON_SORT_END_TIME: CronSort.END_TIME,
    cron_pb2.CRON_SORT_CRON_ID: CronSort.CRON_ID,
    cron_pb2.CRON_SORT_ASSISTANT_ID: CronSort.ASSISTANT_ID,
    cron_pb2.CRON_SORT_THREAD_ID: CronSort.THREAD_ID,
}
_CHANGED = frozenset({"schedule", "timezone", "end_time", "enabled", *RUN_FIELDS})
"""The fields that a change can name."""


def new_cron(request: CreateCronRequest) -> NewCron:
    """The cron that a request asks for. Raises InvalidField, and NotOffered as a run would."""
    return NewCron(
        spec=_spec(request, request.assistant_id, request.thread_id if request.HasField("thread_id") else None),
        schedule=request.schedule,
        timezone=request.timezone,
        end_time=_time(request.end_time) if request.HasField("end_time") else None,
        enabled=request.enabled if request.HasField("enabled") else True,
        on_run_completed=bool(request.on_run_completed),
    )


def cron_change(request: UpdateCronRequest) -> CronChange:
    """What a request changes. Raises InvalidField, and NotOffered as a run would."""
    names = _changed(request)
    end_time = _time(request.end_time) if request.HasField("end_time") else None
    return CronChange(
        schedule=request.schedule if "schedule" in names else None,
        timezone=request.timezone if "timezone" in names else None,
        end_time=end_time if "end_time" in names else UNSET,
        enabled=(request.enabled or not request.HasField("enabled")) if "enabled" in names else None,
        run=run_changes(names, _spec(request, "", None)),
    )


def cron_query(request: SearchCronsRequest | CountCronsRequest) -> CronQuery:
    """The crons that are meant. Raises InvalidField."""
    return CronQuery(
        assistant_id=request.assistant_id or None,
        thread_id=request.thread_id or None,
        enabled=request.enabled if request.HasField("enabled") else None,
        metadata=parse_object("metadata", request.metadata) if request.HasField("metadata") else {},
    )


def cron_sort(number: cron_pb2.CronSort.ValueType) -> CronSort:
    """By what crons are sorted. Raises InvalidField."""
    return choose("sort_by", _SORTS, number)


def _changed(request: UpdateCronRequest) -> frozenset[str]:
    if not request.HasField("update_mask"):
        return frozenset(field.name for field, _ in request.ListFields()) & _CHANGED
    names = frozenset(request.update_mask.paths)
    for name in sorted(names - _CHANGED):
        raise InvalidField("update_mask", f"{name!r} is not a field that can be changed")
    return names


def _spec(request: CreateCronRequest | UpdateCronRequest, assistant: str, thread_id: str | None) -> RunSpec:
    given = request.HasField
    asked = CreateRunRequest(
        assistant_id=assistant,
        thread_id=thread_id,
        input=request.input if given("input") else None,
        config=request.config if given("config") else None,
        context=request.context if given("context") else None,
        metadata=request.metadata if given("metadata") else None,
        interrupt_before=request.interrupt_before,
        interrupt_after=request.interrupt_after,
        stream_mode=request.stream_mode,
        stream_subgraphs=request.stream_subgraphs,
        stream_resumable=request.stream_resumable,
        durability=request.durability,
        multitask_strategy=request.multitask_strategy,
        # On a thread the core refuses it, by the name that it has here.
        on_completion=request.on_run_completed if thread_id is None else run_pb2.ON_COMPLETION_UNSPECIFIED,
        timeout=request.timeout if given("timeout") else None,
        webhook=request.webhook,
    )
    with _named():
        return run_spec(asked)


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except InvalidField as error:
        if error.field != "on_completion":
            raise
        raise InvalidField("on_run_completed", error.problem) from error


def _time(time: Timestamp) -> datetime:
    try:
        return time.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidField("end_time", "is not a time: it must be of the years 1 to 9999") from None
