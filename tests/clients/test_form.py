"""The form of a case is strict: what nobody reads is refused, with the file and the place."""

import json
from typing import Any

import pytest

from tests.clients.cases import Malformed, load, read
from tests.clients.languages import LANGUAGES

STREAM = {"do": "stream", "request": {"assistant_id": "agent"}}
GOOD: dict[str, Any] = {
    "why": "Because.",
    "server": {"script": [{"method": "StreamRun", "messages": [{"events": [{"seq": 1}]}], "end": True}]},
    "steps": [STREAM],
    "expect": [{}],
}


def script(**call: Any) -> dict[str, Any]:
    return {"server": {"script": [{"method": "StreamRun"} | call]}}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a key of the case": ({"expects": []}, "'expects'"),
    "a key of a step": ({"steps": [STREAM | {"taken": 3}]}, "steps[0]: nobody reads 'taken'"),
    "a step that nobody does": ({"steps": [STREAM | {"do": "dance"}]}, "there is no 'dance'"),
    "a field that the request does not have": (
        {"steps": [{"do": "stream", "request": {"asistant_id": "a"}}]},
        "asistant_id",
    ),
    "a method that there is not": ({"steps": [{"do": "call", "method": "Nothing"}]}, "KeyError: 'Nothing'"),
    "an expectation without its step": ({"expect": [{}, {}]}, "1 steps, and 2 expectations"),
    "an expectation that nobody judges": ({"expect": [{"mode": []}]}, "expect[0]: nobody reads 'mode'"),
    "an option of the client": ({"connect": {"patent": 1}}, "connect: nobody reads 'patent'"),
    "two endings": (script(end=True, drop=True), "ends in one way"),
    "no ending": (script(), "ends in one way"),
    "an ending that is not": (script(drop=False), "ends in one way"),
    "a key of a call": (script(end=True, answer=1), "nobody reads 'answer'"),
    "a key of a status": (script(status={"code": "INTERNAL", "details": []}), "nobody reads 'details'"),
    "a request of a script": (script(end=True, request={"run_id": "r"}), "a StreamRunRequest has no run_id"),
    "an answer": (script(end=True, messages=[{"event": []}]), "event"),
    "no answer of a call that does not stream": (script(method="GetRun", end=True), "GetRun does not stream"),
    "an answer and a status": (script(method="GetRun", messages=[{}], status={"code": "INTERNAL"}), "does not stream"),
    "a cut": ({"server": {"graphs": "examples", "cuts": [{"after": 1, "how": "slowly"}]}}, "`how` is one of"),
    "a cut before anything": ({"server": {"graphs": "examples", "cuts": [{"after": 0}]}}, "`after` at least 1"),
    "a cut of what is encrypted": (
        {"server": {"graphs": "examples", "tls": True, "cuts": [{"after": 1}]}},
        "cuts need tls to be off",
    ),
}


def test_what_is_good_is_read() -> None:
    case = read("good", json.dumps(GOOD))

    assert case.server.script is not None
    assert case.server.script[0].ending == "end"


@pytest.mark.parametrize(("change", "told"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(Malformed) as refused:
        read("wrong", json.dumps(GOOD | change))

    assert str(refused.value).startswith("wrong.json: ")
    assert told in str(refused.value)


def test_each_case_says_why_in_one_sentence() -> None:
    assert [case.name for case in load() if not case.why.endswith(".") or ". " in case.why] == []


def test_no_case_is_named_as_a_language() -> None:
    """So that `-k go` means what it says."""
    assert [case.name for case in load() for language in LANGUAGES if language.name in case.name] == []
