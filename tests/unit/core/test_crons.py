"""What callers may do with crons."""

from dataclasses import replace
from datetime import timedelta

import pytest

from graphwire_server.core.cron import Claim, Cron, CronChange, CronQuery, NewCron
from graphwire_server.core.crons import Crons
from graphwire_server.core.errors import (
    AssistantNotFound,
    CronNotFound,
    InvalidField,
    NotOffered,
    ThreadNotFound,
)
from graphwire_server.core.model import Page, RunSpec
from graphwire_server.core.webhooks import UrlPolicy
from tests.unit.core.fakes import THREAD, Store, house
from tests.unit.core.office import EACH_MINUTE, START, Standing, crons_of

NOBODY = "00000000-0000-0000-0000-000000000007"
FIRST = START.replace(minute=1, second=0)


def crons(*, offered: bool = True, webhooks: UrlPolicy | None = None) -> tuple[Crons, Store, Standing]:
    """The crons of a server that makes no runs of them by itself."""
    clock = Standing()
    made = house(clock=clock)
    found = crons_of(made, made.store.crons, lambda at: None, offered=offered)
    found._webhooks = webhooks or found._webhooks
    return found, made.store, clock


async def test_the_first_run_is_due_at_the_first_time_from_now_on() -> None:
    made, _, _ = crons()

    cron = await made.create(EACH_MINUTE)

    assert (cron.next_at, cron.created_at, cron.spec.assistant) == (FIRST, START, cron.spec.assistant.lower())
    assert await made.get(cron.cron_id.upper()) == cron


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (replace(EACH_MINUTE, schedule="x"), InvalidField),
        (replace(EACH_MINUTE, timezone="x"), InvalidField),
        (replace(EACH_MINUTE, end_time=START), InvalidField),
        (replace(EACH_MINUTE, spec=RunSpec(assistant="nobody")), AssistantNotFound),
        (replace(EACH_MINUTE, spec=RunSpec(assistant="agent", stream_modes=("x",))), InvalidField),
        (replace(EACH_MINUTE, spec=RunSpec(assistant="agent", webhook="ftp://x")), InvalidField),
        (replace(EACH_MINUTE, spec=RunSpec(assistant="agent", thread_id=NOBODY)), ThreadNotFound),
        (
            replace(EACH_MINUTE, spec=RunSpec(assistant="agent", thread_id=NOBODY), on_run_completed=True),
            InvalidField,
        ),
    ],
)
async def test_what_is_wrong_creates_nothing(asked: NewCron, error: type[Exception]) -> None:
    made, _, _ = crons()

    with pytest.raises(error):
        await made.create(asked)

    assert await made.count(CronQuery()) == 0


async def test_where_no_runs_are_made_none_can_be_created() -> None:
    made, _, _ = crons(offered=False)

    with pytest.raises(NotOffered):
        await made.create(EACH_MINUTE)


async def fire(store: Store, cron: Cron) -> Cron:
    """The cron after another process has made its next run."""
    assert cron.next_at is not None
    following = cron.next_at + timedelta(minutes=1)
    store.crons.take(
        Claim(cron_id=cron.cron_id, next_at=cron.next_at, firing_at=cron.next_at, following=following), "r"
    )
    found = await store.crons.get(cron.cron_id)
    assert found is not None
    return found


async def test_a_change_of_the_run_does_not_bring_back_a_firing_that_was_made_meanwhile() -> None:
    made, store, _ = crons()
    cron = await fire(store, await made.create(EACH_MINUTE))

    changed = await made.update(cron.cron_id, CronChange(run={"metadata": {"a": 1}}))

    assert changed.next_at == cron.next_at == FIRST + timedelta(minutes=1)
    assert (changed.spec.metadata, changed.last_run_id) == ({"a": 1}, "r")


@pytest.mark.parametrize(
    ("change", "due"),
    [
        (CronChange(schedule="*/10 * * * *"), FIRST.replace(minute=10)),
        (CronChange(timezone="Asia/Kathmandu"), FIRST),
        (CronChange(enabled=False), None),
        (CronChange(end_time=START + timedelta(hours=1)), FIRST),
        (CronChange(end_time=START), None),
    ],
)
async def test_a_change_of_the_plan_counts_from_now_on(change: CronChange, due: object) -> None:
    made, _, _ = crons()
    cron = await made.create(EACH_MINUTE)

    assert (await made.update(cron.cron_id, change)).next_at == due


async def test_a_run_that_was_missed_is_dropped_by_a_change_of_the_plan() -> None:
    made, _, clock = crons()
    cron = await made.create(EACH_MINUTE)
    clock.now += timedelta(hours=1)

    changed = await made.update(cron.cron_id, CronChange(schedule="*/2 * * * *"))

    assert changed.next_at == clock.now.replace(second=0) + timedelta(minutes=2)


async def test_an_end_is_taken_away_and_a_time_zone_set_back() -> None:
    made, _, _ = crons()
    cron = await made.create(replace(EACH_MINUTE, end_time=START + timedelta(days=1), timezone="Asia/Tokyo"))

    changed = await made.update(cron.cron_id, CronChange(end_time=None, timezone=""))

    assert (changed.end_time, changed.timezone) == (None, None)


async def test_a_change_that_would_be_wrong_changes_nothing() -> None:
    made, _, _ = crons()
    cron = await made.create(replace(EACH_MINUTE, spec=RunSpec(assistant="agent", context={"a": 1})))

    for change in (CronChange(schedule="x"), CronChange(timezone="x"), CronChange(run={"stream_modes": ("x",)})):
        with pytest.raises(InvalidField):
            await made.update(cron.cron_id, change)

    assert await made.get(cron.cron_id) == cron


async def test_one_whose_webhook_is_not_called_any_more_can_be_switched_off() -> None:
    made, _, _ = crons()
    cron = await made.create(replace(EACH_MINUTE, spec=RunSpec(assistant="agent", webhook="https://example.org/x")))
    made._webhooks = UrlPolicy(offered=False)

    assert not (await made.update(cron.cron_id, CronChange(enabled=False))).enabled
    with pytest.raises(NotOffered):
        await made.update(cron.cron_id, CronChange(run={"input": 1}))


async def test_what_is_not_there() -> None:
    made, _, _ = crons()

    for call in (made.get(NOBODY), made.update(NOBODY, CronChange()), made.delete(NOBODY)):
        with pytest.raises(CronNotFound):
            await call
    for call in (made.get("x"), made.update("x", CronChange()), made.delete("x")):
        with pytest.raises(InvalidField):
            await call


async def test_crons_are_found_by_their_graph_and_by_the_id_of_what_is_gone() -> None:
    made, _, _ = crons()
    cron = await made.create(EACH_MINUTE)
    page = Page(limit=10)

    assert await made.search(CronQuery(assistant_id="agent"), page) == [cron]
    assert await made.search(CronQuery(assistant_id=cron.spec.assistant.upper()), page) == [cron]
    assert await made.search(CronQuery(assistant_id=NOBODY), page) == []
    assert await made.count(CronQuery(assistant_id="writer")) == 0
    with pytest.raises(AssistantNotFound):
        await made.search(CronQuery(assistant_id="nobody"), page)
    with pytest.raises(InvalidField):
        await made.count(CronQuery(thread_id=THREAD[:-1]))
