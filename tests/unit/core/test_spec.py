from typing import Any

import pytest

from graphwire_server.core.errors import InvalidField, NothingToResume
from graphwire_server.core.model import STREAM_MODES, CheckpointRef, Command, Goto, RunConfig, RunSpec
from graphwire_server.core.spec import check_modes, check_spec, check_uuid

UUID = "018f2d3c-0a6b-7c1e-9b1a-2f6f1c3b5a7d"


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("command", {"has_input": True, "command": Command(goto=(Goto(node="a"),))}),
        ("command", {"command": Command()}),
        ("command.update", {"command": Command(update="text")}),
        ("command.update", {"command": Command(update=7)}),
        ("command.update", {"command": Command(update=[["a"]])}),
        ("command.update", {"command": Command(update=[[1, 2]])}),
        ("command.update", {"command": Command(update=["ab"])}),
        ("command.goto.node", {"command": Command(goto=(Goto(node="a"), Goto(node="")))}),
        ("config.recursion_limit", {"config": RunConfig(recursion_limit=0)}),
        ("config.max_concurrency", {"config": RunConfig(max_concurrency=0)}),
        ("config.recursion_limit", {"config": RunConfig(recursion_limit=2**31)}),
        ("config.max_concurrency", {"config": RunConfig(max_concurrency=2**70)}),
        ("context", {"context": {"a": 1}, "config": RunConfig(configurable={"b": 1})}),
        ("on_completion", {"thread_id": UUID, "keep_thread": True}),
        ("checkpoint_id", {"checkpoint": CheckpointRef(checkpoint_id=UUID)}),
        ("thread_id", {"thread_id": "thread-1"}),
        ("stream_mode", {"stream_modes": ("values", "nonsense")}),
    ],
)
def test_each_rule_names_its_field(field: str, given: dict[str, Any]) -> None:
    with pytest.raises(InvalidField) as refused:
        check_spec(RunSpec(assistant="agent", **given))

    assert refused.value.field == field


@pytest.mark.parametrize(
    "given",
    [
        {"command": Command(update={"a": 1})},
        {"command": Command(update=[["a", 1], ["a", 2]])},
        {"command": Command(goto=(Goto(node="a"),))},
        {"thread_id": UUID, "command": Command(has_resume=True)},
        {"has_input": True, "input": None},
        {"config": RunConfig(recursion_limit=1, max_concurrency=1)},
        {"context": {"a": 1}, "config": RunConfig(configurable={})},
        {"thread_id": UUID, "checkpoint": CheckpointRef(checkpoint_id=UUID)},
        {"keep_thread": True},
        {"stream_modes": STREAM_MODES},
    ],
)
def test_what_is_right_passes_unchanged(given: dict[str, Any]) -> None:
    spec = RunSpec(assistant="agent", **given)

    assert check_spec(spec) == spec


def test_a_stateless_run_cannot_resume() -> None:
    with pytest.raises(NothingToResume):
        check_spec(RunSpec(assistant="agent", command=Command(has_resume=True)))


def test_ids_and_modes_become_canonical() -> None:
    checked = check_spec(RunSpec(assistant="a", thread_id=UUID.upper(), stream_modes=("updates", "values", "updates")))

    assert (checked.thread_id, checked.stream_modes) == (UUID, ("updates", "values"))


@pytest.mark.parametrize("text", ["x", UUID[:-1], UUID + "0", UUID.replace("-", ""), f"{UUID}\n", "{" + UUID + "}"])
def test_what_is_no_uuid_is_refused(text: str) -> None:
    with pytest.raises(InvalidField, match="not a UUID"):
        check_uuid("run_id", text)


def test_an_id_that_is_not_there_is_called_missing() -> None:
    with pytest.raises(InvalidField, match=f"run_id: is missing or empty; .* such as {UUID}"):
        check_uuid("run_id", "")


def test_a_mode_that_does_not_exist_is_named() -> None:
    with pytest.raises(InvalidField, match="'vlaues'") as refused:
        check_modes("filter.modes", ("vlaues",))

    assert refused.value.field == "filter.modes"
