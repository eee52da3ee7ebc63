import json
from datetime import UTC, datetime
from typing import Any

import pytest

from graphwire_server.core.errors import InvalidField
from graphwire_server.core.extract import MOST_PATHS, extract, narrowed
from graphwire_server.core.model import Interrupt, RunConfig, TaskInterrupts, Thread, ThreadStatus

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
THREAD = Thread(
    thread_id="t",
    created_at=AT,
    updated_at=AT,
    status=ThreadStatus.ERROR,
    metadata={"who": {"is it": 2**70}},
    interrupts=(TaskInterrupts(task_id="task", interrupts=(Interrupt(id="i", value=b'"sure?"'),)),),
    error="ValueError: no: not so",
    config=RunConfig(tags=("a",), configurable={"user": "me"}),
)
VALUES = '{"messages": [{"content": "a"}, {"content": "ü"}], "big": 9007199254740993, "none": null}'.encode()


def found(path: str, values: bytes | None = VALUES) -> Any:
    return json.loads(extract({"x": path}).of(THREAD, values)["x"])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("values", json.loads(VALUES)),
        ("values.messages[0].content", "a"),
        ("values.messages[-1].content", "ü"),
        ("values.messages[2]", None),
        ("values.messages[-3]", None),
        ("values.messages.content", None),
        ("values[0]", None),
        ("values.big", 2**53 + 1),
        ("values.none", None),
        ("values.nobody.at.all[3]", None),
        ("metadata.who.is it", 2**70),
        ("thread_id", "t"),
        ("status", "error"),
        ("created_at", "2026-01-02T03:04:05.000000+00:00"),
        ("state_updated_at", "2026-01-02T03:04:05.000000+00:00"),
        ("interrupts.task[0].value", "sure?"),
        ("error.message", "no: not so"),
        ("config.configurable.user", "me"),
        ("config", {"tags": ["a"], "configurable": {"user": "me"}}),
    ],
)
def test_what_stands_at_a_path(path: str, value: Any) -> None:
    assert found(path) == value


def test_a_thread_without_a_state_has_no_values() -> None:
    assert found("values.messages[0]", None) is None


@pytest.mark.parametrize(
    "path",
    ["", "nothing.a", "valuesx", "values.", "values..a", "values[a]", "values[]", "values[0", "values]", ".values", "values[1].", "v" * 501],
)  # fmt: skip
def test_what_is_no_path_is_named(path: str) -> None:
    with pytest.raises(InvalidField) as refused:
        extract({"x": path})

    assert refused.value.field == "extract.x"


def test_too_many_paths() -> None:
    with pytest.raises(InvalidField, match="extract"):
        extract({str(number): "values" for number in range(MOST_PATHS + 1)})
    assert len(extract({str(number): "values" for number in range(MOST_PATHS)}).paths) == MOST_PATHS


def test_values_are_read_where_a_path_needs_them() -> None:
    assert extract({"a": "metadata.x", "b": "values.x"}).of_values
    assert not extract({"a": "metadata.values"}).of_values
    assert not extract({})


@pytest.mark.parametrize(
    ("values", "left"),
    [(b'{"a": 1, "b": {"c": 2}}', {"b": {"c": 2}}), (b'{"a": 1}', {}), (b"[1]", [1]), (b"null", None)],
)
def test_values_with_some_of_their_keys(values: bytes, left: Any) -> None:
    assert json.loads(narrowed(values, frozenset({"b"}))) == left


def test_a_lone_surrogate_is_said_as_it_was() -> None:
    assert json.loads(narrowed(b'{"b": "\\ud800"}', frozenset({"b"}))) == {"b": "\ud800"}
