"""A run that kills its process each time is given up after the stated losses, and takes nobody else along."""

import asyncio
from pathlib import Path

import pytest

from graphwire.v1.run_pb2 import RUN_STATUS_ERROR, RUN_STATUS_SUCCESS, Run
from tests.faults import promises
from tests.faults.client import new_thread
from tests.faults.lives import Lives, lives
from tests.faults.returning import Returning

MOST = 3
"""How often a run may lose its process by default."""

DELAY = 1.5
"""How long the server lives."""

LONGER = {"n": 50, "delay": 0.1}
"""Much longer than that, and begun anew each time: these lose their process as often as the run that kills it."""


async def _dies(server: Lives) -> None:
    """Waits until the server has died by itself, and starts it again."""
    await server.process.ended()
    await server.again()


async def _row(client: Returning, run: Run) -> Run:
    """A run as it ended."""
    return await client.ask(lambda asked: asked.finished(run.run_id))


@pytest.mark.timeout(400)  # five starts, and runs that are longer than a life
async def test_a_run_that_kills_its_process_is_given_up(tmp_path: Path) -> None:
    """Those that executed beside it, or waited behind it, come to their end."""
    thread = new_thread()
    async with lives(tmp_path / "data") as server:
        poison, behind, *beside = [Returning(server, name) for name in ("poison", "behind", "1", "2")]
        innocents = [await each.create("ticks", new_thread(), LONGER, stream_resumable=True) for each in beside]
        killer = await poison.create("poison", thread, {"name": "p", "delay": DELAY})
        patient = await behind.create("ticks", thread, {"n": 1, "name": "patient"}, stream_resumable=True)
        reading = [asyncio.create_task(each.follow(run.run_id)) for each, run in zip(beside, innocents, strict=True)]
        reading += [
            asyncio.create_task(poison.follow(killer.run_id)),
            asyncio.create_task(behind.follow(patient.run_id)),
        ]
        for _ in range(MOST + 1):
            await _dies(server)
        histories = await asyncio.gather(*reading)
        rows = [await _row(behind, run) for run in (killer, patient, *innocents)]
        trail = await behind.ask(lambda client: client.trail(thread))

    assert (rows[0].status, rows[0].error.type, rows[0].error.retryable) == (RUN_STATUS_ERROR, "ServerDied", True)
    assert f"{MOST + 1} times" in rows[0].error.message
    assert rows[0].attempt == MOST + 1
    promises.failed_graph_is_data(poison.history)
    for history, row in zip(histories, (*rows[2:], *rows[:2]), strict=True):
        assert row is rows[0] or row.status == RUN_STATUS_SUCCESS, f"{history.client} was lost: {row}"
        promises.same_end([history], row)
        promises.terminal_last_and_once(history)
        promises.attempts_rise(history)
    assert {row.attempt for row in rows[2:]} == {MOST + 1}
    assert trail == ["p knocked", "patient"]
