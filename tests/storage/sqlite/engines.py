"""The embedded engine, as its own tests use it."""

from graphwire_server.engine.searching import values_text
from graphwire_server.storage.sqlite.assistants import SqliteAssistants
from graphwire_server.storage.sqlite.checkpoints import InlineSaver
from graphwire_server.storage.sqlite.crons import SqliteCrons
from graphwire_server.storage.sqlite.database import Database
from graphwire_server.storage.sqlite.deliveries import SqliteDeliveries
from graphwire_server.storage.sqlite.pruning import SqlitePruner
from graphwire_server.storage.sqlite.searched import SearchedValues
from graphwire_server.storage.sqlite.store import SqliteStore
from tests.storage.suite.engine import Engine


def engine_of(database: Database) -> Engine:
    saver = InlineSaver(database)
    return Engine(
        store=SqliteStore(database, searched=SearchedValues(database, saver.serde, values_text)),
        crons=SqliteCrons(database),
        deliveries=SqliteDeliveries(database),
        assistants=SqliteAssistants(database),
        saver=saver,
        last=saver,
        bound=saver.for_run,
        pruner=SqlitePruner(database),
    )
