"""What runs leave when they end, beyond their row."""

from dataclasses import replace

from graphwire_server.core.model import CancelAction, Page, RunSpec, RunStatus, ThreadStatus
from tests.storage.suite.engine import Engine
from tests.storage.suite.life import admit, ending, finish, stopped, the_thread
from tests.storage.suite.samples import at, event, interrupts, numbers, run, success

RESUMABLE = RunSpec(assistant="joke", stream_resumable=True)


class EndingCases:
    async def test_a_run_that_was_rolled_back_is_gone(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1"))

        await finish(engine.store, first, stopped(), 4, rolled_back=True)

        assert await engine.store.get_run("r1") is None
        assert await engine.store.list_runs("t1", None, Page()) == []
        assert await engine.store.unfinished_runs() == []
        thread = await the_thread(engine)
        assert (thread.status, thread.last_seq) == (ThreadStatus.IDLE, 4)
        assert thread.error == "UserRollback: the run was rolled back"

    async def test_a_rolled_back_run_leaves_the_thread_to_those_that_wait(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1"))
        await admit(engine.store, run("r2", "t1"))

        await finish(engine.store, first, stopped(), 4, rolled_back=True)

        assert (await the_thread(engine)).status is ThreadStatus.BUSY

    async def test_a_run_that_never_started_leaves_what_was_there(self, engine: Engine) -> None:
        outcome = success(task_interrupts=interrupts(), interrupts=interrupts()[0].interrupts)
        await finish(engine.store, await admit(engine.store, run("r1", "t1")), outcome, 4)
        waiting = await admit(engine.store, run("r2", "t1"), may_start=False)

        await finish(engine.store, waiting, stopped(), 0, rolled_back=True)

        thread = await the_thread(engine)
        assert (thread.status, thread.interrupts) == (ThreadStatus.INTERRUPTED, interrupts())

    async def test_a_thread_that_stopped_without_a_question_stands_still_after_a_run_that_never_started(
        self, engine: Engine
    ) -> None:
        await finish(engine.store, await admit(engine.store, run("r1", "t1")), success(next=("ask",)), 4)
        waiting = await admit(engine.store, run("r2", "t1"), may_start=False)

        await finish(engine.store, waiting, stopped(), 0)

        assert (await the_thread(engine)).status is ThreadStatus.INTERRUPTED

    async def test_after_a_rollback_the_thread_is_the_graphs_of_the_run_before(self, engine: Engine) -> None:
        await finish(engine.store, await admit(engine.store, run("r1", "t1", graph="joke")), success(), 4)
        other = await admit(engine.store, run("r2", "t1", second=6, graph="poem"))

        await finish(engine.store, other, stopped(), 8, 9, rolled_back=True)

        thread = await the_thread(engine)
        assert (thread.graph_id, thread.assistant_id) == ("joke", "assistant of joke")
        assert thread.metadata == {"graph_id": "joke", "assistant_id": "assistant of joke"}

    async def test_a_cancel_that_the_ending_names_is_kept(self, engine: Engine) -> None:
        first = replace(await admit(engine.store, run("r1", "t1")), cancel=CancelAction.INTERRUPT)

        await finish(engine.store, first, stopped(), 4)

        found = await engine.store.get_run("r1")
        assert found is not None
        assert found.cancel is CancelAction.INTERRUPT

    async def test_a_run_that_leaves_nothing_takes_its_thread_along(self, engine: Engine) -> None:
        kept = await admit(engine.store, run("other", "t2"))
        first = await admit(engine.store, run("r1", "t1", spec=RESUMABLE))
        await engine.store.keep_events("t1", [event(1, "r1")])

        await engine.store.finish_run(ending(first, leaves_nothing=True))

        assert await engine.store.get_run("r1") is None
        assert await engine.store.get_thread("t1") is None
        assert await engine.store.newest_kept("t1") == 0
        assert await engine.store.unfinished_runs() == [kept]

    async def test_a_run_whose_events_are_kept_leaves_its_row(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1", spec=RESUMABLE))

        await engine.store.finish_run(
            ending(first, last_seq=2, leaves_nothing=True, events=(event(1), event(2)), kept_until=at(60))
        )

        assert [each.run_id for each in await engine.store.ended_runs()] == ["r1"]
        assert numbers(await engine.store.kept_events("t1", 0, 1000)) == [1, 2]
        await engine.store.delete_thread("t1")
        assert await engine.store.ended_runs() == []
        assert await engine.store.newest_kept("t1") == 0

    async def test_of_a_rolled_back_run_that_leaves_nothing_the_events_stay(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1", spec=RESUMABLE))

        await engine.store.finish_run(
            ending(first, stopped(), 1, rolled_back=True, leaves_nothing=True, events=(event(1),), kept_until=at(60))
        )

        assert await engine.store.get_thread("t1") is None
        assert numbers(await engine.store.kept_events("t1", 0, 1000)) == [1]
        assert await engine.store.expire(at(60)) is None
        assert await engine.store.newest_kept("t1") == 0

    async def test_ended_runs_in_the_order_of_their_ends(self, engine: Engine) -> None:
        for number, second in enumerate((9, 3, 6)):
            first = await admit(engine.store, run(f"r{number}", f"t{number}"))
            await finish(engine.store, first, success(), 4, second=second)
        await admit(engine.store, run("unfinished", "t9"))

        found = await engine.store.ended_runs()

        assert [each.run_id for each in found] == ["r1", "r2", "r0"]
        assert {each.status for each in found} == {RunStatus.SUCCESS}
