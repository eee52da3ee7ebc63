from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import pytest

from graphwire_server.core.errors import InvalidField
from graphwire_server.core.follow import EVERYTHING, Filter
from graphwire_server.core.model import CancelAction, RunStatus
from graphwire_server.rest.run_queries import (
    CancelManyBody,
    CancelManyQuery,
    CancelQuery,
    JoinQuery,
    ListQuery,
    WaitQuery,
)
from graphwire_server.rest.shapes import Shape, body_of, query_of


def query(shape: type[Shape], *pairs: tuple[str, str]) -> Any:
    """A query that has gone over the wire."""
    return query_of(shape, urlencode(pairs).encode())


def modes(*given: str) -> Filter:
    joined: JoinQuery = query(JoinQuery, *(("stream_mode", each) for each in given))
    return joined.wanted()


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (["values"], {"values"}),
        (["values", "updates"], {"values", "updates"}),
        (["values,updates", "custom"], {"values", "updates", "custom"}),
        ([" values , updates ,"], {"values", "updates"}),
        (['["values","updates"]'], {"values", "updates"}),
        (['["values"]', "custom"], {"values", "custom"}),
        (["messages"], {"messages"}),
        (["messages-tuple"], {"messages"}),
        (["messages/partial", "messages/complete", "messages/metadata"], {"messages"}),
        (["updates|node:1|more"], {"updates"}),
        (["messages|node:1"], {"messages"}),
        (["values", "metadata", "error", "feedback", "end"], {"values"}),
    ],
)
def test_a_filter_is_the_union_of_what_all_encodings_name(given: list[str], wanted: Iterable[str]) -> None:
    assert modes(*given) == Filter(modes=frozenset(wanted))


@pytest.mark.parametrize("given", [[], [""], [","], ["[]"], ["", ""], ["metadata"], ["error,end"]])
def test_a_filter_that_names_no_mode_lets_everything_pass(given: list[str]) -> None:
    assert modes(*given) is EVERYTHING


@pytest.mark.parametrize(
    "given",
    [
        "everything",
        "VALUES",
        "/partial",
        "|node",
        "[",
        '["values"',
        "[1]",
        '["values",null]',
        '[["values"]]',
        '["values"]x',
        "[" * 50_000,
    ],
)
def test_a_mode_that_does_not_exist_is_refused(given: str) -> None:
    with pytest.raises(InvalidField) as refused:
        modes(given)

    assert refused.value.field == "stream_mode"


@pytest.mark.parametrize("word", ["true", "True", "TRUE", "yes", "YES", "1"])
def test_words_that_cancel_with_the_caller(word: str) -> None:
    assert query(WaitQuery, ("cancel_on_disconnect", word)).cancels
    assert query(JoinQuery, ("cancelOnDisconnect", word)).cancels


@pytest.mark.parametrize("word", ["", "false", "no", "0", "on", "2", "perhaps"])
def test_other_words_do_not(word: str) -> None:
    assert not query(WaitQuery, ("cancel_on_disconnect", word)).cancels


def test_a_run_outlives_its_caller_by_default() -> None:
    assert not query(WaitQuery).cancels


def test_a_cancel_by_default() -> None:
    made: CancelQuery = query(CancelQuery)

    assert (made.wait, made.cancel_action) == (False, CancelAction.INTERRUPT)


def test_a_cancel_that_waits() -> None:
    assert query(CancelQuery, ("wait", "1"), ("action", "interrupt")).wait


@pytest.mark.parametrize("shape", [CancelQuery, CancelManyQuery])
@pytest.mark.parametrize("action", CancelAction)
def test_what_becomes_of_the_work_of_a_run(shape: type[Shape], action: CancelAction) -> None:
    assert query(shape, ("action", action.value)).cancel_action is action


@pytest.mark.parametrize("shape", [CancelQuery, CancelManyQuery])
@pytest.mark.parametrize("action", ["stop", "", "ROLLBACK", "interrupt,rollback"])
def test_an_unknown_action_is_refused(shape: type[Shape], action: str) -> None:
    with pytest.raises(InvalidField) as refused:
        query(shape, ("action", action))

    assert refused.value.field == "action"


def test_which_runs_to_cancel() -> None:
    made = body_of(CancelManyBody, {"threadId": "t", "run_ids": ["a"]})

    assert (made.status, made.thread_id, made.run_ids) == (None, "t", ["a"])
    assert body_of(CancelManyBody, {"status": "all"}).status == "all"


@pytest.mark.parametrize(("given", "field"), [({"status": "success"}, "status"), ({"run_ids": [1]}, "run_ids[0]")])
def test_which_runs_cannot_be_meant(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        body_of(CancelManyBody, given)

    assert refused.value.field == field


def test_a_list_by_default() -> None:
    made: ListQuery = query(ListQuery)

    assert (made.limit, made.offset, made.run_status(), made.select) == (10, 0, None, [])


def test_a_list() -> None:
    pairs = (("limit", "1000"), ("offset", "3"), ("status", "pending"), ("select", "run_id"), ("select", "status"))

    made: ListQuery = query(ListQuery, *pairs)

    assert (made.limit, made.offset, made.run_status()) == (1000, 3, RunStatus.PENDING)
    assert made.select == ["run_id", "status"]


@pytest.mark.parametrize("status", RunStatus)
def test_runs_of_every_status_can_be_listed(status: RunStatus) -> None:
    assert query(ListQuery, ("status", status.value)).run_status() is status


@pytest.mark.parametrize(
    ("name", "value"),
    [("limit", "0"), ("limit", "1001"), ("offset", "-1"), ("offset", str(2**62)), ("status", "done")],
)
def test_a_list_that_cannot_be_meant(name: str, value: str) -> None:
    with pytest.raises(InvalidField) as refused:
        query(ListQuery, (name, value))

    assert refused.value.field == name
