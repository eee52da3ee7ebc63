"""Crons: runs that are made on a schedule.

Owns the values of crons and the calls of the cron service. Lists are async iterators that fetch page after page: stop when you have enough.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Self, TypedDict, TypeVar, Unpack
from zoneinfo import ZoneInfo

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from graphwire._requests import as_mapping, chosen, optional_json, run_fields
from graphwire.channel import Wire
from graphwire.model import moment, on_completion
from graphwire.options import Config, Names, Span
from graphwire.payload import from_json
from graphwire.v1 import cron_pb2
from graphwire.v1 import cron_service_pb2 as pb

Sort = Literal["create_time", "update_time", "next_run_time", "end_time", "cron_id", "assistant_id", "thread_id"]
Request = TypeVar("Request", pb.CreateCronRequest, pb.UpdateCronRequest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """A schedule, and the run that is made at each of its times.

    Args:
        cron_id: The cron: a UUID.
        assistant_id: The assistant that runs: a UUID.
        thread_id: The thread that its runs are on: a UUID. None where each run has a thread of its own.
        schedule: When runs are made.
        timezone: The time zone that the schedule is meant in; empty is UTC.
        end_time: No run is made after it; None is no end.
        enabled: Whether runs are made.
        next_run_time: When the next run is due; None where none will be.
        create_time: When it was created.
        update_time: When it was last changed.
        metadata: Its metadata, and that of its runs.
        input: The input of its runs.
        context: The context of its runs.
        on_run_completed: What becomes of the thread of a run: `delete` or `keep`. None where the cron is on a thread.
        last_run_time: Which time of the schedule the last run was made for; None before the first.
        last_run_id: That run: a UUID. It may be gone.
        last_error: Why the last time of the schedule made no run; None where it made one.
        proto: The message, with all that its runs are made with.
    """

    cron_id: str
    assistant_id: str
    thread_id: str | None
    schedule: str
    timezone: str
    end_time: datetime | None
    enabled: bool
    next_run_time: datetime | None
    create_time: datetime
    update_time: datetime
    metadata: dict[str, Any]
    input: Any  # the JSON edge
    context: Any  # the JSON edge
    on_run_completed: str | None
    last_run_time: datetime | None
    last_run_id: str | None
    last_error: str | None
    proto: cron_pb2.Cron

    @classmethod
    def read(cls, proto: cron_pb2.Cron) -> Self:
        """The value of a message."""
        given = proto.HasField
        return cls(
            cron_id=proto.cron_id,
            assistant_id=proto.assistant_id,
            thread_id=proto.thread_id if given("thread_id") else None,
            schedule=proto.schedule,
            timezone=proto.timezone,
            end_time=moment(proto.end_time) if given("end_time") else None,
            enabled=proto.enabled,
            next_run_time=moment(proto.next_run_time) if given("next_run_time") else None,
            create_time=moment(proto.create_time),
            update_time=moment(proto.update_time),
            metadata=from_json(proto.metadata),
            input=from_json(proto.input),
            context=from_json(proto.context),
            on_run_completed=on_completion(proto.on_run_completed) if proto.on_run_completed else None,
            last_run_time=moment(proto.last_run_time) if given("last_run_time") else None,
            last_run_id=proto.last_run_id if given("last_run_id") else None,
            last_error=proto.last_error if given("last_error") else None,
            proto=proto,
        )


class CronOptions(TypedDict, total=False):
    """What the run of a cron is made with, and when it ends. Those that a run has as well mean the same: see `RunOptions`."""

    timezone: str | ZoneInfo | None
    """The IANA time zone that the schedule is meant in, such as `Europe/Berlin`. Default: UTC."""
    end_time: datetime | None
    """No run is made after it; without a time zone it is UTC. Default: no end."""
    enabled: bool | None
    """Whether runs are made. Default: True."""
    config: Config | None
    """LangGraph's configuration, merged over the assistant's."""
    context: object
    """What nodes read from `runtime.context`: a JSON object."""
    metadata: object
    """Metadata of the cron and of its runs: a JSON object."""
    interrupt_before: Names | None
    """Nodes before which its runs stop; `*` means every node."""
    interrupt_after: Names | None
    """Nodes after which its runs stop; `*` means every node."""
    stream_mode: Names | None
    """What its runs stream to those who join them. Default: values."""
    stream_subgraphs: bool | None
    """Whether events of subgraphs are streamed as well. Default: False."""
    stream_resumable: bool | None
    """Whether readers may come back to its runs. Default: False."""
    durability: Literal["sync", "async", "exit"] | None
    """When checkpoints are written."""
    multitask_strategy: Literal["enqueue", "reject", "interrupt", "rollback"] | None
    """What happens when a run is due while others are on the thread. One that is refused is passed over. Default: enqueue."""
    on_run_completed: Literal["delete", "keep"] | None
    """What becomes of the thread of a run; not for crons on a thread. Default: delete."""
    timeout: Span | None
    """How long each run may take, in seconds or as a timedelta. Default: the server's limit."""
    webhook: str | None
    """A URL that is called when a run has ended."""


class CronChanges(CronOptions, total=False):
    """What can be changed of a cron. What is left out stays; None makes it what it is by default."""

    schedule: str
    """When runs are made."""
    input: object
    """The input of its runs."""


class Crons:
    """The calls of `client.crons`. All of them raise `GraphwireError`: `NotFound` for a cron that does not exist."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def create(
        self,
        assistant: str,
        schedule: str,
        input: object = None,  # noqa: A002  the name that the ecosystem uses
        *,
        thread_id: str | None = None,
        **options: Unpack[CronOptions],
    ) -> Cron:
        """Creates a cron.

        Args:
            assistant: The assistant, or the name of a graph.
            schedule: When runs are made: `minute hour day-of-month month day-of-week`, perhaps with a sixth field for seconds behind them; or `@hourly`, `@daily`,
                `@weekly`, `@monthly`, `@yearly`.
            input: The graph's input: any value that JSON can carry.
            thread_id: The thread that its runs are on: a UUID. Default: each run has a thread of its own.
            **options: See `CronOptions`.

        Raises:
            TypeError: An option does not exist, or JSON has no form for a value.
            ValueError: A value of an option is not one of its names.
            GraphwireError: `InvalidArgument` names a schedule or a time zone that cannot be meant.
        """
        fields = _fields({**as_mapping(options), "input": input})
        request = pb.CreateCronRequest(assistant_id=assistant, schedule=schedule, thread_id=thread_id, **fields)
        return Cron.read((await self._wire.call(self._wire.crons.CreateCron, request)).cron)

    async def get(self, cron_id: str) -> Cron:
        """A cron."""
        request = pb.GetCronRequest(cron_id=cron_id)
        return Cron.read((await self._wire.call(self._wire.crons.GetCron, request)).cron)

    async def update(self, cron_id: str, **changes: Unpack[CronChanges]) -> Cron:
        """Changes a cron and returns it. Runs that it has made are as they are.

        Args:
            cron_id: The cron: a UUID.
            **changes: What becomes different; see `CronChanges`. `end_time=None` takes the end away.

        Raises:
            TypeError: An option does not exist, or JSON has no form for a value.
            ValueError: A value of an option is not one of its names.
        """
        given = as_mapping(changes)
        fields = _fields(given)
        request = pb.UpdateCronRequest(cron_id=cron_id, update_mask=FieldMask(paths=list(given)), **fields)
        return Cron.read((await self._wire.call(self._wire.crons.UpdateCron, request)).cron)

    async def delete(self, cron_id: str) -> None:
        """Deletes a cron. Runs that it has made go on."""
        await self._wire.call(self._wire.crons.DeleteCron, pb.DeleteCronRequest(cron_id=cron_id))

    async def search(
        self,
        *,
        assistant: str = "",
        thread_id: str = "",
        enabled: bool | None = None,
        metadata: object = None,
        sort_by: Sort | None = None,
        ascending: bool = False,
        page_size: int = 100,
    ) -> AsyncIterator[Cron]:
        """The crons that match, page after page.

        Args:
            assistant: Only those of this assistant: its id, or the name of a graph.
            thread_id: Only those on this thread.
            enabled: Only those that are enabled, or are not.
            metadata: Only those whose metadata has all these keys with these values.
            sort_by: Default: create_time.
            ascending: Whether the smallest comes first. Default: the largest or newest first.
            page_size: How many each call fetches: 1 to 1000.
        """
        request = pb.SearchCronsRequest(
            assistant_id=assistant,
            thread_id=thread_id,
            enabled=enabled,
            metadata=optional_json(metadata, "metadata"),
            sort_by=chosen(sort_by, "cron_sort"),
            ascending=ascending,
            page_size=page_size,
        )
        while True:
            page = await self._wire.call(self._wire.crons.SearchCrons, request)
            for cron in page.crons:
                yield Cron.read(cron)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def count(
        self, *, assistant: str = "", thread_id: str = "", enabled: bool | None = None, metadata: object = None
    ) -> int:
        """How many crons match, as in `search`."""
        request = pb.CountCronsRequest(
            assistant_id=assistant,
            thread_id=thread_id,
            enabled=enabled,
            metadata=optional_json(metadata, "metadata"),
        )
        return (await self._wire.call(self._wire.crons.CountCrons, request)).count


_OWN = ("schedule", "timezone", "end_time", "enabled")


def _fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request, of options by name; those that are None are left out."""
    run = {name: value for name, value in given.items() if name not in _OWN}
    fields = run_fields(run, pb.UpdateCronRequest.DESCRIPTOR)
    for name in _OWN:
        if (value := given.get(name)) is not None:
            fields[name] = _MADE[name](value)
    return fields


def _time(value: datetime) -> Timestamp:
    if not isinstance(value, datetime):
        raise TypeError(f"end_time must be a datetime, not {type(value).__name__}")
    made = Timestamp()
    made.FromDatetime(value if value.tzinfo else value.replace(tzinfo=UTC))
    return made


_MADE: Mapping[str, Any] = {"schedule": str, "timezone": str, "end_time": _time, "enabled": bool}
"""What makes the fields that a run does not have. The text of a ZoneInfo is its name."""
