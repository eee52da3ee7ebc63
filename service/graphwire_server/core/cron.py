"""What a cron is: runs that are made on a schedule.

Owns the values of crons, and what they need of the other layers: rows, and a reader of schedules. The rules are in `crons.py`, the making of runs in `firings.py`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any, Protocol

from graphwire_server.core.model import JsonObject, Page, RunSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """A schedule, and the run that is made at each of its times.

    Attributes:
        spec: The run. Its assistant is an id, never a graph's name.
        schedule: When: five fields of cron, or six with seconds as the last, or an alias such as `@daily`.
        timezone: The IANA time zone that the schedule is meant in; None is UTC.
        end_time: No run is made after it; None is no end.
        enabled: Whether runs are made.
        next_at: When the next run is due; None where none will be: it is disabled, or its end has come.
        fired_at: Which time of the schedule the last run was made for; None before the first.
        last_run_id: That run.
        problem: Why the last time of the schedule made no run; None where it made one.
    """

    cron_id: str
    spec: RunSpec
    schedule: str
    created_at: datetime
    updated_at: datetime
    timezone: str | None = None
    end_time: datetime | None = None
    enabled: bool = True
    next_at: datetime | None = None
    fired_at: datetime | None = None
    last_run_id: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One firing, to be taken together with its run: of all that try, one gets it.

    Attributes:
        cron_id: The cron.
        next_at: When its next run is due, as the claimant has read it. Where that is not so any more, somebody else has taken the firing, or the cron was changed.
        firing_at: The time of the schedule that the run is made for.
        following: When the next run is due after this one.
    """

    cron_id: str
    next_at: datetime
    firing_at: datetime
    following: datetime | None


class FiringTaken(Exception):
    """Another process has made the run of a firing, or the cron was changed or deleted. Nothing is to be done; no caller sees this."""


class Unset(Enum):
    """Says of a change that it leaves something as it is, where None is a value."""

    UNSET = "unset"


UNSET = Unset.UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCron:
    """A cron that a caller asks for; its assistant may be a graph's name. `on_run_completed` says that the caller chose what becomes of the threads of its runs."""

    spec: RunSpec
    schedule: str
    timezone: str | None = None
    end_time: datetime | None = None
    enabled: bool = True
    on_run_completed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CronChange:
    """What becomes different of a cron; None leaves it as it is, and so does UNSET.

    Attributes:
        schedule: The schedule.
        timezone: The time zone; empty is UTC.
        end_time: The end; None is no end.
        enabled: Whether runs are made.
        run: Fields of its run, by their name in `RunSpec`.
    """

    schedule: str | None = None
    timezone: str | None = None
    end_time: datetime | Unset | None = UNSET
    enabled: bool | None = None
    run: Mapping[str, Any] = field(default_factory=dict)


RUN_FIELDS: Mapping[str, tuple[str, ...]] = {
    "input": ("has_input", "input"),
    "config": ("config",),
    "context": ("context",),
    "metadata": ("metadata",),
    "interrupt_before": ("interrupt_before",),
    "interrupt_after": ("interrupt_after",),
    "stream_mode": ("stream_modes",),
    "stream_subgraphs": ("stream_subgraphs",),
    "stream_resumable": ("stream_resumable",),
    "durability": ("durability",),
    "multitask_strategy": ("multitask_strategy",),
    "on_run_completed": ("keep_thread",),
    "timeout": ("timeout",),
    "webhook": ("webhook",),
}
"""The fields of a request for a cron that its run has, and what they are in `RunSpec`."""


def run_changes(names: Iterable[str], spec: RunSpec) -> dict[str, Any]:
    """What a request changes of a cron's run.

    Args:
        names: The fields that it changes.
        spec: A run with these fields as they are to be.
    """
    return {part: getattr(spec, part) for name in names for part in RUN_FIELDS.get(name, ())}


@dataclass(frozen=True, slots=True, kw_only=True)
class CronQuery:
    """Which crons are meant; empty parts do not filter."""

    assistant_id: str | None = None
    thread_id: str | None = None
    enabled: bool | None = None
    metadata: JsonObject = field(default_factory=dict)


class CronSort(StrEnum):
    """By what crons are sorted."""

    CRON_ID = "cron_id"
    ASSISTANT_ID = "assistant_id"
    THREAD_ID = "thread_id"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    NEXT_AT = "next_at"
    END_TIME = "end_time"


class Schedules(Protocol):
    """Reads schedules. Pure: no clock is asked."""

    def check(self, schedule: str, timezone: str | None) -> None:
        """Raises InvalidField, for `schedule` or for `timezone`, where it cannot be meant."""
        ...

    def following(self, schedule: str, timezone: str | None, after: datetime) -> datetime | None:
        """The first time of a schedule after a time, in UTC; None where there is none in fifty years. Raises as `check`."""
        ...

    def latest(self, schedule: str, timezone: str | None, since: datetime, until: datetime) -> datetime:
        """The last time of a schedule up to a time, that one included; `since`, which is a time of it, where there is none behind that. Raises as `check`."""
        ...


class CronStore(Protocol):
    """Rows of crons. Each call is one transaction, as those of `Store` are, and raises StoreUnavailable. The crons of a thread go with the thread."""

    async def add(self, cron: Cron) -> None:
        """Adds a cron. Raises ThreadNotFound where its thread does not exist."""
        ...

    async def get(self, cron_id: str) -> Cron | None:
        """The cron, or None."""
        ...

    async def change(self, cron_id: str, change: Callable[[Cron], Cron]) -> Cron | None:
        """Reads a cron, changes it and writes it, and nobody else changes it meanwhile. What `change` raises is raised, and nothing is written.

        Returns:
            The cron after it; None where there is none.
        """
        ...

    async def delete(self, cron_id: str) -> bool:
        """Deletes a cron. Returns whether there was one."""
        ...

    async def search(self, query: CronQuery, page: Page, sort: CronSort, *, ascending: bool) -> list[Cron]:
        """A page of the crons that match; ties by id. Those that have nothing to be sorted by come last."""
        ...

    async def count(self, query: CronQuery) -> int:
        """How many crons match."""
        ...

    async def due(self, now: datetime, limit: int) -> Sequence[Cron]:
        """The crons whose next run is due, the earliest first; at most `limit`."""
        ...

    async def next_due(self) -> datetime | None:
        """When the next run of any cron is due; None where none will be."""
        ...
