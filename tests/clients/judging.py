"""Judges what a runner saw.

Owns when an observation is not what a case expects. A judge yields complaints, each with its place; none is good. Some things are judged of every stream,
whether a case names them or not: numbers only rise, all events of a run's stream belong to its run, `last_seq` is the number of the last event, and
nothing was raised that was not expected.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

Seen = Mapping[str, Any]
"""What a runner prints of one step."""

ANYTHING = "..."


class Names:
    """The values that a case gives names to: `=name` stands for one that is not empty and always the same."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def complain(self, name: str, got: Any) -> str | None:
        """What is wrong with a value in the place of a name; None for nothing."""
        if got in (None, "", 0):
            return "is empty"
        known = self._values.setdefault(name, got)
        return None if known == got else f"is {got!r}, and was {known!r} before"


def subset(expected: Any, got: Any, names: Names, where: str) -> Iterator[str]:
    """What of an expectation is not there."""
    if isinstance(expected, dict):
        yield from (
            _operator(expected, got, where)
            if any(key[:1] == "$" for key in expected)
            else _object(expected, got, names, where)
        )
    elif isinstance(expected, list):
        yield from _list(expected, got, names, where)
    elif isinstance(expected, str) and re.fullmatch(r"=\w+", expected):
        complaint = names.complain(expected[1:], got)
        if complaint:
            yield f"{where} {complaint}"
    elif not _equal(expected, got):
        yield f"{where} is {_short(got)}, not {_short(expected)}"


def _equal(expected: Any, got: Any) -> bool:
    """Equal, where an integer is no float and true is no integer; a float may come as an integer of the same value."""
    if isinstance(expected, bool) or isinstance(got, bool) or isinstance(expected, int):
        return type(expected) is type(got) and bool(expected == got)
    return bool(expected == got)


def _object(expected: dict[str, Any], got: Any, names: Names, where: str) -> Iterator[str]:
    if not isinstance(got, dict):
        yield f"{where} is {_short(got)}, not an object"
        return
    for key, value in expected.items():
        yield from subset(value, got.get(key), names, f"{where}.{key}")


def _list(expected: list[Any], got: Any, names: Names, where: str) -> Iterator[str]:
    if not isinstance(got, list) or len(got) != len(expected):
        yield f"{where} is {_short(got)}, not {len(expected)} entries like {_short(expected)}"
        return
    for index, (value, entry) in enumerate(zip(expected, got, strict=True)):
        yield from subset(value, entry, names, f"{where}[{index}]")


def _operator(expected: dict[str, Any], got: Any, where: str) -> Iterator[str]:
    ((operator, operand),) = expected.items()
    match operator:
        case "$length":
            good = isinstance(got, str | list) and len(got) == operand
        case "$least":
            good = isinstance(got, int | float) and not isinstance(got, bool) and got >= operand
        case "$matches":
            good = isinstance(got, str) and re.search(operand, got) is not None
        case _:
            raise ValueError(f"{where}: there is no {operator}")
    if not good:
        yield f"{where} is {_short(got)}, not {operator[1:]} {operand!r}"


def step(asked: Mapping[str, Any], expected: Mapping[str, Any], seen: Seen, names: Names, where: str) -> Iterator[str]:
    """What is wrong with the observation of a step."""
    if not ("take" in asked and _left(seen)):
        yield from subset(expected.get("error"), seen.get("error"), names, f"{where}.error")
    for key in ("response", "messages"):
        if key in expected:
            yield from subset(expected[key], seen.get(key), names, f"{where}.{key}")
    yield from subset(expected.get("observed", {}), dict(seen), names, where)
    events = seen.get("events")
    if isinstance(events, list):
        yield from _stream(events, seen, where)
        yield from _events(expected, events, names, where)
    elif {"modes", "without_gaps", "last", "events", "texts"} & expected.keys():
        yield f"{where}.events is {_short(events)}, not a list of events"
    if "count" in expected and not _equal(expected["count"], events):
        yield f"{where}.events is {_short(events)}, not the number {expected['count']}"


def _left(seen: Seen) -> bool:
    """Whether what was raised is that the caller left, which some languages raise."""
    error = seen.get("error")
    return isinstance(error, dict) and error.get("code") == "CANCELLED"


def _stream(events: Sequence[Seen], seen: Seen, where: str) -> Iterator[str]:
    """What holds for every stream."""
    for before, after in pairwise(events):
        if after["seq"] <= before["seq"]:
            yield f"{where}.events: {after['seq']} comes behind {before['seq']}"
    if events and seen.get("last_seq") != events[-1]["seq"]:
        yield f"{where}.last_seq is {seen.get('last_seq')}, and the last event's number {events[-1]['seq']}"
    strangers = {event["run_id"] for event in events} - {seen.get("run_id")}
    if "run_id" in seen and strangers:
        yield f"{where}.run_id is {seen['run_id']}, and there are events of {', '.join(sorted(strangers))}"


def _events(expected: Mapping[str, Any], events: Sequence[Seen], names: Names, where: str) -> Iterator[str]:
    modes = [event["mode"] for event in events]
    if "modes" in expected and not matches(expected["modes"], modes):
        yield f"{where}.events have the modes {_short(modes)}, not {expected['modes']}"
    if expected.get("without_gaps"):
        yield from without_gaps(events, where)
    if "last" in expected:
        yield from subset(expected["last"], events[-1] if events else None, names, f"{where}.last")
    for index, value in expected.get("events", {}).items():
        place = int(index)
        there = -len(events) <= place < len(events)
        yield from subset(value, events[place] if there else None, names, f"{where}.events[{index}]")
    if "texts" in expected:
        text = "".join(event.get("text") or "" for event in events)
        yield from subset(expected["texts"], text, names, f"{where}.texts")


def without_gaps(events: Sequence[Seen], where: str) -> Iterator[str]:
    """A whole stream: no number is left out or doubled, and there is exactly one `end`, which is last.

    Numbers may jump in one place, which the proto names: before a `metadata` event with a raised attempt, after the death of a server process.
    """
    for before, after in pairwise(events):
        reborn = after["mode"] == "metadata" and after.get("attempt", 1) > 1 and after["seq"] > before["seq"]
        if after["seq"] != before["seq"] + 1 and not reborn:
            yield f"{where}.events: {after['seq']} follows {before['seq']}"
    ends = [event["seq"] for event in events if event["mode"] == "end"]
    if len(ends) != 1 or events[-1]["seq"] != ends[0]:
        yield f"{where}.events: `end` comes {len(ends)} times, and the last event is {_short(events[-1] if events else None)}"


def matches(pattern: Sequence[str], modes: Sequence[str]) -> bool:
    """Whether modes are as a pattern says: `custom` is one, `custom*3` three, `custom*` at least one, `...` any number of any."""
    return re.fullmatch("".join(map(_part, pattern)), "".join(f"<{mode}>" for mode in modes)) is not None


def _part(word: str) -> str:
    if word == ANYTHING:
        return r"(?:<\w*>)*"
    mode, star, count = word.partition("*")
    times = f"{{{count}}}" if count else "+" if star else ""
    return f"(?:<{re.escape(mode)}>){times}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:200]} ... {text[-90:]}"
