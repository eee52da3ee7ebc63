"""The life of deliveries, under a clock that a test moves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from graphwire_server.core.deliveries import Deliveries, Pace
from graphwire_server.core.delivery import Delivery, DeliveryState
from graphwire_server.core.errors import InvalidField, NotOffered, StoreUnavailable
from graphwire_server.core.model import CancelAction, Outcome, Page, Run, RunSpec, RunStatus, ThreadQuery
from graphwire_server.core.webhooks import Answer, Schedule, UrlPolicy
from graphwire_server.storage.memory.deliveries import MemoryDeliveries
from tests.unit.core.fakes import Alarms, Clock, Executor, House, Receiver, house, on_thread, running

URL = "https://hooks.example/1"
HOOKED = on_thread(webhook=URL)
PATIENCE = 15.0


class Still(Clock):
    """A clock that moves when a test moves it."""

    def __call__(self) -> Any:
        return self.now


class Gatekeeper(Receiver):
    """A receiver that answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: dict[str, asyncio.Future[Answer]] = {}
        self.came = asyncio.Condition()

    async def send(self, delivery: Delivery, body: bytes) -> Answer:
        self.waiting[delivery.run_id] = asyncio.get_running_loop().create_future()
        async with self.came:
            self.came.notify_all()
        return await self.waiting[delivery.run_id]

    async def there(self, *run_ids: str) -> None:
        async with asyncio.timeout(PATIENCE), self.came:
            await self.came.wait_for(lambda: set(run_ids) <= set(self.waiting))

    def let(self, run_id: str, status: int = 200) -> None:
        self.waiting[run_id].set_result(Answer(status=status))


@dataclass
class Office:
    """Deliveries without a server: their rows, their receiver and their time."""

    rows: MemoryDeliveries
    receiver: Any
    clock: Still
    alarms: Alarms
    deliveries: Deliveries

    def end(self, run_id: str, url: str = URL) -> Delivery:
        """A run ends."""
        ended = ended_run(run_id, url, self.clock)
        self.rows.add(ended)
        assert ended.delivery is not None
        self.deliveries.expect(ended.delivery)
        return ended.delivery

    async def quiet(self) -> None:
        """Until nothing is under way."""
        async with asyncio.timeout(PATIENCE):
            while self.deliveries._tasks:
                await asyncio.wait(self.deliveries._tasks)

    async def known(self, run_id: str) -> Delivery:
        found: dict[str, Delivery] = self.rows._known
        return found[run_id]


def ended_run(run_id: str, url: str, clock: Still) -> Run:
    delivery = Delivery(run_id=run_id, thread_id="t", url=url, next_at=clock.now)
    return Run(
        run_id=run_id,
        thread_id="t",
        assistant_id="a",
        graph_id="g",
        status=RunStatus.SUCCESS,
        created_at=clock.now,
        updated_at=clock.now,
        spec=RunSpec(assistant="g", webhook=url),
        outcome=Outcome(status=RunStatus.SUCCESS),
        delivery=delivery,
    )


def office(receiver: Any, rows: MemoryDeliveries | None = None, **pace: Any) -> Office:
    clock = Still()
    rows, alarms = rows or MemoryDeliveries(), Alarms(clock)
    rows.shared_by(lambda _: True)

    async def body(run: Run) -> bytes:
        return run.run_id.encode()

    made = Deliveries(
        store=rows,
        sender=receiver,
        body=body,
        clock=clock,
        later=alarms,
        pace=Pace(grace=timedelta(0), **pace),
        chance=lambda: 1.0,
    )
    return Office(rows=rows, receiver=receiver, clock=clock, alarms=alarms, deliveries=made)


@asynccontextmanager
async def opened(made: Office) -> AsyncIterator[Office]:
    async with made.deliveries:
        yield made


async def test_what_is_taken_is_delivered() -> None:
    async with opened(office(Receiver())) as made:
        made.end("r1")
        await made.quiet()

        found = await made.known("r1")
        assert (found.state, found.attempts, found.status) == (DeliveryState.DELIVERED, 1, 200)
        assert [body for _, body in made.receiver.taken] == [b"r1"]
        assert await made.rows.run_of("r1") is None
        assert not made.alarms.waiting


async def test_a_receiver_that_fails_is_called_again_at_its_time() -> None:
    async with opened(office(Receiver(Answer(status=500), Answer(error="e")))) as made:
        made.end("r1")
        await made.quiet()
        assert (await made.known("r1")).next_at == made.clock.now + timedelta(seconds=2)
        made.alarms.move(timedelta(seconds=1))
        await made.quiet()
        assert len(made.receiver.taken) == 1

        made.alarms.move(timedelta(seconds=1))
        await made.quiet()
        assert (await made.known("r1")).attempts == 2
        made.alarms.move(timedelta(seconds=8))
        await made.quiet()

        assert (await made.known("r1")).state is DeliveryState.DELIVERED


async def test_it_is_given_up_after_so_many_attempts() -> None:
    failing = Receiver(*[Answer(status=500)] * 50)
    async with opened(office(failing, schedule=Schedule(attempts=4))) as made:
        made.end("r1")
        for _ in range(6):
            await made.quiet()
            made.alarms.move(timedelta(hours=1))

        found = await made.known("r1")
        assert (found.state, found.attempts, len(failing.taken)) == (DeliveryState.FAILED, 4, 4)
        assert not made.alarms.waiting


async def test_no_more_are_under_way_than_may() -> None:
    async with opened(office(Gatekeeper(), at_once=2, per_host=2)) as made:
        for number in range(4):
            made.end(f"r{number}", f"https://h{number}.example/")
        await made.receiver.there("r0", "r1")
        assert len(made.receiver.waiting) == 2

        made.receiver.let("r0")
        await made.receiver.there("r2")
        for run_id in ("r1", "r2"):
            made.receiver.let(run_id)
        await made.receiver.there("r3")
        made.receiver.let("r3")
        await made.quiet()


async def test_a_host_that_is_slow_takes_no_room_from_others() -> None:
    async with opened(office(Gatekeeper(), at_once=8, per_host=2)) as made:
        for number in range(5):
            made.end(f"slow{number}", "https://slow.example/")
        made.end("quick", "https://quick.example/")

        await made.receiver.there("slow0", "slow1", "quick")
        assert len(made.receiver.waiting) == 3


async def test_hosts_take_turns() -> None:
    async with opened(office(Gatekeeper(), at_once=1, per_host=1)) as made:
        for number in range(3):
            made.end(f"a{number}", "https://a.example/")
        made.end("b0", "https://b.example/")
        order = []
        for run_id in ("a0", "a1", "b0", "a2"):
            await made.receiver.there(run_id)
            order.append(list(made.receiver.waiting)[-1])
            made.receiver.let(run_id)
        await made.quiet()

        assert order == ["a0", "a1", "b0", "a2"]


async def test_what_is_under_way_when_the_server_stops_is_left_to_the_next() -> None:
    first = office(Gatekeeper())
    async with opened(first):
        first.end("r1")
        await first.receiver.there("r1")

    assert (await first.known("r1")).attempts == 0
    async with opened(office(Receiver(), first.rows)) as second:
        await second.quiet()
        assert [each.run_id for each, _ in second.receiver.taken] == ["r1"]
        assert (await second.known("r1")).state is DeliveryState.DELIVERED


async def test_the_next_process_keeps_the_times_and_counts_on() -> None:
    first = office(Receiver(Answer(status=500)))
    async with opened(first):
        first.end("r1")
        await first.quiet()

    async with opened(office(Receiver(), first.rows)) as second:
        await second.quiet()
        assert second.receiver.taken == []
        second.alarms.move(timedelta(seconds=2))
        await second.quiet()
        assert (await second.known("r1")).attempts == 2


async def test_what_does_not_fit_into_memory_waits_in_the_store() -> None:
    async with opened(office(Gatekeeper(), at_once=1, held=2)) as made:
        for number in range(5):
            made.end(f"r{number}")
            made.clock.now += timedelta(seconds=1)
        for number in range(5):
            await made.receiver.there(f"r{number}")
            assert len(made.deliveries._held) <= 2
            made.receiver.let(f"r{number}")
        await made.quiet()

        assert {(await made.known(f"r{number}")).state for number in range(5)} == {DeliveryState.DELIVERED}


async def test_more_than_fit_into_memory_when_the_server_starts() -> None:
    rows = MemoryDeliveries()
    clock = Still()
    for number in range(7):
        rows.add(ended_run(f"r{number}", URL, clock))
    async with opened(office(Receiver(), rows, held=2)) as made:
        await made.quiet()

        assert len(made.receiver.taken) == 7


async def test_a_host_that_is_away_for_long_keeps_no_others_out() -> None:
    async with opened(office(Gatekeeper(), held=6, held_per_host=3, per_host=1)) as made:
        for number in range(9):
            made.end(f"slow{number}", "https://slow.example/")
        made.end("quick", "https://quick.example/")
        await made.receiver.there("slow0", "quick")
        made.receiver.let("quick")

        for number in range(9):  # and what was left out has its turn
            await made.receiver.there(f"slow{number}")
            assert made.deliveries._held_of["slow.example"] <= 3
            made.receiver.let(f"slow{number}")
        await made.quiet()

        assert not made.deliveries._held
        assert not made.deliveries._held_of


async def test_a_host_that_is_away_for_long_keeps_no_others_out_when_the_server_starts() -> None:
    rows, clock = MemoryDeliveries(), Still()
    for number in range(20):
        rows.add(ended_run(f"slow{number}", "https://slow.example/", clock))
    clock.now += timedelta(seconds=1)
    rows.add(ended_run("quick", "https://quick.example/", clock))
    made = office(Gatekeeper(), rows, held=6, held_per_host=3, per_host=1)
    made.clock.now = clock.now

    async with opened(made):
        await made.receiver.there("slow0", "quick")


async def test_a_task_that_fails_is_left_to_the_next_process(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(office(Receiver())) as made:

        async def broken(run_id: str) -> Run | None:
            raise ValueError("not readable")

        monkeypatch.setattr(made.rows, "run_of", broken)
        made.end("r1")
        await made.quiet()

        assert not made.deliveries._held
        assert (await made.known("r1")).state is DeliveryState.PENDING


async def test_a_delivery_that_was_removed_is_not_made() -> None:
    async with opened(office(Receiver())) as made:
        made.deliveries.expect(Delivery(run_id="gone", thread_id="t", url=URL, next_at=made.clock.now))
        await made.quiet()

        assert made.receiver.taken == []
        assert not made.deliveries._held


async def test_a_defect_is_a_failed_attempt() -> None:
    class Broken(Receiver):
        async def send(self, delivery: Delivery, body: bytes) -> Answer:
            raise RuntimeError("secret")

    async with opened(office(Broken())) as made:
        made.end("r1")
        await made.quiet()

        found = await made.known("r1")
        assert (found.state, found.attempts, found.error) == (
            DeliveryState.PENDING,
            1,
            "the server could not make the request",
        )


async def test_a_store_that_is_away_puts_it_off_and_counts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(office(Receiver())) as made:

        async def away(run_id: str) -> Run | None:
            raise StoreUnavailable("away")

        with monkeypatch.context() as gone:
            gone.setattr(made.rows, "run_of", away)
            made.end("r1")
            await made.quiet()
        assert (await made.known("r1")).attempts == 0

        made.alarms.move(timedelta(seconds=5))
        await made.quiet()
        assert (await made.known("r1")).state is DeliveryState.DELIVERED


# -- with runs --------------------------------------------------------------------------------------


async def delivered(made: House) -> list[str]:
    async with asyncio.timeout(PATIENCE):
        await made.receiver.called.wait()
        while made.deliveries._tasks:
            await asyncio.wait(made.deliveries._tasks)
    return [each.run_id for each, _ in made.receiver.taken]


async def test_a_run_that_ends_is_told_of_and_shows_it() -> None:
    async with running(house()) as made:
        run = await made.runs.create(HOOKED)
        assert (run.delivery, run.spec.webhook) == (None, URL)
        ended = await made.end(run)
        assert ended.delivery is not None
        assert ended.delivery.state is DeliveryState.PENDING

        assert await delivered(made) == [run.run_id]
        found = (await made.runs.get(run.run_id)).delivery
        assert found is not None
        assert (found.state, found.attempts) == (DeliveryState.DELIVERED, 1)
        [listed] = await made.runs.list(run.thread_id, None, Page())
        assert listed.delivery == found


async def test_a_stateless_run_is_told_of_though_it_leaves_nothing() -> None:
    async with running(house()) as made:
        run = await made.runs.create(RunSpec(assistant="agent", webhook=URL))

        assert await delivered(made) == [run.run_id]
        assert await made.ephemeral.get_run(run.run_id) is None
        assert made.store.deliveries._known == {}


@pytest.mark.parametrize("action", list(CancelAction))
async def test_a_run_that_is_cancelled_is_told_of(action: CancelAction) -> None:
    executor = Executor()
    executor.script = executor.held
    async with running(house(executor)) as made:
        run = await made.runs.create(HOOKED)
        await made.begun()
        await made.runs.cancel(run.run_id, action=action)

        assert await delivered(made) == [run.run_id]


async def test_a_run_that_waits_and_is_cancelled_is_told_of() -> None:
    async with running(house()) as made:
        run = await made.runs.create(on_thread(webhook=URL, start_after=timedelta(hours=1)))
        await made.runs.cancel(run.run_id)

        assert await delivered(made) == [run.run_id]


async def test_a_request_with_a_wrong_webhook_creates_nothing() -> None:
    async with running(house()) as made:
        for url in ("http://127.0.0.1/", "/hook"):
            with pytest.raises(InvalidField, match="webhook"):
                await made.runs.create(replace(HOOKED, webhook=url))
        with pytest.raises(InvalidField) as refused:
            await made.runs.create_batch([HOOKED, replace(HOOKED, webhook="http://10.0.0.1/")])

        assert refused.value.field == "[1].webhook"
        assert await made.store.count_threads(ThreadQuery()) == 0


async def test_webhooks_that_are_off_are_refused() -> None:
    async with running(house(webhooks=UrlPolicy(offered=False))) as made:
        with pytest.raises(NotOffered):
            await made.runs.create(HOOKED)
