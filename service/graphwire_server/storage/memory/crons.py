"""Rows of crons in memory.

Owns the `CronStore` port, and how a firing is taken together with its run. Each call ends without an await, so on one event loop it is a transaction.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from graphwire_server.core.cron import Claim, Cron, CronQuery, CronSort, FiringTaken
from graphwire_server.core.errors import ThreadNotFound
from graphwire_server.core.model import Page
from graphwire_server.storage.containment import contains


class MemoryCrons:
    """The `CronStore` port in memory. The stores of runs on threads and of stateless ones share it.

    Args:
        knows_thread: Whether a thread exists.
    """

    def __init__(self, knows_thread: Callable[[str], bool] = lambda _: True) -> None:
        self._knows_thread = knows_thread
        self._crons: dict[str, Cron] = {}

    async def add(self, cron: Cron) -> None:
        """Adds a cron. Raises ThreadNotFound where its thread does not exist."""
        if cron.spec.thread_id is not None and not self._knows_thread(cron.spec.thread_id):
            raise ThreadNotFound(cron.spec.thread_id)
        self._crons[cron.cron_id] = cron

    async def get(self, cron_id: str) -> Cron | None:
        """The cron, or None."""
        return self._crons.get(cron_id)

    async def change(self, cron_id: str, change: Callable[[Cron], Cron]) -> Cron | None:
        """Reads a cron, changes it and writes it. Returns it, or None where there is none."""
        found = self._crons.get(cron_id)
        if found is None:
            return None
        self._crons[cron_id] = changed = change(found)
        return changed

    async def delete(self, cron_id: str) -> bool:
        """Deletes a cron. Returns whether there was one."""
        return self._crons.pop(cron_id, None) is not None

    async def search(self, query: CronQuery, page: Page, sort: CronSort, *, ascending: bool) -> list[Cron]:
        """A page of the crons that match (port `CronStore`)."""
        found = list(self._matching(query))
        with_key = [cron for cron in found if _key(cron, sort) is not None]
        with_key.sort(key=lambda cron: (_key(cron, sort), cron.cron_id), reverse=not ascending)
        without = [cron for cron in found if _key(cron, sort) is None]
        without.sort(key=lambda cron: cron.cron_id, reverse=not ascending)
        return [*with_key, *without][page.offset : page.offset + page.limit]

    async def count(self, query: CronQuery) -> int:
        """How many crons match."""
        return sum(1 for _ in self._matching(query))

    async def due(self, now: datetime, limit: int) -> Sequence[Cron]:
        """The crons whose next run is due, the earliest first."""
        due = [(cron.next_at, cron.cron_id) for cron in self._crons.values() if cron.next_at and cron.next_at <= now]
        return [self._crons[cron_id] for _, cron_id in sorted(due)[:limit]]

    async def next_due(self) -> datetime | None:
        """When the next run of any cron is due; None where none will be."""
        return min((cron.next_at for cron in self._crons.values() if cron.next_at), default=None)

    def check(self, claim: Claim) -> None:
        """Raises FiringTaken where a firing is no longer to be had."""
        found = self._crons.get(claim.cron_id)
        if found is None or found.next_at != claim.next_at:
            raise FiringTaken(claim.cron_id)

    def take(self, claim: Claim, run_id: str) -> None:
        """Takes a firing, which is to be had, for a run that is created in the same call of a store."""
        self._crons[claim.cron_id] = replace(
            self._crons[claim.cron_id],
            next_at=claim.following,
            fired_at=claim.firing_at,
            last_run_id=run_id,
            problem=None,
        )

    def drop_thread(self, thread_id: str) -> None:
        """Removes all crons of a thread."""
        self._crons = {each.cron_id: each for each in self._crons.values() if each.spec.thread_id != thread_id}

    def drop_assistant(self, assistant_id: str) -> None:
        """Removes all crons of an assistant."""
        self._crons = {each.cron_id: each for each in self._crons.values() if each.spec.assistant != assistant_id}

    def _matching(self, query: CronQuery) -> Iterator[Cron]:
        for cron in self._crons.values():
            if (
                query.assistant_id in (None, cron.spec.assistant)
                and query.thread_id in (None, cron.spec.thread_id)
                and query.enabled in (None, cron.enabled)
                and contains(cron.spec.metadata, query.metadata)
            ):
                yield cron


def _key(cron: Cron, sort: CronSort) -> datetime | str | None:
    if sort is CronSort.ASSISTANT_ID:
        return cron.spec.assistant
    if sort is CronSort.THREAD_ID:
        return cron.spec.thread_id
    found: datetime | str | None = getattr(cron, sort.value)
    return found
