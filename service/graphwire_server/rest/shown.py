"""Answers as the OpenAPI document describes them.

Owns descriptions alone: answers are made in `answers.py`, and a test holds them to these.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class Shown(BaseModel):
    """An answer."""

    model_config = ConfigDict(use_attribute_docstrings=True, extra="allow")


class Failure(Shown):
    """Why a request failed."""

    detail: str
    """A sentence for people: what is wrong, and what to do."""
    code: str
    """A stable name for programs: that of the gRPC face's ErrorReason, without its prefix."""
    field: str | None = None
    """The field that is wrong, where one is."""
    metadata: dict[str, str] | None = None
    """Facts for programs."""


class Reference(Shown):
    """Which checkpoint is meant."""

    thread_id: str
    """The thread."""
    checkpoint_ns: str
    """The subgraph; empty is the root graph."""
    checkpoint_id: str | None
    """The checkpoint."""


class Waits(Shown):
    """A question of a node to a person."""

    id: str
    """Its id, for `command.resume`."""
    value: Any
    """The question."""


class ShownDelivery(Shown):
    """The call of a run's webhook."""

    state: Literal["pending", "delivered", "failed"]
    """Whether it is still to be made, was taken with 2xx, or was given up."""
    attempts: int
    """How often it was tried."""
    last_attempt_at: str | None
    """When it was last tried: RFC 3339; null until then."""
    last_status: int | None
    """The HTTP status of the last answer; null where there was none."""
    last_error: str | None
    """Why the last attempt failed; null where it did not."""
    next_attempt_at: str | None
    """When it is tried next: RFC 3339; null once it is settled."""
    settled_at: str | None
    """When it was delivered or given up: RFC 3339; null until then."""


class ShownRun(Shown):
    """A run."""

    run_id: str
    """A UUID."""
    thread_id: str
    """Its thread: a UUID."""
    assistant_id: str
    """Its assistant: a UUID."""
    created_at: str
    """RFC 3339."""
    updated_at: str
    """RFC 3339."""
    metadata: dict[str, Any]
    """Merged of its assistant's, its thread's, its configuration's and its own."""
    status: Literal["pending", "running", "error", "success", "timeout", "interrupted"]
    """Where it is in its life."""
    kwargs: dict[str, Any]
    """What was asked for."""
    multitask_strategy: Literal["reject", "enqueue", "interrupt", "rollback"]
    """What happened while another run was on the thread."""
    attempt: int
    """Which attempt it is, from 1."""
    webhook_delivery: ShownDelivery | None = None
    """The call of its webhook. Only runs have it that have a webhook and have ended."""


class ShownTtl(Shown):
    """How long a thread lives."""

    strategy: Literal["delete", "keep_latest"]
    """What goes then: the thread, or all its states but the latest."""
    ttl_minutes: float
    """How long after its last change."""
    expires_at: str
    """RFC 3339. When its time passes, unless it changes before."""


class ShownCron(Shown):
    """A cron: runs that are made on a schedule. With `select` it has the chosen fields alone."""

    cron_id: str
    """A UUID."""
    assistant_id: str
    """Its assistant: a UUID."""
    thread_id: str | None
    """The thread that its runs are on: a UUID; null where each has a thread of its own."""
    on_run_completed: Literal["delete", "keep"] | None
    """What becomes of the thread of a run; null where the cron is on a thread, which stays."""
    schedule: str
    """When runs are made."""
    timezone: str | None
    """The time zone that the schedule is meant in; null is UTC."""
    end_time: str | None
    """No run is made after it: RFC 3339."""
    enabled: bool
    """Whether runs are made."""
    next_run_date: str | None
    """When the next run is due: RFC 3339; null where none will be."""
    created_at: str
    """RFC 3339."""
    updated_at: str
    """RFC 3339."""
    user_id: str | None
    """Always null in this version."""
    metadata: dict[str, Any]
    """Its metadata, and that of its runs."""
    payload: dict[str, Any]
    """The run that it makes."""
    last_run_date: str | None
    """Which time of the schedule the last run was made for: RFC 3339."""
    last_run_id: str | None
    """That run; it may be gone."""
    last_error: str | None
    """Why the last time of the schedule made no run; null where it made one."""


class ShownThread(Shown):
    """A thread. With `select` it has the chosen fields alone."""

    thread_id: str
    """A UUID."""
    created_at: str
    """RFC 3339."""
    updated_at: str
    """RFC 3339."""
    state_updated_at: str
    """RFC 3339. When a run or an edit last left a state on it; when it was created, where none has."""
    metadata: dict[str, Any]
    """Merged of all that callers gave."""
    status: Literal["idle", "busy", "interrupted", "error"]
    """What it is doing."""
    config: dict[str, Any]
    """That of the run that used it last; empty where none has."""
    values: Any
    """The values of its latest state; null where it has none."""
    interrupts: dict[str, list[Waits]]
    """What waits for an answer, by task."""
    error: Any
    """Why its last run failed; null where it did not."""
    ttl: ShownTtl | None = None
    """How long it lives, where `include` has `ttl`; null for ever."""


class ShownPruned(Shown):
    """What was pruned."""

    pruned_count: int
    """How many threads were."""
    busy_thread_ids: list[str]
    """Those that were not, since a run is on them."""


class ShownTask(Shown):
    """A task of a state."""

    id: str
    """Its id."""
    name: str
    """Its node."""
    error: str | None
    """Why it failed."""
    interrupts: list[Waits]
    """What it waits for."""
    checkpoint: Reference | None
    """The checkpoint of its subgraph."""
    state: dict[str, Any] | None
    """The state of its subgraph."""
    result: Any
    """What it returned."""


class ShownState(Shown):
    """A state of a thread."""

    values: Any
    """The values of its channels."""
    next: list[str]
    """The nodes that run next."""
    tasks: list[ShownTask]
    """What runs next, or waits."""
    metadata: dict[str, Any]
    """The checkpoint's metadata."""
    created_at: str | None
    """RFC 3339."""
    checkpoint: Reference | None
    """The checkpoint; null where the thread has none."""
    parent_checkpoint: Reference | None
    """The one before."""
    interrupts: list[Waits]
    """What waits for an answer."""
    checkpoint_id: str | None
    """The checkpoint's id (older form)."""
    parent_checkpoint_id: str | None
    """The parent's id (older form)."""


class Written(Shown):
    """The checkpoint that a change of a state made."""

    checkpoint: Reference
    """The checkpoint."""
    configurable: Reference
    """The same (older form)."""
    checkpoint_id: str
    """The same, its id alone."""


class ShownAssistant(Shown):
    """An assistant. With `select` it has the chosen fields alone."""

    assistant_id: str
    """A UUID."""
    graph_id: str
    """Its graph."""
    name: str
    """Its name."""
    description: str | None
    """What it is for."""
    config: dict[str, Any]
    """The configuration that it brings to its runs."""
    context: dict[str, Any]
    """The context that it brings to its runs."""
    metadata: dict[str, Any]
    """Its metadata."""
    version: int
    """Its version, from 1."""
    created_at: str
    """RFC 3339."""
    updated_at: str
    """RFC 3339."""


class ShownGraph(Shown):
    """A graph, drawn."""

    nodes: list[dict[str, Any]]
    """Its nodes: id, type, data."""
    edges: list[dict[str, Any]]
    """Its edges: source, target, and data and conditional where they have them."""


class ShownSchemas(Shown):
    """The JSON Schemas of a graph; null where it cannot state one."""

    graph_id: str
    """The graph."""
    input_schema: dict[str, Any] | None
    """What it takes."""
    output_schema: dict[str, Any] | None
    """What it gives."""
    state_schema: dict[str, Any] | None
    """Its state."""
    config_schema: dict[str, Any] | None
    """What its nodes read from `configurable`."""
    context_schema: dict[str, Any] | None
    """What its nodes read from `runtime.context`."""


class Health(Shown):
    """The server is well."""

    ok: Literal[True]
    """Always true; else the answer is 503."""
    services: dict[str, Any]
    """Empty."""


class Info(Shown):
    """What the server is."""

    version: str
    """The version of graphwire."""
    flags: dict[str, bool]
    """What it offers."""


class ShownItem(Shown):
    """An item of the store."""

    namespace: list[str]
    """The labels that lead to it."""
    key: str
    """Its name there."""
    value: dict[str, Any]
    """Its content."""
    created_at: str
    """RFC 3339."""
    updated_at: str
    """When it was put last: RFC 3339."""


class FoundItem(ShownItem):
    """An item that a search found."""

    score: float | None
    """How near it is to the query: 1 at most. Null where no query ranked it."""


class ShownItems(Shown):
    """Items of the store."""

    items: list[FoundItem]
    """The items."""


class ShownNamespaces(Shown):
    """Namespaces of the store."""

    namespaces: list[list[str]]
    """The labels of each."""
