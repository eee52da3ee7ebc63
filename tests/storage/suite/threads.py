"""Threads one by one."""

from datetime import timedelta

import pytest

from graphwire_server.core.errors import ThreadBusy, ThreadExists, ThreadNotFound
from graphwire_server.core.model import Page, ThreadStatus
from tests.storage.suite.engine import Engine
from tests.storage.suite.life import admit, finish
from tests.storage.suite.samples import at, failure, interrupts, run, thread

BIG = 2**70


class ThreadCases:
    async def test_a_thread_reads_back_as_it_was(self, engine: Engine) -> None:
        kept = thread(
            "t1",
            status=ThreadStatus.ERROR,
            metadata={"a": {"b": [1, None, 2.5, "ü"]}, "big": BIG, "lone": "\ud800", "2^53+1": 2**53 + 1},
            graph_id="g",
            assistant_id="a",
            interrupts=interrupts(),
            error="ValueError: \ud800 no",
            last_seq=7,
            updated_at=at(0) + timedelta(microseconds=1),
        )
        await engine.store.create_thread(kept)
        assert await engine.store.get_thread("t1") == kept

    async def test_an_unknown_thread_is_none(self, engine: Engine) -> None:
        assert await engine.store.get_thread("nobody") is None

    async def test_a_thread_is_created_once(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("t1", metadata={"first": True}))
        with pytest.raises(ThreadExists):
            await engine.store.create_thread(thread("t1"))
        found = await engine.store.get_thread("t1")
        assert found is not None
        assert found.metadata == {"first": True}

    async def test_metadata_merges_key_by_key(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("t1", metadata={"a": 1, "b": {"c": 1}}))
        merged = await engine.store.merge_metadata("t1", {"b": {"d": 2}, "e": None}, at(5))
        assert merged.metadata == {"a": 1, "b": {"d": 2}, "e": None}
        assert merged.updated_at == at(5)
        assert await engine.store.get_thread("t1") == merged

    async def test_metadata_of_an_unknown_thread(self, engine: Engine) -> None:
        with pytest.raises(ThreadNotFound):
            await engine.store.merge_metadata("nobody", {}, at(0))

    async def test_json_that_changes_later_is_stored_as_it_was(self, engine: Engine) -> None:
        metadata = {"a": 1}
        await engine.store.create_thread(thread("t1", metadata=metadata))
        metadata["a"] = 2
        found = await engine.store.get_thread("t1")
        assert found is not None
        assert found.metadata == {"a": 1}

    async def test_an_edit_of_the_state_is_recorded(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("t1", status=ThreadStatus.ERROR, error="ValueError: no", last_seq=3))
        await engine.store.set_thread_state("t1", status=ThreadStatus.INTERRUPTED, interrupts=interrupts(), now=at(9))
        assert await engine.store.get_thread("t1") == thread(
            "t1",
            status=ThreadStatus.INTERRUPTED,
            standing=ThreadStatus.INTERRUPTED,
            interrupts=interrupts(),
            updated_at=at(9),
            state_updated_at=at(9),
            last_seq=3,
        )

    async def test_an_edit_needs_a_thread_that_is_not_busy(self, engine: Engine) -> None:
        with pytest.raises(ThreadNotFound):
            await engine.store.set_thread_state("t1", status=ThreadStatus.IDLE, interrupts=(), now=at(0))
        await admit(engine.store, run("r1", "t1"))
        with pytest.raises(ThreadBusy):
            await engine.store.set_thread_state("t1", status=ThreadStatus.IDLE, interrupts=(), now=at(0))

    async def test_a_deleted_thread_takes_its_runs_along(self, engine: Engine) -> None:
        store = engine.store
        for thread_id in ("t1", "t2"):
            admitted = await admit(store, run(f"run on {thread_id}", thread_id))
            with pytest.raises(ThreadBusy):
                await store.delete_thread(thread_id)
            await finish(store, admitted, failure(), 1)
        await store.delete_thread("t1")
        assert await store.get_thread("t1") is None
        assert await store.get_run("run on t1") is None
        assert await store.list_runs("t1", None, Page()) == []
        assert await store.get_run("run on t2") is not None
        with pytest.raises(ThreadNotFound):
            await store.delete_thread("t1")
