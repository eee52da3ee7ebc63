"""The table itself: it is whole, and what it excuses is in it."""

from graphwire.v1.error_pb2 import ErrorReason
from graphwire_server.core.model import STREAM_MODES
from tests.parity.exceptions import EXCEPTIONS
from tests.parity.refusals import ELSEWHERE, REFUSALS_BY_REASON
from tests.parity.table import SCENARIOS

NAMES = [scenario.name for scenario in SCENARIOS]


def test_each_row_has_a_name_of_its_own() -> None:
    assert len(set(NAMES)) == len(NAMES)


def test_each_exception_is_shown_by_a_row_and_says_why() -> None:
    for exception in EXCEPTIONS:
        assert exception.shown_by in NAMES
        assert exception.reason


def test_each_reason_is_in_the_table_or_said_to_be_elsewhere() -> None:
    reasons = {name.removeprefix("ERROR_REASON_") for name in ErrorReason.keys()} - {"UNSPECIFIED"}  # noqa: SIM118  no mapping

    assert set(REFUSALS_BY_REASON) | set(ELSEWHERE) == reasons
    assert not set(REFUSALS_BY_REASON) & set(ELSEWHERE)


def test_each_stream_mode_has_a_row() -> None:
    assert all(any(f"of mode {mode}" in name for name in NAMES) for mode in STREAM_MODES)
