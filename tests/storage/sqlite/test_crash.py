import signal
import subprocess
import sys
from pathlib import Path

import pytest

from graphwire_server.core.model import RunStatus
from graphwire_server.storage.sqlite.database import Database
from graphwire_server.storage.sqlite.store import SqliteStore
from tests.storage.sqlite.crash_writer import key
from tests.storage.sqlite.engines import engine_of
from tests.storage.suite.checkpoints import config
from tests.storage.suite.samples import numbers

pytestmark = pytest.mark.timeout(
    180
)  # a program of its own, which takes its time to start where others have the processors

ROOT = Path(__file__).parents[3]
ENOUGH = 600


def acknowledged_until_killed(directory: Path) -> list[list[str]]:
    command = [sys.executable, "-m", "tests.storage.sqlite.crash_writer", str(directory)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(ENOUGH)]
        process.kill()
        lines += process.stdout.readlines()
    assert process.returncode == -signal.SIGKILL
    return [line.split() for line in lines if line.endswith("\n")]


async def holds(database: Database, word: str, name: str, rest: list[str]) -> bool:
    """Whether what was acknowledged is there."""
    engine, stateless = engine_of(database), SqliteStore(database, stateless=True)
    store = stateless if name.startswith("s") else engine.store
    found = await store.get_run(name)
    if word == "left":
        return found is None and await store.get_thread(name) is None
    if word == "stored":
        newest = engine.last.last_checkpoint_id(name) == rest[0]
        return newest and await engine.saver.aget_tuple(config(name)) is not None
    if word == "kept":
        return numbers(await store.kept_events(name, 0, 1 << 20))[: int(rest[0])] == [*range(1, int(rest[0]) + 1)]
    if word == "finished":
        ended = found is not None and found.status is RunStatus.SUCCESS
        return ended and await store.newest_kept(name) == int(rest[0])
    # A stateless run may have ended since, and its end may have been written without being acknowledged.
    return store is stateless or (found is not None and await store.find_request(key(name)) == found)


async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    lines = acknowledged_until_killed(tmp_path)

    async with Database.open(tmp_path) as database:
        assert database.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        lost = [line for line in lines if not await holds(database, line[0], line[1], line[2:])]

    assert len(lines) >= ENOUGH
    assert {line[0] for line in lines} == {"admitted", "stored", "kept", "finished", "left"}
    assert lost == []


async def test_stateless_runs_that_did_not_end_are_there_when_the_process_is_killed(tmp_path: Path) -> None:
    lines = acknowledged_until_killed(tmp_path)
    # Every second one ends: those with an even number do not.
    admitted = {name for word, name, *_ in lines if word == "admitted" and name[0] == "s" and int(name[3:]) % 2 == 0}

    async with Database.open(tmp_path) as database:
        unfinished = {each.run_id for each in await SqliteStore(database, stateless=True).unfinished_runs()}

    assert admitted
    assert admitted <= unfinished
