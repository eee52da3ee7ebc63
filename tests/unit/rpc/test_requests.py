from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from graphwire.v1 import run_pb2, thread_pb2
from graphwire.v1.event_pb2 import EventFilter
from graphwire.v1.json_pb2 import Json
from graphwire.v1.run_service_pb2 import CancelRunsRequest, CreateRunRequest, InvokeRunRequest, StreamRunRequest
from graphwire_server.core.errors import InvalidField
from graphwire_server.core.follow import Filter
from graphwire_server.core.model import (
    CancelAction,
    CheckpointRef,
    Command,
    Durability,
    Goto,
    MultitaskStrategy,
    RunConfig,
    RunSpec,
    RunStatus,
    ThreadSort,
    ThreadStatus,
)
from graphwire_server.rpc import requests

UUID = "018f2d3c-0a6b-7c1e-9b1a-2f6f1c3b5a7d"
ONE = Json(text='{"a":1}')


def request(**fields: Any) -> StreamRunRequest:
    return StreamRunRequest(assistant_id="agent", **fields)


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, {}),
        ({"thread_id": UUID}, {"thread_id": UUID}),
        ({"input": Json(text="null")}, {"has_input": True, "input": None}),
        ({"input": ONE}, {"has_input": True, "input": {"a": 1}}),
        ({"context": ONE}, {"context": {"a": 1}}),
        ({"metadata": ONE}, {"metadata": {"a": 1}}),
        ({"checkpoint_id": UUID.upper()}, {"checkpoint": CheckpointRef(checkpoint_id=UUID)}),
        ({"interrupt_before": ["a"]}, {"interrupt_before": ("a",)}),
        ({"interrupt_after": ["*"]}, {"interrupt_after": ("*",)}),
        ({"stream_mode": ["updates", "custom"]}, {"stream_modes": ("updates", "custom")}),
        ({"stream_subgraphs": True}, {"stream_subgraphs": True}),
        ({"stream_resumable": True}, {"stream_resumable": True}),
        ({"feedback_keys": ["a"]}, {}),
        ({"langsmith_tracer": run_pb2.LangsmithTracer(project_name="p", example_id="e")}, {}),
        ({"durability": run_pb2.DURABILITY_EXIT}, {"durability": Durability.EXIT}),
        (
            {"multitask_strategy": run_pb2.MULTITASK_STRATEGY_REJECT},
            {"multitask_strategy": MultitaskStrategy.REJECT},
        ),
        (
            {"multitask_strategy": run_pb2.MULTITASK_STRATEGY_INTERRUPT},
            {"multitask_strategy": MultitaskStrategy.INTERRUPT},
        ),
        (
            {"multitask_strategy": run_pb2.MULTITASK_STRATEGY_ROLLBACK},
            {"multitask_strategy": MultitaskStrategy.ROLLBACK},
        ),
        ({"start_after": Duration()}, {}),
        ({"start_after": Duration(seconds=90, nanos=500_001_999)}, {"start_after": timedelta(seconds=90.500001)}),
        ({"start_after": Duration(nanos=-1)}, {"start_after": timedelta(microseconds=-1)}),
        ({"timeout": Duration()}, {"timeout": timedelta(0)}),
        ({"timeout": Duration(seconds=-1, nanos=-500_000_000)}, {"timeout": timedelta(seconds=-1.5)}),
        ({"request_id": "k"}, {"request_id": "k"}),
        ({"if_not_exists": run_pb2.IF_NOT_EXISTS_CREATE}, {"create_thread": True}),
        ({"on_completion": run_pb2.ON_COMPLETION_KEEP}, {"keep_thread": True}),
        ({"on_completion": run_pb2.ON_COMPLETION_DELETE}, {}),
        (
            {"command": run_pb2.Command(resume=Json(text="null"))},
            {"command": Command(has_resume=True, resume=None)},
        ),
        (
            {
                "command": run_pb2.Command(
                    update=ONE, goto=[run_pb2.Goto(node="a"), run_pb2.Goto(node="b", input=Json(text="1"))]
                )
            },
            {"command": Command(update={"a": 1}, goto=(Goto(node="a"), Goto(node="b", has_input=True, input=1)))},
        ),
        (
            {
                "config": run_pb2.RunConfig(
                    tags=["t"], recursion_limit=0, configurable=ONE, metadata=ONE, max_concurrency=3, run_name="n"
                )
            },
            {
                "config": RunConfig(
                    tags=("t",),
                    recursion_limit=0,
                    configurable={"a": 1},
                    metadata={"a": 1},
                    max_concurrency=3,
                    run_name="n",
                )
            },
        ),
    ],
)
def test_each_field_of_a_run(given: dict[str, Any], made: dict[str, Any]) -> None:
    assert requests.run_spec(request(**given)) == RunSpec(assistant="agent", keep_output=False, **made)


@pytest.mark.parametrize("kind", [CreateRunRequest, InvokeRunRequest])
def test_a_run_that_is_not_streamed_keeps_its_output_for_who_waits(
    kind: type[CreateRunRequest | InvokeRunRequest],
) -> None:
    assert requests.run_spec(kind(assistant_id="agent")).keep_output


@pytest.mark.parametrize("kind", [StreamRunRequest, CreateRunRequest, InvokeRunRequest])
def test_every_kind_of_request_has_its_webhook(kind: Any) -> None:
    assert requests.run_spec(kind(assistant_id="agent", webhook="http://x")).webhook == "http://x"
    assert requests.run_spec(kind(assistant_id="agent", webhook="")).webhook is None


@pytest.mark.parametrize("kind", [StreamRunRequest, CreateRunRequest, InvokeRunRequest])
def test_every_kind_of_request_has_its_times_and_its_key(kind: Any) -> None:
    spec = requests.run_spec(
        kind(assistant_id="agent", start_after=Duration(seconds=1), timeout=Duration(seconds=2), request_id="k")
    )

    assert (spec.start_after, spec.timeout, spec.request_id) == (timedelta(seconds=1), timedelta(seconds=2), "k")


@pytest.mark.parametrize("field", ["durability", "multitask_strategy", "if_not_exists", "on_completion"])
def test_unknown_enum_numbers_are_refused(field: str) -> None:
    with pytest.raises(InvalidField, match="99") as refused:
        requests.run_spec(request(**{field: 99}))

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("input", {"input": Json(text="{")}),
        ("context", {"context": Json(text="1")}),
        ("metadata", {"metadata": Json()}),
        ("config.configurable", {"config": run_pb2.RunConfig(configurable=Json(text="[]"))}),
        ("config.metadata", {"config": run_pb2.RunConfig(metadata=Json(text="[]"))}),
        ("command.resume", {"command": run_pb2.Command(resume=Json())}),
        ("command.update", {"command": run_pb2.Command(update=Json(text="}"))}),
        ("command.goto.input", {"command": run_pb2.Command(goto=[run_pb2.Goto(node="a", input=Json())])}),
        ("checkpoint_id", {"checkpoint_id": "x"}),
        ("checkpoint_id", {"checkpoint_id": "x", "checkpoint": run_pb2.CheckpointRef()}),
        ("checkpoint.checkpoint_id", {"checkpoint": run_pb2.CheckpointRef(checkpoint_id="x")}),
        (
            "checkpoint_id",
            {"checkpoint_id": UUID, "checkpoint": run_pb2.CheckpointRef(checkpoint_id=UUID.replace("0", "1"))},
        ),
        ("checkpoint.thread_id", {"thread_id": UUID, "checkpoint": run_pb2.CheckpointRef(thread_id="other")}),
        ("checkpoint.checkpoint_map", {"checkpoint": run_pb2.CheckpointRef(checkpoint_map=Json(text="1"))}),
        ("on_completion", {"thread_id": UUID, "on_completion": run_pb2.ON_COMPLETION_DELETE}),
        ("start_after", {"start_after": Duration(seconds=2**62)}),
        ("start_after", {"start_after": Duration(seconds=-(2**62))}),
        ("start_after", {"start_after": Duration(seconds=1, nanos=10**9)}),
        ("start_after", {"start_after": Duration(seconds=1, nanos=-1)}),
        ("timeout", {"timeout": Duration(seconds=2**62)}),
        ("timeout", {"timeout": Duration(seconds=-1, nanos=1)}),
        ("timeout", {"timeout": Duration(nanos=-(10**9))}),
    ],
)
def test_a_field_that_is_wrong_is_named(field: str, given: dict[str, Any]) -> None:
    with pytest.raises(InvalidField) as refused:
        requests.run_spec(request(**given))

    assert refused.value.field == field


def test_a_batch_is_its_runs_in_order() -> None:
    specs = requests.batch_specs([CreateRunRequest(assistant_id="a"), CreateRunRequest(assistant_id="b", input=ONE)])

    assert specs == [RunSpec(assistant="a"), RunSpec(assistant="b", has_input=True, input={"a": 1})]


def test_a_field_of_a_batch_that_cannot_be_read_is_named_with_its_place() -> None:
    wrong = CreateRunRequest(assistant_id="a", config=run_pb2.RunConfig(metadata=Json(text="[]")))

    with pytest.raises(InvalidField) as refused:
        requests.batch_specs([CreateRunRequest(assistant_id="a"), wrong])

    assert refused.value.field == "requests[1].config.metadata"


@pytest.mark.parametrize(
    ("core", "wire"),
    [("[3].thread_id", "requests[3].thread_id"), ("[]", "requests"), ("[0].context", "requests[0].context")],
)
def test_a_field_of_a_batch_is_named_as_the_request_has_it(core: str, wire: str) -> None:
    with pytest.raises(InvalidField) as refused, requests.batch_fields():
        raise InvalidField(core, "must be better", 400)

    assert (refused.value.field, refused.value.problem, refused.value.http_status) == (wire, "must be better", 400)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({}, "all"),
        ({"thread_id": UUID}, "all"),
        ({"status": run_pb2.RUN_STATUS_PENDING}, "pending"),
        ({"status": run_pb2.RUN_STATUS_RUNNING}, "running"),
        ({"run_ids": [UUID]}, None),
        ({"run_ids": [UUID], "status": run_pb2.RUN_STATUS_RUNNING}, "running"),
    ],
)
def test_which_runs_are_cancelled_by_status(given: dict[str, Any], meant: str | None) -> None:
    assert requests.active_status(CancelRunsRequest(**given)) == meant


@pytest.mark.parametrize("status", [run_pb2.RUN_STATUS_SUCCESS, 99])
@pytest.mark.parametrize("run_ids", [[], [UUID]])
def test_runs_that_have_ended_cannot_be_cancelled_by_status(status: Any, run_ids: list[str]) -> None:
    with pytest.raises(InvalidField) as refused:
        requests.active_status(CancelRunsRequest(status=status, run_ids=run_ids))

    assert refused.value.field == "status"


def test_a_whole_checkpoint() -> None:
    whole = run_pb2.CheckpointRef(thread_id=UUID, checkpoint_id=UUID, checkpoint_ns="a:1", checkpoint_map=ONE)

    spec = requests.run_spec(request(thread_id=UUID, checkpoint_id=UUID.upper(), checkpoint=whole))

    assert spec.checkpoint == CheckpointRef(checkpoint_id=UUID, checkpoint_ns="a:1", checkpoint_map={"a": 1})


def test_ids_are_the_same_in_any_case() -> None:
    whole = run_pb2.CheckpointRef(thread_id=UUID, checkpoint_id=UUID)

    spec = requests.run_spec(request(thread_id=UUID.upper(), checkpoint=whole))

    assert spec.checkpoint == CheckpointRef(checkpoint_id=UUID)


def test_filters() -> None:
    wanted = EventFilter(modes=["messages-tuple", "values"], namespaces=["", "a|b:1"], nodes=["n"], tags=["t"])

    made = requests.event_filter(wanted)

    assert made == Filter(
        modes=frozenset({"messages", "values"}),
        namespaces=((), ("a", "b:1")),
        nodes=frozenset({"n"}),
        tags=frozenset({"t"}),
    )
    assert requests.event_filter(EventFilter()).admits_all
    with pytest.raises(InvalidField, match="'x'"):
        requests.event_filter(EventFilter(modes=["x"]))


def test_enums() -> None:
    assert requests.run_status(run_pb2.RUN_STATUS_UNSPECIFIED) is None
    assert requests.run_status(run_pb2.RUN_STATUS_TIMEOUT) is RunStatus.TIMEOUT
    assert requests.thread_status(thread_pb2.THREAD_STATUS_BUSY) is ThreadStatus.BUSY
    assert requests.thread_sort(thread_pb2.THREAD_SORT_UNSPECIFIED) is ThreadSort.UPDATED_AT
    assert requests.cancel_action(run_pb2.CANCEL_ACTION_UNSPECIFIED) is CancelAction.INTERRUPT
    assert requests.cancel_action(run_pb2.CANCEL_ACTION_ROLLBACK) is CancelAction.ROLLBACK
    assert requests.cancels(run_pb2.DISCONNECT_MODE_CANCEL)
    assert not requests.cancels(run_pb2.DISCONNECT_MODE_UNSPECIFIED)


def test_every_number_of_every_enum_is_known() -> None:
    choosers: list[tuple[Callable[[Any], object], Iterable[int]]] = [
        (requests.run_status, run_pb2.RunStatus.values()),
        (requests.thread_status, thread_pb2.ThreadStatus.values()),
        (requests.thread_sort, thread_pb2.ThreadSort.values()),
        (requests.cancels, run_pb2.DisconnectMode.values()),
        (requests.cancel_action, run_pb2.CancelAction.values()),
    ]

    for choose, numbers in choosers:
        for number in numbers:
            choose(number)


def test_a_number_that_an_enum_does_not_have_is_refused_with_those_that_it_has() -> None:
    with pytest.raises(InvalidField, match="multitask_strategy: 77 is not a value that this version knows: 0 to 4"):
        requests.run_spec(request(multitask_strategy=77))
