"""Promise 7 in the large: kill -9 at random moments under hundreds of runs loses none, repeats none, and no client sees a gap or an event twice.

`FAULT_KILLS=30` makes it thirty kills, under longer runs and more of them. What was judged is printed. `FAULT_SEED` is of all that is left to chance.
"""

import asyncio
import contextlib
import os
import random
from functools import partial
from pathlib import Path

import pytest

from tests.faults.lives import Lives, lives
from tests.faults.storm import Storm
from tests.storage.sqlite.locked import other_program

KILLS = int(os.environ.get("FAULT_KILLS", "3"))
SEED = int(os.environ.get("FAULT_SEED", "7"))
ALL = KILLS > 5
CLIENTS, RUNNING, PACE = (320, 200, 4.0) if ALL else (200, 100, 1.0)
"""How many runs execute at least before the server is killed. The other clients' runs wait for something, or have just ended."""
ROOM = 10
SETTINGS = {"max_losses": "1000", "drain_grace": "PT0.3S", "log_level": "warning"}
"""A run may lose its server often here: it is not its doing."""


@pytest.mark.timeout(400 + 60 * KILLS)  # each kill is followed by a start of some seconds, under load
async def test_kill_9_under_two_hundred_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(SEED)
    async with lives(tmp_path / "data", **SETTINGS) as server:
        storm = Storm(server, SEED, PACE)
        await storm.blow(CLIENTS, partial(_killed_again_and_again, server, chance, storm.figures.executing))

    with capsys.disabled():
        print(f"\n{server.kills} kills and {server.deaths - server.kills} stops: {storm.figures}")
    assert not storm.figures.broken, "\n".join(storm.figures.broken)
    assert storm.figures.taken_up > 0


@pytest.mark.timeout(500)  # two starts, under load
async def test_kill_9_with_little_room(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Most runs wait for room, those that are taken up again too; no more execute than may, and none is left behind."""
    chance = random.Random(SEED)
    async with lives(tmp_path / "data", **SETTINGS, n_jobs_per_worker=str(ROOM)) as server:
        storm = Storm(server, SEED, 0.2)
        await storm.blow(
            60, partial(_killed_again_and_again, server, chance, storm.figures.executing, kills=2, least=ROOM)
        )

    with capsys.disabled():
        print(f"\n{server.kills} kills with room for {ROOM}: {storm.figures}")
    assert not storm.figures.broken, "\n".join(storm.figures.broken)
    assert max(storm.figures.executing) == ROOM


async def _killed_again_and_again(
    server: Lives, chance: random.Random, executing: list[int], kills: int = KILLS, least: int = RUNNING
) -> None:
    """Kills it at random moments, when enough runs execute; sometimes again while it starts, or recovers. Now and then it is stopped instead."""
    while server.kills < kills:
        executing.append(await _busy(server.process.data_dir, least))
        await asyncio.sleep(chance.uniform(0, 1.5))  # a random moment, and no wait
        executing.append(_executing(server.process.data_dir))
        await (server.stop() if chance.random() < 0.2 else server.kill())
        if chance.random() < 0.3:
            await server.die_young(chance.uniform(0.5, 3))
        await server.again()


async def _busy(data_dir: Path, least: int) -> int:
    """Waits until enough runs execute, or for a while: a busy machine may not get so far. How many did."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(15):
            while _executing(data_dir) < least:  # noqa: ASYNC110  it is another process
                await asyncio.sleep(0.05)  # a database tells nobody
    return _executing(data_dir)


def _executing(data_dir: Path) -> int:
    """How many runs execute, by their rows."""
    count = "SELECT (SELECT count(*) FROM runs WHERE status = 'running') + (SELECT count(*) FROM stateless_runs WHERE status = 'running')"
    with other_program(data_dir) as connection:
        return int(connection.execute(count).fetchone()[0])
