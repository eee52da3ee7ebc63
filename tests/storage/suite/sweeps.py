"""Threads whose time has passed."""

from datetime import timedelta

from graphwire_server.core.model import RunStatus, Thread
from graphwire_server.core.pruning import Outlook, Swept
from graphwire_server.core.ttl import Ttl, TtlStrategy
from tests.storage.suite.checkpoints import config, listed, put
from tests.storage.suite.engine import Engine
from tests.storage.suite.life import admit, finish
from tests.storage.suite.samples import at, run, success, thread

FOREVER = Ttl(after=timedelta(0))
NEVER = at(10**9)


def living(thread_id: str, seconds: float, strategy: TtlStrategy = TtlStrategy.DELETE, second: float = 0) -> Thread:
    return thread(thread_id, second=second, ttl=Ttl(after=timedelta(seconds=seconds), strategy=strategy))


class SweepCases:
    async def test_threads_are_due_in_the_order_of_their_times(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("for ever"))
        assert await engine.pruner.outlook() == Outlook()
        for thread_id, seconds in (("b", 20), ("a", 30), ("c", 10)):
            await engine.store.create_thread(living(thread_id, seconds))
        assert await engine.pruner.outlook() == Outlook(any=True, next=at(10))
        assert await engine.pruner.due_threads(at(9), 10) == []
        assert await engine.pruner.due_threads(at(20), 10) == ["c", "b"]
        assert await engine.pruner.due_threads(NEVER, 2) == ["c", "b"]

    async def test_a_thread_goes_when_it_is_due_and_not_before(self, engine: Engine) -> None:
        await engine.store.create_thread(living("t1", 10))
        await put(engine, config(), 1)
        assert await engine.pruner.expire_thread("t1", at(9)) is None
        assert await engine.pruner.expire_thread("nobody", at(9)) is None
        assert await engine.pruner.expire_thread("t1", at(10)) == Swept(deleted=True)
        assert await engine.store.get_thread("t1") is None
        assert await listed(engine, None) == []
        assert await engine.pruner.expire_thread("t1", at(10)) is None
        assert await engine.pruner.outlook() == Outlook()

    async def test_a_change_gives_a_thread_its_time_anew(self, engine: Engine) -> None:
        await engine.store.create_thread(living("t1", 10))
        changed = await engine.store.merge_metadata("t1", {"k": 1}, at(8))
        assert changed.expires_at == at(18)
        assert await engine.pruner.expire_thread("t1", at(17)) is None
        assert await engine.pruner.due_threads(at(18), 10) == ["t1"]

    async def test_how_long_a_thread_lives_can_be_changed(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("t1"))
        life = Ttl(after=timedelta(seconds=5), strategy=TtlStrategy.KEEP_LATEST)
        assert (await engine.store.merge_metadata("t1", {}, at(1), life)).ttl == life
        found = await engine.store.get_thread("t1")
        assert found is not None
        assert (found.ttl, found.expires_at) == (life, at(6))
        assert (await engine.store.merge_metadata("t1", {}, at(2), FOREVER)).ttl is None
        assert await engine.pruner.outlook() == Outlook()

    async def test_a_thread_with_a_run_on_it_stays_whatever_its_time(self, engine: Engine) -> None:
        await engine.store.create_thread(living("t1", 1))
        running = await admit(engine.store, run("r1", "t1", second=0.5), create_thread=False)
        assert running.status is RunStatus.RUNNING
        assert await engine.pruner.due_threads(NEVER, 10) == []
        assert await engine.pruner.expire_thread("t1", NEVER) is None
        assert (await engine.pruner.outlook()).next == at(1.5)
        await finish(engine.store, running, success(), 7)
        assert (await engine.pruner.outlook()).next == at(6)
        assert await engine.pruner.expire_thread("t1", at(6)) == Swept(deleted=True)

    async def test_a_thread_that_keeps_its_latest_state_is_due_again_when_it_has_changed(self, engine: Engine) -> None:
        await engine.store.create_thread(living("t1", 10, TtlStrategy.KEEP_LATEST))
        await put(engine, await put(engine, config(), 1), 2)
        assert await engine.pruner.expire_thread("t1", at(10)) == Swept(deleted=False)
        assert len(await listed(engine, config())) == 1
        assert await engine.pruner.due_threads(NEVER, 10) == []
        assert await engine.pruner.outlook() == Outlook(any=True)
        await engine.store.merge_metadata("t1", {}, at(20))
        assert await engine.pruner.outlook() == Outlook(any=True, next=at(30))
        assert await engine.pruner.due_threads(at(30), 10) == ["t1"]

    async def test_a_copy_lives_as_long_as_its_source_from_its_own_beginning(self, engine: Engine) -> None:
        await engine.store.create_thread(living("t1", 10))
        assert (await engine.store.copy_thread("t1", "t2", at(5))).expires_at == at(15)
        assert await engine.pruner.due_threads(at(14), 10) == ["t1"]
