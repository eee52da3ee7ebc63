"""Runs that are asked to stop."""

from dataclasses import replace

import pytest

from graphwire_server.core.model import CancelAction, RunStatus
from tests.storage.suite.engine import Engine
from tests.storage.suite.life import BLOCK, admit, ending, finish, stopped, the_run, the_thread
from tests.storage.suite.samples import at, run, success


class CancelCases:
    async def test_an_unknown_run_cannot_be_cancelled(self, engine: Engine) -> None:
        assert await engine.store.request_cancel("nobody", CancelAction.INTERRUPT) is None

    @pytest.mark.parametrize("action", CancelAction)
    async def test_a_run_is_asked_to_stop(self, engine: Engine, action: CancelAction) -> None:
        running = await admit(engine.store, run("r1", "t1"))
        waiting = await admit(engine.store, run("r2", "t1"))

        asked = [await engine.store.request_cancel(each.run_id, action) for each in (running, waiting)]

        assert asked == [replace(each, cancel=action) for each in (running, waiting)]
        assert [await the_run(engine, each.run_id) for each in (running, waiting)] == asked

    async def test_a_rollback_outranks_an_interrupt(self, engine: Engine) -> None:
        await admit(engine.store, run("r1", "t1"))

        for action in (CancelAction.INTERRUPT, CancelAction.ROLLBACK, CancelAction.INTERRUPT):
            await engine.store.request_cancel("r1", action)

        assert (await the_run(engine, "r1")).cancel is CancelAction.ROLLBACK

    async def test_a_run_that_has_ended_stays_as_it_is(self, engine: Engine) -> None:
        await finish(engine.store, await admit(engine.store, run("r1", "t1")), success(), 4)
        before = await the_run(engine, "r1")

        asked = await engine.store.request_cancel("r1", CancelAction.ROLLBACK)

        assert asked == before
        assert await the_run(engine, "r1") == before

    async def test_what_was_asked_for_is_there_after_the_end(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1"))
        await engine.store.request_cancel("r1", CancelAction.INTERRUPT)

        await finish(engine.store, first, stopped(), 4)

        found = await the_run(engine, "r1")
        assert (found.status, found.cancel) == (RunStatus.INTERRUPTED, CancelAction.INTERRUPT)

    async def test_a_run_that_is_to_stop_does_not_start(self, engine: Engine) -> None:
        await admit(engine.store, run("r1", "t1"), may_start=False)
        await admit(engine.store, run("r2", "t1", second=1), may_start=False)
        await engine.store.request_cancel("r1", CancelAction.INTERRUPT)

        following = await engine.store.start_next("t1", seq_block=BLOCK, now=at(5))

        assert following is not None
        assert following.run_id == "r2"

    async def test_an_end_that_rolls_nothing_back_is_refused_where_that_was_asked_for(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1"))
        asked = await engine.store.request_cancel("r1", CancelAction.ROLLBACK)
        before = await the_thread(engine)

        written = await engine.store.finish_run(ending(first))

        assert written is False
        assert await the_run(engine, "r1") == asked
        assert await the_thread(engine) == before

    async def test_an_end_that_rolls_back_needs_no_asking(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1"))

        written = await engine.store.finish_run(ending(first, stopped(), rolled_back=True))

        assert written is True
        assert await engine.store.get_run("r1") is None
