"""Runs of small graphs: which events each mode makes, and how runs end."""

import json
from typing import Any, TypedDict

import pytest
from langgraph.config import get_config
from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime

from graphwire_server.core.events import (
    Callback,
    Checkpoint,
    Custom,
    Debug,
    Message,
    TaskResult,
    TaskStart,
    Values,
)
from graphwire_server.core.model import CheckpointRef, RunConfig, RunStatus
from graphwire_server.engine.factory import factory_of
from graphwire_server.engine.manifest import GraphEntry
from tests.unit.engine.graphs import THREAD, Bench, State, ask, chain, speak, tell


def seen(values: bytes) -> Any:
    return json.loads(values)["seen"]


async def final(bench: Bench) -> Any:
    state = await bench.states.get("agent", THREAD, CheckpointRef(), subgraphs=False)
    assert state is not None
    return seen(state.values)


async def test_values_are_the_input_and_the_state_after_each_superstep() -> None:
    bench = Bench(chain("a", "b"))

    outcome = await bench.run("values")

    assert [seen(payload.state) for payload in bench.payloads] == [["in"], ["in", "a"], ["in", "a", "b"]]
    assert all(type(payload) is Values for payload in bench.payloads)
    assert outcome.status is RunStatus.SUCCESS
    assert outcome.checkpoint_id == bench.saver.last_checkpoint_id(THREAD)
    assert not outcome.stopped


async def test_updates_are_what_each_node_returned() -> None:
    bench = Bench(chain("a", "b"))

    await bench.run("updates")

    assert [(payload.node, json.loads(payload.update)) for payload in bench.payloads] == [
        ("a", {"seen": ["a"]}),
        ("b", {"seen": ["b"]}),
    ]


@pytest.mark.parametrize("mode", ["messages", "messages-tuple"])
async def test_tokens_come_from_a_node_that_merely_invokes_a_model(mode: str) -> None:
    bench = Bench(chain("speak", speak=speak))

    await bench.run(mode)

    texts = [payload.text for payload in bench.payloads if isinstance(payload, Message)]
    assert "".join(texts) == "one two"
    assert len([text for text in texts if text]) > 1
    assert {payload.node for payload in bench.payloads} == {"speak"}


async def test_both_names_of_tokens_make_one_event_for_each() -> None:
    bench = Bench(chain("speak", speak=speak))

    await bench.run("messages", "messages-tuple")

    assert "".join(payload.text for payload in bench.payloads) == "one two"


async def test_tasks_are_starts_and_results() -> None:
    bench = Bench(chain("a"))

    await bench.run("tasks")

    start, result = bench.payloads
    assert isinstance(start, TaskStart)
    assert isinstance(result, TaskResult)
    assert (start.name, start.id == result.id, json.loads(result.result)) == ("a", True, {"seen": ["a"]})


async def test_checkpoints_form_a_chain_without_internals() -> None:
    bench = Bench(chain("a"))

    await bench.run("checkpoints", config=RunConfig(configurable={"langgraph_auth_user": "secret"}))

    made = [payload for payload in bench.payloads if isinstance(payload, Checkpoint)]
    assert [payload.step for payload in made] == [-1, 0, 1]
    assert [payload.parent_checkpoint_id for payload in made] == ["", *(p.checkpoint_id for p in made[:-1])]
    assert not any(b"secret" in payload.config or b"__pregel" in payload.config for payload in made)


async def test_debug_has_checkpoints_tasks_and_results() -> None:
    bench = Bench(chain("a"))

    await bench.run("debug")

    assert all(isinstance(payload, Debug) for payload in bench.payloads)
    assert {type(payload.detail) for payload in bench.payloads} == {Checkpoint, TaskStart, TaskResult}


async def test_callback_events_stand_beside_the_other_modes() -> None:
    bench = Bench(chain("speak", speak=speak))

    await bench.run("events", "values")

    calls = [payload for payload in bench.payloads if isinstance(payload, Callback)]
    assert "on_chat_model_stream" in {call.event for call in calls}
    assert {call.node for call in calls if call.event == "on_chat_model_stream"} == {"speak"}
    assert [seen(p.state) for p in bench.payloads if isinstance(p, Values)] == [["in"], ["in", "one two"]]


async def test_modes_that_nobody_asked_for_make_no_events() -> None:
    bench = Bench(chain("ask", ask=ask))

    outcome = await bench.run("custom")

    assert bench.events == []
    assert outcome.interrupts


async def test_custom_data_names_its_node_from_parallel_nodes_and_subgraphs() -> None:
    inner = chain("deep", deep=tell("deep"))
    builder = StateGraph(State).add_node("a", tell("a")).add_node("b", tell("b")).add_node("sub", inner)
    for name in ("a", "b", "sub"):
        builder.add_edge(START, name)
    bench = Bench(builder.compile())

    await bench.run("custom", stream_subgraphs=True)

    customs = [payload for payload in bench.payloads if isinstance(payload, Custom)]
    assert sorted(custom.node for custom in customs) == ["a", "b", "deep"]
    assert all(json.loads(custom.data) == {"from": custom.node} for custom in customs)


@pytest.mark.parametrize(("subgraphs", "levels"), [(True, {0, 1}), (False, {0})])
async def test_subgraphs_stream_under_their_namespace_where_asked(subgraphs: bool, levels: set[int]) -> None:
    bench = Bench(chain("sub", sub=chain("deep")))

    await bench.run("updates", stream_subgraphs=subgraphs)

    assert {len(namespace) for namespace, _ in bench.events} == levels
    assert all(namespace[0].startswith("sub:") for namespace, _ in bench.events if namespace)


class Context(TypedDict, total=False):
    user: str


@pytest.mark.parametrize("fields", [{"context": {"user": "u"}}, {"config": RunConfig(configurable={"user": "u"})}])
async def test_context_and_configurable_are_each_seen_as_both(fields: dict[str, Any]) -> None:
    def look(state: State, runtime: Runtime[Context]) -> State:
        return {"seen": [(runtime.context or {}).get("user", "none"), get_config()["configurable"].get("user", "none")]}

    bench = Bench(StateGraph(State, Context).add_node("look", look).add_edge(START, "look").compile())

    await bench.run(**fields)

    assert await final(bench) == ["in", "u", "u"]


async def test_a_run_cannot_be_sent_to_another_thread_by_its_configuration() -> None:
    bench = Bench(chain("a"))

    await bench.run(config=RunConfig(configurable={"thread_id": "stolen", "__pregel_checkpointer": "forged"}))

    assert list(bench.saver.storage) == [THREAD]


@pytest.mark.parametrize(
    "fields", [{"context": {"names": ["a", "b"]}}, {"config": RunConfig(configurable={"names": ["a", "b"]})}]
)
async def test_a_factory_makes_the_graph_of_the_runs_context(fields: dict[str, Any]) -> None:
    def make(runtime: Runtime[Any]) -> Any:
        return chain(*runtime.context["names"])

    entry = GraphEntry(graph_id="agent", target="./graphs.py", attribute="make")
    bench = Bench(factory_of(entry, make))

    outcome = await bench.run("values", **fields)

    assert outcome.status is RunStatus.SUCCESS, outcome
    assert seen(bench.payloads[-1].state) == ["in", "a", "b"]
