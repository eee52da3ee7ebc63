"""Composes the store: a part of the composition root.

Owns what the store is made of, in a file of its own beside the database, and the alarm that removes what has expired.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from graphwire_server.core.expiry import Expiry
from graphwire_server.core.items import Items, Keeping
from graphwire_server.core.ports import Clock, Later
from graphwire_server.engine.embedding import Embedding
from graphwire_server.engine.store_section import StoreSection
from graphwire_server.storage.sqlite.items.store import SqliteItems


@asynccontextmanager
async def remembering(
    data_dir: Path, section: StoreSection, embedding: Embedding | None, clock: Clock, later: Later
) -> AsyncIterator[Items]:
    """The store, open.

    Args:
        data_dir: The data directory, whose lock the caller holds.
        section: What langgraph.json says about the store.
        embedding: The embedding function that it names; None where it names none.
        clock: The time.
        later: Does something at its time.

    Raises:
        DataDirError: The file cannot be used.
    """
    loop = asyncio.get_running_loop()

    def expect(at: datetime) -> None:
        with suppress(RuntimeError):  # the server has stopped, and the next one looks when it starts
            loop.call_soon_threadsafe(expiry.expect, at)

    with SqliteItems.open(data_dir, vectors=embedding is not None) as store, embedding or nullcontext():
        items = Items(store, clock, _keeping(section), embedding, expect)
        expiry = Expiry(items, clock, later)
        async with expiry:
            yield items


def _keeping(section: StoreSection) -> Keeping:
    asked = Keeping(ttl=section.default_ttl, refresh_on_read=section.refresh_on_read)
    return asked if section.sweep_interval is None else replace(asked, sweep_interval=section.sweep_interval)
