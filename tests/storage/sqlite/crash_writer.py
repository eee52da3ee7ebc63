"""A process that writes until it is killed. It says on stdout what was acknowledged, after it was.

Not a test: test_crash.py runs it, with the data directory as its argument.
"""

import asyncio
import sys
from itertools import count
from pathlib import Path

from graphwire_server.core.model import RunStatus, ThreadStatus
from graphwire_server.storage.sqlite.checkpoints import InlineSaver
from graphwire_server.storage.sqlite.database import Database, Settings
from graphwire_server.storage.sqlite.store import SqliteStore
from tests.storage.suite.checkpoints import config, id_of, put
from tests.storage.suite.engine import Engine
from tests.storage.suite.samples import run, success


async def main(directory: Path) -> None:
    async with Database.open(directory, Settings(wal_pages=50, wal_restart_pages=100)) as database:
        saver = InlineSaver(database)
        engine = Engine(store=SqliteStore(database), saver=saver, last=saver)
        await asyncio.gather(*(write(engine, f"w{number}") for number in range(8)))


async def write(engine: Engine, writer: str) -> None:
    for number in count():
        name = f"{writer}-{number}"
        await engine.store.admit_run(run(name, name), create_thread=True, reject_busy=False, seq_block=10)
        print("admitted", name, flush=True)
        stored = await put(engine, config(name), 1, "x" * 500)
        print("stored", name, id_of(stored), flush=True)
        ended = run(name, name, status=RunStatus.SUCCESS, outcome=success(), first_seq=1, last_seq=2)
        await engine.store.finish_run(ended, ThreadStatus.IDLE)
        print("finished", name, flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
