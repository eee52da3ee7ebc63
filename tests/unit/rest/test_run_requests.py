import json
from datetime import timedelta
from typing import Any

import pytest

from graphwire_server.core.errors import InvalidField
from graphwire_server.core.model import (
    CheckpointRef,
    Command,
    Durability,
    Goto,
    MultitaskStrategy,
    RunConfig,
    RunSpec,
)
from graphwire_server.rest.run_requests import RunBody
from graphwire_server.rest.shapes import body_of, parse

UUID = "018f2d3c-0a6b-7c1e-9b1a-2f6f1c3b5a7d"
OTHER = "018f2d3c-0a6b-7c1e-9b1a-2f6f1c3b5a7e"
THREAD = "018f2d3c-0a6b-7c1e-9b1a-2f6f1c3b5a00"
BIG = 123456789012345678901234567890
TEN_YEARS = 3650 * 24 * 60 * 60


def body(**fields: Any) -> RunBody:
    """A body that has gone over the wire."""
    return body_of(RunBody, parse(json.dumps({"assistant_id": "agent", **fields}).encode()))


def spec(thread_id: str | None = THREAD, **fields: Any) -> RunSpec:
    return body(**fields).spec(thread_id, {}, keep_output=False)


def expected(**fields: Any) -> RunSpec:
    return RunSpec(**{"assistant": "agent", "thread_id": THREAD, "keep_output": False, **fields})


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, {}),
        ({"assistant_id": UUID}, {"assistant": UUID}),
        ({"input": {"a": BIG}}, {"has_input": True, "input": {"a": BIG}}),
        ({"input": 0}, {"has_input": True, "input": 0}),
        ({"input": False}, {"has_input": True, "input": False}),
        ({"input": ""}, {"has_input": True, "input": ""}),
        ({"input": []}, {"has_input": True, "input": []}),
        ({"input": None}, {}),
        ({"command": {}}, {}),
        ({"context": {"a": 1}}, {"context": {"a": 1}}),
        ({"context": {}}, {"context": {}}),
        ({"metadata": {"a": 1}}, {"metadata": {"a": 1}}),
        ({"metadata": None}, {}),
        ({"interrupt_before": "*"}, {"interrupt_before": ("*",)}),
        ({"interrupt_after": ["a", "b"]}, {"interrupt_after": ("a", "b")}),
        ({"stream_mode": "updates"}, {"stream_modes": ("updates",)}),
        ({"stream_mode": ["messages-tuple", "debug"]}, {"stream_modes": ("messages-tuple", "debug")}),
        ({"stream_mode": []}, {"stream_modes": ("values",)}),
        ({"stream_subgraphs": True}, {"stream_subgraphs": True}),
        ({"stream_resumable": True}, {"stream_resumable": True}),
        ({"multitask_strategy": "reject"}, {"multitask_strategy": MultitaskStrategy.REJECT}),
        ({"multitask_strategy": "interrupt"}, {"multitask_strategy": MultitaskStrategy.INTERRUPT}),
        ({"multitask_strategy": "rollback"}, {"multitask_strategy": MultitaskStrategy.ROLLBACK}),
        ({"if_not_exists": "create"}, {"create_thread": True}),
        ({"if_not_exists": "reject"}, {}),
        ({"durability": "sync"}, {"durability": Durability.SYNC}),
        ({"checkpoint_during": True}, {"durability": Durability.ASYNC}),
        ({"checkpoint_during": False}, {"durability": Durability.EXIT}),
        ({"checkpoint_during": False, "durability": "async"}, {"durability": Durability.ASYNC}),
        ({"on_disconnect": "cancel"}, {}),
        ({"on_completion": "keep"}, {}),
        ({"after_seconds": 0}, {}),
        ({"after_seconds": 1.5}, {"start_after": timedelta(seconds=1.5)}),
        ({"after_seconds": TEN_YEARS}, {"start_after": timedelta(days=3650)}),
        ({"timeout_seconds": 90}, {"timeout": timedelta(seconds=90)}),
        ({"timeout_seconds": TEN_YEARS}, {"timeout": timedelta(days=3650)}),
        ({"feedback_keys": ["a"]}, {}),
        ({"langsmith_tracer": {"project_name": "p", "example_id": "e"}}, {}),
        ({"strict_resume": True, "unheard_of": {}}, {}),
        (
            {
                "config": {
                    "tags": ["t"],
                    "recursion_limit": 3,
                    "configurable": {"a": 1},
                    "metadata": {"m": 1},
                    "max_concurrency": 2,
                    "run_name": "r",
                }
            },
            {
                "config": RunConfig(
                    tags=("t",),
                    recursion_limit=3,
                    configurable={"a": 1},
                    metadata={"m": 1},
                    max_concurrency=2,
                    run_name="r",
                )
            },
        ),
        ({"config": {"configurable": {"thread_id": "x", "checkpoint_ns": "", "checkpoint_map": {}}}}, {}),
        ({"config": {"callbacks": [], "configurable": {}}}, {}),
    ],
)
def test_a_body_as_a_spec(given: dict[str, Any], made: dict[str, Any]) -> None:
    assert spec(**given) == expected(**made)


def test_every_field_of_the_wire_is_known() -> None:
    assert set(RunBody.model_fields) == {
        "assistant_id",
        "input",
        "command",
        "config",
        "context",
        "metadata",
        "checkpoint",
        "checkpoint_id",
        "webhook",
        "interrupt_before",
        "interrupt_after",
        "stream_mode",
        "stream_subgraphs",
        "stream_resumable",
        "feedback_keys",
        "multitask_strategy",
        "if_not_exists",
        "after_seconds",
        "timeout_seconds",
        "checkpoint_during",
        "durability",
        "on_disconnect",
        "on_completion",
        "langsmith_tracer",
    }


def test_names_may_be_in_camel_case() -> None:
    given = {"streamMode": ["custom"], "streamResumable": True, "ifNotExists": "create", "onDisconnect": "cancel"}

    made = body(**given, afterSeconds=1, timeoutSeconds=2)

    assert made.cancels
    assert made.spec(THREAD, {}, keep_output=False) == expected(
        stream_modes=("custom",),
        stream_resumable=True,
        create_thread=True,
        start_after=timedelta(seconds=1),
        timeout=timedelta(seconds=2),
    )


def test_fields_may_all_be_null() -> None:
    nothing = dict.fromkeys(set(RunBody.model_fields) - {"assistant_id"})

    assert spec(**nothing) == expected()


def test_what_is_not_in_the_body_is_handed_on() -> None:
    made = body().spec(None, {"x-a": "1"}, keep_output=True, request_id="k")

    assert (made.thread_id, made.headers, made.keep_output, made.request_id) == (None, {"x-a": "1"}, True, "k")


def test_a_run_is_cancelled_with_its_caller_only_where_asked() -> None:
    assert [body(**given).cancels for given in ({}, {"on_disconnect": "continue"}, {"on_disconnect": "cancel"})] == [
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(("thread_id", "kept"), [(None, True), (THREAD, False)])
def test_only_the_thread_of_a_stateless_run_can_be_kept(thread_id: str | None, kept: bool) -> None:
    assert spec(thread_id, on_completion="keep").keep_thread is kept


@pytest.mark.parametrize(
    ("given", "command"),
    [
        ({"resume": "yes"}, Command(has_resume=True, resume="yes")),
        ({"resume": {"i": BIG}}, Command(has_resume=True, resume={"i": BIG})),
        ({"resume": False}, Command(has_resume=True, resume=False)),
        ({"resume": None}, Command(has_resume=True, resume=None)),
        ({"resume": None, "goto": []}, Command(has_resume=True, resume=None)),
        ({"resume": None, "update": {"a": 1}, "goto": None}, Command(update={"a": 1})),
        ({"resume": None, "update": {}}, Command(update={})),
        ({"resume": None, "update": None, "goto": "n"}, Command(goto=(Goto(node="n"),))),
        ({"resume": "yes", "update": None, "goto": None}, Command(has_resume=True, resume="yes")),
        ({"resume": 1, "update": {"a": 1}}, Command(has_resume=True, resume=1, update={"a": 1})),
        ({"update": [["a", 1]]}, Command(update=[["a", 1]])),
        ({"goto": "n"}, Command(goto=(Goto(node="n"),))),
        ({"goto": ["n", "m"]}, Command(goto=(Goto(node="n"), Goto(node="m")))),
        ({"goto": {"node": "n", "input": {"a": 1}}}, Command(goto=(Goto(node="n", has_input=True, input={"a": 1}),))),
        (
            {"goto": ["n", {"node": "m", "input": None}, {"node": "k"}]},
            Command(goto=(Goto(node="n"), Goto(node="m", has_input=True), Goto(node="k", has_input=True))),
        ),
        ({}, None),
        ({"goto": []}, None),
        ({"update": None, "goto": None}, None),
        ({"graph": "__parent__"}, None),
    ],
)
def test_a_command(given: dict[str, Any], command: Command | None) -> None:
    assert spec(command=given).command == command


FULL = CheckpointRef(checkpoint_id=UUID, checkpoint_ns="a:1", checkpoint_map={"": OTHER})
WHOLE = {"checkpoint_id": UUID, "checkpoint_ns": "a:1", "checkpoint_map": {"": OTHER}}


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({"checkpoint": WHOLE}, FULL),
        ({"checkpoint": {**WHOLE, "thread_id": THREAD.upper()}}, FULL),
        ({"checkpoint": {"checkpoint_id": UUID.upper()}}, CheckpointRef(checkpoint_id=UUID)),
        ({"checkpoint_id": UUID.upper()}, CheckpointRef(checkpoint_id=UUID)),
        ({"config": {"configurable": {"checkpoint_id": UUID.upper()}}}, CheckpointRef(checkpoint_id=UUID)),
        ({"checkpoint": WHOLE, "checkpoint_id": UUID.upper()}, FULL),
        (
            {"checkpoint": {"checkpoint_ns": "a:1"}, "checkpoint_id": UUID},
            CheckpointRef(checkpoint_id=UUID, checkpoint_ns="a:1"),
        ),
        ({"checkpoint": {"checkpoint_ns": "a:1"}}, CheckpointRef(checkpoint_ns="a:1")),
        (
            {"checkpoint_id": UUID, "config": {"configurable": {"checkpoint_id": OTHER}}},
            CheckpointRef(checkpoint_id=UUID),
        ),
        ({"checkpoint": {}}, None),
        ({"checkpoint": {"checkpoint_id": "", "checkpoint_ns": ""}}, None),
        ({"checkpoint": {"checkpoint_id": None}, "checkpoint_id": ""}, None),
        ({"config": {"configurable": {"checkpoint_id": None}}}, None),
        (
            {"checkpoint": {"thread_id": THREAD}, "config": {"configurable": {"checkpoint_id": UUID}}},
            CheckpointRef(checkpoint_id=UUID),
        ),
    ],
)
def test_a_checkpoint_may_stand_in_three_places(given: dict[str, Any], made: CheckpointRef | None) -> None:
    assert spec(**given).checkpoint == made


def test_a_stateless_run_passes_over_the_checkpoint_of_its_configuration() -> None:
    assert spec(None, config={"configurable": {"checkpoint_id": UUID}}).checkpoint is None


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"checkpoint": {"checkpoint_id": "x"}}, "checkpoint.checkpoint_id"),
        ({"checkpoint": {"thread_id": OTHER}}, "checkpoint.thread_id"),
        ({"checkpoint_id": "x"}, "checkpoint_id"),
        ({"checkpoint": {"checkpoint_id": UUID}, "checkpoint_id": OTHER}, "checkpoint_id"),
        ({"config": {"configurable": {"checkpoint_id": "x"}}}, "config.configurable.checkpoint_id"),
        ({"config": {"configurable": {"checkpoint_id": 5}}}, "config.configurable.checkpoint_id"),
    ],
)
def test_a_checkpoint_that_cannot_be_meant(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        spec(**given)

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"assistant_id": None}, "assistant_id"),
        ({"assistant_id": 1}, "assistant_id"),
        ({"command": []}, "command"),
        ({"command": {"update": "x"}}, "command.update"),
        ({"command": {"goto": 1}}, "command.goto"),
        ({"command": {"goto": ["a", {}]}}, "command.goto[1].node"),
        ({"command": {"goto": {"node": ""}}}, "command.goto.node"),
        ({"config": {"recursion_limit": 0}}, "config.recursion_limit"),
        ({"config": {"max_concurrency": 0}}, "config.max_concurrency"),
        ({"config": {"tags": "t"}}, "config.tags"),
        ({"context": []}, "context"),
        ({"metadata": "x"}, "metadata"),
        ({"interrupt_before": "node"}, "interrupt_before"),
        ({"interrupt_after": [1]}, "interrupt_after[0]"),
        ({"stream_mode": "updates|x"}, "stream_mode"),
        ({"stream_mode": ["values", "everything"]}, "stream_mode[1]"),
        ({"stream_subgraphs": "yes"}, "stream_subgraphs"),
        ({"multitask_strategy": "queue"}, "multitask_strategy"),
        ({"if_not_exists": "maybe"}, "if_not_exists"),
        ({"durability": "later"}, "durability"),
        ({"on_disconnect": True}, "on_disconnect"),
        ({"on_completion": "ask"}, "on_completion"),
        ({"after_seconds": -1}, "after_seconds"),
        ({"after_seconds": "1"}, "after_seconds"),
        ({"after_seconds": True}, "after_seconds"),
        ({"after_seconds": TEN_YEARS + 1}, "after_seconds"),
        ({"after_seconds": 10**30}, "after_seconds"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"timeout_seconds": -1}, "timeout_seconds"),
        ({"timeout_seconds": "1"}, "timeout_seconds"),
        ({"timeout_seconds": TEN_YEARS + 0.1}, "timeout_seconds"),
        ({"timeout_seconds": 10**400}, "timeout_seconds"),
        ({"feedback_keys": "a"}, "feedback_keys"),
    ],
)
def test_what_is_wrong_is_named(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        spec(**given)

    assert refused.value.field == field


def test_a_run_names_its_assistant() -> None:
    with pytest.raises(InvalidField) as refused:
        body_of(RunBody, {"input": {}})

    assert refused.value.field == "assistant_id"


@pytest.mark.parametrize(("given", "made"), [("https://example.com", "https://example.com"), ("", ""), (None, None)])
def test_a_webhook_is_handed_on_as_it_is(given: str | None, made: str | None) -> None:
    assert spec(webhook=given).webhook == made
