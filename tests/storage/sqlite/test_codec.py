from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphwire_server.core.model import Outcome, RunSpec, RunStatus
from graphwire_server.storage.sqlite.codec import decode, encode, parse
from tests.storage.suite.runs import FULL_OUTCOME, FULL_SPEC

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)  # a slow machine is no failure
@given(JSON)
def test_json_reads_back_as_it_was(value: Any) -> None:
    assert parse(encode(value)) == value
    spec = RunSpec(assistant="a", has_input=True, input=value, metadata={"m": value})
    assert decode(RunSpec, encode(spec)) == spec


@pytest.mark.parametrize("value", [2**63, 2**64, -(2**63) - 1, 10**40, 2**53 + 1, "\ud800", "\x00", 1e22, 0.1, -0.0])
def test_json_that_is_hard(value: Any) -> None:
    found = parse(encode({"k": [value]}))["k"][0]
    assert (type(found), repr(found)) == (type(value), repr(value))


def test_json_that_is_deep() -> None:
    value: Any = None
    for _ in range(400):
        value = [value]
    assert parse(encode(value)) == value


def test_every_field_reads_back_as_it_was() -> None:
    assert decode(RunSpec, encode(FULL_SPEC)) == FULL_SPEC
    assert decode(Outcome, encode(FULL_OUTCOME)) == FULL_OUTCOME
    assert decode(RunSpec, encode(RunSpec(assistant="a"))) == RunSpec(assistant="a")


def test_rows_of_other_versions_can_be_read() -> None:
    newer = '{"assistant": "a", "unheard_of": {"x": 1}, "config": {"tags": ["t"], "new": 1}}'
    assert decode(RunSpec, newer).config.tags == ("t",)
    assert decode(Outcome, '{"status": "timeout"}') == Outcome(status=RunStatus.TIMEOUT)
