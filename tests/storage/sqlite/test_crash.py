import signal
import subprocess
import sys
from pathlib import Path

from graphwire_server.core.model import RunStatus
from graphwire_server.storage.sqlite.checkpoints import InlineSaver
from graphwire_server.storage.sqlite.database import Database
from graphwire_server.storage.sqlite.store import SqliteStore
from tests.storage.suite.checkpoints import config

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


async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    lines = acknowledged_until_killed(tmp_path)
    assert len(lines) >= ENOUGH
    async with Database.open(tmp_path) as database:
        assert database.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        store, saver = SqliteStore(database), InlineSaver(database)
        for word, name, *rest in lines:
            found = await store.get_run(name)
            assert found is not None
            if word == "stored":
                assert saver.last_checkpoint_id(name) == rest[0]
                assert await saver.aget_tuple(config(name)) is not None
            if word == "finished":
                assert found.status is RunStatus.SUCCESS
