"""The delivery of a webhook, as it is known.

Owns the value that runs carry and stores keep. The rules about it are in `webhooks.py`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DeliveryState(StrEnum):
    """Where a delivery is in its life. One that is pending becomes one of the others, once."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The call of a run's webhook. A run has one, from its end.

    Attributes:
        run_id: The run. It is the delivery's own id too: the receiver sees it with every attempt, and drops doubles by it.
        thread_id: The run's thread.
        url: Where it goes.
        state: Where it is in its life.
        attempts: How often it was tried, in whole: an attempt that its process did not see through is not counted.
        next_at: When it is tried next; None once it is settled.
        attempted_at: When it was last tried, None until then.
        settled_at: When it was delivered or given up; None until then.
        status: The HTTP status of the last attempt's answer; None where it had none.
        error: Why the last attempt failed; empty where it did not.
    """

    run_id: str
    thread_id: str
    url: str
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    next_at: datetime | None = None
    attempted_at: datetime | None = None
    settled_at: datetime | None = None
    status: int | None = None
    error: str = ""

    @property
    def host(self) -> str:
        """What its URL has of a host: equal for those that go to the same place."""
        return self.url.partition("://")[2].partition("/")[0].partition("?")[0].lower()
