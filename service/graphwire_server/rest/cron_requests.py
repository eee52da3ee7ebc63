"""What callers say about crons, as values of the core.

Owns the shapes of bodies for crons. The run in a body is read as every run is.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from graphwire_server.core.cron import RUN_FIELDS, UNSET, CronChange, CronQuery, CronSort, NewCron, run_changes
from graphwire_server.core.errors import InvalidField
from graphwire_server.core.model import Page, RunSpec
from graphwire_server.rest.run_requests import LONGEST, ConfigBody, JsonObject, RunBody, StreamMode
from graphwire_server.rest.shapes import Shape
from graphwire_server.rest.thread_requests import Limit, Offset

Select = list[
    Literal[
        "cron_id", "assistant_id", "thread_id", "on_run_completed", "end_time", "schedule", "timezone", "created_at", "updated_at",
        "user_id", "payload", "next_run_date", "metadata", "enabled", "now", "last_run_date", "last_run_id", "last_error",
    ]
]  # fmt: skip
_SORTS = {"next_run_date": CronSort.NEXT_AT}
_RUN_NAMES = {"on_run_completed": "on_completion"}
"""Fields that a run has by another name."""


class CronRunBody(Shape):
    """The run that a cron makes, and when it makes it. Fields that are not named here are ignored."""

    timezone: str | None = None
    """The IANA time zone that the schedule is meant in. Default: UTC. A time that the clocks pass over is made when they have; one that comes twice is made the
    first time."""
    end_time: str | None = None
    """No run is made after it: RFC 3339; without an offset it is UTC. Default: no end."""
    enabled: bool | None = None
    """Whether runs are made. Default: true."""
    input: Any = None
    """The graph's input: any JSON."""
    config: ConfigBody | None = None
    """LangGraph's configuration, merged over the assistant's."""
    context: JsonObject | None = None
    """What nodes read from `runtime.context`."""
    metadata: JsonObject | None = None
    """Metadata of the cron and of its runs, which have `cron_id` as well."""
    interrupt_before: Literal["*"] | list[str] | None = None
    """Nodes before which its runs stop; `*` is every node."""
    interrupt_after: Literal["*"] | list[str] | None = None
    """Nodes after which its runs stop; `*` is every node."""
    stream_mode: StreamMode | list[StreamMode] | None = None
    """What its runs stream to those who join them. Default: values."""
    stream_subgraphs: bool | None = None
    """Whether events of subgraphs are streamed too. Default: false."""
    stream_resumable: bool | None = None
    """Whether readers may come back for the events of its runs. Default: false."""
    multitask_strategy: Literal["reject", "enqueue", "interrupt", "rollback"] | None = None
    """What happens when a run is due while others are on the thread, as for every run. One that is refused is passed over. Default: enqueue."""
    durability: Literal["sync", "async", "exit"] | None = None
    """When checkpoints are written. Default: async."""
    checkpoint_during: bool | None = None
    """Older form of `durability`: true is async, false is exit."""
    on_run_completed: Literal["delete", "keep"] | None = None
    """What becomes of the thread that each run of a cron without a thread has. Default: delete."""
    timeout_seconds: Annotated[float, Field(gt=0, le=LONGEST)] | None = None
    """How long each run may take. The documented surface does not have it."""
    webhook: str | None = None
    """What is called at the end of each run, as for every run."""

    def run(self, assistant: str, thread_id: str | None) -> RunSpec:
        """The run. Raises as that of a run's body."""
        fields = {
            _RUN_NAMES.get(name, name): value
            for name, value in self
            if _RUN_NAMES.get(name, name) in RunBody.model_fields and value is not None
        }
        body = RunBody(**{**fields, "assistant_id": assistant})
        return body.spec(thread_id, {}, keep_output=True)

    def end(self) -> datetime | None:
        """When the cron ends. Raises InvalidField."""
        if self.end_time is None:
            return None
        try:
            time = datetime.fromisoformat(self.end_time)
            return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            problem = f"{self.end_time[:60]!r} is not a time; write one such as 2026-12-24T18:00:00Z"
            raise InvalidField("end_time", problem) from None


class CronBody(CronRunBody):
    """A cron to create."""

    schedule: str
    """When runs are made: `minute hour day-of-month month day-of-week`, perhaps with a sixth field for seconds behind them; or `@hourly`, `@daily`, `@weekly`,
    `@monthly`, `@yearly`."""
    assistant_id: str
    """The assistant's id (a UUID), or the name of a graph."""

    def cron(self, thread_id: str | None) -> NewCron:
        """The cron that is asked for. Raises InvalidField."""
        return NewCron(
            spec=self.run(self.assistant_id, thread_id),
            schedule=self.schedule,
            timezone=self.timezone,
            end_time=self.end(),
            enabled=self.enabled is not False,
            on_run_completed=self.on_run_completed is not None,
        )


class CronPatch(CronRunBody):
    """A change of a cron. Each field replaces what the cron has; null is as if it were left out, but for `end_time`, where it means no end."""

    schedule: str | None = None
    """When runs are made."""

    def change(self) -> CronChange:
        """What becomes different. Raises InvalidField."""
        names = {name for name, value in self if value is not None}
        renamed = {"checkpoint_during": "durability", "timeout_seconds": "timeout"}
        changed = {renamed.get(name, name) for name in names} & RUN_FIELDS.keys()
        return CronChange(
            schedule=self.schedule,
            timezone=self.timezone,
            end_time=self.end() if self.given("end_time") else UNSET,
            enabled=self.enabled,
            run=run_changes(changed, self.run("", None)),
        )


class CronCountBody(Shape):
    """Which crons."""

    assistant_id: str | None = None
    """Those of this assistant: its id, or the name of a graph."""
    thread_id: str | None = None
    """Those on this thread."""
    enabled: bool | None = None
    """Those that are enabled, or are not."""
    metadata: JsonObject | None = None
    """Those whose metadata has these keys and values."""

    def query(self) -> CronQuery:
        """The crons that are meant."""
        return CronQuery(
            assistant_id=self.assistant_id,
            thread_id=self.thread_id,
            enabled=self.enabled,
            metadata=self.metadata or {},
        )


class CronSearchBody(CronCountBody):
    """Which crons, and how they are listed."""

    limit: Limit = 10
    """The most: 1 to 1000."""
    offset: Offset = 0
    """How many to pass over."""
    sort_by: (
        Literal["cron_id", "assistant_id", "thread_id", "created_at", "updated_at", "next_run_date", "end_time"] | None
    ) = None
    """By what they are sorted; those that have nothing to be sorted by come last. Default: created_at."""
    sort_order: Literal["asc", "desc"] | None = None
    """Which comes first. Default: desc."""
    select: Select | None = None
    """Only these fields of each."""

    @property
    def page(self) -> Page:
        """The slice, with one more row, which tells whether there is another page (wire fact 83)."""
        return Page(offset=self.offset, limit=self.limit + 1)

    @property
    def sort(self) -> CronSort:
        """By what they are sorted."""
        name = self.sort_by or "created_at"
        return _SORTS.get(name) or CronSort(name)
