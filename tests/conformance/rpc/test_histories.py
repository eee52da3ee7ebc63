"""Answers, edits, forks, copies, and threads that begin with a history from elsewhere."""

import uuid
from typing import Any

import pytest

import graphwire
from tests.conformance.rpc.held import ICE, TOLD, states

TEA = graphwire.StateUpdate(values={"topic": "tea"}, as_node="refine_topic")


async def _asking(client: graphwire.Client, assistant: str, given: Any) -> tuple[str, dict[str, str]]:
    """A thread that waits for answers, and the ids of its questions by what they ask."""
    thread_id = (await client.threads.create()).thread_id
    result = await client.invoke(assistant, given, thread_id=thread_id)
    assert result.run.status == "success"
    return thread_id, {str(item.value): item.id for item in result.interrupts}


async def test_answers_by_id_one_after_the_other(client: graphwire.Client) -> None:
    thread_id, ids = await _asking(client, "pair", {})
    first = await client.invoke("pair", command=graphwire.Command(resume={ids["right?"]: 2}), thread_id=thread_id)
    between = await client.threads.get(thread_id)
    second = await client.invoke("pair", command=graphwire.Command(resume={ids["left?"]: 1}), thread_id=thread_id)
    with pytest.raises(graphwire.FailedPrecondition) as nothing:
        await client.invoke("pair", command=graphwire.Command(resume=3), thread_id=thread_id)

    assert [item.value for item in first.interrupts] == ["left?"]
    assert [item.value for task in between.interrupts.values() for item in task] == ["left?"]
    assert between.status == "interrupted"
    assert sorted(second.values["log"]) == ["left 1", "right 2"]
    assert nothing.value.reason == "NOTHING_TO_RESUME"


async def test_both_answers_at_once(client: graphwire.Client) -> None:
    thread_id, ids = await _asking(client, "pair", {})

    both = graphwire.Command(resume={ids["left?"]: None, ids["right?"]: {"deep": [1]}})
    result = await client.invoke("pair", command=both, thread_id=thread_id)

    assert sorted(result.values["log"]) == ["left None", "right {'deep': [1]}"]


async def test_an_update_and_a_way(client: graphwire.Client) -> None:
    thread_id, _ = await _asking(client, "approval", {"request": "launch"})

    command = graphwire.Command(update={"decision": "mine"}, goto=graphwire.Goto(node="act"))
    result = await client.invoke("approval", command=command, thread_id=thread_id)

    assert (result.values["decision"], result.values["log"]) == ("mine", ["prepared", "acted on mine"])


async def test_a_fork_and_an_edit_as_a_node(client: graphwire.Client) -> None:
    thread_id = (await client.threads.create()).thread_id
    await client.invoke("joke", ICE, thread_id=thread_id)
    whole = await states(client, thread_id)
    at = next(state for state in whole if state.next == ("generate_joke",)).checkpoint
    assert at is not None

    forked = await client.invoke("joke", thread_id=thread_id, checkpoint_id=at.checkpoint_id)
    edited = await client.threads.update_state(thread_id, {"topic": "snow"}, as_node="refine_topic", checkpoint=at)
    told = await client.invoke("joke", thread_id=thread_id, checkpoint=edited)
    kept = [state.checkpoint for state in await states(client, thread_id)]
    with pytest.raises(graphwire.InvalidArgument) as unknown:
        await client.threads.update_state(thread_id, {"topic": "x"}, as_node="nobody")

    assert (forked.values, told.values["joke"]) == (TOLD, "这是一个关于 snow 的笑话")
    assert {state.checkpoint.checkpoint_id for state in whole if state.checkpoint} <= {
        each.checkpoint_id for each in kept if each
    }
    assert [violation.field for violation in unknown.value.field_violations] == ["as_node"]


async def test_history_page_by_page(client: graphwire.Client) -> None:
    thread_id = (await client.threads.create()).thread_id
    for topic in ("ice", "tea", "milk"):
        await client.invoke("joke", {"topic": topic}, thread_id=thread_id, metadata={"t": topic})
    whole = await states(client, thread_id)
    before = whole[5].checkpoint
    assert before is not None

    paged = await states(client, thread_id, page_size=5)
    older = await states(client, thread_id, before=before.checkpoint_id, page_size=2)
    of_one = await states(client, thread_id, metadata={"t": "tea"}, page_size=3)
    inputs = await states(client, thread_id, metadata={"source": "input"}, page_size=1)

    assert len(whole) == 12
    assert (paged, older, of_one) == (whole, whole[6:], whole[4:8])
    assert [state.metadata["t"] for state in inputs] == ["milk", "tea", "ice"]


async def test_a_thread_that_begins_with_supersteps(client: graphwire.Client) -> None:
    parallel = [graphwire.StateUpdate(values={"out": [letter]}, as_node="each") for letter in "AB"]
    first = graphwire.StateUpdate(values={"items": ["a", "b"]}, as_node="__start__")
    thread = await client.threads.create(graph_id="fanout", supersteps=[[first], parallel], metadata={"k": 1})
    begun = await states(client, thread.thread_id)
    result = await client.invoke("fanout", thread_id=thread.thread_id)

    assert (thread.metadata["k"], thread.values["out"], begun[0].next) == (1, ["A", "B"], ("join_up",))
    assert [state.metadata["source"] for state in begun] == ["update", "update"]
    assert result.values["items"] == ["A", "B"]
    assert result.run.first_seq == 1


async def test_a_command_among_the_supersteps(client: graphwire.Client) -> None:
    command = graphwire.Command(update={"count": 2}, goto="bump")
    update = graphwire.StateUpdate(command=command, as_node="bump")
    thread = await client.threads.create(graph_id="counter", supersteps=[[update]])

    assert (thread.status, thread.values["count"]) == ("interrupted", 2)
    assert (await client.invoke("counter", thread_id=thread.thread_id)).values["count"] == 3


async def test_a_thread_that_exists_stays_as_it_is(client: graphwire.Client) -> None:
    made = await client.threads.create(graph_id="joke", supersteps=[[TEA]])
    other = [[graphwire.StateUpdate(values={"topic": "milk"}, as_node="refine_topic")]]

    kept = await client.threads.create(thread_id=made.thread_id, graph_id="joke", supersteps=other, if_exists="keep")
    with pytest.raises(graphwire.AlreadyExists):
        await client.threads.create(thread_id=made.thread_id, graph_id="joke", supersteps=other)

    assert kept == made


WRONG: list[tuple[str | None, Any, str]] = [
    (None, [[TEA]], "supersteps"),
    ("joke", [[TEA], []], "supersteps[1].updates"),
    ("joke", [[TEA]] * 1001, "supersteps"),
    ("joke", [[TEA], [graphwire.StateUpdate(values={}, as_node="nobody")]], "supersteps[1].updates[0].as_node"),
    ("joke", [[TEA], [graphwire.StateUpdate(values="x", as_node="refine_topic")]], "supersteps"),
    ("joke", [[TEA, TEA]], "supersteps"),
]


@pytest.mark.parametrize(("graph_id", "supersteps", "field"), WRONG)
async def test_supersteps_that_are_wrong_leave_no_thread(
    client: graphwire.Client, graph_id: str | None, supersteps: Any, field: str
) -> None:
    thread_id = str(uuid.uuid4())

    with pytest.raises(graphwire.InvalidArgument) as refused:
        await client.threads.create(thread_id=thread_id, graph_id=graph_id, supersteps=supersteps)

    assert [violation.field for violation in refused.value.field_violations] == [field]
    with pytest.raises(graphwire.NotFound):
        await client.threads.get(thread_id)


async def test_a_graph_that_does_not_exist_is_not_found(client: graphwire.Client) -> None:
    with pytest.raises(graphwire.NotFound) as unknown:
        await client.threads.create(graph_id="nobody", supersteps=[[TEA]])

    assert unknown.value.reason == "ASSISTANT_NOT_FOUND"
