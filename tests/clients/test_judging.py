"""The judges can reject: each of these observations is wrong in one way, and the way is told."""

import copy
from typing import Any

import pytest

from tests.clients.judging import Names, matches, step

GOOD: dict[str, Any] = {
    "run_id": "r",
    "thread_id": "t",
    "last_seq": 5,
    "events": [
        {"seq": 1, "run_id": "r", "mode": "metadata", "attempt": 1},
        {"seq": 2, "run_id": "r", "mode": "custom", "data": {"i": 1, "big": 2**64}},
        {"seq": 3, "run_id": "r", "mode": "custom", "data": {"i": 2}},
        {"seq": 4, "run_id": "r", "mode": "messages", "text": "hi"},
        {"seq": 5, "run_id": "r", "mode": "end", "status": "success"},
    ],
    "messages": [{"id": "m", "text": "hi"}],
    "error": None,
}
EXPECTED = {
    "modes": ["metadata", "custom*2", "messages", "end"],
    "without_gaps": True,
    "last": {"mode": "end", "status": "success"},
    "events": {"1": {"data": {"i": 1, "big": 2**64}}, "-1": {"seq": 5}},
    "texts": "hi",
    "messages": [{"id": "m", "text": {"$matches": "^hi$"}}],
    "observed": {"run_id": "=run", "thread_id": {"$length": 1}, "last_seq": {"$least": 5}},
}


def complaints(seen: dict[str, Any], expected: dict[str, Any] = EXPECTED, **asked: Any) -> list[str]:
    return list(step(asked, expected, seen, Names(), "seen"))


def changed(**fields: Any) -> dict[str, Any]:
    return copy.deepcopy(GOOD) | fields


def without(index: int) -> dict[str, Any]:
    events = copy.deepcopy(GOOD["events"])
    del events[index]
    return changed(events=events, last_seq=events[-1]["seq"])


def with_events(*order: int) -> dict[str, Any]:
    events = [copy.deepcopy(GOOD["events"][index]) for index in order]
    return changed(events=events, last_seq=events[-1]["seq"])


def test_what_is_good_passes() -> None:
    assert complaints(GOOD) == []


LINES = {
    "a lost event": (without(2), "4 follows 2"),
    "a doubled event": (with_events(0, 1, 1, 2, 3, 4), "2 comes behind 2"),
    "a wrong order": (with_events(0, 2, 1, 3, 4), "2 comes behind 3"),
    "a missing end": (without(4), "`end` comes 0 times"),
    "two ends": (with_events(0, 1, 2, 3, 4, 4), "`end` comes 2 times"),
    "an end that is not last": (with_events(0, 1, 2, 4, 3), "and the last event is"),
    "a run of somebody else": (changed(run_id="other"), "there are events of r"),
    "a cursor that runs ahead": (changed(last_seq=6), "last_seq is 6"),
    "an error that was not expected": (changed(error={"code": "UNAVAILABLE"}), "seen.error is {'code': 'UNAVAILABLE'}"),
    "a text that differs": (changed(messages=[{"id": "m", "text": "hihi"}]), "messages[0].text is 'hihi'"),
    "a message too many": (changed(messages=[{"id": "m", "text": "hi"}] * 2), "not 1 entries"),
    "no events": (changed(events=None), "not a list of events"),
    "an empty stream": (changed(events=[]), "seen.last is None"),
    "an id that is empty": (changed(run_id=None), "seen.run_id is empty"),
}


@pytest.mark.parametrize(("seen", "told"), LINES.values(), ids=LINES)
def test_what_is_wrong_is_told(seen: dict[str, Any], told: str) -> None:
    assert any(told in complaint for complaint in complaints(seen)), complaints(seen)


VALUES = {
    "a lost digit": ({"i": 1, "big": float(2**64)}, "events[1].data.big"),
    "a float for an integer": ({"i": 1.0, "big": 2**64}, "events[1].data.i"),
    "a text for an integer": ({"i": "1", "big": 2**64}, "events[1].data.i"),
    "true for 1": ({"i": True, "big": 2**64}, "events[1].data.i"),
    "a missing key": ({"i": 1}, "events[1].data.big is None"),
    "no object": (7, "not an object"),
}


@pytest.mark.parametrize(("data", "told"), VALUES.values(), ids=VALUES)
def test_values_are_exact(data: Any, told: str) -> None:
    seen = copy.deepcopy(GOOD)
    seen["events"][1]["data"] = data

    assert any(told in complaint for complaint in complaints(seen))


def test_a_name_stands_for_one_value() -> None:
    names, expected = Names(), {"observed": {"request_id": "=same"}, "error": None}

    first = list(step({}, expected, {"request_id": "a"}, names, "first"))
    again = list(step({}, expected, {"request_id": "a"}, names, "again"))
    other = list(step({}, expected, {"request_id": "b"}, names, "other"))

    assert (first, again) == ([], [])
    assert other == ["other.request_id is 'b', and was 'a' before"]


def test_numbers_may_jump_before_another_attempt_alone() -> None:
    reborn = [
        GOOD["events"][0],
        {"seq": 7, "run_id": "r", "mode": "metadata", "attempt": 2},
        GOOD["events"][4] | {"seq": 8},
    ]
    expected = {"without_gaps": True}

    assert complaints(changed(events=reborn, last_seq=8), expected) == []
    reborn[1] = reborn[1] | {"attempt": 1}
    assert complaints(changed(events=reborn, last_seq=8), expected) == ["seen.events: 7 follows 1"]


def test_who_left_may_raise_that_he_did() -> None:
    seen = changed(error={"code": "CANCELLED"})

    assert complaints(seen, take=5) == []
    assert complaints(seen) != []
    assert complaints(changed(error={"code": "UNAVAILABLE"}), take=5) != []


PATTERNS = [
    (["metadata", "custom*", "end"], ["metadata", "custom", "custom", "end"], True),
    (["metadata", "custom*", "end"], ["metadata", "end"], False),
    (["custom*2"], ["custom"], False),
    (["custom*2"], ["custom"] * 3, False),
    (["custom*20"], ["custom"] * 20, True),
    (["...", "end"], ["end"], True),
    (["...", "end"], ["end", "custom"], False),
    (["metadata", "", "end"], ["metadata", "", "end"], True),
    (["metadata", "end"], ["metadata", "", "end"], False),
    ([], [], True),
    ([], ["end"], False),
]


@pytest.mark.parametrize(("pattern", "modes", "good"), PATTERNS)
def test_modes(pattern: list[str], modes: list[str], good: bool) -> None:
    assert matches(pattern, modes) is good


def test_a_count_is_a_number() -> None:
    assert complaints({"events": 7}, {"count": 7}) == []
    assert complaints({"events": 7}, {"count": 8}) == ["seen.events is 7, not the number 8"]
    assert complaints({"events": 7}, {"count": 7, "without_gaps": True}) == ["seen.events is 7, not a list of events"]
