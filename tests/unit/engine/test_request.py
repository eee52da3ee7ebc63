from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypedDict

import pytest
from langgraph.graph import StateGraph
from langgraph.types import Send
from pydantic import BaseModel

from graphwire_server.core.model import CheckpointRef, Command, Goto, Run, RunConfig, RunSpec, RunStatus
from graphwire_server.engine.request import graph_config, graph_context, graph_input

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RUN_ID = "018f2d3c-0a6b-7c1e-9b1a-2f6f1c3b5a7d"
BASE = RunSpec(assistant="agent")


def config(**fields: Any) -> dict[str, Any]:
    run = Run(
        run_id=RUN_ID,
        thread_id="thread",
        assistant_id="assistant",
        graph_id="agent",
        status=RunStatus.RUNNING,
        created_at=NOW,
        updated_at=NOW,
        spec=replace(BASE, **fields),
    )
    return dict(graph_config(run))


@pytest.mark.parametrize(
    ("spec", "given"),
    [
        (BASE, None),
        (replace(BASE, has_input=True, input={"a": 1}), {"a": 1}),
        (replace(BASE, has_input=True, input=None), None),
    ],
)
def test_input(spec: RunSpec, given: Any) -> None:
    assert graph_input(spec) == given


def test_commands() -> None:
    goto = (Goto(node="a"), Goto(node="b", has_input=True, input={"x": 1}))
    made = graph_input(replace(BASE, command=Command(update=[["k", 1]], goto=goto)))

    assert (made.update, made.goto, made.resume) == ([("k", 1)], ["a", Send("b", {"x": 1})], None)


@pytest.mark.parametrize("answer", [None, False, {"id": 1}, "yes"])
def test_resume_is_passed_on_as_it_is(answer: Any) -> None:
    assert graph_input(replace(BASE, command=Command(has_resume=True, resume=answer))).resume == answer


def test_defaults() -> None:
    made = config()

    assert (made["recursion_limit"], made["run_name"], made["tags"], str(made["run_id"])) == (25, "agent", [], RUN_ID)
    assert "max_concurrency" not in made
    assert made["configurable"] == {
        "run_id": RUN_ID,
        "thread_id": "thread",
        "assistant_id": "assistant",
        "graph_id": "agent",
        "checkpoint_ns": "",
    }


def test_the_callers_configuration() -> None:
    given = RunConfig(tags=("t",), recursion_limit=3, max_concurrency=2, run_name="mine", configurable={"model": "m"})
    made = config(config=given)

    assert (made["tags"], made["recursion_limit"], made["max_concurrency"], made["run_name"]) == (["t"], 3, 2, "mine")
    assert made["configurable"]["model"] == "m"


@pytest.mark.parametrize(
    "key",
    ["thread_id", "run_id", "graph_id", "assistant_id", "checkpoint_ns", "langgraph_auth_user", "__pregel_send"],
)
def test_reserved_keys_are_not_trusted(key: str) -> None:
    made = config(config=RunConfig(configurable={key: "forged", "mine": 1}))

    assert made["configurable"].get(key) != "forged"
    assert made["configurable"]["mine"] == 1


@pytest.mark.parametrize("key", ["run_id", "thread_id", "assistant_id", "graph_id", "cron_id"])
def test_metadata_cannot_claim_other_ids(key: str) -> None:
    made = config(metadata={key: "forged"}, config=RunConfig(metadata={key: "forged", "a": 1}))

    assert made["metadata"] == {"a": 1}


def test_the_runs_metadata_wins_over_the_configurations() -> None:
    assert config(metadata={"a": 1, "b": 1}, config=RunConfig(metadata={"b": 2, "c": 2}))["metadata"] == {
        "a": 1,
        "b": 1,
        "c": 2,
    }


def test_context_is_seen_as_configurable() -> None:
    assert config(context={"user": "u"})["configurable"]["user"] == "u"


def test_the_checkpoint_to_go_on_from() -> None:
    at = CheckpointRef(checkpoint_id="c", checkpoint_ns="a:1", checkpoint_map={"": "x"})
    made = config(thread_id="thread", checkpoint=at)["configurable"]

    assert (made["checkpoint_id"], made["checkpoint_ns"], made["checkpoint_map"]) == ("c", "a:1", {"": "x"})


class State(TypedDict):
    a: int


class Typed(TypedDict, total=False):
    user: str


@dataclass
class Data:
    user: str = ""


class Model(BaseModel):
    user: str = ""


def graph(schema: type[Any] | None) -> Any:
    return StateGraph(State, schema).add_sequence([("a", lambda state: state)]).set_entry_point("a").compile()


@pytest.mark.parametrize("schema", [Typed, Data, Model])
def test_keys_outside_the_context_schema_are_dropped(schema: type[Any]) -> None:
    given = {"user": "u", "other": 1}

    by_context = graph_context(graph(schema), replace(BASE, context=given))
    by_config = graph_context(graph(schema), replace(BASE, config=RunConfig(configurable=given)))

    assert by_context == by_config == {"user": "u"}


def test_a_graph_without_a_schema_gets_the_context_as_it_is() -> None:
    assert graph_context(graph(None), replace(BASE, context={"any": 1})) == {"any": 1}


def test_configurable_is_seen_as_context_without_a_schema_too() -> None:
    made = graph_context(graph(None), replace(BASE, config=RunConfig(configurable={"any": 1})))

    assert made == {"any": 1}


def test_no_context_is_none() -> None:
    assert graph_context(graph(Typed), BASE) is None
    assert graph_context(graph(None), BASE) is None
