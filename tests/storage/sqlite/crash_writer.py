"""A process that writes until it is killed. It says on stdout what was acknowledged, after it was.

Not a test: test_crash.py runs it, with the data directory as its argument.
"""

import asyncio
import sys
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

from graphwire_server.core.model import RequestKey, RunSpec
from graphwire_server.storage.sqlite.database import Database, Settings
from graphwire_server.storage.sqlite.store import SqliteStore
from tests.storage.sqlite.engines import engine_of
from tests.storage.suite.checkpoints import config, id_of, put
from tests.storage.suite.engine import Engine
from tests.storage.suite.life import admit, ending
from tests.storage.suite.samples import START, events, run

KEPT_FOR = timedelta(days=1)
RESUMABLE = RunSpec(assistant="joke", stream_resumable=True)


def key(name: str) -> RequestKey:
    return RequestKey(request_id=name, fingerprint="f", now=START, expires_at=START + KEPT_FOR)


async def main(directory: Path) -> None:
    async with Database.open(directory, Settings(wal_pages=50, wal_restart_pages=100)) as database:
        writers = [write(engine_of(database), f"w{number}") for number in range(6)]
        stateless = SqliteStore(database, stateless=True)
        await asyncio.gather(*writers, *(write_stateless(stateless, f"s{number}") for number in range(2)))


async def write(engine: Engine, writer: str) -> None:
    for number in count():
        name = f"{writer}-{number}"
        value = await admit(engine.store, run(name, name, spec=RESUMABLE), key=key(name))
        print("admitted", name, flush=True)
        stored = await put(replace(engine, saver=engine.bound(value)), config(name), 1, "x" * 500)
        print("stored", name, id_of(stored), flush=True)
        await engine.store.keep_events(name, events(1, 3, run_id=name, thread_id=name))
        print("kept", name, 3, flush=True)
        last = tuple(events(4, 5, run_id=name, thread_id=name))
        await engine.store.finish_run(ending(value, last_seq=5, events=last, kept_until=START + KEPT_FOR))
        print("finished", name, 5, flush=True)


async def write_stateless(store: SqliteStore, writer: str) -> None:
    for number in count():
        name = f"{writer}-{number}"
        value = await admit(store, run(name, name))
        print("admitted", name, flush=True)
        if number % 2:
            await store.finish_run(ending(value, leaves_nothing=True))
            print("left", name, flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
