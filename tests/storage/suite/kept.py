"""Events that are kept beyond their log."""

from dataclasses import replace

from graphwire_server.core.ending import terminal
from graphwire_server.core.events import Custom, Message, MessageExtras, MessageOrigin, Values
from graphwire_server.core.model import Interrupt, Outcome, Run, RunSpec, RunStatus
from tests.storage.suite.engine import Engine
from tests.storage.suite.life import BLOCK, admit, ending, finish
from tests.storage.suite.samples import at, event, events, fields, numbers, run, success

ORIGIN = MessageOrigin(node="n", step=1, tags=("a",), model="m", checkpoint_ns="n:1", metadata=b"{}")


def resumable(run_id: str, thread_id: str = "t1") -> Run:
    return run(run_id, thread_id, spec=RunSpec(assistant="joke", thread_id=thread_id, stream_resumable=True))


async def ended(engine: Engine, run_id: str, last_seq: int, until: float, thread_id: str = "t1") -> None:
    """A run that goes on to `last_seq`, with all its events kept until a time."""
    first = await admit(engine.store, resumable(run_id, thread_id), seq_block=BLOCK)
    last = tuple(events(first.first_seq, last_seq, run_id=run_id, thread_id=thread_id))
    await engine.store.finish_run(ending(first, last_seq=last_seq, events=last, kept_until=at(until)))


async def held(engine: Engine, after_seq: int = 0, thread_id: str = "t1") -> list[int]:
    return numbers(await engine.store.kept_events(thread_id, after_seq, 1 << 20))


class KeptCases:
    async def test_kept_events_read_back_as_they_were(self, engine: Engine) -> None:
        extras = MessageExtras(name="n", reasoning="because", finish_reason="stop")
        given = [
            event(1, payload=Values(state=b'{"a": 1}', interrupts=(Interrupt(id="i", value=b"1"),))),
            event(2, namespace=("a:1", "b:2"), payload=Custom(b'{"x": 1}', "node")),
            event(3, payload=Message("m1", "ai", "Hel", ORIGIN, extras, True, False)),
            event(4, run_id="r2", weight=999, time=1.25),
        ]

        await engine.store.keep_events("t1", given)

        found = await engine.store.kept_events("t1", 0, 1 << 20)
        assert [*map(fields, found)] == [*map(fields, given)]

    async def test_what_is_not_kept_is_not_there(self, engine: Engine) -> None:
        await engine.store.keep_events("t1", [])

        assert await engine.store.newest_kept("t1") == 0
        assert await held(engine) == []

    async def test_events_are_kept_behind_those_that_are_there(self, engine: Engine) -> None:
        for first, last in ((5, 9), (10, 10), (11, 14)):
            await engine.store.keep_events("t1", events(first, last))
        await engine.store.keep_events("t2", events(1, 3, thread_id="t2"))

        assert await engine.store.newest_kept("t1") == 14
        assert await held(engine, 4) == [*range(5, 15)]

    async def test_a_cursor_may_point_inside_a_batch(self, engine: Engine) -> None:
        await engine.store.keep_events("t1", events(1, 5))
        await engine.store.keep_events("t1", events(6, 9))

        assert await held(engine, 3) == [4, 5, 6, 7, 8, 9]
        assert await held(engine, 9) == []

    async def test_a_cursor_whose_next_event_is_not_kept_finds_nothing(self, engine: Engine) -> None:
        await engine.store.keep_events("t1", events(5, 9))

        assert await held(engine, 3) == []
        assert await held(engine, 4) == [5, 6, 7, 8, 9]

    async def test_a_read_ends_before_a_gap(self, engine: Engine) -> None:
        await engine.store.keep_events("t1", events(1, 3))
        await engine.store.keep_events("t1", events(6, 7))

        assert await held(engine, 0) == [1, 2, 3]
        assert await held(engine, 3) == []
        assert await held(engine, 5) == [6, 7]

    async def test_a_read_has_a_bound_and_gives_at_least_one(self, engine: Engine) -> None:
        await engine.store.keep_events("t1", events(1, 4, weight=10))

        assert numbers(await engine.store.kept_events("t1", 0, 25)) == [1, 2]
        assert numbers(await engine.store.kept_events("t1", 2, 1)) == [3]

    async def test_many_events_are_read_slice_by_slice(self, engine: Engine) -> None:
        for first in range(1, 3000, 1000):
            await engine.store.keep_events("t1", events(first, first + 999, weight=100))
        for seq in range(3001, 3301):
            await engine.store.keep_events("t1", [event(seq)])
        found: list[int] = []

        while batch := await engine.store.kept_events("t1", len(found), 1 << 14):
            found += numbers(batch)

        assert found == [*range(1, 3301)]

    async def test_a_write_that_is_repeated_changes_nothing(self, engine: Engine) -> None:
        await engine.store.keep_events("t1", events(1, 3))
        await engine.store.keep_events("t1", events(1, 3))
        await engine.store.keep_events("t1", events(1, 5))

        assert await held(engine) == [1, 2, 3, 4, 5]
        assert await held(engine, 2) == [3, 4, 5]

    async def test_the_oldest_are_dropped_up_to_a_number(self, engine: Engine) -> None:
        await engine.store.keep_events("t1", events(1, 3))
        await engine.store.keep_events("t1", events(4, 9))

        await engine.store.keep_events("t1", events(10, 11), drop_through=5)

        assert await held(engine, 4) == []
        assert await held(engine, 5) == [6, 7, 8, 9, 10, 11]

    async def test_the_end_of_a_run_is_kept_with_its_row(self, engine: Engine) -> None:
        first = await admit(engine.store, resumable("r1"))
        await engine.store.keep_events("t1", events(1, 2))

        await engine.store.finish_run(ending(first, last_seq=4, events=tuple(events(3, 4)), kept_until=at(60)))

        assert await held(engine) == [1, 2, 3, 4]
        assert await engine.store.expire(at(0)) == at(60)

    async def test_events_go_when_their_time_has_passed(self, engine: Engine) -> None:
        await ended(engine, "r1", 4, until=60)
        await ended(engine, "r2", 9, until=70)

        assert await engine.store.expire(at(59)) == at(60)
        assert await held(engine) == [*range(1, 10)]
        assert await engine.store.expire(at(60)) == at(70)
        assert (await held(engine), await held(engine, 4)) == ([], [5, 6, 7, 8, 9])
        assert await engine.store.expire(at(99)) is None
        assert await engine.store.newest_kept("t1") == 0

    async def test_events_between_runs_go_with_the_next_that_goes(self, engine: Engine) -> None:
        await ended(engine, "r1", 4, until=90)
        await engine.store.number_end(run("cancelled", "t1"), 5)
        await engine.store.keep_events("t1", [event(5, "cancelled")])
        await ended(engine, "r2", 9, until=60)

        assert await engine.store.expire(at(60)) == at(90)

        assert await held(engine) == [1, 2, 3, 4]
        assert await held(engine, 4) == []

    async def test_very_many_events_go_a_part_at_a_time(self, engine: Engine) -> None:
        first = await admit(engine.store, resumable("r1"))
        for seq in range(1, 1201):
            await engine.store.keep_events("t1", [event(seq)])
        await engine.store.finish_run(ending(first, last_seq=1200, kept_until=at(60)))
        await ended(engine, "r2", 3, until=80, thread_id="t2")
        times = 0

        while await engine.store.expire(at(60)) == at(60):
            times += 1
            assert times < 10

        assert await engine.store.newest_kept("t1") == 0
        assert await engine.store.expire(at(60)) == at(80)

    async def test_the_events_of_a_run_that_executes_do_not_expire(self, engine: Engine) -> None:
        await ended(engine, "r1", 4, until=60)
        await admit(engine.store, resumable("r2"))
        await engine.store.keep_events("t1", events(5, 6, run_id="r2"))

        assert await engine.store.expire(at(99)) is None

        assert await held(engine, 4) == [5, 6]

    async def test_a_deleted_run_takes_its_events_along(self, engine: Engine) -> None:
        await ended(engine, "r1", 4, until=60)
        await ended(engine, "r2", 9, until=70)

        await engine.store.delete_run("r1")

        assert await held(engine) == []
        assert await held(engine, 4) == [5, 6, 7, 8, 9]
        assert await engine.store.expire(at(0)) == at(70)

    async def test_a_deleted_thread_takes_its_events_along(self, engine: Engine) -> None:
        await ended(engine, "r1", 4, until=60)
        await ended(engine, "r2", 4, until=70, thread_id="t2")

        await engine.store.delete_thread("t1")

        assert await engine.store.newest_kept("t1") == 0
        assert await engine.store.newest_kept("t2") == 4
        assert await engine.store.expire(at(0)) == at(70)

    async def test_of_a_rolled_back_run_the_events_stay_for_their_time(self, engine: Engine) -> None:
        first = await admit(engine.store, resumable("r1"))

        await engine.store.finish_run(
            ending(first, last_seq=3, rolled_back=True, events=tuple(events(1, 3)), kept_until=at(60))
        )

        assert await held(engine) == [1, 2, 3]
        assert await engine.store.expire(at(60)) is None
        assert await held(engine) == []

    async def test_the_end_of_another_run_is_kept_between_the_events_of_one_that_goes_on(self, engine: Engine) -> None:
        await admit(engine.store, resumable("r1"))
        waiting = [await admit(engine.store, run("r2", "t1")), await admit(engine.store, resumable("r3"))]
        await engine.store.keep_events("t1", events(1, 2))

        for seq, each in enumerate(waiting, start=3):
            last = (event(seq, each.run_id),)
            await engine.store.finish_run(ending(each, last_seq=seq, rolled_back=seq == 4, events=last))

        assert await held(engine) == [1, 2, 3, 4]

    async def test_under_which_number_the_end_of_a_run_is_kept(self, engine: Engine) -> None:
        end = terminal(replace(run("r2", "t1"), outcome=Outcome(status=RunStatus.INTERRUPTED)))
        await engine.store.keep_events("t1", [event(1), event(2, "r2", payload=end), event(3)])
        await engine.store.keep_events("t1", [event(4, "r3"), event(5)])

        found = [await engine.store.kept_end(run(run_id, "t1")) for run_id in ("r1", "r2", "r3")]

        assert [*found, await engine.store.kept_end(run("r2", "t2"))] == [0, 2, 0, 0]

    async def test_a_run_that_ends_without_a_time_leaves_no_events(self, engine: Engine) -> None:
        first = await admit(engine.store, resumable("r1"))
        await engine.store.keep_events("t1", events(1, 3))

        await finish(engine.store, first, success(), 4)

        assert await engine.store.newest_kept("t1") == 0

    async def test_the_number_of_a_run_that_never_started_touches_no_others_events(self, engine: Engine) -> None:
        await ended(engine, "r1", 4, until=60)
        waiting = await admit(engine.store, resumable("r2"), may_start=False)
        await finish(engine.store, waiting, success(), 0)
        await engine.store.number_end(waiting, 5)

        await engine.store.delete_run("r2")

        assert await held(engine) == [1, 2, 3, 4]
