from collections.abc import Iterator
from pathlib import Path

import pytest

from graphwire_server.core.items import ItemStore
from graphwire_server.storage.memory.items import MemoryItems
from graphwire_server.storage.sqlite.items.store import SqliteItems
from tests.storage.items.shelf import Shelf, shelf


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ItemStore]:
    if request.param == "memory":
        yield MemoryItems()
        return
    with SqliteItems.open(tmp_path, vectors=True) as opened:
        yield opened


@pytest.fixture
def kept(store: ItemStore) -> Shelf:
    return shelf(store)
