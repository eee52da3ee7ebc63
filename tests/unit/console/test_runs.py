"""How runs look at a terminal, and how they are ended."""

import json
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from graphwire.v1 import run_pb2
from graphwire.v1 import run_service_pb2 as pb
from graphwire.v1.webhook_pb2 import WEBHOOK_STATE_DELIVERED, WEBHOOK_STATE_PENDING, WebhookDelivery
from tests.unit.client.scripted import RUN, THREAD, text
from tests.unit.console.verbs import run_verb, serving_verbs

AT = Timestamp(seconds=1_767_225_600)
BASE: dict[str, Any] = {
    "run_id": RUN,
    "thread_id": THREAD,
    "graph_id": "agent",
    "create_time": AT,
    "attempt": 1,
    "metadata": text("{}"),
}


def shown(*words: str, **fields: Any) -> str:
    """What `runs show` prints of a run."""

    def get(_request: Any, _context: Any) -> pb.GetRunResponse:
        return pb.GetRunResponse(run=run_pb2.Run(**{**BASE, **fields}))

    with serving_verbs(GetRun=get) as address:
        result = run_verb("runs", "show", RUN, *words, address=address)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


HEAD = f"  of agent on thread {THREAD}, created 2026-01-01 00:00:00 UTC\n"


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ({"status": run_pb2.RUN_STATUS_PENDING}, ["run {run} is pending"]),
        (
            {"status": run_pb2.RUN_STATUS_PENDING, "due_time": Timestamp(seconds=AT.seconds + 60)},
            ["run {run} is pending", "  starts 2026-01-01 00:01:00 UTC at the earliest"],
        ),
        (
            {"status": run_pb2.RUN_STATUS_RUNNING, "attempt": 2, "due_time": AT, "start_time": AT},
            ["run {run} is running, attempt 2", "  started 2026-01-01 00:00:00 UTC"],
        ),
        (
            {
                "status": run_pb2.RUN_STATUS_INTERRUPTED,
                "start_time": AT,
                "cancel_action": run_pb2.CANCEL_ACTION_INTERRUPT,
                "lingering_nodes": ["a", "b"],
                "first_seq": 1,
                "last_seq": 9,
            },
            [
                "run {run} is interrupted",
                "  started 2026-01-01 00:00:00 UTC",
                "  asked to stop: interrupt",
                "  threads that went on when it was cut short: a, b",
                "  events 1 to 9",
            ],
        ),
        (
            {"status": run_pb2.RUN_STATUS_RUNNING, "webhook": "https://hooks.example"},
            ["run {run} is running", "  webhook to be called at its end"],
        ),
        (
            {
                "status": run_pb2.RUN_STATUS_SUCCESS,
                "webhook": "https://hooks.example",
                "webhook_delivery": WebhookDelivery(state=WEBHOOK_STATE_DELIVERED, attempts=1, last_status=200),
            },
            ["run {run} is success", "  webhook delivered after 1 attempt"],
        ),
        (
            {
                "status": run_pb2.RUN_STATUS_SUCCESS,
                "webhook": "https://hooks.example",
                "webhook_delivery": WebhookDelivery(
                    state=WEBHOOK_STATE_PENDING, attempts=2, last_error="answered 500", next_attempt_time=AT
                ),
            },
            [
                "run {run} is success",
                "  webhook pending after 2 attempts: answered 500; tried again 2026-01-01 00:00:00 UTC",
            ],
        ),
    ],
)
def test_a_run_shows_its_life(fields: dict[str, Any], lines: list[str]) -> None:
    first, *rest = [line.format(run=RUN) for line in lines]

    assert shown(**fields) == f"{first}\n{HEAD}" + "".join(f"{line}\n" for line in rest)


def test_a_run_as_json_has_its_life() -> None:
    made = json.loads(shown("--json", status=run_pb2.RUN_STATUS_RUNNING, start_time=AT))

    assert (made["start_time"], made["due_time"], made["cancel_action"]) == ("2026-01-01T00:00:00+00:00", None, None)


def cancelled(*words: str, answer: run_pb2.Run | None) -> tuple[pb.CancelRunRequest, str, str]:
    """The request of `runs cancel`, and what it prints."""
    seen: list[pb.CancelRunRequest] = []

    def cancel(request: pb.CancelRunRequest, _context: Any) -> pb.CancelRunResponse:
        seen.append(request)
        return pb.CancelRunResponse(run=answer)

    with serving_verbs(CancelRun=cancel) as address:
        result = run_verb("runs", "cancel", RUN, *words, address=address)
    assert result.exit_code == 0
    return seen[0], result.stdout, result.stderr


def test_a_cancel_says_that_it_goes_on() -> None:
    run = run_pb2.Run(**BASE, cancel_action=run_pb2.CANCEL_ACTION_INTERRUPT)

    request, out, err = cancelled(answer=run)

    assert (request.action, request.wait) == (run_pb2.CANCEL_ACTION_INTERRUPT, False)
    assert (out, err) == ("", f"run {RUN} is being cancelled\n")


def test_a_rollback_says_that_the_work_is_undone() -> None:
    run = run_pb2.Run(**BASE, cancel_action=run_pb2.CANCEL_ACTION_ROLLBACK)

    request, out, err = cancelled("--rollback", answer=run)

    assert request.action == run_pb2.CANCEL_ACTION_ROLLBACK
    assert (out, err) == ("", f"run {RUN} is being cancelled and undone\n")


def test_a_rollback_that_waited_says_that_the_run_is_gone() -> None:
    request, out, err = cancelled("--rollback", "--wait", answer=None)

    assert (request.action, request.wait) == (run_pb2.CANCEL_ACTION_ROLLBACK, True)
    assert (out, err) == ("", f"run {RUN} is cancelled, undone and deleted\n")
