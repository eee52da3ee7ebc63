"""Deliveries of webhooks: written with the end of a run, and there for as long as somebody needs them."""

from dataclasses import replace
from typing import Any

from graphwire_server.core.delivery import Delivery, DeliveryState
from graphwire_server.core.model import CancelAction, Outcome, Page, Run, RunSpec, RunStatus
from graphwire_server.core.ports import Ending
from tests.storage.suite.engine import Engine
from tests.storage.suite.life import admit, ending, stopped, the_run
from tests.storage.suite.samples import at, run

URL = "https://hooks.example/?a=1"
BIG = 123456789012345678901234567890
HOOKED = RunSpec(assistant="joke", webhook=URL, has_input=True, input={"n": BIG}, headers={"x": "\ud800"})
VALUES = Outcome(status=RunStatus.SUCCESS, values=b'{"n":%d}' % BIG)


def delivery(run_id: str = "r1", thread_id: str = "t1", second: float = 5, **changes: Any) -> Delivery:
    return Delivery(**{"run_id": run_id, "thread_id": thread_id, "url": URL, "next_at": at(second), **changes})


def told(value: Run, second: float = 5, outcome: Outcome | None = None, **how: Any) -> Ending:
    """The end of a run that has a webhook."""
    made = ending(value, outcome, second=second, **how)
    return replace(made, run=replace(made.run, delivery=delivery(value.run_id, value.thread_id, second)))


async def finished(engine: Engine, run_id: str = "r1", thread_id: str = "t1", second: float = 5, **how: Any) -> Run:
    admitted = await admit(engine.store, run(run_id, thread_id, spec=replace(HOOKED, thread_id=thread_id)))
    made = told(admitted, second, **how)
    assert await engine.store.finish_run(made)
    return made.run


def settled(state: DeliveryState = DeliveryState.DELIVERED, **changes: Any) -> Delivery:
    more = {"attempts": 1, "next_at": None, "attempted_at": at(7), "settled_at": at(7), "status": 200, **changes}
    return delivery(state=state, **more)


class DeliveryCases:
    async def test_a_run_that_ends_has_its_delivery(self, engine: Engine) -> None:
        await finished(engine)

        assert (await the_run(engine, "r1")).delivery == delivery()
        assert [each.delivery for each in await engine.store.list_runs("t1", None, Page())] == [delivery()]
        assert await engine.deliveries.pending(10) == [delivery()]

    async def test_a_run_without_a_webhook_has_none(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1"))
        await engine.store.finish_run(ending(first))

        assert (await the_run(engine, "r1")).delivery is None
        assert await engine.deliveries.pending(10) == []

    async def test_a_run_that_has_not_ended_has_none(self, engine: Engine) -> None:
        await admit(engine.store, run("r1", "t1", spec=HOOKED))

        assert (await the_run(engine, "r1")).delivery is None

    async def test_an_end_that_is_not_written_makes_none(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1", spec=HOOKED))
        await engine.store.request_cancel("r1", CancelAction.ROLLBACK)

        assert not await engine.store.finish_run(told(first))
        assert not await engine.store.finish_run(told(replace(first, attempt=2)))

        assert await engine.deliveries.pending(10) == []
        assert await engine.deliveries.run_of("r1") is None

    async def test_what_is_told_is_the_run_as_it_ended(self, engine: Engine) -> None:
        ended = await finished(engine, outcome=VALUES)

        assert await engine.deliveries.run_of("r1") == replace(ended, delivery=None)
        assert await engine.deliveries.run_of("r2") is None

    async def test_an_attempt_that_failed_is_recorded(self, engine: Engine) -> None:
        await finished(engine)
        tried = delivery(attempts=1, attempted_at=at(6), next_at=at(60), status=500, error="answered \u2713")

        await engine.deliveries.record(tried)

        assert (await the_run(engine, "r1")).delivery == tried
        assert await engine.deliveries.pending(10) == [tried]
        assert await engine.deliveries.run_of("r1") is not None

    async def test_what_is_settled_is_shown_and_waits_no_more(self, engine: Engine) -> None:
        await finished(engine)

        await engine.deliveries.record(settled())

        assert (await the_run(engine, "r1")).delivery == settled()
        assert await engine.deliveries.pending(10) == []
        assert await engine.deliveries.run_of("r1") is None

    async def test_what_is_settled_stays_so(self, engine: Engine) -> None:
        await finished(engine)
        await engine.deliveries.record(settled())

        await engine.deliveries.record(delivery(attempts=9))

        assert (await the_run(engine, "r1")).delivery == settled()

    async def test_those_that_are_tried_next_come_first(self, engine: Engine) -> None:
        for number, second in enumerate((9, 3, 6)):
            await finished(engine, f"r{number}", f"t{number}", second)

        assert [each.run_id for each in await engine.deliveries.pending(2)] == ["r1", "r2"]

    async def test_those_to_some_hosts_are_left_out(self, engine: Engine) -> None:
        for run_id, url in (
            ("r1", "https://a.example/x"),
            ("r2", "https://B.example?x"),
            ("r3", "http://a.example:81"),
        ):
            first = await admit(engine.store, run(run_id, run_id, spec=replace(HOOKED, webhook=url)))
            made = told(first)
            await engine.store.finish_run(
                replace(made, run=replace(made.run, delivery=delivery(run_id, run_id, url=url)))
            )

        assert [each.run_id for each in await engine.deliveries.pending(9, {"a.example"})] == ["r2", "r3"]
        assert [each.run_id for each in await engine.deliveries.pending(9, ["b.example", "a.example:81"])] == ["r1"]

    async def test_a_run_that_leaves_nothing_is_told_of(self, engine: Engine) -> None:
        ended = await finished(engine, outcome=VALUES, leaves_nothing=True)

        assert await engine.store.get_thread("t1") is None
        assert await engine.deliveries.run_of("r1") == replace(ended, delivery=None)
        await engine.deliveries.record(settled())
        assert await engine.deliveries.pending(10) == []
        assert await engine.deliveries.run_of("r1") is None

    async def test_a_run_that_is_rolled_back_is_told_of(self, engine: Engine) -> None:
        await finished(engine, outcome=stopped(), rolled_back=True)

        assert await engine.store.get_run("r1") is None
        assert await engine.deliveries.pending(10) == [delivery()]

    async def test_one_that_is_pending_outlives_its_run(self, engine: Engine) -> None:
        await finished(engine)
        await finished(engine, "r2", "t2")

        await engine.store.delete_run("r1")
        await engine.store.delete_thread("t2")

        assert [each.run_id for each in await engine.deliveries.pending(10)] == ["r1", "r2"]
        for run_id, thread_id in (("r1", "t1"), ("r2", "t2")):
            await engine.deliveries.record(
                settled(DeliveryState.FAILED, run_id=run_id, thread_id=thread_id, status=None, error="e")
            )
        assert await engine.deliveries.pending(10) == []

    async def test_one_that_is_settled_goes_with_its_run(self, engine: Engine) -> None:
        await finished(engine)
        await engine.deliveries.record(settled())

        await engine.store.delete_run("r1")
        await finished(engine)  # another that happens to have its id

        assert (await the_run(engine, "r1")).delivery == delivery()

    async def test_one_that_is_settled_goes_with_its_thread(self, engine: Engine) -> None:
        await finished(engine)
        await engine.deliveries.record(settled())

        await engine.store.delete_thread("t1")
        await finished(engine)

        assert (await the_run(engine, "r1")).delivery == delivery()
