"""What a webhook is sent.

Owns the body: the run as this surface shows it, and how it ended (wire fact 86). Its fields are those of `core/webhooks.BODY_FIELDS`.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

import orjson

from graphwire_server.core.lifecycle import thread_error
from graphwire_server.core.model import CancelAction, Outcome, Run
from graphwire_server.rest.answers import error_json, run_json, time_text
from graphwire_server.rest.frames import with_interrupts
from graphwire_server.rest.json_text import dumps


def webhook_body(ended: Run, values: bytes, sent_at: datetime, only: Collection[str] | None = None) -> bytes:
    """The body of one attempt.

    Args:
        ended: The run, at its end.
        values: What it gave, as JSON text. What waits for an answer is put into it, as `wait` does (wire fact 69).
        sent_at: When the attempt is made.
        only: The fields that are sent; None is all.
    """
    outcome = ended.outcome or Outcome(status=ended.status)
    rolled_back = ended.cancel is CancelAction.ROLLBACK
    body = run_json(replace(ended, delivery=None)) | {
        "run_started_at": time_text(ended.started_at),
        "run_ended_at": time_text(ended.updated_at),
        "webhook_sent_at": time_text(sent_at),
        "values": orjson.Fragment(with_interrupts(values, outcome.interrupts)),
        "error": error_json(thread_error(outcome, rolled_back=rolled_back)),
    }
    return dumps(body if only is None else {name: value for name, value in body.items() if name in only})
