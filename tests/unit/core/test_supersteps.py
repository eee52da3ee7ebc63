"""Threads that begin with supersteps: what is refused before the graph is asked, and that nothing is left then."""

import pytest

from graphwire_server.core.errors import AssistantNotFound, InvalidField, ThreadNotFound
from graphwire_server.core.model import Command, Goto, StateUpdate
from graphwire_server.core.threads import MOST_SUPERSTEPS
from tests.unit.core.fakes import THREAD, house

GOOD = StateUpdate(values={"a": 1}, as_node="a")


def commanded(**fields: object) -> StateUpdate:
    return StateUpdate(command=Command(**fields), as_node="a")  # type: ignore[arg-type]  # a table of fields


async def test_the_graph_gets_them_in_their_order() -> None:
    made = house()
    other = StateUpdate(values={"a": 2}, as_node="b")

    await made.threads.create(THREAD, {}, graph="agent", supersteps=[[GOOD, other], [other]])

    assert made.states.updates == [({"a": 1}, "a"), ({"a": 2}, "b"), ({"a": 2}, "b")]


@pytest.mark.parametrize(
    ("update", "field"),
    [
        (StateUpdate(values={}, command=Command(goto=(Goto(node="a"),))), "command"),
        (commanded(has_resume=True, resume="yes"), "command.resume"),
        (commanded(goto=(Goto(node="a"), Goto(node=""))), "command.goto.node"),
        (commanded(update=5), "command.update"),
        (commanded(update=[["a"]]), "command.update"),
    ],
)
async def test_a_change_that_cannot_be_meant_names_its_place(update: StateUpdate, field: str) -> None:
    made = house()

    with pytest.raises(InvalidField) as refused:
        await made.threads.create(THREAD, {}, graph="agent", supersteps=[[GOOD], [GOOD, update]])

    assert refused.value.field == f"supersteps[1].updates[1].{field}"
    with pytest.raises(ThreadNotFound):
        await made.threads.get(THREAD)


async def test_supersteps_without_changes_too_many_and_without_a_graph() -> None:
    made = house()
    for supersteps, graph, field in (
        ([[GOOD], []], "agent", "supersteps[1].updates"),
        ([[GOOD]] * (MOST_SUPERSTEPS + 1), "agent", "supersteps"),
        ([[GOOD]], None, "supersteps"),
    ):
        with pytest.raises(InvalidField) as refused:
            await made.threads.create(THREAD, {}, graph=graph, supersteps=supersteps)
        assert refused.value.field == field
    with pytest.raises(AssistantNotFound):
        await made.threads.create(THREAD, {}, graph="nobody", supersteps=[[GOOD]])
    with pytest.raises(ThreadNotFound):
        await made.threads.get(THREAD)
