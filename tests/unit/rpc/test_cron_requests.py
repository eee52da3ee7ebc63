"""Requests for crons over gRPC, as values of the core, and what comes back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from graphwire.v1 import cron_pb2, run_pb2
from graphwire.v1.cron_service_pb2 import CreateCronRequest, SearchCronsRequest, UpdateCronRequest
from graphwire.v1.json_pb2 import PAYLOAD_FORMAT_VALUE, Json
from graphwire_server.core.cron import UNSET, Cron, CronChange, CronQuery, CronSort
from graphwire_server.core.errors import InvalidField
from graphwire_server.core.model import Durability, MultitaskStrategy, RunConfig, RunSpec
from graphwire_server.rpc.cron_requests import cron_change, cron_query, cron_sort, new_cron
from graphwire_server.rpc.cron_service import write_cron
from graphwire_server.rpc.json_carrier import fill_text, filler

LATER = datetime(2999, 1, 1, tzinfo=UTC)
END = Timestamp(seconds=int(LATER.timestamp()))


def test_a_cron_is_read_whole() -> None:
    made = new_cron(
        CreateCronRequest(
            assistant_id="agent",
            schedule="@daily",
            timezone="Europe/Berlin",
            end_time=END,
            enabled=False,
            metadata=Json(text='{"m":1}'),
            input=Json(text="[1]"),
            config=run_pb2.RunConfig(tags=["a"]),
            context=Json(text='{"c":1}'),
            interrupt_before=["x"],
            interrupt_after=["*"],
            stream_mode=["custom"],
            stream_subgraphs=True,
            stream_resumable=True,
            durability=run_pb2.DURABILITY_SYNC,
            multitask_strategy=run_pb2.MULTITASK_STRATEGY_REJECT,
            on_run_completed=run_pb2.ON_COMPLETION_KEEP,
            timeout=Duration(seconds=5),
            webhook="https://example.org",
        )
    )

    assert (made.schedule, made.timezone, made.end_time, made.enabled) == ("@daily", "Europe/Berlin", LATER, False)
    assert made.on_run_completed
    assert made.spec == RunSpec(
        assistant="agent",
        has_input=True,
        input=[1],
        config=RunConfig(tags=("a",)),
        context={"c": 1},
        metadata={"m": 1},
        interrupt_before=("x",),
        interrupt_after=("*",),
        stream_modes=("custom",),
        stream_subgraphs=True,
        stream_resumable=True,
        durability=Durability.SYNC,
        multitask_strategy=MultitaskStrategy.REJECT,
        keep_thread=True,
        timeout=timedelta(seconds=5),
        webhook="https://example.org",
    )


def test_what_is_absent_is_the_default() -> None:
    made = new_cron(CreateCronRequest(assistant_id="agent", schedule="@daily"))

    assert (made.enabled, made.end_time, made.on_run_completed) == (True, None, False)
    assert made.spec == RunSpec(assistant="agent")


@pytest.mark.parametrize(
    ("request_", "change"),
    [
        (UpdateCronRequest(), CronChange()),
        (UpdateCronRequest(schedule="@daily", enabled=False), CronChange(schedule="@daily", enabled=False)),
        (UpdateCronRequest(timezone=""), CronChange(timezone="")),
        (UpdateCronRequest(end_time=END), CronChange(end_time=LATER)),
        (UpdateCronRequest(update_mask=FieldMask(paths=["end_time"])), CronChange(end_time=None)),
        (UpdateCronRequest(schedule="x", update_mask=FieldMask()), CronChange()),
        (UpdateCronRequest(update_mask=FieldMask(paths=["enabled"])), CronChange(enabled=True)),
        (UpdateCronRequest(input=Json(text="1")), CronChange(run={"has_input": True, "input": 1})),
        (
            UpdateCronRequest(update_mask=FieldMask(paths=["input", "interrupt_before", "webhook"])),
            CronChange(run={"has_input": False, "input": None, "interrupt_before": (), "webhook": None}),
        ),
        (UpdateCronRequest(stream_subgraphs=False), CronChange(run={"stream_subgraphs": False})),
        (UpdateCronRequest(on_run_completed=run_pb2.ON_COMPLETION_DELETE), CronChange(run={"keep_thread": False})),
    ],
)
def test_a_change_is_what_is_set_or_what_the_mask_names(request_: UpdateCronRequest, change: CronChange) -> None:
    assert cron_change(request_) == change


def test_a_change_without_an_end_leaves_it() -> None:
    assert cron_change(UpdateCronRequest(enabled=True)).end_time is UNSET


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (UpdateCronRequest(update_mask=FieldMask(paths=["schedule", "cron_id"])), "update_mask"),
        (UpdateCronRequest(update_mask=FieldMask(paths=["config.tags"])), "update_mask"),
        (UpdateCronRequest(metadata=Json(text="[1]")), "metadata"),
        (UpdateCronRequest(durability=9), "durability"),  # type: ignore[arg-type]  # what a newer client may send
        (UpdateCronRequest(on_run_completed=9), "on_run_completed"),  # type: ignore[arg-type]  # as above
        (UpdateCronRequest(end_time=Timestamp(seconds=2**60)), "end_time"),
    ],
)
def test_a_wrong_change_is_named(request_: UpdateCronRequest, field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        cron_change(request_)

    assert refused.value.field == field


def test_a_query() -> None:
    query = cron_query(SearchCronsRequest(thread_id="t", enabled=False, metadata=Json(text='{"a":1}')))

    assert query == CronQuery(thread_id="t", enabled=False, metadata={"a": 1})
    assert cron_query(SearchCronsRequest()) == CronQuery()
    assert cron_sort(cron_pb2.CRON_SORT_NEXT_RUN_TIME) is CronSort.NEXT_AT


def cron(**changes: Any) -> Cron:
    return Cron(
        **{
            "cron_id": "c",
            "spec": RunSpec(assistant="a"),
            "schedule": "@daily",
            "created_at": LATER,
            "updated_at": LATER,
            **changes,
        }
    )


def test_a_cron_says_no_more_than_it_has() -> None:
    made = cron_pb2.Cron()

    write_cron(made, cron(), fill_text)

    set_ = {field.name for field, _ in made.ListFields()}
    assert set_ == {
        "cron_id", "assistant_id", "schedule", "enabled", "create_time", "update_time", "metadata", "config", "stream_mode",
        "multitask_strategy", "on_run_completed",
    }  # fmt: skip


def test_a_cron_is_written_whole() -> None:
    made = cron_pb2.Cron()
    spec = RunSpec(
        assistant="a", thread_id="t", has_input=True, input={"n": 1}, webhook="w", durability=Durability.EXIT
    )

    write_cron(
        made,
        cron(spec=spec, timezone="Z", next_at=LATER, end_time=LATER, fired_at=LATER, last_run_id="r", problem="p"),
        filler(PAYLOAD_FORMAT_VALUE),
    )

    assert (made.thread_id, made.webhook, made.durability) == ("t", "w", run_pb2.DURABILITY_EXIT)
    assert made.input.value.struct_value.fields["n"].number_value == 1
    assert (made.next_run_time, made.end_time, made.last_run_time) == (END, END, END)
    assert (made.last_run_id, made.last_error, made.on_run_completed) == ("r", "p", 0)
