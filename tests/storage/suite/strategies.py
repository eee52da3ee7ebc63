"""What becomes of the runs that a new run meets on its thread."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from graphwire_server.core.errors import ThreadBusy
from graphwire_server.core.model import Admitted, CancelAction, MultitaskStrategy, Run, RunStatus, ThreadStatus
from tests.storage.suite.engine import Engine
from tests.storage.suite.life import BLOCK, admit, finish, stopped, the_run, the_thread, with_strategy
from tests.storage.suite.samples import at, run, success

PAIRS = 100


async def admitted(engine: Engine, value: Run) -> Admitted:
    return await engine.store.admit_run(value, create_thread=True, may_start=True, seq_block=BLOCK)


async def pair(engine: Engine, strategy: MultitaskStrategy, number: int) -> list[Admitted | BaseException]:
    """Two runs that come at once."""
    runs = [with_strategy(strategy, f"r{number:03}{side}", second=number) for side in "ab"]
    return await asyncio.gather(*(admitted(engine, each) for each in runs), return_exceptions=True)


class StrategyCases:
    @pytest.mark.parametrize("strategy", MultitaskStrategy)
    async def test_an_idle_thread_is_taken_whatever_the_strategy(
        self, engine: Engine, strategy: MultitaskStrategy
    ) -> None:
        made = await admitted(engine, with_strategy(strategy, "r1"))

        assert (made.run.status, made.existing, made.met) == (RunStatus.RUNNING, False, ())

    async def test_a_refused_run_leaves_nothing(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1"))
        before = await the_thread(engine)

        with pytest.raises(ThreadBusy):
            await admit(engine.store, with_strategy(MultitaskStrategy.REJECT, "r2", graph="other"))

        assert await engine.store.get_run("r2") is None
        assert await the_thread(engine) == before
        assert await the_run(engine, "r1") == first

    async def test_a_run_that_waits_its_turn_stops_nobody(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1"))

        made = await admitted(engine, with_strategy(MultitaskStrategy.ENQUEUE, "r2"))

        assert (made.run.status, made.met) == (RunStatus.PENDING, ())
        assert await the_run(engine, "r1") == first

    @pytest.mark.parametrize("action", CancelAction)
    async def test_all_that_are_on_the_thread_are_asked_to_stop(self, engine: Engine, action: CancelAction) -> None:
        met = [await admit(engine.store, run(f"r{number}", "t1", second=number)) for number in range(3)]

        made = await admitted(engine, with_strategy(MultitaskStrategy(action.value), "new", second=9))

        asked = tuple(replace(each, cancel=action) for each in met)
        assert (made.run.status, made.met) == (RunStatus.PENDING, asked)
        assert [await the_run(engine, each.run_id) for each in met] == [*asked]

    async def test_a_rollback_that_was_asked_for_stays_one(self, engine: Engine) -> None:
        await admit(engine.store, run("r1", "t1"))
        await admit(engine.store, with_strategy(MultitaskStrategy.ROLLBACK, "r2"))

        made = await admitted(engine, with_strategy(MultitaskStrategy.INTERRUPT, "r3"))

        assert [(each.run_id, each.cancel) for each in made.met] == [
            ("r1", CancelAction.ROLLBACK),
            ("r2", CancelAction.INTERRUPT),
        ]

    async def test_an_interrupt_becomes_a_rollback_where_that_is_asked_for(self, engine: Engine) -> None:
        await admit(engine.store, run("r1", "t1"))
        await admit(engine.store, with_strategy(MultitaskStrategy.INTERRUPT, "r2"))

        await admit(engine.store, with_strategy(MultitaskStrategy.ROLLBACK, "r3"))

        assert [(await the_run(engine, run_id)).cancel for run_id in ("r1", "r2")] == [CancelAction.ROLLBACK] * 2

    async def test_runs_of_other_threads_and_ended_ones_are_not_met(self, engine: Engine) -> None:
        await admit(engine.store, run("elsewhere", "t2"))
        await finish(engine.store, await admit(engine.store, run("ended", "t1")), success(), 4)
        await admit(engine.store, run("r1", "t1"))

        made = await admitted(engine, with_strategy(MultitaskStrategy.ROLLBACK, "r2"))

        assert [each.run_id for each in made.met] == ["r1"]
        assert (await the_run(engine, "elsewhere")).cancel is None
        assert (await the_run(engine, "ended")).cancel is None

    async def test_a_run_that_may_not_start_waits_on_an_idle_thread(self, engine: Engine) -> None:
        made = await admit(engine.store, run("r1", "t1"), may_start=False)

        assert (made.status, made.started_at, made.first_seq) == (RunStatus.PENDING, None, 0)
        assert (await the_thread(engine)).status is ThreadStatus.BUSY
        assert (await the_thread(engine)).reserved_seq == 0

    async def test_a_run_that_is_due_later_waits_and_is_before_nobody(self, engine: Engine) -> None:
        later = await admit(engine.store, run("later", "t1", due_at=at(60)))

        now = await admit(engine.store, run("now", "t1", second=1))

        assert (later.status, now.status) == (RunStatus.PENDING, RunStatus.RUNNING)
        assert await the_run(engine, "later") == later

    async def test_a_run_whose_time_has_come_is_before_the_next(self, engine: Engine) -> None:
        await admit(engine.store, run("r1", "t1", due_at=at(60)))
        await admit(engine.store, run("r2", "t1", due_at=at(2)))

        made = await admit(engine.store, run("r3", "t1", second=2))

        assert made.status is RunStatus.PENDING

    async def test_a_run_that_is_due_later_can_be_met(self, engine: Engine) -> None:
        await admit(engine.store, run("later", "t1", due_at=at(60)))

        made = await admitted(engine, with_strategy(MultitaskStrategy.INTERRUPT, "now", second=1))

        assert made.run.status is RunStatus.RUNNING
        assert [(each.run_id, each.cancel) for each in made.met] == [("later", CancelAction.INTERRUPT)]

    async def test_of_a_pair_one_is_refused(self, engine: Engine) -> None:
        for number in range(PAIRS):
            made, refused = sorted(
                await pair(engine, MultitaskStrategy.REJECT, number), key=lambda each: isinstance(each, ThreadBusy)
            )
            assert isinstance(refused, ThreadBusy)
            assert isinstance(made, Admitted)
            assert made.run.status is RunStatus.RUNNING
            await finish(engine.store, made.run, success(), made.run.first_seq)
        assert await engine.store.unfinished_runs() == []

    @pytest.mark.parametrize(
        "strategy", [MultitaskStrategy.ENQUEUE, MultitaskStrategy.INTERRUPT, MultitaskStrategy.ROLLBACK]
    )
    async def test_of_a_pair_one_runs_and_one_waits(self, engine: Engine, strategy: MultitaskStrategy) -> None:
        asked = None if strategy is MultitaskStrategy.ENQUEUE else CancelAction(strategy.value)
        for number in range(PAIRS):
            first, second = sorted(
                (each for each in await pair(engine, strategy, number) if isinstance(each, Admitted)),
                key=lambda each: each.run.status is RunStatus.PENDING,
            )
            assert (first.run.status, second.run.status) == (RunStatus.RUNNING, RunStatus.PENDING)
            assert second.met == (() if asked is None else (replace(first.run, cancel=asked),))
            rolled_back = asked is CancelAction.ROLLBACK
            await finish(engine.store, first.run, stopped(), first.run.first_seq, rolled_back=rolled_back)
            following = await engine.store.start_next("t1", seq_block=BLOCK, now=at(number) + timedelta(microseconds=1))
            assert following is not None
            assert following.run_id == second.run.run_id
            assert following.first_seq == first.run.first_seq + 1
            await finish(engine.store, following, success(), following.first_seq)
        assert await engine.store.unfinished_runs() == []
        assert (await the_thread(engine)).last_seq == 2 * PAIRS
