from typing import Any

import pytest

from graphwire.v1.json_pb2 import Json
from graphwire.v1.run_pb2 import Command as CommandMessage
from graphwire.v1.run_pb2 import Goto as GotoMessage
from graphwire.v1.thread_pb2 import StateUpdate as UpdateMessage
from graphwire.v1.thread_pb2 import Superstep
from graphwire_server.core.errors import InvalidField
from graphwire_server.core.model import Command, Goto, StateUpdate
from graphwire_server.rpc.supersteps import supersteps

ONE = Json(text='{"a":1}')


def test_what_a_state_begins_with() -> None:
    moved = CommandMessage(update=ONE, goto=[GotoMessage(node="n")])
    given = [
        Superstep(updates=[UpdateMessage(values=ONE, as_node="__input__")]),
        Superstep(updates=[UpdateMessage(as_node="a"), UpdateMessage(command=moved, as_node="b"), UpdateMessage()]),
        Superstep(),
    ]

    assert supersteps(given) == (
        (StateUpdate(values={"a": 1}, as_node="__input__"),),
        (
            StateUpdate(as_node="a"),
            StateUpdate(command=Command(update={"a": 1}, goto=(Goto(node="n"),)), as_node="b"),
            StateUpdate(),
        ),
        (),
    )


def test_none_is_none() -> None:
    assert supersteps([]) == ()


@pytest.mark.parametrize(
    ("update", "field"),
    [
        ({"values": Json(text="{")}, "values"),
        ({"values": Json()}, "values"),
        ({"command": CommandMessage(update=Json(text="}"))}, "command.update"),
        ({"command": CommandMessage(resume=Json())}, "command.resume"),
        ({"command": CommandMessage(goto=[GotoMessage(node="n", input=Json())])}, "command.goto.input"),
    ],
)
def test_a_change_that_cannot_be_read_is_named_with_its_place(update: dict[str, Any], field: str) -> None:
    good = UpdateMessage(values=ONE)
    given = [Superstep(updates=[good]), Superstep(updates=[good, UpdateMessage(**update)])]

    with pytest.raises(InvalidField) as refused:
        supersteps(given)

    assert refused.value.field == f"supersteps[1].updates[1].{field}"
