"""Crons: creating, changing, finding and deleting them.

Owns what callers may do with a cron, whichever transport they come by. What is wrong with its run is found when it is created or changed, not when it is due.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from graphwire_server.core.assistants import Assistants
from graphwire_server.core.cron import UNSET, Cron, CronChange, CronQuery, CronSort, CronStore, NewCron, Schedules
from graphwire_server.core.errors import CronNotFound, InvalidField, NotOffered
from graphwire_server.core.model import Page, RunSpec
from graphwire_server.core.ports import Clock, NewId
from graphwire_server.core.spec import check_spec, check_uuid, is_uuid
from graphwire_server.core.webhooks import UrlPolicy

_KEPT = "is for crons without a thread: the runs of this one are on its thread, which stays"


class Crons:
    """The crons of this server.

    Args:
        rows: Rows of crons.
        schedules: Reads schedules.
        assistants: The assistants.
        webhooks: What webhooks of runs may call.
        expect: Told when a run will be due.
        clock: The time.
        new_id: A new UUID.
        offered: Whether this server makes runs of crons. Where it does not, crons are there to be looked at, changed and deleted.
    """

    def __init__(
        self,
        *,
        rows: CronStore,
        schedules: Schedules,
        assistants: Assistants,
        webhooks: UrlPolicy,
        expect: Callable[[datetime], None],
        clock: Clock,
        new_id: NewId,
        offered: bool = True,
    ) -> None:
        self._rows = rows
        self._schedules = schedules
        self._assistants = assistants
        self._webhooks = webhooks
        self._expect = expect
        self._clock = clock
        self._new_id = new_id
        self.offered = offered

    async def create(self, asked: NewCron) -> Cron:
        """Creates a cron. Its first run is due at the first time of its schedule from now on.

        Raises:
            InvalidField: Something is wrong with the schedule or with the run.
            AssistantNotFound: There is no such assistant.
            GraphNotFound: Its graph is no longer there.
            ThreadNotFound: There is no such thread.
            NotOffered: This server makes no runs of crons, or calls no webhooks.
        """
        if not self.offered:
            raise NotOffered("making runs of crons (it is switched off by GRAPHWIRE_CRONS or FF_CRONS_ENABLED)")
        if asked.on_run_completed and asked.spec.thread_id is not None:
            raise InvalidField("on_run_completed", _KEPT)
        self._schedules.check(asked.schedule, asked.timezone)
        assistant, now = await self._assistants.runnable(asked.spec.assistant), self._clock()
        cron = self._planned(
            Cron(
                cron_id=self._new_id(),
                spec=self._check(replace(asked.spec, assistant=assistant.assistant_id)),
                schedule=asked.schedule,
                timezone=asked.timezone or None,
                end_time=asked.end_time,
                enabled=asked.enabled,
                created_at=now,
                updated_at=now,
            ),
            now,
        )
        if cron.enabled and cron.next_at is None:
            raise InvalidField(
                "end_time", "is before the first time of the schedule, so that no run would ever be made"
            )
        await self._rows.add(cron)
        self._look_ahead(cron)
        return cron

    async def get(self, cron_id: str) -> Cron:
        """The cron. Raises CronNotFound, and InvalidField for what is no UUID."""
        cron_id = check_uuid("cron_id", cron_id)
        found = await self._rows.get(cron_id)
        if found is None:
            raise CronNotFound(cron_id)
        return found

    async def update(self, cron_id: str, change: CronChange) -> Cron:
        """Changes a cron and returns it. Where the change says when runs are made, the next is due at the first such time from now on; a run that was due and
        is not made yet is then not made any more.

        Raises:
            CronNotFound: There is no such cron.
            InvalidField: It would be wrong.
        """
        cron_id, now = check_uuid("cron_id", cron_id), self._clock()
        changed = await self._rows.change(cron_id, lambda cron: self._changed(cron, change, now))
        if changed is None:
            raise CronNotFound(cron_id)
        self._look_ahead(changed)
        return changed

    async def delete(self, cron_id: str) -> None:
        """Deletes a cron; runs that it has made stay. Raises CronNotFound, InvalidField."""
        cron_id = check_uuid("cron_id", cron_id)
        if not await self._rows.delete(cron_id):
            raise CronNotFound(cron_id)

    async def search(
        self, query: CronQuery, page: Page, sort: CronSort = CronSort.CREATED_AT, *, ascending: bool = False
    ) -> Sequence[Cron]:
        """A page of the crons that match; an assistant may be named by its graph. Raises InvalidField, AssistantNotFound."""
        return await self._rows.search(await self._meant(query), page, sort, ascending=ascending)

    async def count(self, query: CronQuery) -> int:
        """How many crons match. Raises as `search`."""
        return await self._rows.count(await self._meant(query))

    async def _meant(self, query: CronQuery) -> CronQuery:
        """The query by ids. The crons of an assistant that is gone are found by its id."""
        assistant_id, thread_id = query.assistant_id, query.thread_id
        if assistant_id is not None and not is_uuid(assistant_id):
            assistant_id = (await self._assistants.get(assistant_id)).assistant_id
        return replace(
            query,
            assistant_id=assistant_id and assistant_id.lower(),
            thread_id=None if thread_id is None else check_uuid("thread_id", thread_id),
        )

    def _check(self, spec: RunSpec) -> RunSpec:
        """The run as it will be asked for, in canonical form. Raises InvalidField, and NotOffered where webhooks are off."""
        return self._webhooks.check_spec(check_spec(spec))

    def _changed(self, cron: Cron, change: CronChange, now: datetime) -> Cron:
        if "keep_thread" in change.run and cron.spec.thread_id is not None:
            raise InvalidField("on_run_completed", _KEPT)
        changed = replace(
            cron,
            spec=self._check(replace(cron.spec, **change.run)) if change.run else cron.spec,
            schedule=cron.schedule if change.schedule is None else change.schedule,
            timezone=cron.timezone if change.timezone is None else change.timezone or None,
            end_time=cron.end_time if change.end_time is UNSET else change.end_time,
            enabled=cron.enabled if change.enabled is None else change.enabled,
            updated_at=now,
        )
        if _plan(changed) == _plan(cron):
            return changed
        self._schedules.check(changed.schedule, changed.timezone)
        return self._planned(changed, now)

    def _planned(self, cron: Cron, now: datetime) -> Cron:
        """The cron with the time of its next run."""
        return replace(cron, next_at=following(self._schedules, cron, now) if cron.enabled else None)

    def _look_ahead(self, cron: Cron) -> None:
        if cron.next_at is not None:
            self._expect(cron.next_at)


def following(schedules: Schedules, cron: Cron, after: datetime) -> datetime | None:
    """When the next run of a cron is due after a time; None where its end comes first."""
    found = schedules.following(cron.schedule, cron.timezone, after)
    return None if found is None or (cron.end_time is not None and found > cron.end_time) else found


def _plan(cron: Cron) -> tuple[object, ...]:
    return cron.schedule, cron.timezone, cron.end_time, cron.enabled
