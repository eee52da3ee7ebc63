"""Deliveries of webhooks in SQLite.

Owns the rows of deliveries: those that are pending, with the run that they tell of, and those of runs that are still there, so that they can be shown. The
invariant: a row outlives its run for as long as it is pending, and no longer.
"""

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from graphwire_server.core.delivery import Delivery, DeliveryState
from graphwire_server.core.model import Run
from graphwire_server.storage.sqlite import codec
from graphwire_server.storage.sqlite.database import Database
from graphwire_server.storage.sqlite.rows import ticks, time_of

COLUMNS = "run_id, thread_id, url, state, attempts, next_at, attempted_at, settled_at, status, error"
ADD = f"""
INSERT OR IGNORE INTO deliveries ({COLUMNS}, host, run)
VALUES (:run_id, :thread_id, :url, :state, :attempts, :next_at, :attempted_at, :settled_at, :status, :error, :host, :run)
"""  # noqa: S608  the columns stand above
OF_RUN = f"SELECT {COLUMNS} FROM deliveries WHERE run_id = ?"  # noqa: S608  as above
PENDING = f"""
SELECT {COLUMNS} FROM deliveries
WHERE state = 'pending' AND host NOT IN (SELECT value FROM json_each(?)) ORDER BY next_at LIMIT ?
"""  # noqa: S608  as above
RUN_OF = "SELECT run FROM deliveries WHERE run_id = ? AND state = 'pending'"
RECORD = """
UPDATE deliveries
SET state = :state, attempts = :attempts, next_at = :next_at, attempted_at = :attempted_at, settled_at = :settled_at, status = :status,
    error = :error, run = CASE WHEN :state = 'pending' THEN run END
WHERE run_id = :run_id AND state = 'pending'
"""
# What is settled is shown with its run alone.
DROP_UNSEEN = """
DELETE FROM deliveries
WHERE run_id = :run_id AND state <> 'pending'
  AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.run_id = deliveries.run_id)
  AND NOT EXISTS (SELECT 1 FROM stateless_runs WHERE stateless_runs.run_id = deliveries.run_id)
"""
DROP_THREAD = "DELETE FROM deliveries WHERE thread_id = ? AND state <> 'pending'"


class SqliteDeliveries:
    """The `DeliveryStore` port on a database.

    Args:
        database: Where the rows are; it stays its opener's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pending(self, limit: int, without: Collection[str] = ()) -> Sequence[Delivery]:
        """Deliveries that are pending, those that are tried next first; those to some hosts left out."""
        bounds = (codec.encode(list(without)), limit)
        return await self._database.query(
            lambda connection: [_delivery_of(row) for row in connection.execute(PENDING, bounds)]
        )

    async def run_of(self, run_id: str) -> Run | None:
        """The run of a pending delivery, as it ended; None where none is pending."""
        with self._database.read() as connection:
            row = connection.execute(RUN_OF, (run_id,)).fetchone()
        return None if row is None else codec.decode(Run, row[0])

    async def record(self, delivery: Delivery) -> None:
        """Writes a delivery after an attempt; what is settled goes where its run is gone."""
        row = _delivery_row(delivery)

        def record(connection: sqlite3.Connection) -> None:
            connection.execute(RECORD, row)
            if delivery.state is not DeliveryState.PENDING:
                drop_unseen(connection, delivery.run_id)

        await self._database.write(record)


def snapshot(ended: Run) -> str:
    """A run as its delivery keeps it; empty for one without a webhook."""
    return "" if ended.delivery is None else codec.encode(replace(ended, delivery=None))


def add(connection: sqlite3.Connection, delivery: Delivery, run: str) -> None:
    """Adds a delivery, with the run as `snapshot` made it. Part of the transaction in which the run ends."""
    connection.execute(ADD, {**_delivery_row(delivery), "run": run})


def shown(connection: sqlite3.Connection, run: Run) -> Run:
    """A run with the delivery of its webhook, where it has one."""
    if run.spec.webhook is None or not run.status.ended:
        return run
    row = connection.execute(OF_RUN, (run.run_id,)).fetchone()
    return run if row is None else replace(run, delivery=_delivery_of(row))


def drop_unseen(connection: sqlite3.Connection, run_id: str) -> None:
    """Drops a delivery that is settled and whose run is gone."""
    connection.execute(DROP_UNSEEN, {"run_id": run_id})


def drop_thread(connection: sqlite3.Connection, thread_id: str) -> None:
    """Drops the deliveries of a thread that goes, but for those that are pending."""
    connection.execute(DROP_THREAD, (thread_id,))


def _delivery_row(delivery: Delivery) -> dict[str, object]:
    times = ("next_at", "attempted_at", "settled_at")
    return {
        "run_id": delivery.run_id,
        "thread_id": delivery.thread_id,
        "host": delivery.host,
        "url": delivery.url,
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "status": delivery.status,
        "error": delivery.error,
        **{name: None if (time := getattr(delivery, name)) is None else ticks(time) for name in times},
    }


def _delivery_of(row: Sequence[Any]) -> Delivery:
    next_at, attempted_at, settled_at = (None if time is None else time_of(time) for time in row[5:8])
    return Delivery(
        run_id=row[0],
        thread_id=row[1],
        url=row[2],
        state=DeliveryState(row[3]),
        attempts=row[4],
        next_at=next_at,
        attempted_at=attempted_at,
        settled_at=settled_at,
        status=row[8],
        error=row[9],
    )
