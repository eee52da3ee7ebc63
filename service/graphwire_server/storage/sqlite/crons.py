"""Rows of crons in SQLite.

Owns the `CronStore` port, its statements, and how a firing is taken as part of the transaction that creates its run. The invariant: a cron's next run is due at
one time, and whoever makes it moves that time on.
"""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from graphwire_server.core.cron import Claim, Cron, CronQuery, CronSort, FiringTaken
from graphwire_server.core.errors import ThreadNotFound
from graphwire_server.core.model import Page, RunSpec
from graphwire_server.storage.sqlite import codec
from graphwire_server.storage.sqlite.database import Database
from graphwire_server.storage.sqlite.rows import ticks, time_of

COLUMNS = "cron_id, assistant_id, thread_id, schedule, timezone, end_time, enabled, next_at, created_at, updated_at, metadata, spec, fired_at, last_run_id, problem"
ADD = f"""
INSERT INTO crons ({COLUMNS})
VALUES (:cron_id, :assistant_id, :thread_id, :schedule, :timezone, :end_time, :enabled, :next_at, :created_at, :updated_at, :metadata, :spec, :fired_at,
    :last_run_id, :problem)
"""  # noqa: S608  our own names
SET = """
UPDATE crons
SET schedule = :schedule, timezone = :timezone, end_time = :end_time, enabled = :enabled, next_at = :next_at, updated_at = :updated_at,
    metadata = :metadata, spec = :spec, problem = :problem
WHERE cron_id = :cron_id
"""
TAKE = """
UPDATE crons SET next_at = :following, fired_at = :firing_at, last_run_id = :run_id, problem = NULL WHERE cron_id = :cron_id AND next_at = :next_at
"""
GET = f"SELECT {COLUMNS} FROM crons WHERE cron_id = ?"  # noqa: S608  our own names
DELETE = "DELETE FROM crons WHERE cron_id = ?"
DUE = f"SELECT {COLUMNS} FROM crons WHERE next_at <= ? ORDER BY next_at, cron_id LIMIT ?"  # noqa: S608  our own names
NEXT_DUE = "SELECT min(next_at) FROM crons"
DELETE_OF_ASSISTANT = "DELETE FROM crons WHERE assistant_id = ?"
KNOWS_THREAD = "SELECT 1 FROM threads WHERE thread_id = ?"
MATCHING = """
FROM crons
WHERE (:assistant_id IS NULL OR assistant_id = :assistant_id)
  AND (:thread_id IS NULL OR thread_id = :thread_id)
  AND (:enabled IS NULL OR enabled = :enabled)
  AND (:metadata IS NULL OR contains(metadata, :metadata))
"""
COUNT = f"SELECT count(*) {MATCHING}"
SEARCH = f"SELECT {COLUMNS} {MATCHING} ORDER BY {{order}} LIMIT :limit OFFSET :offset"
ORDERS = {
    (sort, ascending): f"{sort.value} IS NULL, {sort.value} {direction}, cron_id {direction}"
    for sort in CronSort
    for ascending, direction in ((True, "ASC"), (False, "DESC"))
}
"""What `SEARCH` sorts by: by sort key and by whether the order is ascending."""


class SqliteCrons:
    """The `CronStore` port on a database.

    Args:
        database: Where the rows are; it stays its opener's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, cron: Cron) -> None:
        """Adds a cron. Raises ThreadNotFound where its thread does not exist."""
        row = cron_row(cron)

        def add(connection: sqlite3.Connection) -> None:
            thread_id = cron.spec.thread_id
            if thread_id is not None and connection.execute(KNOWS_THREAD, (thread_id,)).fetchone() is None:
                raise ThreadNotFound(thread_id)
            connection.execute(ADD, row)

        await self._database.write(add, len(str(row["spec"])))

    async def get(self, cron_id: str) -> Cron | None:
        """The cron, or None."""
        await self._database.settled()
        with self._database.read() as connection:
            return _one(connection, cron_id)

    async def change(self, cron_id: str, change: Callable[[Cron], Cron]) -> Cron | None:
        """Reads a cron, changes it and writes it. Returns it, or None where there is none."""

        def write(connection: sqlite3.Connection) -> Cron | None:
            found = _one(connection, cron_id)
            if found is None:
                return None
            changed = change(found)
            connection.execute(SET, cron_row(changed))
            return changed

        return await self._database.write(write)

    async def delete(self, cron_id: str) -> bool:
        """Deletes a cron. Returns whether there was one."""
        return await self._database.write(lambda connection: connection.execute(DELETE, (cron_id,)).rowcount > 0)

    async def search(self, query: CronQuery, page: Page, sort: CronSort, *, ascending: bool) -> list[Cron]:
        """A page of the crons that match (port `CronStore`)."""
        statement = SEARCH.format(order=ORDERS[sort, ascending])
        parameters = {**_filters(query), "limit": page.limit, "offset": page.offset}
        return await self._database.query(
            lambda connection: [cron_of(row) for row in connection.execute(statement, parameters)]
        )

    async def count(self, query: CronQuery) -> int:
        """How many crons match."""
        parameters = _filters(query)
        return await self._database.query(lambda connection: int(connection.execute(COUNT, parameters).fetchone()[0]))

    async def due(self, now: datetime, limit: int) -> Sequence[Cron]:
        """The crons whose next run is due, the earliest first."""
        await self._database.settled()
        with self._database.read() as connection:
            return [cron_of(row) for row in connection.execute(DUE, (ticks(now), limit)).fetchall()]

    async def next_due(self) -> datetime | None:
        """When the next run of any cron is due; None where none will be."""
        await self._database.settled()
        with self._database.read() as connection:
            return _time(connection.execute(NEXT_DUE).fetchone()[0])


def take(connection: sqlite3.Connection, claim: Claim, run_id: str) -> None:
    """Takes a firing for a run that the same transaction creates. Raises FiringTaken where it is no longer to be had."""
    row = {
        "cron_id": claim.cron_id,
        "next_at": ticks(claim.next_at),
        "firing_at": ticks(claim.firing_at),
        "following": _ticks(claim.following),
        "run_id": run_id,
    }
    if not connection.execute(TAKE, row).rowcount:
        raise FiringTaken(claim.cron_id)


def drop_assistant(connection: sqlite3.Connection, assistant_id: str) -> None:
    """Deletes the crons of an assistant, which goes in the same transaction."""
    connection.execute(DELETE_OF_ASSISTANT, (assistant_id,))


def cron_row(cron: Cron) -> dict[str, object]:
    """A cron as parameters."""
    return {
        "cron_id": cron.cron_id,
        "assistant_id": cron.spec.assistant,
        "thread_id": cron.spec.thread_id,
        "schedule": cron.schedule,
        "timezone": cron.timezone,
        "end_time": _ticks(cron.end_time),
        "enabled": cron.enabled,
        "next_at": _ticks(cron.next_at),
        "created_at": ticks(cron.created_at),
        "updated_at": ticks(cron.updated_at),
        "metadata": codec.encode(cron.spec.metadata),
        "spec": codec.encode(cron.spec),
        "fired_at": _ticks(cron.fired_at),
        "last_run_id": cron.last_run_id,
        "problem": None if cron.problem is None else codec.encode(cron.problem),
    }


def cron_of(row: Sequence[Any]) -> Cron:
    """The cron of a row."""
    return Cron(
        cron_id=row[0],
        schedule=row[3],
        timezone=row[4],
        end_time=_time(row[5]),
        enabled=bool(row[6]),
        next_at=_time(row[7]),
        created_at=time_of(row[8]),
        updated_at=time_of(row[9]),
        spec=codec.decode(RunSpec, row[11]),
        fired_at=_time(row[12]),
        last_run_id=row[13],
        problem=None if row[14] is None else codec.parse(row[14]),
    )


def _one(connection: sqlite3.Connection, cron_id: str) -> Cron | None:
    row = connection.execute(GET, (cron_id,)).fetchone()
    return None if row is None else cron_of(row)


def _filters(query: CronQuery) -> dict[str, object]:
    return {
        "assistant_id": query.assistant_id,
        "thread_id": query.thread_id,
        "enabled": query.enabled,
        "metadata": codec.encode(query.metadata) if query.metadata else None,
    }


def _ticks(time: datetime | None) -> int | None:
    return None if time is None else ticks(time)


def _time(found: int | None) -> datetime | None:
    return None if found is None else time_of(found)
