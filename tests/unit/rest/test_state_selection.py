import orjson
import pytest

from graphwire_server.core.errors import InvalidField
from graphwire_server.core.model import ThreadState
from graphwire_server.rest.json_text import dumps
from graphwire_server.rest.state_selection import FIELDS, selection

STATE = ThreadState(
    values=b'{"a":1,"b":2,"c":3}',
    next=("n",),
    tasks=(),
    checkpoint=None,
    parent_checkpoint=None,
    metadata=b"{}",
    created_at=None,
    interrupts=(),
)


@pytest.mark.parametrize(
    ("select", "left"),
    [
        (["next"], {"next": ["n"]}),
        (["values"], {"values": {"a": 1, "b": 2, "c": 3}}),
        (["values.b"], {"values": {"b": 2}}),
        (["values.b", "values.c", "next"], {"values": {"b": 2, "c": 3}, "next": ["n"]}),
        (["values.nobody"], {"values": {}}),
        (["values.b", "values"], {"values": {"a": 1, "b": 2, "c": 3}}),
    ],
)
def test_the_fields_that_are_chosen(select: list[str], left: object) -> None:
    assert orjson.loads(dumps(selection(select).of(STATE, "t"))) == left


def test_nothing_chosen_is_all() -> None:
    assert set(orjson.loads(dumps(selection([]).of(STATE, "t")))) == set(FIELDS)


@pytest.mark.parametrize("wrong", ["valuesx", "values.", "", "config"])
def test_what_is_no_field_is_named(wrong: str) -> None:
    with pytest.raises(InvalidField) as refused:
        selection(["next", wrong])

    assert refused.value.field == "select[1]"
