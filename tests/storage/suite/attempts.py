"""Runs that are given back, and taken up again."""

from dataclasses import replace
from typing import Any

from graphwire_server.core.model import CancelAction, Run, RunSpec, RunStatus, ThreadStatus
from tests.storage.suite.engine import Engine
from tests.storage.suite.life import BLOCK, admit, ending, finish, the_run, the_thread
from tests.storage.suite.samples import at, run, success


async def start(engine: Engine, second: float = 20) -> Run | None:
    return await engine.store.start_next("t1", seq_block=BLOCK, now=at(second))


async def release(engine: Engine, value: Run, last_seq: int = 7, **how: Any) -> Run | None:
    return await engine.store.release_run(value, last_seq, **{"lost": True, "now": at(10), **how})


def resumable(run_id: str, **changes: Any) -> Run:
    return run(run_id, "t1", spec=RunSpec(assistant="joke", thread_id="t1", stream_resumable=True), **changes)


class AttemptCases:
    async def test_a_run_that_is_given_back_waits_again(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1"))

        released = await release(engine, first, 7, lost=False)

        assert released == replace(first, status=RunStatus.PENDING, updated_at=at(10))
        assert await the_run(engine, "r1") == released
        thread = await the_thread(engine)
        assert (thread.status, thread.last_seq, thread.reserved_seq) == (ThreadStatus.BUSY, 7, 7)

    async def test_a_run_whose_process_died_has_lost_it(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1"))

        released = await release(engine, first, lost=True)

        assert released is not None
        assert (released.losses, released.attempt) == (1, 1)

    async def test_only_the_attempt_that_runs_is_given_back(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1"))
        waiting = await admit(engine.store, run("r2", "t1"))

        refused = [
            await release(engine, replace(first, attempt=2)),
            await release(engine, waiting),
            await release(engine, run("nobody", "t1")),
        ]

        assert refused == [None, None, None]
        assert await the_run(engine, "r1") == first
        assert (await the_thread(engine)).last_seq == 0

    async def test_a_run_is_given_back_once(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1"))
        released = await release(engine, first)

        assert await release(engine, first, 90) is None

        assert await the_run(engine, "r1") == released

    async def test_what_was_asked_meanwhile_stays(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1"))
        await engine.store.request_cancel("r1", CancelAction.ROLLBACK)

        released = await release(engine, first)

        assert released is not None
        assert released.cancel is CancelAction.ROLLBACK
        assert await start(engine) is None

    async def test_a_run_that_was_given_back_starts_before_older_ones(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r2", "t1", second=2))
        await admit(engine.store, run("r1", "t1", second=1))
        await release(engine, first, 7)

        again = await start(engine)

        assert again == replace(
            first, updated_at=at(20), attempt=2, losses=1, first_seq=8, started_at=at(2), status=RunStatus.RUNNING
        )
        assert await the_run(engine, "r2") == again
        assert (await the_thread(engine)).reserved_seq == 7 + BLOCK

    async def test_the_events_of_a_resumable_run_go_on_where_they_were(self, engine: Engine) -> None:
        first = await admit(engine.store, resumable("r1"))
        await release(engine, first, 7)

        again = await start(engine)

        assert again is not None
        assert (again.first_seq, again.attempt) == (1, 2)
        assert (await the_thread(engine)).last_seq == 7

    async def test_a_run_that_never_started_begins_with_its_first_attempt(self, engine: Engine) -> None:
        await admit(engine.store, run("r1", "t1"), may_start=False)

        started = await start(engine)

        assert started is not None
        assert (started.attempt, started.started_at, started.first_seq) == (1, at(20), 1)

    async def test_an_attempt_that_is_over_ends_nothing(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1"))
        await release(engine, first)
        again = await start(engine)
        before = await the_thread(engine)

        written = [
            await engine.store.finish_run(ending(first)),
            await engine.store.finish_run(ending(first, rolled_back=True)),
            await engine.store.finish_run(ending(first, leaves_nothing=True)),
        ]

        assert written == [False, False, False]
        assert await the_run(engine, "r1") == again
        assert await the_thread(engine) == before

    async def test_the_attempt_that_runs_ends_the_run(self, engine: Engine) -> None:
        await release(engine, await admit(engine.store, run("r1", "t1")), 7)
        again = await start(engine)
        assert again is not None

        written = await engine.store.finish_run(ending(again, success(), 12))

        assert written is True
        found = await the_run(engine, "r1")
        assert (found.status, found.attempt, found.first_seq, found.last_seq) == (RunStatus.SUCCESS, 2, 8, 12)
        assert (await the_thread(engine)).status is ThreadStatus.IDLE

    async def test_a_run_that_waits_again_can_end(self, engine: Engine) -> None:
        released = await release(engine, await admit(engine.store, run("r1", "t1")), 7)
        assert released is not None

        written = await engine.store.finish_run(ending(released, success(), 0))

        assert written is True
        thread = await the_thread(engine)
        assert (thread.status, thread.last_seq, thread.reserved_seq) == (ThreadStatus.IDLE, 7, 7)

    async def test_the_next_is_the_oldest_that_is_due(self, engine: Engine) -> None:
        times = {"late": at(90), "second": at(15), "first": None, "third": None}
        for second, (run_id, due_at) in enumerate(times.items()):
            await admit(engine.store, run(run_id, "t1", second=second, due_at=due_at), may_start=False)
        order = []

        while (following := await start(engine)) is not None:
            order.append(following.run_id)
            await finish(engine.store, following, success(), following.first_seq)

        assert order == ["second", "first", "third"]
        assert await start(engine, second=89) is None
        assert (await start(engine, second=90)) is not None
