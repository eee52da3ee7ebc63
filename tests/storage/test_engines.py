import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from graphwire_server.storage.memory.assistants import MemoryAssistants
from graphwire_server.storage.memory.saver import MemorySaver
from graphwire_server.storage.memory.store import MemoryStore
from graphwire_server.storage.sqlite.database import Database
from graphwire_server.storage.sqlite.store import SqliteStore
from tests.storage.sqlite.engines import engine_of
from tests.storage.suite import ROW_CASES, suite
from tests.storage.suite.engine import Engine


@asynccontextmanager
async def open_sqlite(directory: Path) -> AsyncIterator[Engine]:
    async with Database.open(directory) as database:
        yield engine_of(database)


@asynccontextmanager
async def open_stateless(directory: Path) -> AsyncIterator[Engine]:
    async with Database.open(directory) as database:
        yield replace(engine_of(database), store=SqliteStore(database, stateless=True))


@asynccontextmanager
async def open_memory(directory: Path) -> AsyncIterator[Engine]:
    saver = MemorySaver()
    store = MemoryStore(saver)
    yield Engine(
        store=store,
        crons=store.crons,
        deliveries=store.deliveries,
        assistants=MemoryAssistants(store.crons),
        saver=saver,
        last=saver,
        bound=saver.for_run,
        pruner=store,
    )
    assert not os.listdir(directory)


TestSqlite = suite(open_sqlite)
TestStateless = suite(open_stateless, cases=ROW_CASES)
TestMemory = suite(
    open_memory, cannot={"test_json_that_changes_later_is_stored_as_it_was": "values are handed through, not copied"}
)
