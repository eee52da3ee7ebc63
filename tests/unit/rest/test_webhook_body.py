import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from graphwire_server.core.delivery import Delivery
from graphwire_server.core.model import CancelAction, Interrupt, Outcome, RunError, RunStatus
from graphwire_server.core.webhooks import BODY_FIELDS
from graphwire_server.rest.answers import run_json
from graphwire_server.rest.json_text import dumps
from graphwire_server.rest.webhook_body import webhook_body
from tests.unit.rest.test_answers import BIG, LATER, RUN, THEN

ENDED = replace(RUN, status=RunStatus.SUCCESS, started_at=THEN, outcome=Outcome(status=RunStatus.SUCCESS))
SENT = LATER + timedelta(seconds=1)


def told(run: Any = ENDED, values: bytes = b"{}", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(webhook_body(run, values, SENT, **more))
    return made


def test_the_fields_of_a_body() -> None:
    assert set(told()) == set(BODY_FIELDS)


def test_the_run_is_told_as_it_is_shown() -> None:
    made, shown = told(values=b'{"n":%d}' % BIG), json.loads(dumps(run_json(ENDED)))

    assert {name: made[name] for name in shown} == shown
    assert made["values"] == {"n": BIG}
    assert made["run_started_at"] == "2026-01-02T03:04:05.000000+00:00"
    assert made["run_ended_at"] == shown["updated_at"]
    assert made["webhook_sent_at"] == "2026-01-02T03:04:06.000006+00:00"


def test_a_run_that_never_started() -> None:
    made = told(replace(ENDED, started_at=None), b"null")

    assert (made["run_started_at"], made["values"]) == (None, None)


@pytest.mark.parametrize(
    ("status", "fields", "cancel", "error"),
    [
        (RunStatus.SUCCESS, {}, None, None),
        (
            RunStatus.ERROR,
            {"error": RunError(type="ValueError", message="a: b")},
            None,
            {"error": "ValueError", "message": "a: b"},
        ),
        (
            RunStatus.INTERRUPTED,
            {},
            CancelAction.INTERRUPT,
            {"error": "UserInterrupt", "message": "the run was cancelled"},
        ),
        (
            RunStatus.INTERRUPTED,
            {},
            CancelAction.ROLLBACK,
            {"error": "UserRollback", "message": "the run was rolled back"},
        ),
    ],
)
def test_how_it_ended(status: RunStatus, fields: Any, cancel: CancelAction | None, error: Any) -> None:
    made = told(replace(ENDED, status=status, cancel=cancel, outcome=Outcome(status=status, **fields)))

    assert (made["status"], made["error"]) == (status.value, error)


def test_what_waits_for_an_answer_is_among_the_values() -> None:
    asked = Outcome(status=RunStatus.SUCCESS, interrupts=(Interrupt(id="i", value=b'"sure?"'),))

    made = told(replace(ENDED, outcome=asked), b'{"a":1}')

    assert made["values"] == {"a": 1, "__interrupt__": [{"id": "i", "value": "sure?", "response_schema": None}]}


def test_only_what_may_be_sent() -> None:
    assert set(told(only={"run_id", "values"})) == {"run_id", "values"}
    assert told(only=frozenset()) == {}


def test_the_call_itself_is_not_told_of() -> None:
    hooked = replace(ENDED, delivery=Delivery(run_id="r", thread_id="t", url="u"))

    assert "webhook_delivery" not in told(hooked)
