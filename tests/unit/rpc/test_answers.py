"""What callers get of a run."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from graphwire.v1 import run_pb2
from graphwire_server.core.delivery import Delivery, DeliveryState
from graphwire_server.core.model import CancelAction, Interrupt, Outcome, Run, RunError, RunSpec, RunStatus
from graphwire_server.rpc.answers import write_run
from graphwire_server.rpc.json_carrier import fill_text

THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = THEN + timedelta(seconds=1)
SPEC = RunSpec(assistant="agent", thread_id="t", metadata={"a": 1})

FAILED = Delivery(
    run_id="r", thread_id="t", url="u", state=DeliveryState.FAILED, attempts=2, attempted_at=THEN, settled_at=LATER, status=302, error="e"
)  # fmt: skip


def shown(**fields: Any) -> dict[str, Any]:
    """A run as its message, field by field."""
    made = run_pb2.Run()
    base: dict[str, Any] = {
        "run_id": "r",
        "thread_id": "t",
        "assistant_id": "a",
        "graph_id": "agent",
        "status": RunStatus.PENDING,
        "created_at": THEN,
        "updated_at": THEN,
        "spec": SPEC,
    }
    write_run(made, Run(**{**base, **fields}), fill_text)
    return MessageToDict(made, preserving_proto_field_name=True)


PLAIN = {
    "run_id": "r",
    "thread_id": "t",
    "assistant_id": "a",
    "graph_id": "agent",
    "status": "RUN_STATUS_PENDING",
    "create_time": "2026-01-02T03:04:05Z",
    "update_time": "2026-01-02T03:04:05Z",
    "metadata": {"text": '{"a":1}'},
    "attempt": 1,
    "multitask_strategy": "MULTITASK_STRATEGY_ENQUEUE",
    "stream_modes": ["values"],
}


def test_what_a_run_has_not_done_is_absent() -> None:
    assert shown() == PLAIN


@pytest.mark.parametrize(
    ("given", "more"),
    [
        ({"due_at": LATER}, {"due_time": "2026-01-02T03:04:06Z"}),
        ({"started_at": LATER}, {"start_time": "2026-01-02T03:04:06Z"}),
        ({"cancel": CancelAction.INTERRUPT}, {"cancel_action": "CANCEL_ACTION_INTERRUPT"}),
        ({"cancel": CancelAction.ROLLBACK}, {"cancel_action": "CANCEL_ACTION_ROLLBACK"}),
        ({"attempt": 3}, {"attempt": 3}),
        ({"spec": replace(SPEC, webhook="https://x.example")}, {"webhook": "https://x.example"}),
        (
            {"delivery": Delivery(run_id="r", thread_id="t", url="u", next_at=LATER)},
            {"webhook_delivery": {"state": "WEBHOOK_STATE_PENDING", "next_attempt_time": "2026-01-02T03:04:06Z"}},
        ),
        (
            {"delivery": FAILED},
            {
                "webhook_delivery": {
                    "state": "WEBHOOK_STATE_FAILED",
                    "attempts": 2,
                    "last_attempt_time": "2026-01-02T03:04:05Z",
                    "last_status": 302,
                    "last_error": "e",
                    "settle_time": "2026-01-02T03:04:06Z",
                }
            },
        ),
        ({"first_seq": 4, "last_seq": 9}, {"first_seq": "4", "last_seq": "9"}),
        (
            {"status": RunStatus.INTERRUPTED, "outcome": Outcome(status=RunStatus.INTERRUPTED, lingering=("a", "b"))},
            {"status": "RUN_STATUS_INTERRUPTED", "lingering_nodes": ["a", "b"]},
        ),
        (
            {
                "status": RunStatus.TIMEOUT,
                "outcome": Outcome(
                    status=RunStatus.TIMEOUT,
                    error=RunError(type="RunTimedOut", message="m"),
                    checkpoint_id="c",
                    interrupts=(Interrupt(id="i", value=b"1"),),
                ),
            },
            {
                "status": "RUN_STATUS_TIMEOUT",
                "error": {"type": "RunTimedOut", "message": "m"},
                "checkpoint_id": "c",
                "interrupts": [{"id": "i", "value": {"text": "1"}}],
            },
        ),
    ],
)
def test_each_field_of_a_run(given: dict[str, Any], more: dict[str, Any]) -> None:
    assert shown(**given) == PLAIN | more


def test_a_stateless_run_shows_no_checkpoint() -> None:
    ended = Outcome(status=RunStatus.SUCCESS, checkpoint_id="c")

    made = shown(spec=RunSpec(assistant="agent"), outcome=ended, status=RunStatus.SUCCESS)

    assert (made["stateless"], "checkpoint_id" in made) == (True, False)


def test_every_field_of_the_message_is_written() -> None:
    full = Outcome(
        status=RunStatus.ERROR,
        error=RunError(type="E", message="m"),
        interrupts=(Interrupt(id="i", value=b"1"),),
        checkpoint_id="c",
        lingering=("n",),
    )
    written = shown(
        due_at=LATER,
        started_at=LATER,
        cancel=CancelAction.INTERRUPT,
        first_seq=1,
        last_seq=2,
        outcome=full,
        spec=replace(SPEC, webhook="w"),
        delivery=FAILED,
    )

    assert set(written) == {field.name for field in run_pb2.Run.DESCRIPTOR.fields} - {"stateless"}
