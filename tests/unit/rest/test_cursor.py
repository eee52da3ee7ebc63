from datetime import UTC, datetime
from typing import Any

import pytest

from graphwire_server.core.errors import InvalidField
from graphwire_server.core.model import Run, RunSpec, RunStatus
from graphwire_server.rest.calls import Call
from graphwire_server.rest.cursor import named, run_cursor, thread_cursor

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WRONG = ["abc", "1.5", " 1", "+1", "1e3", "²", "٣", "-2", "--", "1" * 19]


def call(given: str | None) -> Call:
    headers = [] if given is None else [(b"last-event-id", given.encode("utf-8"))]
    return Call({"path_params": {}, "headers": headers}, None, None)


def run(resumable: bool = True) -> Run:
    spec = RunSpec(assistant="agent", stream_resumable=resumable)
    fields: dict[str, Any] = {"created_at": NOW, "updated_at": NOW, "spec": spec, "status": RunStatus.RUNNING}
    return Run(run_id="r", thread_id="t", assistant_id="a", graph_id="g", **fields)


@pytest.mark.parametrize(
    ("given", "after"), [(None, None), ("", None), ("-1", 0), ("-", 0), ("0", 0), ("7", 7), ("9" * 18, int("9" * 18))]
)
def test_where_a_caller_comes_back_to_a_run(given: str | None, after: int | None) -> None:
    assert run_cursor(run(), call(given)) == after


@pytest.mark.parametrize("given", WRONG)
def test_what_is_no_place_in_a_run(given: str) -> None:
    with pytest.raises(InvalidField) as refused:
        run_cursor(run(), call(given))

    assert refused.value.field == "Last-Event-ID"


@pytest.mark.parametrize("given", ["-1", "7", "abc"])
def test_a_run_whose_events_are_not_kept_is_joined_live(given: str) -> None:
    assert run_cursor(run(resumable=False), call(given)) is None


@pytest.mark.parametrize(
    ("given", "after"), [(None, None), ("", None), ("-", 0), ("0", 0), ("7", 7), ("7-3", 7), ("7-*", 7)]
)
def test_where_a_caller_comes_back_to_a_thread(given: str | None, after: int | None) -> None:
    assert thread_cursor(call(given)) == after


@pytest.mark.parametrize("given", [*WRONG, "-1"])
def test_what_is_no_place_in_a_thread(given: str) -> None:
    with pytest.raises(InvalidField) as refused:
        thread_cursor(call(given))

    assert refused.value.field == "Last-Event-ID"


def test_a_cursor_that_the_core_refuses_is_called_as_the_caller_does() -> None:
    with pytest.raises(InvalidField) as refused, named():
        raise InvalidField("after_seq", "must be less")

    assert (refused.value.field, refused.value.problem) == ("Last-Event-ID", "must be less")


def test_other_fields_keep_their_name() -> None:
    with pytest.raises(InvalidField) as refused, named():
        raise InvalidField("run_id", "is no UUID")

    assert refused.value.field == "run_id"
