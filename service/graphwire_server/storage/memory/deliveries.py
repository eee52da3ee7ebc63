"""Deliveries of webhooks in memory.

Owns the deliveries of one store, or of several that share them. The invariant: one that is pending outlives its run, one that is settled does not.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from graphwire_server.core.delivery import Delivery, DeliveryState
from graphwire_server.core.model import Run

_NEVER = datetime.max.replace(tzinfo=UTC)


class MemoryDeliveries:
    """The `DeliveryStore` port in memory."""

    def __init__(self) -> None:
        self._known: dict[str, Delivery] = {}
        self._runs: dict[str, Run] = {}
        self._seen: list[Callable[[str], bool]] = []

    def shared_by(self, has_run: Callable[[str], bool]) -> None:
        """A store shares them; `has_run` tells whether it still has a run."""
        self._seen.append(has_run)

    async def pending(self, limit: int, without: Collection[str] = ()) -> Sequence[Delivery]:
        """Deliveries that are pending, those that are tried next first; those to some hosts left out."""
        waiting = (each for each in self._known.values() if each.state is DeliveryState.PENDING)
        found = (each for each in waiting if each.host not in without)
        return sorted(found, key=lambda each: each.next_at or _NEVER)[:limit]

    async def run_of(self, run_id: str) -> Run | None:
        """The run of a pending delivery, as it ended; None where none is pending."""
        return self._runs.get(run_id)

    async def record(self, delivery: Delivery) -> None:
        """Writes a delivery after an attempt; what is settled goes where its run is gone."""
        if delivery.run_id not in self._runs:
            return
        self._known[delivery.run_id] = delivery
        if delivery.state is not DeliveryState.PENDING:
            del self._runs[delivery.run_id]
            self.drop_unseen(delivery.run_id)

    def add(self, ended: Run) -> None:
        """Adds the delivery of a run that ends, where it has one."""
        if ended.delivery is not None and ended.run_id not in self._known:
            self._known[ended.run_id] = ended.delivery
            self._runs[ended.run_id] = replace(ended, delivery=None)

    def shown(self, run: Run) -> Run:
        """A run with the delivery of its webhook, where it has one."""
        found = self._known.get(run.run_id)
        return run if found is None or not run.status.ended else replace(run, delivery=found)

    def drop_unseen(self, run_id: str) -> None:
        """Drops a delivery that is settled and whose run is gone."""
        found = self._known.get(run_id)
        settled = found is not None and found.state is not DeliveryState.PENDING
        if settled and not any(has_run(run_id) for has_run in self._seen):
            del self._known[run_id]

    def drop_thread(self, thread_id: str) -> None:
        """Drops the deliveries of a thread that is gone, but for those that are pending."""
        for run_id in [each.run_id for each in self._known.values() if each.thread_id == thread_id]:
            self.drop_unseen(run_id)
