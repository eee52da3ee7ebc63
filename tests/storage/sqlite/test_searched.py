"""The copy of states that searches by values read."""

from pathlib import Path
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from graphwire_server.core.model import ThreadQuery
from graphwire_server.engine.encoding import dumps
from graphwire_server.storage.containment import contains
from graphwire_server.storage.sqlite.checkpoints import InlineSaver
from graphwire_server.storage.sqlite.database import Database
from graphwire_server.storage.sqlite.searched import MOST_BYTES, SearchedValues, needle
from graphwire_server.storage.sqlite.store import SqliteStore
from tests.storage.sqlite.engines import engine_of
from tests.storage.suite.checkpoints import config, put
from tests.storage.suite.samples import thread

KEYS = st.sampled_from(["a", "b", 'say "a"', "ü", "\\", "\n", ""])
SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=5)
VALUES = st.dictionaries(KEYS, st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2), max_leaves=3))


def other_form(value: Any) -> Any:
    """An equal number, as JSON may write it otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 2**53:
        return value
    return float(value) if isinstance(value, int) else int(value) if value == int(value) else value


@given(VALUES, st.booleans())
def test_what_matches_has_the_needle_in_it(value: dict[str, Any], other: bool) -> None:
    stored = dumps(value)
    shown = orjson.loads(stored)
    query = {key: other_form(each) if other else each for key, each in shown.items()}
    assert contains(shown, query)
    assert needle(query) in stored.decode()
    for key, each in query.items():
        assert needle({key: each}) in stored.decode()


class Counting:
    """How often states became text."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, channels: Any) -> bytes:
        self.made += 1
        return dumps(channels)


async def test_a_state_becomes_text_once_and_again_when_it_has_changed(tmp_path: Path) -> None:
    async with Database.open(tmp_path) as database:
        saver, text, query = InlineSaver(database), Counting(), ThreadQuery(values={"x": 1})
        store = SqliteStore(database, searched=SearchedValues(database, saver.serde, text))
        engine = engine_of(database)
        for thread_id in ("t1", "t2"):
            await store.create_thread(thread(thread_id))
            await put(engine, config(thread_id), 1, 1)
        counts = [await store.count_threads(query), await store.count_threads(query)]
        once = text.made
        await put(engine, config("t2"), 2, 2)
        counts.append(await store.count_threads(query))

    assert (counts, once, text.made) == ([2, 2, 1], 2, 3)


async def test_a_large_state_is_found_though_its_text_is_not_kept(tmp_path: Path) -> None:
    async with Database.open(tmp_path) as database:
        engine = engine_of(database)
        await engine.store.create_thread(thread("t1"))
        large = "y" * MOST_BYTES
        await put(engine, config(), 1, large)
        counts = [await engine.store.count_threads(ThreadQuery(values={"x": each})) for each in (large, "y", large)]
        kept = await database.query(lambda c: c.execute("SELECT thread_id, text FROM searched_values").fetchall())

    assert (counts, kept) == ([1, 0, 1], [("t1", None)])


async def test_stateless_runs_have_no_states_to_search(tmp_path: Path) -> None:
    async with Database.open(tmp_path) as database:
        store = SqliteStore(database, stateless=True)
        await store.create_thread(thread("t1"))

        assert await store.count_threads(ThreadQuery(values={"x": 1})) == 0
