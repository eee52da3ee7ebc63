"""Each time of a schedule makes one run, on the rows of SQLite: over restarts, and with two servers that watch."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from graphwire_server.core.lull import Lull
from graphwire_server.core.model import Page, RunSpec, Thread
from graphwire_server.storage.sqlite.crons import SqliteCrons
from graphwire_server.storage.sqlite.database import Database
from graphwire_server.storage.sqlite.store import SqliteStore
from tests.unit.core.fakes import THREAD, Clock, Store
from tests.unit.core.office import EACH_MINUTE, START, Office, Standing, open_office

MINUTE = timedelta(minutes=1)
ON_THREAD = replace(EACH_MINUTE, spec=RunSpec(assistant="agent", thread_id=THREAD))


@asynccontextmanager
async def server(database: Database, clock: Clock, first_id: int = 1) -> AsyncIterator[Office]:
    store, stateless = (cast("Store", SqliteStore(database, stateless=kind)) for kind in (False, True))
    async with open_office(
        clock, store=store, ephemeral=stateless, rows=SqliteCrons(database), first_id=first_id
    ) as office:
        yield office


async def with_cron(database: Database, clock: Clock) -> None:
    await SqliteStore(database).create_thread(Thread(thread_id=THREAD, created_at=START, updated_at=START))
    async with server(database, clock) as office:
        await office.crons.create(ON_THREAD)


async def minutes(database: Database) -> list[datetime]:
    """In which minutes runs were created."""
    runs = await SqliteStore(database).list_runs(THREAD, None, Page(limit=10_000))
    return [run.created_at.replace(second=0) for run in reversed(runs)]


def first(count: int) -> list[datetime]:
    return [START.replace(minute=1, second=0) + number * MINUTE for number in range(count)]


@pytest.mark.timeout(120)
async def test_a_day_with_restarts_in_between_has_each_run_once(tmp_path: Path) -> None:
    clock = Standing()
    async with Database.open(tmp_path, lull=Lull(0)) as database:
        await with_cron(database, clock)
    for number in range(24):
        async with (
            Database.open(tmp_path, lull=Lull(0)) as database,
            server(database, clock, first_id=1 + number * 1000) as office,
        ):
            await office.pass_time(timedelta(minutes=59, seconds=40))
        clock.now += timedelta(seconds=20)  # nobody watches
    async with Database.open(tmp_path) as database:
        made = await minutes(database)

    assert made == first(24 * 60)


async def test_two_servers_on_the_same_rows_make_each_run_once(tmp_path: Path) -> None:
    clock = Standing()
    async with Database.open(tmp_path, lull=Lull(0)) as database:
        await with_cron(database, clock)
        async with server(database, clock, 1000) as one, server(database, clock, 5000) as other:
            for _ in range(60):
                clock.now += MINUTE
                await asyncio.gather(one.ring(), other.ring())
                await asyncio.gather(one.at_rest(), other.at_rest())
            executed = len(one.house.executor.executed) + len(other.house.executor.executed)
        made = await minutes(database)

    assert made == first(60)
    assert executed == 60


async def test_after_a_night_without_a_server_the_latest_is_made_once(tmp_path: Path) -> None:
    clock = Standing()
    async with Database.open(tmp_path) as database:
        await with_cron(database, clock)
    clock.now += timedelta(hours=10)
    async with Database.open(tmp_path) as database:
        async with server(database, clock, 1000):
            pass
        made = await minutes(database)

    assert made == [clock.now.replace(second=0)]
