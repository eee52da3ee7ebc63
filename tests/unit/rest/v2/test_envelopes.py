"""Envelopes: their form and their numbers."""

import json

import pytest

from graphwire_server.rest.v2.envelopes import LAST, Envelope, Numbered, encoded, failure, hidden, number, seen, through


def test_form() -> None:
    made = json.loads(encoded(Numbered(5, "id", Envelope("values", "values", ("a:1",), 1500, {"x": 1}))))

    params = {"namespace": ["a:1"], "timestamp": 1500, "data": {"x": 1}}
    assert made == {"type": "event", "event_id": "id", "seq": 5, "method": "values", "params": params}


def test_a_node_is_said_where_there_is_one() -> None:
    made = json.loads(encoded(Numbered(5, "id", Envelope("custom", "custom", (), 1, {}, "work"))))

    assert made["params"]["node"] == "work"


def test_numbers_rise_and_fit_a_double() -> None:
    numbers = [number(1, 0), number(1, 1), number(1, LAST - 1), through(1), number(2, 0)]

    assert numbers == sorted(set(numbers))
    assert through(1 << 42) < 2**53


@pytest.mark.parametrize(("since", "event", "whole"), [(number(7, 0), 7, False), (through(7), 7, True), (0, 0, False)])
def test_which_event_a_number_names(since: int, event: int, whole: bool) -> None:
    assert seen(since) == (event, whole)


def test_what_a_reader_has_seen() -> None:
    assert hidden(number(7, 1), number(7, 1))
    assert not hidden(number(7, 2), number(7, 1))
    assert not hidden(number(7, LAST - 1), number(7, LAST - 1)), "several envelopes may have this number"
    assert hidden(through(7), through(7))


def test_a_failure() -> None:
    assert failure("resume_gap", "gone") == {"type": "error", "id": None, "error": "resume_gap", "message": "gone"}
