"""Who may run on a thread, and which event numbers it gets."""

import asyncio
from dataclasses import replace

import pytest

from graphwire_server.core.errors import ThreadBusy, ThreadNotFound
from graphwire_server.core.model import MultitaskStrategy, Outcome, RunStatus, ThreadStatus
from tests.storage.suite.engine import Engine
from tests.storage.suite.life import BLOCK, admit, finish, the_thread, with_strategy
from tests.storage.suite.samples import at, failure, interrupts, run, success, thread


class TurnCases:
    async def test_a_run_takes_an_idle_thread(self, engine: Engine) -> None:
        before = thread(
            "t1", metadata={"k": 1}, status=ThreadStatus.ERROR, error="X: y", interrupts=interrupts(), last_seq=7
        )
        await engine.store.create_thread(before)
        value = run("r1", "t1", second=3)
        admitted = await admit(engine.store, value, create_thread=False)
        inheriting = replace(value.spec, inherited={"k": 1})
        assert admitted == replace(value, spec=inheriting, first_seq=8, started_at=at(3))
        assert await engine.store.get_run("r1") == admitted
        assert await the_thread(engine) == thread(
            "t1",
            metadata={"k": 1, "graph_id": "joke", "assistant_id": "assistant of joke"},
            graph_id="joke",
            assistant_id="assistant of joke",
            status=ThreadStatus.BUSY,
            updated_at=at(3),
            last_seq=7,
            reserved_seq=7 + BLOCK,
        )

    async def test_a_missing_thread_is_created_where_that_is_wanted(self, engine: Engine) -> None:
        with pytest.raises(ThreadNotFound):
            await admit(engine.store, run("r1", "t1"), create_thread=False)
        assert await engine.store.get_run("r1") is None
        await admit(engine.store, run("r1", "t1", second=3))
        found = await the_thread(engine)
        assert (found.created_at, found.updated_at, found.reserved_seq) == (at(3), at(3), BLOCK)

    async def test_a_busy_thread_queues_or_refuses(self, engine: Engine) -> None:
        await admit(engine.store, run("r1", "t1"))
        with pytest.raises(ThreadBusy):
            await admit(engine.store, with_strategy(MultitaskStrategy.REJECT, "r2"))
        assert await engine.store.get_run("r2") is None
        queued = await admit(engine.store, run("r3", "t1"))
        assert (queued.status, queued.first_seq) == (RunStatus.PENDING, 0)
        assert await engine.store.get_run("r3") == queued
        assert (await the_thread(engine)).reserved_seq == BLOCK

    async def test_one_of_many_callers_gets_the_thread(self, engine: Engine) -> None:
        admitted = await asyncio.gather(*(admit(engine.store, run(f"r{number}", "t1")) for number in range(20)))
        assert sorted(each.status for each in admitted) == [RunStatus.PENDING] * 19 + [RunStatus.RUNNING]

    async def test_the_oldest_pending_run_is_next(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1"))
        await admit(engine.store, run("r3", "t1", second=2, graph="other"))
        await admit(engine.store, run("r2", "t1", second=1, graph="next"))
        assert await engine.store.start_next("t1", seq_block=BLOCK, now=at(9)) is None
        await finish(
            engine.store, first, success(task_interrupts=interrupts(), interrupts=interrupts()[0].interrupts), 4
        )
        between = await the_thread(engine)
        assert (between.status, between.last_seq, between.interrupts) == (ThreadStatus.BUSY, 4, interrupts())
        assert (await admit(engine.store, run("r4", "t1", second=4))).status is RunStatus.PENDING
        started = await engine.store.start_next("t1", seq_block=BLOCK, now=at(9))
        assert started is not None
        assert (started.run_id, started.status, started.first_seq) == ("r2", RunStatus.RUNNING, 5)
        assert started.updated_at == at(9)
        assert await engine.store.get_run("r2") == started
        after = await the_thread(engine)
        assert (after.reserved_seq, after.graph_id, after.metadata["graph_id"]) == (4 + BLOCK, "next", "next")
        assert after.interrupts == ()
        assert await engine.store.start_next("t1", seq_block=BLOCK, now=at(9)) is None

    async def test_nothing_is_next_where_nothing_waits(self, engine: Engine) -> None:
        assert await engine.store.start_next("nobody", seq_block=BLOCK, now=at(0)) is None

    async def test_what_a_run_leaves_on_its_thread(self, engine: Engine) -> None:
        failed = await admit(engine.store, run("r1", "t1"))
        await finish(engine.store, failed, failure("no cats"), 12)
        found = await the_thread(engine)
        assert (found.status, found.error, found.last_seq) == (ThreadStatus.ERROR, "ValueError: no cats", 12)
        assert found.updated_at == at(5)
        stopped = await admit(engine.store, run("r2", "t1"))
        assert stopped.first_seq == 13
        assert (await the_thread(engine)).error is None
        outcome = success(task_interrupts=interrupts(), interrupts=interrupts()[0].interrupts)
        await finish(engine.store, stopped, outcome, 20)
        found = await the_thread(engine)
        assert (found.status, found.error, found.interrupts) == (ThreadStatus.INTERRUPTED, None, interrupts())

    async def test_a_run_that_never_started_numbers_nothing(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1"))
        queued = await admit(engine.store, run("r2", "t1"))
        await finish(engine.store, queued, Outcome(status=RunStatus.INTERRUPTED), 0)
        found = await the_thread(engine)
        assert (found.status, found.reserved_seq) == (ThreadStatus.BUSY, BLOCK)
        await finish(engine.store, first, success(), 6)
        found = await the_thread(engine)
        assert (found.status, found.last_seq) == (ThreadStatus.IDLE, 6)

    async def test_the_last_pending_run_frees_the_thread(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1"))
        queued = await admit(engine.store, run("r2", "t1"))
        await finish(engine.store, first, success(), 6)
        await finish(engine.store, queued, Outcome(status=RunStatus.INTERRUPTED), 0)
        found = await the_thread(engine)
        assert (found.status, found.last_seq) == (ThreadStatus.IDLE, 6)

    async def test_the_end_of_a_run_that_never_started_has_a_number(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1"))
        queued = await admit(engine.store, run("r2", "t1"))
        await finish(engine.store, first, success(), 6)
        await finish(engine.store, queued, Outcome(status=RunStatus.INTERRUPTED), 0)
        assert [each.run_id for each in await engine.store.unnumbered_runs()] == ["r2"]
        await engine.store.number_end(queued, 7)
        assert await engine.store.unnumbered_runs() == []
        found = await the_thread(engine)
        assert (found.last_seq, found.reserved_seq) == (7, 7)
        ended = await engine.store.get_run("r2")
        assert ended is not None
        assert (ended.first_seq, ended.last_seq) == (0, 7)
        assert (await admit(engine.store, run("r3", "t1"))).first_seq == 8
        await engine.store.number_end(queued, 5)
        assert (await the_thread(engine)).last_seq == 7

    async def test_a_run_ends_once(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1"))
        await finish(engine.store, first, success(), 6)
        second = await admit(engine.store, run("r2", "t1"))
        await finish(engine.store, first, failure(), 9)
        found = await engine.store.get_run("r1")
        assert found is not None
        assert found.status is RunStatus.SUCCESS
        assert (await the_thread(engine)).reserved_seq == second.first_seq - 1 + BLOCK

    async def test_numbers_are_reserved_upwards(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("t1", last_seq=5))
        await engine.store.reserve("t1", 3)
        assert (await the_thread(engine)).last_seq == 5
        await engine.store.reserve("t1", 300)
        assert (await the_thread(engine)).reserved_seq == 300
        await engine.store.reserve("nobody", 3)
